-- Approvals of held runs and of reused e-mails (R09, R16), and the facts the store remembers.

-- name: drop_approval
DELETE FROM store.approvals
WHERE run_id = $run_id AND bitrix24_id IS NOT DISTINCT FROM $bitrix24_id AND used_by_run IS NULL

-- name: add_approval
INSERT INTO store.approvals (run_id, bitrix24_id, approved_at) VALUES ($run_id, $bitrix24_id, $approved_at)

-- name: newest_held_run
SELECT run_id FROM store.runs
WHERE status = 'held' AND started_at >= $since
ORDER BY number DESC
LIMIT 1

-- name: open_approvals
SELECT run_id, bitrix24_id FROM store.approvals
WHERE used_by_run IS NULL AND approved_at > $expired AND approved_at <= $now
ORDER BY approved_at DESC

-- name: use_approvals
UPDATE store.approvals SET used_by_run = $run
WHERE used_by_run IS NULL AND approved_at > $expired

-- name: fact
SELECT value FROM store.facts WHERE name = $name

-- name: drop_fact
DELETE FROM store.facts WHERE name = $name

-- name: add_fact
INSERT INTO store.facts (name, value) VALUES ($name, $value)
