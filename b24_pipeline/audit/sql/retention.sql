-- What is deleted after a while. A row that ended with the oldest current run, or before, is not seen by any current run.

-- name: oldest_kept_run
-- A run that seems to have begun after the newest one had a clock that was ahead: it is as old as the run after it (R16c).
SELECT coalesce(
    min(number) FILTER (
        WHERE started_at >= $since
          AND (
              started_at <= (SELECT max_by(started_at, number) FROM store.runs)
              OR number >= coalesce((SELECT max(number) FROM store.runs WHERE started_at < $since), 0)
          )
    ),
    max(number)
) FROM store.runs

-- name: expire_rows
DELETE FROM store.{table} WHERE valid_to_run <= $oldest

-- name: expire_users
DELETE FROM store.bitrix24_users AS current
WHERE current.valid_to_run <= $oldest
  AND NOT EXISTS (
      SELECT 1 FROM store.links AS links
      WHERE links.valid_to_run IS NULL AND links.bitrix24_id = current.bitrix24_id
        AND current.valid_from_run = (
            SELECT max(users.valid_from_run) FROM store.bitrix24_users AS users WHERE users.bitrix24_id = current.bitrix24_id
        )
  )

-- name: blank_leavers
UPDATE store.bitrix24_users SET {blanked} WHERE valid_to_run <= $oldest AND coalesce({columns}) IS NOT NULL

-- name: expire_of_runs
DELETE FROM store.{table} WHERE run < $oldest

-- name: expire_runs
DELETE FROM store.runs WHERE number < $oldest

-- name: expire_pending_creates
DELETE FROM store.pending_creates WHERE run_id NOT IN (SELECT run_id FROM store.runs)

-- name: expire_approvals
DELETE FROM store.approvals WHERE run_id NOT IN (SELECT run_id FROM store.runs)
