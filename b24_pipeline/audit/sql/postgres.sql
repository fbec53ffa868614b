-- What Postgres itself is asked, between machines: locks, changes, accounts. Parameters as psycopg2 has them.

-- name: take_lock
SELECT pg_try_advisory_lock(2852, hashtext(%(schema)s))

-- name: free_locks
SELECT pg_advisory_unlock_all()

-- name: lock_owners
SELECT activity.pid, activity.application_name AS holder, activity.backend_start AS since,
       now() - activity.state_change > make_interval(secs => %(stale_seconds)s) AS is_stale
FROM pg_locks AS locks
JOIN pg_stat_activity AS activity ON activity.pid = locks.pid
WHERE locks.locktype = 'advisory' AND locks.granted AND locks.classid = 2852
  AND locks.objid = (hashtext(%(schema)s)::BIGINT & 4294967295)::OID
  AND locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())

-- name: end_owner
SELECT pg_terminate_backend(%(pid)s)

-- name: backend
SELECT pg_backend_pid()

-- name: newest_snapshots
-- As text, for it is only compared. The time tells a restored lake from the one before.
SELECT namespace.nspname,
       query_to_xml(
         format('SELECT snapshot_id, snapshot_time FROM %%I.ducklake_snapshot ORDER BY snapshot_id DESC LIMIT 1',
                namespace.nspname),
         TRUE, FALSE, ''
       )::TEXT
FROM pg_namespace AS namespace
JOIN pg_class AS snapshots ON snapshots.relnamespace = namespace.oid AND snapshots.relname = 'ducklake_snapshot'
WHERE namespace.nspname = ANY(%(schemas)s)

-- name: claim_account
-- One transaction. The lock: two that create a table at once disturb each other.
SELECT pg_advisory_xact_lock(2852);
CREATE TABLE IF NOT EXISTS public.b24_pipeline_accounts (account TEXT PRIMARY KEY, connection TEXT NOT NULL);
INSERT INTO public.b24_pipeline_accounts AS known VALUES (%(account)s, %(key)s)
ON CONFLICT (account) DO UPDATE SET connection = CASE
    WHEN %(keys)s::TEXT[] IS NULL AND to_regnamespace(quote_ident(known.connection)) IS NOT NULL
      OR known.connection = ANY(%(keys)s::TEXT[]) THEN known.connection
    ELSE excluded.connection
END
RETURNING connection

-- name: account_owner
SELECT connection FROM public.b24_pipeline_accounts WHERE account = %(account)s
