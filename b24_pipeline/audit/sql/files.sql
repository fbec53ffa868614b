-- The database as a file.

-- name: checkpoint
CHECKPOINT

-- name: database_name
SELECT current_database()

-- name: attach_copy
ATTACH {path} AS copy_of_store

-- name: copy_everything
COPY FROM DATABASE {catalog} TO copy_of_store

-- name: detach_copy
DETACH copy_of_store

-- name: row_count
SELECT count(*) FROM store.{table}

-- name: audit_tables
SELECT view_name FROM duckdb_views() WHERE schema_name = 'audit' ORDER BY view_name

-- name: audit_table
SELECT * FROM audit.{table}
