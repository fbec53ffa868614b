-- What the asset checks look for. Each lists offenders as people are listed everywhere: who, user, why.

-- name: rejected_people
SELECT {who} AS who, bitrix24_id AS "user", reason AS why FROM audit.employees
WHERE eligibility = 'rejected'
ORDER BY why, "user"

-- name: people_with_one_email
SELECT {who} AS who, bitrix24_id AS "user",
       'has the same e-mail as user '
       || array_to_string(list_filter(list_sort(list(bitrix24_id) OVER same), lambda other: other <> bitrix24_id), ', ')
       AS why
FROM audit.employees
WHERE eligibility = 'candidate'
WINDOW same AS (PARTITION BY email_key)
QUALIFY count(*) OVER same > 1
ORDER BY email_key, "user"

-- name: people_with_unusable_phones
SELECT {who} AS who, bitrix24_id AS "user", 'left out: ' || unusable_phones AS why FROM audit.employees
WHERE eligibility = 'candidate' AND unusable_phones IS NOT NULL
ORDER BY "user"

-- name: uncertain_links
SELECT {who} AS who, bitrix24_id AS "user", matches.reason AS why, matches.other_bitrix24_id AS other
FROM audit.employee_matches AS matches
JOIN audit.employees AS employees USING (bitrix24_id)
WHERE matches.reason IN ('ambiguous_email', 'already_linked', 'email_reused', 'similar_email', 'stale_link')
ORDER BY matches.reason, "user"

-- name: people_judged_not_once
WITH users AS (SELECT bitrix24_id, {who} AS who FROM audit.bitrix24_users),
     judged AS (SELECT bitrix24_id, {who} AS who FROM audit.employees)
SELECT coalesce(users.who, judged.who) AS who, coalesce(users.bitrix24_id, judged.bitrix24_id) AS "user",
       CASE WHEN judged.bitrix24_id IS NULL THEN 'was read, but not judged' ELSE 'was judged, but not read' END AS why
FROM users
FULL JOIN judged ON judged.bitrix24_id = users.bitrix24_id
WHERE users.bitrix24_id IS NULL OR judged.bitrix24_id IS NULL
ORDER BY "user"

-- name: employees_matched_twice
WITH users AS (SELECT bitrix24_id, {who} AS who FROM audit.bitrix24_users),
     account AS (SELECT callgear_id, {who} AS who FROM audit.callgear_employees),
     matched AS (
         SELECT matches.callgear_id, matches.bitrix24_id AS "user",
                coalesce(users.who, 'not read from Bitrix24') AS who,
                'employee ' || matches.callgear_id || coalesce(' "' || account.who || '"', '') AS employee
         FROM audit.employee_matches AS matches
         LEFT JOIN users ON users.bitrix24_id = matches.bitrix24_id
         LEFT JOIN account ON account.callgear_id = matches.callgear_id
         WHERE matches.match_type IN ('by_id', 'by_email')
     )
SELECT one.who, one."user",
       'is matched with ' || one.employee || ', as '
       || string_agg('user ' || other."user" || ' "' || other.who || '"', ', ' ORDER BY other."user") || ' is, too'
       AS why
FROM matched AS one
JOIN matched AS other ON other.callgear_id = one.callgear_id AND other."user" <> one."user"
GROUP BY one.who, one."user", one.employee, one.callgear_id
ORDER BY one.callgear_id, one."user"

-- name: matches_of_strangers
-- Whom an import has created since the account was read last is known, too: by the link.
WITH users AS (SELECT bitrix24_id, {who} AS who FROM audit.bitrix24_users),
     account AS (SELECT callgear_id, {who} AS who FROM audit.callgear_employees),
     candidates AS (SELECT bitrix24_id FROM audit.employees WHERE eligibility = 'candidate'),
     linked_since AS (
         SELECT callgear_id FROM store.links
         WHERE valid_to_run IS NULL
           AND valid_from_run >= (SELECT max(run) FROM store.run_steps WHERE what = 'callgear_employees')
     )
SELECT coalesce(users.who, 'not read from Bitrix24') AS who, matches.bitrix24_id AS "user",
       'is matched with employee ' || matches.callgear_id || coalesce(' "' || account.who || '"', '')
       || CASE WHEN candidates.bitrix24_id IS NULL THEN ', but is no candidate' ELSE ', whom CallGear does not have' END
       AS why
FROM audit.employee_matches AS matches
LEFT JOIN users ON users.bitrix24_id = matches.bitrix24_id
LEFT JOIN candidates ON candidates.bitrix24_id = matches.bitrix24_id
LEFT JOIN account ON account.callgear_id = matches.callgear_id
WHERE matches.match_type IN ('by_id', 'by_email')
  AND (
      candidates.bitrix24_id IS NULL
      OR (account.callgear_id IS NULL AND matches.callgear_id NOT IN (SELECT callgear_id FROM linked_since))
  )
ORDER BY "user"

-- name: schema_violations
SELECT count(*) AS "rows", {counts} FROM audit.{table}

-- name: held_actions
SELECT display_name AS who, bitrix24_id AS "user", risk, action FROM audit.actions
WHERE run_id = $run_id AND outcome = 'held'
ORDER BY risk, who, "user"

-- name: failed_actions
SELECT display_name AS who, bitrix24_id AS "user", action, error FROM audit.actions
WHERE run_id = $run_id AND outcome = 'failed'
ORDER BY who, "user", action

-- name: candidates_and_links
SELECT count(*) AS candidates, count(links.bitrix24_id) AS imported,
       count(*) FILTER (WHERE employees.eligibility = 'candidate' AND matches.match_type IS DISTINCT FROM 'conflict')
       AS importable
FROM audit.employees_as_of($run_id) AS employees
LEFT JOIN audit.links_as_of($run_id) AS links ON links.bitrix24_id = employees.bitrix24_id
LEFT JOIN audit.employee_matches_as_of($run_id) AS matches ON matches.bitrix24_id = employees.bitrix24_id
WHERE employees.eligibility IN ('candidate', 'rejected')

-- name: people_missing_in_account
SELECT {who} AS who, bitrix24_id AS "user", 'is a candidate, but has no link and no reason for it' AS why
FROM audit.employees_as_of($run_id) AS employees
WHERE eligibility = 'candidate'
  AND bitrix24_id NOT IN (SELECT bitrix24_id FROM audit.links_as_of($run_id))
  AND bitrix24_id NOT IN (SELECT bitrix24_id FROM audit.actions WHERE run_id = $run_id)
ORDER BY "user"

-- name: employees_of_nobody
SELECT concat_ws(' ', account.last_name, account.first_name) AS who, NULL AS "user",
       'employee ' || account.callgear_id || ' has the prefix of imported people, but belongs to no link' AS why
FROM audit.callgear_employees_as_of($run_id) AS account
WHERE starts_with(account.last_name, $prefix)
  AND account.callgear_id NOT IN (SELECT callgear_id FROM store.links)
  AND account.callgear_id NOT IN (
      SELECT callgear_id FROM audit.actions WHERE run_id = $run_id AND callgear_id IS NOT NULL
  )
ORDER BY account.callgear_id
