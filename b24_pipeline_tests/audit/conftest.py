import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from b24_pipeline.audit import Paths, Store
from b24_pipeline.audit.storage.database import Database
from b24_pipeline_tests.audit.helpers import NewStore, Recorder
from b24_pipeline_tests.clock import Clock
from b24_pipeline_tests.databases import put_empty_database


@pytest.fixture(scope="session", autouse=True)
def another_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One more that is open all the time: a process may have several open, and none is in the way of another."""
    other = Paths(tmp_path_factory.mktemp("another") / "b24_pipeline.duckdb")
    put_empty_database(other)
    with closing(Database.open_read_only(other.working)):
        yield


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 1, 1, 9, 0, tzinfo=UTC).timestamp())


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "data" / "b24_pipeline.duckdb")


@pytest.fixture
def store(paths: Paths, clock: Clock) -> Iterator[Store]:
    paths.working.parent.mkdir()
    put_empty_database(paths)
    with Store.open(paths, now=clock.now) as opened:
        yield opened


@pytest.fixture(scope="session")
def new_store() -> NewStore:
    """Stores of their own, for property tests."""

    @contextmanager
    def open_one() -> Iterator[Recorder]:
        clock = Clock(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
        with tempfile.TemporaryDirectory() as folder:
            paths = Paths(Path(folder) / "b24_pipeline.duckdb")
            put_empty_database(paths)
            with Store.open(paths, now=clock.now) as opened:
                yield Recorder(opened, clock)

    return open_one


@pytest.fixture
def recorder(store: Store, clock: Clock) -> Recorder:
    return Recorder(store, clock)
