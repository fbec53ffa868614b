-- Approvals of held runs and of reused e-mails (R09, R16), and the facts the store remembers.

-- name: drop_approval
DELETE FROM store.approvals
WHERE run_id = $run_id AND bitrix24_id IS NOT DISTINCT FROM $bitrix24_id AND used_by_run IS NULL

-- name: add_approval
INSERT INTO store.approvals (run_id, bitrix24_id, approved_at, approved_by, comment)
VALUES ($run_id, $bitrix24_id, $approved_at, $approved_by, $comment)

-- name: correct_future_approvals
-- R16c: the clock was ahead when a person approved; the 24 hours begin when that is incoming.
UPDATE store.approvals SET approved_at = $now WHERE approved_at > $now AND used_by_run IS NULL

-- name: run_began_at
-- A time in the future counts as now (R16c), at the latest as the start of the next run that began by now.
SELECT CASE
    WHEN started_at <= $now THEN started_at
    ELSE coalesce(
        (
            SELECT min(later.started_at) FROM store.runs AS later
            WHERE later.number > runs.number AND later.started_at <= $now
        ),
        $now
    )
END
FROM store.runs AS runs
WHERE run_id = $run_id

-- name: newest_held_run
SELECT run_id FROM store.runs
WHERE status = 'held' AND only_users IS NULL AND started_at >= $since
ORDER BY number DESC
LIMIT 1

-- name: approvals_in_force
SELECT run_id, bitrix24_id, least(approved_at, $now) AS approved_at FROM store.approvals
WHERE used_by_run IS NULL AND approved_at > $expired
ORDER BY approved_at DESC

-- name: left_of_approved
-- What an approved run listed (for single people: of these) and may still be done. It is spent once it was done, or once a run for everybody that
-- came to a good end found it no longer needed; what such a run deferred, failed at or let wait is left.
WITH listed AS (
    SELECT open.*, CASE WHEN open.action = 'conflict' THEN 'link' ELSE open.action END AS done_as
    FROM store.runs AS approved
    JOIN store.run_steps AS recorded ON recorded.run = approved.number
    JOIN store.open_actions AS open
      ON recorded.what = open.step
     AND recorded.run >= open.valid_from_run
     AND (open.valid_to_run IS NULL OR recorded.run < open.valid_to_run)
    WHERE approved.run_id = $run_id AND open.outcome IN ('held', 'conflict')
      AND (
          approved.only_users IS NULL
          OR list_contains(string_split(approved.only_users, ','), CAST(open.bitrix24_id AS VARCHAR))
      )
),
later AS (
    SELECT runs.* FROM store.runs AS runs
    JOIN store.runs AS approved ON approved.run_id = $run_id AND runs.number > approved.number
),
done AS (
    SELECT events.bitrix24_id, events.action FROM store.events AS events
    JOIN later ON later.number = events.run
    WHERE events.outcome = 'done'
),
able AS (
    SELECT later.run_id, recorded.what AS step FROM later
    JOIN store.run_steps AS recorded ON recorded.run = later.number
    WHERE later.started_at >= $approved_at AND later.status IN ('done', 'partial', 'held')
      AND later.kind = 'import'
),
undone AS (
    SELECT run_id, bitrix24_id, action FROM audit.actions
    WHERE run_id IN (SELECT run_id FROM able) AND outcome <> 'done'
),
not_needed AS (
    SELECT listed.bitrix24_id, listed.action FROM listed
    JOIN able ON able.step = listed.step
    ANTI JOIN undone
      ON undone.run_id = able.run_id
     AND undone.bitrix24_id = listed.bitrix24_id
     AND undone.action IN (listed.action, listed.done_as)
)
SELECT {columns} FROM listed
WHERE NOT EXISTS (SELECT 1 FROM done WHERE done.bitrix24_id = listed.bitrix24_id AND done.action = listed.done_as)
  AND NOT EXISTS (
      SELECT 1 FROM not_needed
      WHERE not_needed.bitrix24_id = listed.bitrix24_id AND not_needed.action = listed.action
  )
ORDER BY bitrix24_id, action

-- name: use_approval
UPDATE store.approvals SET used_by_run = $run
WHERE run_id = $run_id AND bitrix24_id IS NOT DISTINCT FROM $bitrix24_id AND used_by_run IS NULL

-- name: fact
SELECT value FROM store.facts WHERE name = $name

-- name: facts
SELECT name, value FROM store.facts

-- name: put_facts
MERGE INTO store.facts AS current
USING (SELECT unnest($names) AS name, unnest($texts) AS value) AS given ON current.name = given.name
WHEN MATCHED AND current.value IS DISTINCT FROM given.value THEN UPDATE SET value = given.value
WHEN NOT MATCHED THEN INSERT (name, value) VALUES (given.name, given.value)
