-- How the import is doing, for alerts. Dry runs and runs for single users say nothing about it.

-- name: last_success
WITH success AS (
SELECT run_id, number, started_at, finished_at, users, candidates, rejected, conflicts FROM store.runs AS runs
WHERE status IN ('done', 'partial', 'held') AND kind = 'import'
  AND EXISTS (SELECT 1 FROM store.run_steps AS recorded WHERE recorded.run = runs.number AND what = 'callgear_upsert')
ORDER BY number DESC
LIMIT 1
),
bounded AS (
    SELECT success.*, (
        SELECT min(later.started_at) FROM store.runs AS later
        WHERE later.number > success.number AND later.started_at <= $now
    ) AS next_began_at
    FROM success
)
SELECT run_id, number, least(started_at, $now) AS started_at, users, candidates, rejected, conflicts,
       CASE WHEN finished_at <= $now THEN finished_at ELSE coalesce(next_began_at, $now) END AS ended_at,
       finished_at > $now AND next_began_at IS NULL AS in_future
FROM bounded

-- name: failures_since
-- A run that a person terminated has an end, and is no failure; one whose process died has none.
SELECT run_id, started_at, status, reason FROM store.runs
WHERE kind = 'import' AND number > $number
  AND (status IN ('failed', 'untrusted') OR (status = 'interrupted' AND finished_at IS NULL))
ORDER BY number

-- name: held_people
SELECT risk, bitrix24_id, display_name FROM audit.actions
WHERE run_id = $run_id AND outcome = 'held'
ORDER BY risk, display_name, bitrix24_id

-- name: conflict_people
SELECT reason, bitrix24_id, display_name FROM audit.actions
WHERE run_id = $run_id AND outcome = 'conflict' AND reason IN ('identity_changed', 'other_name')
ORDER BY reason, display_name, bitrix24_id

-- name: failing_people
SELECT letters.bitrix24_id, letters.action, letters.first_failed_at, letters.attempts, letters.error,
       nullif(concat_ws(' ', known.last_name, known.first_name), '') AS display_name
FROM store.dead_letters AS letters
LEFT JOIN (
    SELECT bitrix24_id, last_name, first_name FROM store.bitrix24_users
    WHERE bitrix24_id IN (SELECT bitrix24_id FROM store.dead_letters)
    QUALIFY row_number() OVER (PARTITION BY bitrix24_id ORDER BY valid_from_run DESC) = 1
) AS known ON known.bitrix24_id = letters.bitrix24_id
ORDER BY letters.first_failed_at, letters.bitrix24_id

-- name: duplicated_people
SELECT pairs.bitrix24_id, nullif(concat_ws(' ', known.last_name, known.first_name), '') AS display_name,
       pairs.callgear_id, pairs.other_callgear_id, pairs.found_at
FROM store.duplicate_employees AS pairs
LEFT JOIN (
    SELECT bitrix24_id, last_name, first_name FROM store.bitrix24_users
    QUALIFY row_number() OVER (PARTITION BY bitrix24_id ORDER BY valid_from_run DESC) = 1
) AS known ON known.bitrix24_id = pairs.bitrix24_id
WHERE pairs.resolved_at IS NULL
ORDER BY pairs.bitrix24_id, pairs.other_callgear_id
