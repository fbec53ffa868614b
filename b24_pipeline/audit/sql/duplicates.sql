-- Employees that became double (R16b). `incoming` are the pairs that were found now.

-- name: open_duplicates
SELECT {columns} FROM store.duplicate_employees WHERE resolved_at IS NULL ORDER BY bitrix24_id, other_callgear_id

-- name: add_duplicates
INSERT INTO store.duplicate_employees BY NAME
SELECT bitrix24_id, callgear_id, other_callgear_id, CAST($found_at AS TIMESTAMPTZ) AS found_at, $run_id AS run_id
FROM incoming
WHERE NOT EXISTS (
    SELECT 1 FROM store.duplicate_employees AS known
    WHERE known.callgear_id = incoming.callgear_id AND known.other_callgear_id = incoming.other_callgear_id
)

-- name: resolve_duplicates
UPDATE store.duplicate_employees SET resolved_at = $now, resolved_by = $by WHERE resolved_at IS NULL

-- name: created_since
SELECT callgear_id, bitrix24_id FROM store.links
WHERE valid_to_run IS NULL AND linked_by = 'create' AND linked_at >= $since
