-- One person: found by id or e-mail, shown, erased.

-- name: user_known
SELECT bitrix24_id FROM store.bitrix24_users WHERE bitrix24_id = $user
UNION
SELECT bitrix24_id FROM store.links WHERE bitrix24_id = $user

-- name: users_by_email
SELECT bitrix24_id FROM store.employees WHERE email_key = $email
UNION
SELECT bitrix24_id FROM store.bitrix24_users WHERE lower(trim(email)) = lower($email)
ORDER BY bitrix24_id

-- name: employees_by_email
SELECT DISTINCT callgear_id FROM store.callgear_employees WHERE lower(trim(email)) = lower($email) ORDER BY callgear_id

-- name: names_of_users
-- Names of that person only: not of a stranger under the id (R07a), seen by an untrusted run, or before the link was ended
-- and another one begun.
SELECT seen.bitrix24_id, seen.last_name, seen.first_name, seen.second_name AS patronymic
FROM store.bitrix24_users AS seen
WHERE seen.bitrix24_id IN (SELECT unnest($users)) AND EXISTS (
    SELECT 1 FROM store.runs AS runs
    WHERE runs.number >= seen.valid_from_run AND (seen.valid_to_run IS NULL OR runs.number < seen.valid_to_run)
      AND runs.status <> 'untrusted'
      AND runs.number >= coalesce((
          SELECT max(links.valid_to_run) FROM store.links AS links
          JOIN store.links AS later
            ON later.bitrix24_id = links.bitrix24_id AND later.valid_from_run >= links.valid_to_run
          WHERE links.bitrix24_id = seen.bitrix24_id AND links.end_reason = 'unlinked'
      ), 0)
      AND NOT EXISTS (
          SELECT 1 FROM store.employee_matches AS matches
          WHERE matches.bitrix24_id = seen.bitrix24_id AND matches.reason = 'identity_changed'
            AND matches.valid_from_run <= runs.number
            AND (matches.valid_to_run IS NULL OR matches.valid_to_run > runs.number)
      )
)
ORDER BY seen.valid_from_run

-- name: emails_of_user
SELECT trim(email) AS email FROM store.bitrix24_users WHERE bitrix24_id = $user AND email IS NOT NULL
UNION
SELECT email FROM store.employees WHERE bitrix24_id = $user AND email IS NOT NULL

-- name: employees_of_person
SELECT callgear_id FROM store.links WHERE bitrix24_id = $user
UNION
SELECT callgear_id FROM store.callgear_employees
WHERE list_contains($emails, lower(trim(email)))
  AND callgear_id NOT IN (SELECT callgear_id FROM store.links WHERE bitrix24_id IS DISTINCT FROM $user)

-- name: emails_of_employees
-- In small letters: all that they have or had while they were the user's.
SELECT DISTINCT lower(trim(email)) AS email FROM store.callgear_employees AS current
WHERE email IS NOT NULL AND (
      EXISTS (
        SELECT 1 FROM store.links AS links
        WHERE links.bitrix24_id = $user AND links.callgear_id = current.callgear_id
          AND (links.valid_to_run IS NULL OR current.valid_from_run < links.valid_to_run)
      )
   OR (list_contains($employees, current.callgear_id)
       AND current.callgear_id NOT IN (SELECT callgear_id FROM store.links WHERE bitrix24_id IS DISTINCT FROM $user))
)

-- name: timeline_rows
SELECT history.*, began.run_id AS valid_from_run_id, ended.run_id AS valid_to_run_id
FROM store.{table} AS history
LEFT JOIN store.runs AS began ON began.number = history.valid_from_run
LEFT JOIN store.runs AS ended ON ended.number = history.valid_to_run
WHERE history.{key} = $id AND (history.valid_to_run IS NULL OR history.valid_to_run > history.valid_from_run)
ORDER BY history.valid_from_run

-- name: timeline_events
SELECT events.*, runs.run_id, runs.started_at, runs.dry_run
FROM store.events AS events
JOIN store.runs AS runs ON runs.number = events.run
WHERE events.bitrix24_id = $id
ORDER BY events.run, events."at"

-- name: timeline_of_table
SELECT * FROM store.{table} WHERE bitrix24_id = $id

-- name: erase_user
UPDATE store.{table} SET {erased} WHERE bitrix24_id = $user

-- name: erase_employees
UPDATE store.callgear_employees AS current SET {erased}
WHERE EXISTS (
        SELECT 1 FROM store.links AS links
        WHERE links.bitrix24_id = $user AND links.callgear_id = current.callgear_id
          AND (links.valid_to_run IS NULL OR current.valid_from_run < links.valid_to_run)
      )
   OR (list_contains($employees, current.callgear_id)
       AND current.callgear_id NOT IN (SELECT callgear_id FROM store.links WHERE bitrix24_id IS DISTINCT FROM $user))

-- name: erase_before_of_others
-- Of others, what was done on the employee while it was this user's, or to take it over.
UPDATE store.{table} AS current SET before = NULL
WHERE current.before IS NOT NULL AND current.bitrix24_id IS DISTINCT FROM $user AND (
      TRY_CAST(json_extract_string(current.before, '$.other_bitrix24_id') AS BIGINT) = $user
   OR EXISTS (
        SELECT 1 FROM store.links AS links
        WHERE links.bitrix24_id = $user AND links.callgear_id = current.callgear_id
          AND (links.valid_to_run IS NULL OR current.{run} <= links.valid_to_run)
      )
   OR (list_contains($employees, current.callgear_id)
       AND current.callgear_id NOT IN (SELECT callgear_id FROM store.links WHERE bitrix24_id IS DISTINCT FROM $user))
)

-- name: erase_mentions
UPDATE store.{table} SET {erased} WHERE {mentioned}
