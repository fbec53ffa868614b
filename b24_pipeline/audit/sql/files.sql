-- The database as a file.

-- name: checkpoint
CHECKPOINT

-- name: attach
ATTACH {path} AS {catalog}

-- name: attach_to_read
ATTACH {path} AS {catalog} (READ_ONLY)

-- name: use
USE {catalog}

-- name: detach
DETACH {catalog}

-- name: copy_everything
COPY FROM DATABASE {source} TO {target}

-- name: row_count
SELECT count(*) FROM store.{table}

-- name: audit_tables
SELECT view_name FROM duckdb_views()
WHERE database_name = current_database() AND schema_name = 'audit'
ORDER BY view_name

-- name: audit_table
SELECT * FROM audit.{table}
