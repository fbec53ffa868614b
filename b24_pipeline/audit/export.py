"""The audit as Parquet files, one folder a table, for warehouses and BI tools."""

from pyarrow import parquet  # type: ignore[import-untyped]

from b24_pipeline.audit.storage.database import Database
from b24_pipeline.audit.storage.exceptions import ExportFailed
from b24_pipeline.audit.storage.object_store import place_of, translated

HAVE_BUCKETS = ("s3://", "s3a://", "gs://", "gcs://", "az://", "abfs://", "abfss://")
"""There a folder is only a part of names: to make one would make the bucket, which may be one that was mistyped."""


def export(database: Database, address: str) -> dict[str, int]:
    """Write every table of `audit` to `address/TABLE/TABLE.parquet`, all together or, if one fails, none.

    The address is a folder, or any that fsspec knows, for example s3://bucket/audit. Returns how many rows each has.

    Raises:
        ExportFailed: the address cannot be written to.
    """
    rows: dict[str, int] = {}
    with translated(ExportFailed, f"The audit cannot be exported to {address}"):
        filesystem, folder = place_of(address)
        with filesystem.transaction:
            for name in database.column("audit_tables"):
                table = database.table("audit_table", table=name)
                if not address.startswith(HAVE_BUCKETS):
                    filesystem.makedirs(f"{folder}/{name}", exist_ok=True)
                with filesystem.open(f"{folder}/{name}/{name}.parquet", "wb") as file:
                    parquet.write_table(table, file)
                rows[name] = table.num_rows
    return rows
