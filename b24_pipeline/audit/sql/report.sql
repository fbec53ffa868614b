-- The figures of the report. A time in the future counts as now (R16c).

-- name: report_runs
SELECT run_id, least(started_at, $now) AS started_at,
       CASE WHEN finished_at IS NOT NULL THEN greatest(0, epoch(finished_at) - epoch(started_at)) END AS seconds,
       status, trigger, kind, reason, coalesce(callgear_points, 0) AS points, {counts}
FROM audit.runs
WHERE started_at >= $since AND status <> 'running' AND kind IN ('import', 'dry_run', 'single')
ORDER BY number

-- name: report_people
WITH moments AS (
    SELECT max(number) AS run FROM store.runs AS runs
    WHERE started_at >= $since
      AND EXISTS (SELECT 1 FROM store.run_steps AS recorded WHERE recorded.run = runs.number AND recorded.what = 'callgear_upsert')
    GROUP BY floor(epoch(least(started_at, $now)) / $seconds)
)
SELECT least(runs.started_at, $now) AS "at", coalesce(runs.candidates, 0) AS candidates,
       (SELECT count(*) FROM store.links AS links
        WHERE links.valid_from_run <= moments.run AND (links.valid_to_run IS NULL OR links.valid_to_run > moments.run)) AS imported,
       (SELECT count(*) FROM store.callgear_employees AS account
        WHERE account.valid_from_run <= moments.run AND (account.valid_to_run IS NULL OR account.valid_to_run > moments.run))
       + coalesce(runs.created, 0) AS employees
FROM moments
JOIN store.runs AS runs ON runs.number = moments.run
ORDER BY "at"

-- name: report_matches
SELECT match_type, count(*) AS people FROM audit.employee_matches GROUP BY match_type

-- name: report_refused
SELECT matches.reason, {who} AS who, bitrix24_id AS "user"
FROM audit.employee_matches AS matches
JOIN audit.employees AS employees USING (bitrix24_id)
WHERE matches.match_type IN ('rejected', 'conflict')
ORDER BY matches.reason, who, "user"

-- name: report_links_by_week
SELECT CAST(date_trunc('week', CAST(least(linked_at, $now) AS TIMESTAMP)) AS DATE) AS week, linked_by, count(*) AS links
FROM store.links
WHERE linked_at >= $since
GROUP BY ALL
ORDER BY ALL

-- name: report_points_by_day
SELECT CAST(CAST(least(started_at, $now) AS TIMESTAMP) AS DATE) AS day, CAST(sum(callgear_points) AS BIGINT) AS points
FROM audit.runs
WHERE started_at >= $since
GROUP BY day
ORDER BY day

-- name: report_first_run
SELECT min(started_at) FROM store.runs WHERE started_at >= $since

-- name: report_everybody
SELECT * FROM audit.people ORDER BY display_name, bitrix24_id

-- name: overview
SELECT (SELECT status FROM audit.runs WHERE kind = 'import' ORDER BY started_at DESC LIMIT 1) AS status,
       (SELECT count(*) FROM audit.links) AS people,
       (SELECT CAST(coalesce(sum(callgear_points), 0) AS BIGINT) FROM audit.runs
        WHERE started_at >= CAST($now AS DATE)) AS points_today
