"""New databases, quickly: an empty one is made once, then copied; and a disk that is full."""

import resource
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from b24_pipeline.store import Paths, Store


@cache
def empty_database() -> bytes:
    """The working file of a database without a run."""
    with tempfile.TemporaryDirectory() as folder:
        paths = Paths(Path(folder) / "b24.duckdb")
        with Store.open(paths, now=lambda: datetime(2026, 1, 1, tzinfo=UTC)):
            pass
        return paths.working.read_bytes()


def new_store(folder: Path, *, now: Callable[[], datetime]) -> Store:
    """An open store without a run; to be closed."""
    paths = Paths(folder / "b24.duckdb")
    paths.working.write_bytes(empty_database())
    paths.working.chmod(0o600)
    return Store.open(paths, now=now)


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """Like a full disk, for this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
