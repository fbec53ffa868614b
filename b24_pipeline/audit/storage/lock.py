"""Locks of files that die with their process: for a run (R17), and for a process that writes.

A folder that takes no locks is reported as one, and never locked softly.
"""

import errno
import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from b24_pipeline.audit.storage.advisory_lock import RunInProgress, advisory_lock, is_held
from b24_pipeline.audit.storage.database import nothing
from b24_pipeline.audit.storage.exceptions import DatabaseBusy, LocksNotSupported
from b24_pipeline.audit.storage.files import Paths, retry_while_busy, writing

NOT_SUPPORTED = frozenset({errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL})
"""Error numbers for a lock on a file system that has none, most often a network share."""


def file_lock(path: Path, *, wait_seconds: float = 0, is_singleton: bool = False) -> FileLock:
    """A lock of the operating system's.

    A soft lock, which is only a file that is there, would stay behind a process that dies, or be taken for one.
    """
    return FileLock(
        path, timeout=wait_seconds, thread_local=False, is_singleton=is_singleton, mode=0o600, fallback_to_soft=False
    )


@contextmanager
def locking(lock_file: Path) -> Iterator[None]:
    """Say in one line that the folder of the file takes no locks.

    Raises:
        LocksNotSupported: it does not.
        OSError: the file cannot be made.
    """
    try:
        lock_file.touch(mode=0o600)  # where there can be no file, the lock would be taken for one that is held
        yield
    except OSError as error:
        if error.errno not in NOT_SUPPORTED:
            raise
        raise LocksNotSupported(
            f"The folder {lock_file.parent} takes no locks ({error.strerror}), as some network shares do not: move the "
            "database to a disk of this machine, and name the place in B24_PIPELINE_DATABASE."
        ) from None


@contextmanager
def writer_lock(paths: Paths, *, wait_seconds: float, sleep: Callable[[float], None]) -> Iterator[None]:
    """Be the only one that has the database open for writing; the operating system frees the lock of a dead process.

    Raises:
        DatabaseBusy: another process is writing, and still was after `wait_seconds`.
        LocksNotSupported: the folder takes no locks.
        DatabaseNotWritable: the lock is somebody else's.
    """
    lock = file_lock(paths.writer_lock)

    def acquired() -> AbstractContextManager[object]:
        with writing(paths.writer_lock.parent), locking(paths.writer_lock):
            try:
                return lock.acquire()
            except Timeout:
                raise DatabaseBusy(
                    f"The database {paths.working} is being written by another process; try again in a moment."
                ) from None

    with retry_while_busy(acquired, wait_seconds=wait_seconds, sleep=sleep):
        yield


@contextmanager
def connection_lock(
    paths: Paths, *, owner: str, now: datetime, wait_seconds: float = 0
) -> Iterator[Callable[[], None]]:
    """Hold the lock of a connection, on this machine or between machines; yields what confirms that it is still held.

    The lock is beside the file, or in the lake's Postgres; `owner` says what is being done, for people.

    Raises:
        RunInProgress: the lock is held; the text names the owner.
        StoreError: the folder or Postgres cannot be used.
    """
    if paths.lake is not None:
        with advisory_lock(paths.lake, owner=owner, wait_seconds=wait_seconds) as confirm:
            yield confirm
        return
    with run_lock(paths.lock, owner=owner, now=now, wait_seconds=wait_seconds):
        yield nothing


def connection_is_locked(paths: Paths) -> bool:
    """Return whether somebody holds the lock of a connection; what cannot be asked is taken to be held."""
    return is_locked(paths.lock) if paths.lake is None else is_held(paths.lake)


@contextmanager
def run_lock(lock_file: Path, *, owner: str, now: datetime, wait_seconds: float = 0) -> Iterator[None]:
    """Hold the connection's lock; the operating system frees it when the process dies, however it dies.

    The owner's name is written next to it.

    Raises:
        RunInProgress: the lock is held; the text names the owner.
        StoreError: the folder cannot be written, or takes no locks.
    """
    lock = file_lock(lock_file, wait_seconds=wait_seconds, is_singleton=True)
    with writing(lock_file.parent):
        lock_file.parent.mkdir(parents=True, exist_ok=True)
        with locking(lock_file):
            try:
                acquired = lock.acquire()
            except Timeout:
                raise RunInProgress(f"another run is in progress: {owner_text(lock_file)}") from None
    with acquired:
        with writing(lock_file.parent):
            note = {"owner": owner, "since": now.isoformat(timespec="seconds"), "pid": os.getpid()}
            owner_file(lock_file).write_text(json.dumps(note))
            owner_file(lock_file).chmod(0o600)
        yield


def is_locked(lock_file: Path) -> bool:
    """Return whether somebody holds the lock; what cannot be asked is taken to be held."""
    if not lock_file.exists():
        return False
    try:
        with file_lock(lock_file):
            return False
    except (Timeout, OSError):
        return True


def owner_file(lock_file: Path) -> Path:
    """The file with the owner's name: the locked file itself cannot be read everywhere while it is locked."""
    return lock_file.with_suffix(".owner.json")


def owner_text(lock_file: Path) -> str:
    try:
        noted = json.loads(owner_file(lock_file).read_text())
    except (OSError, ValueError):
        return "(not named)"
    return f"{noted['owner']}, since {noted['since']} (process {noted['pid']})"
