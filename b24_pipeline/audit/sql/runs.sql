-- Runs: one row each in store.runs.

-- name: runs_so_far
SELECT coalesce(max(number), 0) AS last,
       coalesce(bool_or(run_id = $run_id), FALSE) AS begun,
       coalesce(list(run_id ORDER BY number) FILTER (WHERE status = 'running'), []) AS running
FROM store.runs

-- name: run_ids_that_begin
SELECT run_id FROM store.runs WHERE starts_with(run_id, $text) ORDER BY number DESC

-- name: run_number_as_of
SELECT audit.run_as_of($moment)

-- name: interrupt_runs
UPDATE store.runs
SET status = 'interrupted', reason = 'the process ended before the run did'
WHERE status = 'running'

-- name: begin_run
INSERT INTO store.runs (run_id, number, started_at, status, trigger, kind, dry_run, only_users, policy)
VALUES ($run_id, $number, $started_at, 'running', $trigger, $kind, $dry_run, $only_users, $policy)

-- name: record_policy
UPDATE store.runs SET policy = $policy WHERE number = $number

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
-- A run that seems to have ended after the newest one began had a clock that was ahead: it counts as long as no run
-- after it has begun before $since (R16c).
SELECT coalesce(sum(callgear_points), 0) AS points,
       coalesce(bool_or(status = 'interrupted'), FALSE) AS some_died
FROM store.runs
WHERE coalesce(finished_at, started_at) >= $since
  AND (
      coalesce(finished_at, started_at) <= (SELECT max_by(started_at, number) FROM store.runs)
      OR number >= coalesce((SELECT max(number) FROM store.runs WHERE started_at < $since), 0)
  )

-- name: points_of_interrupted_runs
-- A run that died has told no figure, but each action that sent something took a point at least.
SELECT count(*) FROM store.events AS events
JOIN store.runs AS runs ON runs.number = events.run
WHERE coalesce(runs.finished_at, runs.started_at) >= $since AND runs.status = 'interrupted'
  AND events.outcome IN ('done', 'failed') AND (events.action <> 'link' OR events.after IS NOT NULL)

-- name: requests_between
SELECT coalesce(sum(bitrix24_requests), 0) AS requests, coalesce(max(finished_at), $since) AS last_at
FROM store.runs
WHERE finished_at BETWEEN $since AND $now

-- name: complete_runs
SELECT count(*) FROM store.runs
WHERE status IN ('done', 'partial', 'held') AND kind = 'import' AND deferred = 0
  AND EXISTS (FROM store.run_steps AS recorded WHERE recorded.run = runs.number AND recorded.what = 'callgear_upsert')

-- name: last_import
SELECT run_id, started_at FROM audit.last_import

-- name: run_as_noted
SELECT kind, status FROM store.runs WHERE run_id = $run_id

-- name: last_import_counts
SELECT coalesce(candidates, 0) AS candidates, coalesce(rejected, 0) AS rejected, coalesce(conflicts, 0) AS conflicts
FROM audit.last_import
