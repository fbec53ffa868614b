"""New databases, quickly: an empty one is made once, then copied; a disk that is full, a file of somebody else."""

import ctypes
import os
import resource
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TypeVar

from b24_pipeline.audit import Paths, Store

Result = TypeVar("Result")
CAPABILITIES_VERSION_3 = 0x20080522


@cache
def empty_database() -> bytes:
    """The working file of a database without a run."""
    with tempfile.TemporaryDirectory() as folder:
        paths = Paths(Path(folder) / "b24.duckdb")
        with Store.open(paths, now=lambda: datetime(2026, 1, 1, tzinfo=UTC)):
            pass
        return paths.working.read_bytes()


def put_empty_database(paths: Paths) -> None:
    """Let there be a database without a run."""
    paths.working.write_bytes(empty_database())
    paths.working.chmod(0o600)


def new_store(folder: Path, *, now: Callable[[], datetime]) -> Store:
    """An open store without a run; to be closed."""
    paths = Paths(folder / "b24.duckdb")
    put_empty_database(paths)
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


def bound_by_modes(call: Callable[[], Result]) -> Result:
    """Call as somebody whom the modes of files bind, which root is not: in a thread that has given up its powers."""
    with ThreadPoolExecutor(1, initializer=drop_capabilities) as thread:
        return thread.submit(call).result()


def drop_capabilities() -> None:
    """Give up root's right to pass over the modes of files, in this thread."""
    header = (ctypes.c_uint32 * 2)(CAPABILITIES_VERSION_3, 0)
    none = (ctypes.c_uint32 * 6)()
    if os.geteuid() == 0 and ctypes.CDLL(None, use_errno=True).capset(header, none) != 0:
        raise OSError(ctypes.get_errno(), "capset")
