"""The audit as Parquet files, one folder a table, for warehouses and BI tools."""

from fsspec.core import url_to_fs  # type: ignore[import-untyped]
from pyarrow import parquet  # type: ignore[import-untyped]

from b24_pipeline.audit.database import Database
from b24_pipeline.audit.exceptions import ExportFailed


def export(database: Database, address: str) -> dict[str, int]:
    """Write every table of `audit` to `address/TABLE/TABLE.parquet`, all together or, if one fails, none.

    Args:
        database: the audit.
        address: a folder, or any address that fsspec knows, for example s3://bucket/audit.

    Returns:
        How many rows each table has.

    Raises:
        ExportFailed: the address cannot be written to.
    """
    rows: dict[str, int] = {}
    try:
        filesystem, folder = url_to_fs(address)
        with filesystem.transaction:
            for name in database.column("audit_tables"):
                table = database.table("audit_table", table=name)
                filesystem.makedirs(f"{folder}/{name}", exist_ok=True)
                with filesystem.open(f"{folder}/{name}/{name}.parquet", "wb") as file:
                    parquet.write_table(table, file)
                rows[name] = table.num_rows
    except (OSError, ValueError, ImportError) as error:
        raise ExportFailed(f"The audit cannot be exported to {address}: {_reason(error)}") from None
    return rows


def _reason(error: Exception) -> str:
    """Return one line about the failure; an object store's own text names the bucket and what it refuses."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    lines = text.strip().splitlines()
    return (lines[0] if lines else type(error).__name__).rstrip(".") + "."
