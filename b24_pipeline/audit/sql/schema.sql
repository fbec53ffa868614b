-- The schemas, tables, views and macros. People use the schema `audit`; `store` holds what it is made of.

-- name: speak_utc
SET TimeZone = 'UTC'

-- name: create_schema_store
CREATE SCHEMA IF NOT EXISTS store

-- name: create_schema_audit
CREATE SCHEMA IF NOT EXISTS audit

-- name: create_table
CREATE TABLE IF NOT EXISTS store.{table} ({columns})

-- name: add_column
ALTER TABLE store.{table} ADD COLUMN IF NOT EXISTS {column}

-- name: tables
SELECT table_schema, table_name FROM information_schema.tables
WHERE table_catalog = current_database() AND table_schema NOT IN ('information_schema', 'pg_catalog')

-- name: columns
SELECT table_name, column_name FROM information_schema.columns
WHERE table_catalog = current_database() AND table_schema = 'store'

-- name: schema_version
SELECT max(version) FROM store.schema_version

-- name: put_schema_version
INSERT INTO store.schema_version (version, "at") VALUES ($version, $at)

-- name: runs_view
CREATE OR REPLACE VIEW audit.runs AS
SELECT {columns} FROM store.runs

-- name: actions_view
CREATE OR REPLACE VIEW audit.actions AS
SELECT runs.run_id, events.bitrix24_id, events.callgear_id, events.action, events.reason, events.before, events.after,
       events.outcome, events.error, events.at, events.display_name, events.risk,
       events.exemption, events.display_name AS person, events.risk AS harm
FROM store.events AS events
JOIN store.runs AS runs ON runs.number = events.run
UNION ALL
SELECT runs.run_id, open.bitrix24_id, open.callgear_id, open.action, open.reason, open.before,
       open.after, open.outcome, open.error, open.at, open.display_name, open.risk,
       open.exemption, open.display_name, open.risk
FROM store.open_actions AS open
JOIN store.run_steps AS recorded
  ON recorded.what = open.step
 AND recorded.run >= open.valid_from_run
 AND (open.valid_to_run IS NULL OR recorded.run < open.valid_to_run)
JOIN store.runs AS runs ON runs.number = recorded.run

-- name: dead_letters_view
CREATE OR REPLACE VIEW audit.dead_letters AS
SELECT {columns} FROM store.dead_letters

-- name: pending_creates_view
CREATE OR REPLACE VIEW audit.pending_creates AS
SELECT {columns} FROM store.pending_creates

-- name: identities_view
CREATE OR REPLACE VIEW audit.identities AS
SELECT {columns} FROM store.identities

-- name: duplicate_employees_view
CREATE OR REPLACE VIEW audit.duplicate_employees AS
SELECT {columns} FROM store.duplicate_employees

-- name: approvals_view
CREATE OR REPLACE VIEW audit.approvals AS
SELECT approvals.run_id, approvals.bitrix24_id, approvals.approved_at, approvals.approved_by, approvals.comment,
       runs.run_id AS used_by_run_id
FROM store.approvals AS approvals
LEFT JOIN store.runs AS runs ON runs.number = approvals.used_by_run

-- name: last_import_view
-- The newest import that got as far as writing (R18a).
CREATE OR REPLACE VIEW audit.last_import AS
SELECT {columns} FROM store.runs AS runs
WHERE kind = 'import'
  AND EXISTS (SELECT 1 FROM store.run_steps AS recorded WHERE recorded.run = runs.number AND recorded.what = 'callgear_upsert')
ORDER BY number DESC
LIMIT 1

-- name: people_view
-- Everybody of the portal as the last import saw them, or the newest run before there was an import; and whoever has a
-- link and is gone from the portal.
CREATE OR REPLACE VIEW audit.people AS
WITH moment AS (
    SELECT coalesce((SELECT number FROM audit.last_import), (SELECT max(number) FROM store.runs)) AS run
),
users AS (
    SELECT employees.* FROM store.employees AS employees, moment
    WHERE valid_from_run <= moment.run AND (valid_to_run IS NULL OR valid_to_run > moment.run)
),
matches AS (
    SELECT matches.* FROM store.employee_matches AS matches, moment
    WHERE valid_from_run <= moment.run AND (valid_to_run IS NULL OR valid_to_run > moment.run)
),
open_actions AS (
    SELECT bitrix24_id, max_by(action, valid_from_run) AS action, max_by(outcome, valid_from_run) AS outcome
    FROM store.open_actions, moment
    WHERE valid_from_run <= moment.run AND (valid_to_run IS NULL OR valid_to_run > moment.run)
    GROUP BY bitrix24_id
),
changes AS (
    SELECT bitrix24_id, max("at") AS changed_at, max_by(action, "at") AS change
    FROM store.events WHERE outcome = 'done'
    GROUP BY bitrix24_id
),
failures AS (
    SELECT bitrix24_id, max_by(error, last_failed_at) AS error, min(next_try_at) AS next_try_at
    FROM store.dead_letters
    GROUP BY bitrix24_id
)
SELECT bitrix24_id,
       coalesce(links.callgear_id, matches.callgear_id) AS callgear_id,
       concat_ws(' ', users.last_name, users.first_name) AS display_name,
       users.email,
       coalesce(users.eligibility, 'deleted') AS eligibility,
       matches.match_type AS match_type,
       coalesce(matches.reason, users.reason) AS reason,
       matches.other_bitrix24_id,
       links.linked_by,
       links.linked_at,
       open_actions.action AS open_action,
       open_actions.outcome AS open_outcome,
       changes.change AS last_change,
       changes.changed_at AS last_change_at,
       failures.error AS last_error,
       failures.next_try_at
FROM users
FULL JOIN (SELECT * FROM store.links WHERE valid_to_run IS NULL) AS links USING (bitrix24_id)
LEFT JOIN matches USING (bitrix24_id)
LEFT JOIN open_actions USING (bitrix24_id)
LEFT JOIN changes USING (bitrix24_id)
LEFT JOIN failures USING (bitrix24_id)

-- name: current_view
CREATE OR REPLACE VIEW audit.{table} AS
SELECT {columns} FROM store.{table} WHERE valid_to_run IS NULL

-- name: history_view
CREATE OR REPLACE VIEW audit.{table}_history AS
SELECT *{former} FROM store.{table} WHERE valid_to_run IS NULL OR valid_to_run > valid_from_run

-- name: run_as_of_macro
CREATE OR REPLACE MACRO audit.run_as_of(t) AS (
    SELECT coalesce(
        (SELECT number FROM store.runs WHERE run_id = CAST(t AS VARCHAR)),
        (SELECT max(number) FROM store.runs WHERE started_at <= TRY_CAST(t AS TIMESTAMPTZ))
    )
)

-- name: as_of_macro
CREATE OR REPLACE MACRO audit.{table}_as_of(t) AS TABLE
SELECT {columns} FROM store.{table}
WHERE valid_from_run <= (SELECT audit.run_as_of(t))
  AND (valid_to_run IS NULL OR valid_to_run > (SELECT audit.run_as_of(t)))
