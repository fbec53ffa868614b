-- Links and announced creates. `incoming` are the links that are written; of two for one user or employee the earlier has
-- ended.

-- name: people_imported
SELECT count(*) FROM store.links WHERE valid_to_run IS NULL

-- name: live_links
WITH names AS (
    SELECT bitrix24_id, first_name, last_name FROM store.bitrix24_users
    QUALIFY row_number() OVER (PARTITION BY bitrix24_id ORDER BY valid_from_run DESC) = 1
)
SELECT links.bitrix24_id, links.callgear_id, links.linked_by, links.linked_at, links.run_id, names.first_name,
       names.last_name
FROM store.links AS links
LEFT JOIN names ON names.bitrix24_id = links.bitrix24_id
WHERE links.valid_to_run IS NULL
ORDER BY links.bitrix24_id

-- name: employees_linked_since_read
-- Linked by the run that has read the account last, or after it, and not in what it read: created since.
SELECT callgear_id FROM store.links
WHERE valid_to_run IS NULL
  AND valid_from_run >= (SELECT max(run) FROM store.run_steps WHERE what = 'callgear_employees')
  AND callgear_id NOT IN (SELECT callgear_id FROM audit.callgear_employees)
ORDER BY callgear_id

-- name: ever_linked
SELECT bitrix24_id FROM store.links

-- name: linked
SELECT bitrix24_id FROM store.links WHERE valid_to_run IS NULL

-- name: end_links
UPDATE store.links SET valid_to_run = $run, valid_to = $at, end_reason = 'replaced'
WHERE valid_to_run IS NULL
  AND (bitrix24_id IN (SELECT bitrix24_id FROM incoming) OR callgear_id IN (SELECT callgear_id FROM incoming))

-- name: add_links
INSERT INTO store.links BY NAME
SELECT bitrix24_id, callgear_id, linked_by, CAST($linked_at AS TIMESTAMPTZ) AS linked_at, $run_id AS run_id,
       CAST($run AS BIGINT) AS valid_from_run, CAST($at AS TIMESTAMPTZ) AS valid_from,
       CASE WHEN has_ended THEN CAST($run AS BIGINT) END AS valid_to_run,
       CASE WHEN has_ended THEN CAST($at AS TIMESTAMPTZ) END AS valid_to,
       CASE WHEN has_ended THEN 'replaced' END AS end_reason
FROM incoming

-- name: live_link
SELECT callgear_id FROM store.links WHERE bitrix24_id = $bitrix24_id AND valid_to_run IS NULL

-- name: unlink
-- No run ends it: the last one still had it, the next one does not.
UPDATE store.links
SET valid_to_run = (SELECT max(number) + 1 FROM store.runs), valid_to = CAST($at AS TIMESTAMPTZ),
    end_reason = 'unlinked', ended_by = $by, end_comment = $comment
WHERE valid_to_run IS NULL AND bitrix24_id = $bitrix24_id

-- name: pending_creates
SELECT {columns} FROM store.pending_creates ORDER BY bitrix24_id

-- name: creates_in_doubt_until
-- Of a run that was interrupted nobody knows when it sent its last request, but before another one had the lock.
-- A time in the future counts as now (R16c).
SELECT max(least(CAST($now AS TIMESTAMPTZ), coalesce(
    runs.finished_at,
    (SELECT min(later.started_at) FROM store.runs AS later WHERE later.number > runs.number),
    CAST($now AS TIMESTAMPTZ)
)))
FROM store.pending_creates AS pending
JOIN store.runs AS runs ON runs.run_id = pending.run_id

-- name: drop_pending_creates
DELETE FROM store.pending_creates WHERE bitrix24_id IN (SELECT bitrix24_id FROM incoming)

-- name: add_pending_creates
INSERT INTO store.pending_creates BY NAME
SELECT bitrix24_id, email, $run_id AS run_id FROM incoming

-- name: unfinished_links
-- Only of links that are still live and the same.
SELECT unfinished.bitrix24_id FROM store.unfinished_links AS unfinished
JOIN store.links AS links
  ON links.bitrix24_id = unfinished.bitrix24_id AND links.callgear_id = unfinished.callgear_id
WHERE links.valid_to_run IS NULL

-- name: finish_links
DELETE FROM store.unfinished_links WHERE bitrix24_id IN (SELECT bitrix24_id FROM incoming)

-- name: add_unfinished_links
INSERT INTO store.unfinished_links BY NAME
SELECT links.bitrix24_id, links.callgear_id, $run_id AS run_id
FROM store.links AS links
JOIN incoming ON incoming.bitrix24_id = links.bitrix24_id
WHERE links.valid_to_run IS NULL
