"""Brings a database to the layout of this version: carries out upgrade steps, creates what is missing, renews views."""

from contextlib import suppress
from datetime import datetime

import duckdb

from b24_pipeline import schemas
from b24_pipeline.audit.schema import FORMER, FORMER_SPAN, LAYOUT, Columns, Layout
from b24_pipeline.audit.storage.column_types import column_list, sql_columns
from b24_pipeline.audit.storage.database import Database
from b24_pipeline.audit.storage.exceptions import DatabaseForeign, DatabaseTooNew

EMPTY = 0
"""The version of a database without any table."""


def version_of(database: Database, *, layout: Layout = LAYOUT) -> int:
    """The version of the layout in the file; `EMPTY` for a database without tables.

    Raises:
        DatabaseForeign: there are tables, but none of ours, or one of the same name that is another.
        DatabaseTooNew: a newer version of this project wrote it.
    """
    # To list the tables first would take ten times as long.
    with suppress(duckdb.CatalogException, duckdb.BinderException):  # no such table, or one with other columns
        version = database.value("schema_version")
        if isinstance(version, int) and version > layout.version:
            raise DatabaseTooNew(
                f"{database.path} has layout {version}, this program knows {layout.version}: upgrade b24-pipeline, or"
                " name another file in B24_PIPELINE_DATABASE."
            )
        if isinstance(version, int):
            return version
    if not database.records("tables"):
        return EMPTY
    raise DatabaseForeign(
        f"{database.path} is a DuckDB database of something else. It is left alone: name another file in"
        " B24_PIPELINE_DATABASE, for example data/b24_pipeline.duckdb."
    )


def bring_up_to_date(database: Database, *, at: datetime, layout: Layout = LAYOUT) -> bool:
    """Upgrade the database to the layout, in one transaction; one that is up to date is not touched.

    Returns whether it was of an older version; a database without tables is not.

    Raises:
        DatabaseForeign: the file is not ours.
        DatabaseTooNew: a newer version of this project wrote it.
    """
    version = version_of(database, layout=layout)
    if version == layout.version:
        return False
    with database.transaction():
        for upgrade in layout.upgrades:
            if EMPTY < version < upgrade.version:
                for sql in upgrade.statements:
                    database.execute_text(sql)
        _create_missing(database, layout)
        _renew_views(database, layout)
        database.execute("put_schema_version", {"version": layout.version, "at": at})
    return version != EMPTY


def _create_missing(database: Database, layout: Layout) -> None:
    database.execute("create_schema_store")
    database.execute("create_schema_audit")
    for table, columns in layout.tables.items():
        declared = [f'"{name}" {kind}' for name, kind in columns.items()]
        database.execute("create_table", table=table, columns=", ".join(declared))
    present = {(row["table_name"], row["column_name"]) for row in database.records("columns")}
    for table, columns in layout.tables.items():
        for name, kind in columns.items():
            if (table, name) not in present:
                database.execute("add_column", table=table, column=f'"{name}" {kind}')


def _renew_views(database: Database, layout: Layout) -> None:
    runs = column_list(layout.tables["runs"]) + former(FORMER["runs"])
    database.execute("runs_view", columns=runs)
    database.execute("run_as_of_macro")
    database.execute("actions_view")
    database.execute("dead_letters_view", columns=column_list(sql_columns(schemas.DeadLetters)))
    database.execute("pending_creates_view", columns=column_list(sql_columns(schemas.PendingCreates)))
    database.execute("duplicate_employees_view", columns=column_list(sql_columns(schemas.DuplicateEmployees)))
    database.execute("approvals_view")
    database.execute("last_import_view", columns=runs)
    database.execute("people_view")
    database.execute("identities_view", columns=column_list(sql_columns(schemas.Identities)))
    for table, columns in layout.histories.items():
        renamed = FORMER.get(table, {})
        shown = column_list(columns) + former(renamed)
        database.execute("current_view", table=table, columns=shown)
        database.execute("as_of_macro", table=table, columns=shown)
        database.execute("history_view", table=table, former=former({**renamed, **FORMER_SPAN}))


def former(renamed: Columns) -> str:
    """The columns once more under the names that they had up to layout 3, for one version."""
    return "".join(f', "{new}" AS "{old}"' for old, new in renamed.items())
