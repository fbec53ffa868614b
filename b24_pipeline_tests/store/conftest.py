from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from b24_pipeline.store import Paths, Store
from b24_pipeline_tests.store.recording import Clock, Recorder


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 1, 1, 9, 0, tzinfo=UTC))


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "data" / "b24_pipeline.duckdb")


@pytest.fixture
def store(paths: Paths, clock: Clock) -> Iterator[Store]:
    with Store.open(paths, now=clock) as opened:
        yield opened


@pytest.fixture
def recorder(store: Store, clock: Clock) -> Recorder:
    return Recorder(store, clock)
