-- What turns a database of an older version into one of the next: it names tables and columns as they were then.

-- name: fill_until_at
UPDATE store.{table} AS current SET until_at = runs.started_at
FROM store.runs AS runs
WHERE runs.number = current.until_run

-- name: exempt_unrecorded_events
-- What older versions did is not counted: they did not say whether it was approved, or part of the first import (R16).
UPDATE store.events SET exemption = 'not_recorded' WHERE harm IS NOT NULL

-- name: fill_run_kind
UPDATE store.runs SET kind = CASE WHEN dry_run THEN 'dry_run' WHEN only_users IS NULL THEN 'import' ELSE 'single' END

-- name: create_identities
-- Who was linked before this table was there is the person who was seen last.
CREATE TABLE IF NOT EXISTS store.identities AS
SELECT links.bitrix24_id, users.first_name, users.last_name, users.email,
       links.bitrix24_id IN (
           SELECT bitrix24_id FROM store.responsible_employees WHERE standing = 'deleted' AND until_run IS NULL
       ) AS deleted,
       FALSE AS changed
FROM store.links AS links
JOIN (
    SELECT bitrix24_id, first_name, last_name, email FROM store.bitrix24_users
    QUALIFY row_number() OVER (PARTITION BY bitrix24_id ORDER BY from_run DESC, until_run DESC NULLS FIRST) = 1
) AS users ON users.bitrix24_id = links.bitrix24_id
WHERE links.until_run IS NULL

-- name: rename_table
ALTER TABLE store.{table} RENAME TO {name}

-- name: rename_column
ALTER TABLE store.{table} RENAME COLUMN {column} TO {name}

-- name: rename_trigger
UPDATE store.runs SET trigger = 'cli' WHERE trigger = 'terminal'
