import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from b24_pipeline.audit import Paths, Store
from b24_pipeline.audit.storage.database import Database
from b24_pipeline_tests.audit.helpers import Clock, NewStore, Recorder


@pytest.fixture(scope="session")
def new_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new working file; copying it is quicker than making one for each test."""
    paths = Paths(tmp_path_factory.mktemp("new") / "b24_pipeline.duckdb")
    with Store.open(paths, now=lambda: datetime(2026, 1, 1, tzinfo=UTC)):
        return paths.working


@pytest.fixture(scope="session", autouse=True)
def another_database(new_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One more that is open all the time: a process may have several open, and none is in the way of another."""
    other = shutil.copy(new_file, tmp_path_factory.mktemp("another") / "b24_pipeline.duckdb")
    with closing(Database.open_read_only(other)):
        yield


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 1, 1, 9, 0, tzinfo=UTC))


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "data" / "b24_pipeline.duckdb")


@pytest.fixture
def store(paths: Paths, clock: Clock, new_file: Path) -> Iterator[Store]:
    paths.working.parent.mkdir()
    shutil.copy(new_file, paths.working)
    with Store.open(paths, now=clock) as opened:
        yield opened


@pytest.fixture(scope="session")
def new_store(new_file: Path) -> NewStore:
    """Stores of their own, for property tests."""

    @contextmanager
    def open_one() -> Iterator[Recorder]:
        clock = Clock(datetime(2026, 1, 1, tzinfo=UTC))
        with tempfile.TemporaryDirectory() as folder:
            paths = Paths(Path(folder) / "b24_pipeline.duckdb")
            shutil.copy(new_file, paths.working)
            with Store.open(paths, now=clock) as opened:
                yield Recorder(opened, clock)

    return open_one


@pytest.fixture
def recorder(store: Store, clock: Clock) -> Recorder:
    return Recorder(store, clock)
