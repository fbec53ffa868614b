"""The command line, called in this process, with a Dagster home of its own."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from b24_pipeline.cli import main
from b24_pipeline_tests.harness import World


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


Terminal = Callable[..., Said]


@pytest.fixture(scope="session")
def dagster_storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Made once: creating it takes longer than a run. Its hundreds of commits a run do not wait for the disk."""
    event.listen(Engine, "connect", wait_for_no_disk)
    yield tmp_path_factory.mktemp("dagster_storage")
    if event.contains(Engine, "connect", wait_for_no_disk):  # each folder that uses this fixture has it once
        event.remove(Engine, "connect", wait_for_no_disk)


def wait_for_no_disk(connection: sqlite3.Connection, _: object) -> None:
    """What is committed survives the end of the process, not that of the machine."""
    connection.execute("PRAGMA synchronous = OFF")


@pytest.fixture
def terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], dagster_storage: Path
) -> Terminal:
    """Type a command: `terminal("sync", "--json")`."""
    (tmp_path / "dagster.yaml").write_text(
        f"telemetry: {{enabled: false}}\nstorage: {{sqlite: {{base_dir: {dagster_storage}}}}}\n"
        "python_logs: {managed_python_loggers: [b24_pipeline], python_log_level: INFO}\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")

    def type_command(*arguments: str) -> Said:
        try:
            code = main(arguments)
        except SystemExit as left:
            code = int(left.code or 0)
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return type_command


@pytest.fixture
def portal(imported: World, terminal: Terminal) -> World:
    """Nine imported people, and a terminal. It is now, because commands ask the machine what time it is."""
    del terminal
    imported.clock.seconds = time.time()
    return imported
