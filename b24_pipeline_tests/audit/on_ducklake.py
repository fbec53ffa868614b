"""A pytest plugin with which every database file of the tests is the catalogue of a DuckLake (`make lake`).

DuckLake's extension is packaged for DuckDB 1.5 only, so `make lake` puts that version before the locked one. What is
about files and not about SQL stays out: opening, publishing, upgrading and shrinking a DuckDB file.
"""

from pathlib import Path
from typing import Any

import duckdb
import duckdb_extension_ducklake
import pytest

EXTENSION = next(Path(duckdb_extension_ducklake.__file__).parent.rglob("ducklake.duckdb_extension"))
ONLY_FOR_FILES = frozenset({"storage_compatibility_version", "temp_directory"})
ROWS_IN_THE_CATALOGUE = 1000
"""Smaller changes are stored in the catalogue itself: nearly all that a run changes."""

ABOUT_A_PUBLISHED_FILE = frozenset(
    {
        "test_r18_dead_letters_are_replaced_as_a_whole",
        "test_r19_a_dry_run_shows_its_plan_under_its_own_id",
        "test_people_see_the_runs_in_the_published_file",
        "test_the_audit_names_the_run_after_which_nothing_was_left",
        "test_an_approval_that_nobody_used_in_time_was_used_by_nobody",
    }
)

connect_to_file = duckdb.connect


def connect_to_lake(
    path: str | Path, *, read_only: bool = False, config: dict[str, Any] | None = None
) -> duckdb.DuckDBPyConnection:
    """A connection whose default catalogue is the DuckLake at `path`; its larger parts lie in the folder beside it."""
    settings = {name: value for name, value in (config or {}).items() if name not in ONLY_FOR_FILES}
    connection = connect_to_file(":memory:", config=settings)
    options = f"DATA_PATH '{Path(path).parent / 'lake'}', DATA_INLINING_ROW_LIMIT {ROWS_IN_THE_CATALOGUE}"
    connection.execute(f"LOAD '{EXTENSION}'")
    connection.execute(
        f"ATTACH 'ducklake:{path}' AS lake ({options}, OVERRIDE_DATA_PATH true{', READ_ONLY' if read_only else ''})"
    )
    connection.execute("USE lake")
    return connection


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that read a published copy: a catalogue is shared and not copied."""
    left_out = [item for item in items if item.name in ABOUT_A_PUBLISHED_FILE]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


duckdb.connect = connect_to_lake
