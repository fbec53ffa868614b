-- What runs did (events), what stands until something changes (open actions), what failed and is tried again.

-- name: add_events
INSERT INTO store.events BY NAME
SELECT CAST($run AS BIGINT) AS run, incoming.* FROM incoming

-- name: events_of_run
SELECT count(*) FROM store.events WHERE run = (SELECT number FROM store.runs WHERE run_id = $run_id)

-- name: done_since
-- R16: whom each kind of change was done to, as far as it counts. A time in the future counts as now, at the latest as
-- the start of the next run (R16c).
SELECT risk, list(DISTINCT bitrix24_id) AS people FROM store.events
WHERE outcome = 'done' AND risk IS NOT NULL AND exemption IS NULL AND "at" > $since
  AND ("at" <= $now OR run >= coalesce((SELECT max(number) FROM store.runs WHERE started_at <= $since), 0))
GROUP BY risk

-- name: exempt_failures
-- R16: what failed since then and did not count: it was approved, in a first import, or rebuilt links.
SELECT DISTINCT bitrix24_id, action FROM store.events
WHERE outcome = 'failed' AND exemption IS NOT NULL AND "at" > $since

-- name: actions_of_run
-- Of a run for single people, theirs: what stands for others is in `audit.actions` also while such a run passes.
SELECT {columns} FROM audit.actions
WHERE run_id = $run_id AND NOT EXISTS (
    SELECT 1 FROM store.runs AS single
    WHERE single.run_id = $run_id
      AND NOT list_contains(string_split(single.only_users, ','), CAST(actions.bitrix24_id AS VARCHAR))
)
ORDER BY bitrix24_id, action

-- name: dead_letters
SELECT {columns} FROM store.dead_letters ORDER BY bitrix24_id, action

-- name: retry_updates
UPDATE store.dead_letters SET next_try_at = $now WHERE action = $action AND next_try_at > $now
