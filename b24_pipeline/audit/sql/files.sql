-- The database as a file.

-- name: checkpoint
CHECKPOINT

-- name: attach
ATTACH {path} AS {catalog}

-- name: attach_to_read
ATTACH {path} AS {catalog} (READ_ONLY)

-- name: load_extension
LOAD {path}

-- name: give_s3_keys
-- In memory only: DuckDB would write another kind of secret into the home of the user.
CREATE OR REPLACE TEMPORARY SECRET s3 (
    TYPE s3, KEY_ID {key}, SECRET {secret}, SESSION_TOKEN {token},
    REGION {region}, ENDPOINT {endpoint}, USE_SSL {tls}, URL_STYLE {style}
)

-- name: attach_lake
-- Smaller changes are stored in the catalog itself: nearly all that a run changes.
ATTACH {path} AS {catalog} (METADATA_SCHEMA {schema}, DATA_PATH {data}, DATA_INLINING_ROW_LIMIT 1000)

-- name: attach_lake_to_read
ATTACH {path} AS {catalog} (METADATA_SCHEMA {schema}, READ_ONLY)

-- name: flush_lake
CALL ducklake_flush_inlined_data({catalog})

-- name: rewrite_files
-- Where rows were deleted: such files are not merged.
CALL ducklake_rewrite_data_files({catalog}, delete_threshold => 0)

-- name: expire_snapshots
-- The store keeps its own history: the lake's is only in the way.
CALL ducklake_expire_snapshots({catalog}, older_than => now())

-- name: merge_files
CALL ducklake_merge_adjacent_files({catalog})

-- name: remove_old_files
CALL ducklake_cleanup_old_files({catalog}, cleanup_all => true)

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
