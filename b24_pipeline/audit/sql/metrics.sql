-- What monitoring reads of one connection. A time in the future counts as now (R16c).

-- name: newest_import
SELECT least(started_at, $now) AS started_at,
       CASE WHEN finished_at IS NOT NULL THEN greatest(0, epoch(finished_at) - epoch(started_at)) END AS seconds,
       status, {counts}
FROM store.runs
WHERE kind = 'import' AND status <> 'running'
ORDER BY number DESC
LIMIT 1

-- name: open_work
SELECT (SELECT count(*) FROM audit.links) AS linked_people,
       (SELECT count(*) FROM store.dead_letters) AS pending_retries,
       (SELECT count(*) FROM store.duplicate_employees WHERE resolved_at IS NULL) AS duplicated_people
