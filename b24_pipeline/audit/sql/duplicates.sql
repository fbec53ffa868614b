-- Employees that became double (R16b). `seen` are the pairs that were found now.

-- name: open_duplicates
SELECT {columns} FROM store.duplicate_employees WHERE resolved_at IS NULL ORDER BY bitrix24_id, other_callgear_id

-- name: add_duplicates
INSERT INTO store.duplicate_employees BY NAME
SELECT bitrix24_id, callgear_id, other_callgear_id, CAST($found_at AS TIMESTAMPTZ) AS found_at, $run_id AS run_id
FROM seen
WHERE NOT EXISTS (
    SELECT 1 FROM store.duplicate_employees AS known
    WHERE known.callgear_id = seen.callgear_id AND known.other_callgear_id = seen.other_callgear_id
)

-- name: resolve_duplicates
UPDATE store.duplicate_employees SET resolved_at = $now, resolved_by = $by WHERE resolved_at IS NULL

-- name: created_since
SELECT callgear_id, bitrix24_id FROM store.links
WHERE valid_to_run IS NULL AND linked_by = 'create' AND linked_at >= $since
