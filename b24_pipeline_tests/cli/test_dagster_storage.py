"""Dagster's own storage fails in a run: how it ended is what the audit says, and the file is named."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from b24_pipeline import audit
from b24_pipeline.audit import Paths
from b24_pipeline_tests.cli.conftest import Said, Terminal
from b24_pipeline_tests.harness import World

HISTORY = Path("dagster/history")
LAST_WRITE, CREATE, FIRST_READ = "delete.deal_employees", "create.employees", "batch"


class Watched(list[Any]):
    """The requests that the sandbox has seen; something happens at the first one of a method."""

    def __init__(self, method: str, happens: Callable[[], object]) -> None:
        super().__init__()
        self.method = method
        self.happens = happens

    def append(self, seen: Any) -> None:
        super().append(seen)
        if [seen.method for seen in self].count(self.method) == 1 and seen.method == self.method:
            self.happens()


@pytest.fixture
def leaver(portal: World, tmp_path: Path) -> Iterator[World]:
    """Somebody is to be taken off the responsible list. Nobody waits long for a lock of Dagster's databases."""
    event.listen(Engine, "connect", wait_for_nobody)
    (tmp_path / "dagster.yaml").write_text(
        "telemetry: {enabled: false}\nstorage: {sqlite: {base_dir: dagster}}\n"
        "python_logs: {managed_python_loggers: [b24_pipeline], python_log_level: INFO}\n"
    )
    portal.list_responsible(1)
    portal.account.responsible["1"] = "Person1"
    portal.portal.dismiss(1)
    portal.hire("Newcomer")
    yield portal
    event.remove(Engine, "connect", wait_for_nobody)


def wait_for_nobody(connection: sqlite3.Connection, _: object) -> None:
    """A lock is reported at once; Dagster waits for thirty seconds."""
    connection.execute("PRAGMA busy_timeout = 0")


@pytest.fixture
def locks() -> Iterator[Callable[[str], None]]:
    """Hold one of Dagster's databases until the end of the test."""
    held = []

    def lock(name: str) -> None:
        (file,) = HISTORY.glob(name)
        held.append(sqlite3.connect(file, isolation_level=None, check_same_thread=False))
        held[-1].execute("BEGIN IMMEDIATE")

    yield lock
    for connection in held:
        connection.close()


def damage(name: str) -> None:
    """Overwrite one of Dagster's databases."""
    for file in HISTORY.glob(f"{name}*"):
        file.write_bytes(b"no database at all" * 500)


def result_of(said: Said) -> dict[str, Any]:
    """The JSON object of the last line."""
    found: dict[str, Any] = json.loads(said.out.splitlines()[-1])
    return found


DATABASES = ["runs.db", "runs/index.db", "runs/*-*.db"]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("database", DATABASES)
def test_r20_dagsters_storage_is_locked_at_the_end_and_the_result_comes_from_the_audit(
    leaver: World, terminal: Terminal, locks: Callable[[str], None], database: str
) -> None:
    leaver.sandbox.requests = Watched(LAST_WRITE, lambda: locks(database))

    said = terminal("sync", "--json")

    check_the_result(leaver, said, database, "database is locked")


@pytest.mark.sampled(3)
@pytest.mark.parametrize("database", DATABASES)
def test_r20_dagsters_storage_is_damaged_at_the_end_and_the_result_comes_from_the_audit(
    leaver: World, terminal: Terminal, database: str
) -> None:
    leaver.sandbox.requests = Watched(LAST_WRITE, lambda: damage(database))

    said = terminal("sync", "--json")

    check_the_result(leaver, said, database, "file is not a database")


def check_the_result(world: World, said: Said, database: str, problem: str) -> None:
    """It is the audit's, with a line that names the file, and nothing else is said."""
    found = result_of(said)
    with world.database() as audited:
        (row,) = audit.runs.history(audited, limit=1).to_dict("records")
    assert (said.code, found["status"], found["error"], found["run_id"]) == (0, "done", None, row["run_id"])
    assert (found["counts"]["created"], found["counts"]["responsible_removed"]) == (1, 1)
    (line,) = said.err.splitlines()
    assert line == f"b24-pipeline: {found['warnings'][0]}"
    assert any(str(file) in line for file in HISTORY.glob(database))
    assert f"cannot be used ({problem})" in line


def test_r20_a_run_that_breaks_off_with_dagsters_storage_has_failed(leaver: World, terminal: Terminal) -> None:
    leaver.sandbox.requests = Watched(FIRST_READ, lambda: damage("runs/*-*.db"))

    said = terminal("sync", "--json")

    found = result_of(said)
    assert (said.code, found["status"], leaver.writes()) == (50, "failed", [])
    assert "not finished, as Dagster's own storage cannot be used: " in found["error"]
    assert str(HISTORY / "runs") in said.err


def test_dagsters_storage_that_cannot_be_used_from_the_start_is_one_line(leaver: World, terminal: Terminal) -> None:
    HISTORY.mkdir(parents=True)
    (HISTORY / "runs.db").write_bytes(b"no database at all" * 500)

    said = terminal("sync", "--json")

    assert (said.code, result_of(said)["status"], leaver.sandbox.requests) == (50, "not_started", [])
    (line,) = said.err.splitlines()
    assert f"{HISTORY / 'runs.db'}, cannot be used (file is not a database)" in line


def take_away(paths: Paths) -> None:
    """Leave nothing where a database was, and a folder where it is published."""
    paths.working.rename(paths.working.with_suffix(".away"))
    paths.published.unlink()
    paths.published.mkdir()


def test_no_figures_are_printed_of_a_run_whose_database_goes_away(portal: World, terminal: Terminal) -> None:
    portal.hire("Newcomer")
    portal.sandbox.requests = Watched(CREATE, lambda: take_away(portal.paths))

    said = terminal("sync")

    assert "what it has done is in the audit, once that can be read" in " ".join(said.out.split())
    assert "created in CallGear" not in said.out


def test_a_run_whose_database_goes_away_has_failed_and_was_started(portal: World, terminal: Terminal) -> None:
    portal.hire("Newcomer")
    portal.sandbox.requests = Watched(CREATE, lambda: take_away(portal.paths))

    said = terminal("sync", "--json")

    found = result_of(said)
    assert (said.code, found["status"], found["counts"], len(portal.sandbox.writes())) == (50, "failed", {}, 1)
    assert found["run_id"] is not None
    assert "The run was started; what it has done is in the audit, once that can be read." in found["error"]
