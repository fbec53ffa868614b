"""R17: runs of one connection never overlap. Dagster's pools do not bind the terminal; this lock binds all."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import Timeout

from b24_pipeline.audit.files import writing
from b24_pipeline.audit.locks import file_lock, locking


class RunInProgress(Exception):  # noqa: N818 - a state, not a fault
    """Another run of this connection holds the lock."""


@contextmanager
def run_lock(lock_file: Path, *, holder: str, now: datetime, wait_seconds: float = 0) -> Iterator[None]:
    """Hold the connection's lock; the operating system frees it when the process dies, however it dies.

    Args:
        lock_file: beside the database; the holder's name is written next to it.
        holder: the run's id, or what else is being done, for people.
        now: when.
        wait_seconds: how long to wait for the other run to end.

    Raises:
        RunInProgress: the lock is held; the text names the holder.
        StoreError: the folder cannot be written, or takes no locks.
    """
    lock = file_lock(lock_file, wait_seconds=wait_seconds, is_singleton=True)
    with writing(lock_file.parent), locking(lock_file.parent):
        lock_file.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except Timeout:
            raise RunInProgress(f"another run is in progress: {named_holder(lock_file)}") from None
    try:
        with writing(lock_file.parent):
            write_holder(lock_file, holder=holder, now=now)
        yield
    finally:
        lock.release()


def is_held(lock_file: Path) -> bool:
    """Whether somebody holds the lock; what cannot be asked is taken to be held."""
    if not lock_file.exists():
        return False
    try:
        with file_lock(lock_file):
            return False
    except (Timeout, OSError):
        return True


def holder_file(lock_file: Path) -> Path:
    """Where the holder's name is written: the locked file itself cannot be read everywhere while it is locked."""
    return lock_file.with_suffix(".holder.json")


def write_holder(lock_file: Path, *, holder: str, now: datetime) -> None:
    """Note who holds the lock."""
    path = holder_file(lock_file)
    path.write_text(json.dumps({"holder": holder, "since": now.isoformat(timespec="seconds"), "pid": os.getpid()}))
    path.chmod(0o600)


def named_holder(lock_file: Path) -> str:
    """Who holds the lock, in words."""
    try:
        noted = json.loads(holder_file(lock_file).read_text())
    except (OSError, ValueError):
        return "(not named)"
    return f"{noted['holder']}, since {noted['since']} (process {noted['pid']})"
