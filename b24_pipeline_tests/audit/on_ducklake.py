"""A pytest plugin with which every database file of the tests is the catalog of a DuckLake (`make lake`).

DuckLake's extension is packaged for DuckDB 1.5 only, so `make lake` puts that version before the locked one. What is
about files and not about SQL stays out: opening, publishing, upgrading and shrinking a DuckDB file.
"""

import tempfile
from pathlib import Path
from typing import Any, cast

import duckdb
import duckdb_extension_ducklake
import pytest

from b24_pipeline.audit.storage.queries import statements

EXTENSION = next(Path(duckdb_extension_ducklake.__file__).parent.rglob("ducklake.duckdb_extension"))
FOLDER = tempfile.TemporaryDirectory(prefix="lake-")
ROWS_IN_THE_CATALOG = 1000
"""Smaller changes are stored in the catalog itself: nearly all that a run changes."""

ABOUT_A_PUBLISHED_FILE = frozenset(
    {
        "test_r18_dead_letters_are_replaced_as_a_whole",
        "test_r19_a_dry_run_shows_its_plan_under_its_own_id",
        "test_people_see_the_runs_in_the_published_file",
        "test_the_audit_names_the_run_after_which_nothing_was_left",
        "test_an_approval_that_nobody_used_in_time_was_used_by_nobody",
    }
)

connect = duckdb.connect


def connect_with_extension(*given: Any, **options: Any) -> duckdb.DuckDBPyConnection:
    """A connection that can attach a DuckLake."""
    connection = connect(*given, **options)
    connection.execute(f"LOAD '{EXTENSION}'")
    return connection


def attach_a_lake(name: str, *options: str) -> None:
    """Let the statement attach the DuckLake whose catalog is the file; its larger parts lie in one folder for all."""
    lake = ("TYPE ducklake", f"DATA_PATH '{FOLDER.name}'", "OVERRIDE_DATA_PATH true")
    more = (f"DATA_INLINING_ROW_LIMIT {ROWS_IN_THE_CATALOG}", *options)
    cast("dict[str, str]", statements())[name] = f"ATTACH {{path}} AS {{catalog}} ({', '.join(lake + more)})"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that read a published copy: a catalog is shared and not copied."""
    left_out = [item for item in items if item.name in ABOUT_A_PUBLISHED_FILE]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


duckdb.connect = connect_with_extension
attach_a_lake("attach")
attach_a_lake("attach_to_read", "READ_ONLY")
