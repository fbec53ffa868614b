-- The person whom each live link was accepted for (R07a).

-- name: identities
SELECT links.bitrix24_id,
       CASE WHEN accepted.bitrix24_id IS NULL THEN $unknown ELSE accepted.first_name END AS first_name,
       CASE WHEN accepted.bitrix24_id IS NULL THEN $unknown ELSE accepted.last_name END AS last_name,
       CASE WHEN accepted.bitrix24_id IS NULL THEN $unknown ELSE accepted.email END AS email,
       coalesce(accepted.deleted, FALSE) AS deleted,
       coalesce(accepted.changed, FALSE) AS changed
FROM store.links AS links
LEFT JOIN store.identities AS accepted ON accepted.bitrix24_id = links.bitrix24_id
WHERE links.valid_to_run IS NULL
ORDER BY links.bitrix24_id

-- name: changed_identities
SELECT links.bitrix24_id FROM store.links AS links
JOIN store.identities AS accepted ON accepted.bitrix24_id = links.bitrix24_id
WHERE links.valid_to_run IS NULL AND accepted.changed

-- name: drop_identities
DELETE FROM store.identities WHERE bitrix24_id IN (SELECT bitrix24_id FROM incoming)

-- name: add_identities
-- A link is made for the user as the run has read it.
INSERT INTO store.identities BY NAME
SELECT users.bitrix24_id, users.first_name, users.last_name, users.email, FALSE AS deleted, FALSE AS changed
FROM store.employees AS users
JOIN incoming ON incoming.bitrix24_id = users.bitrix24_id
WHERE users.valid_to_run IS NULL AND NOT incoming.has_ended

-- name: identities_of_run
-- The users whom a run has incoming as another person than the accepted one, and who are so still.
SELECT accepted.bitrix24_id
FROM store.identities AS accepted
JOIN store.runs AS runs ON runs.run_id = $run_id
JOIN store.run_steps AS recorded ON recorded.run = runs.number AND recorded.what = 'employees'
JOIN store.employees AS users
  ON users.bitrix24_id = accepted.bitrix24_id
 AND users.valid_from_run <= runs.number
 AND (users.valid_to_run IS NULL OR users.valid_to_run > runs.number)
WHERE accepted.changed
  AND (users.last_name IS DISTINCT FROM accepted.last_name OR users.email IS DISTINCT FROM accepted.email)

-- name: accept_identities
UPDATE store.identities AS accepted
SET first_name = users.first_name, last_name = users.last_name, email = users.email, deleted = FALSE, changed = FALSE
FROM store.employees AS users
JOIN store.runs AS runs ON runs.run_id = $run_id
WHERE users.bitrix24_id = accepted.bitrix24_id
  AND users.valid_from_run <= runs.number
  AND (users.valid_to_run IS NULL OR users.valid_to_run > runs.number)
  AND list_contains($users, accepted.bitrix24_id)

-- name: blank_identities
-- Of linked people who are gone for long the last name stays (R09), and nothing else.
UPDATE store.identities
SET first_name = CASE WHEN first_name IS NOT NULL THEN $erased END,
    email = CASE WHEN email IS NOT NULL THEN $erased END
WHERE bitrix24_id NOT IN (
    SELECT bitrix24_id FROM store.bitrix24_users WHERE valid_to_run IS NULL OR valid_to_run > $oldest
)
