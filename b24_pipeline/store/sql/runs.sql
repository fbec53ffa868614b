-- Runs: one row each in store.runs.

-- name: run_number
SELECT number FROM store.runs WHERE run_id = $run_id

-- name: run_ids_that_begin
SELECT run_id FROM store.runs WHERE starts_with(run_id, $text) ORDER BY number DESC

-- name: run_number_as_of
SELECT audit.run_as_of($moment)

-- name: next_run_number
SELECT coalesce(max(number), 0) + 1 FROM store.runs

-- name: running_runs
SELECT run_id FROM store.runs WHERE status = 'running' ORDER BY number

-- name: interrupt_runs
UPDATE store.runs
SET status = 'interrupted', reason = 'the process ended before the run did'
WHERE status = 'running'

-- name: begin_run
INSERT INTO store.runs (run_id, number, started_at, status, trigger, dry_run, only_users, policy)
VALUES ($run_id, $number, $started_at, 'running', $trigger, $dry_run, $only_users, $policy)

-- name: finish_run
UPDATE store.runs
SET finished_at = $finished_at, status = $status, reason = $reason, {counts}
WHERE number = $number

-- name: run_history
SELECT * FROM audit.runs
WHERE $since IS NULL OR started_at >= $since
ORDER BY number DESC
LIMIT $limit

-- name: points_since
-- A run that died has told no figure, but each action that sent something took a point at least.
WITH recent AS (
    SELECT number, callgear_points FROM store.runs WHERE coalesce(finished_at, started_at) >= $since
)
SELECT coalesce(sum(callgear_points), 0)
     + (
        SELECT count(*) FROM store.events
        WHERE run IN (SELECT number FROM recent WHERE callgear_points IS NULL)
          AND outcome IN ('done', 'failed') AND (action <> 'link' OR after IS NOT NULL)
     )
FROM recent

-- name: complete_runs
SELECT count(*) FROM store.runs
WHERE status IN ('done', 'partial', 'held') AND NOT dry_run AND only_users IS NULL AND deferred = 0
  AND EXISTS (FROM store.recorded WHERE recorded.run = runs.number AND recorded.what = 'callgear_upsert')

-- name: last_import
SELECT run_id FROM store.runs AS runs
WHERE NOT dry_run AND only_users IS NULL
  AND EXISTS (SELECT 1 FROM store.recorded WHERE recorded.run = runs.number AND recorded.what = 'callgear_upsert')
ORDER BY number DESC
LIMIT 1

-- name: run_row
SELECT * FROM store.runs WHERE run_id = $run_id
