-- Slowly changing dimensions, type 2. `incoming` is what this run sees; `current` are the rows that held until now.
-- A row that ends in the run it began in never held: no run is shown with it.

-- name: count_valid
SELECT count(*) FROM store.{table} AS current WHERE {scope} AND current.valid_to_run IS NULL

-- name: a_row_not_valid
SELECT 1 FROM (
    SELECT {columns} FROM incoming
    EXCEPT
    SELECT {columns} FROM store.{table} AS current WHERE {scope} AND current.valid_to_run IS NULL
)
LIMIT 1

-- name: close_rows
UPDATE store.{table} AS current SET valid_to_run = $run, valid_to = $at
WHERE {scope} AND current.valid_to_run IS NULL
  AND NOT EXISTS (SELECT 1 FROM incoming WHERE {same})

-- name: reopen_rows
UPDATE store.{table} AS current SET valid_to_run = NULL, valid_to = NULL
WHERE {scope} AND current.valid_to_run = $run
  AND EXISTS (SELECT 1 FROM incoming WHERE {same})

-- name: open_rows
INSERT INTO store.{table} BY NAME
SELECT incoming.*, CAST($run AS BIGINT) AS valid_from_run, CAST($at AS TIMESTAMPTZ) AS valid_from
FROM incoming
WHERE NOT EXISTS (SELECT 1 FROM store.{table} AS current WHERE {scope} AND current.valid_to_run IS NULL AND {same})

-- name: valid_rows
SELECT {columns} FROM store.{table} WHERE valid_to_run IS NULL ORDER BY ALL

-- name: rows_as_of
SELECT {columns} FROM store.{table}
WHERE valid_from_run <= $run AND (valid_to_run IS NULL OR valid_to_run > $run)
ORDER BY ALL

-- name: known_users
SELECT bitrix24_id FROM store.bitrix24_users WHERE valid_to_run IS NULL ORDER BY bitrix24_id

-- name: users_known_last
SELECT {columns} FROM store.bitrix24_users
WHERE bitrix24_id IN (SELECT unnest($users))
QUALIFY row_number() OVER (PARTITION BY bitrix24_id ORDER BY valid_from_run DESC, valid_to_run DESC NULLS FIRST) = 1
ORDER BY bitrix24_id

-- name: drop_rows_not_incoming
DELETE FROM store.{table} AS current
WHERE {scope} AND NOT EXISTS (SELECT 1 FROM incoming WHERE {same})

-- name: add_incoming_rows
INSERT INTO store.{table} BY NAME
SELECT incoming.* FROM incoming
WHERE NOT EXISTS (SELECT 1 FROM store.{table} AS current WHERE {scope} AND {same})

-- name: recorded
SELECT run FROM store.run_steps WHERE run = $run AND what = $what

-- name: recorded_by
SELECT what FROM store.run_steps WHERE run = (SELECT number FROM store.runs WHERE run_id = $run_id)

-- name: last_recording
SELECT max(run) FROM store.run_steps WHERE what = $what

-- name: newest_recording
SELECT runs.run_id, runs.started_at FROM store.run_steps AS recorded
JOIN store.runs AS runs ON runs.number = recorded.run
WHERE recorded.what = $what
ORDER BY recorded.run DESC
LIMIT 1

-- name: note_recorded
INSERT INTO store.run_steps (run, what)
SELECT $run, $what WHERE NOT EXISTS (SELECT 1 FROM store.run_steps WHERE run = $run AND what = $what)
