"""The files of one database: proven writable, created whole, copied without disturbing a lock, replaced in one step."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import filelock

from b24_pipeline.audit.exceptions import DatabaseBusy, DatabaseNotWritable, PublishedFileMounted
from b24_pipeline.audit.locks import file_lock, locking
from b24_pipeline.audit.ownership import owner_note
from b24_pipeline.audit.paths import Paths, wal_of

Result = TypeVar("Result")

SPARE_BYTES = 16 * 1024 * 1024
"""Room that must be left on the disk beside what a published copy of the database takes."""

_PIECE = 8 * 1024 * 1024
_WAIT_SECONDS = 0.1


@contextmanager
def writer_lock(paths: Paths, *, wait_seconds: float, sleep: Callable[[float], None]) -> Iterator[None]:
    """Be the only one that has the database open for writing; the operating system frees the lock of a dead process.

    Raises:
        DatabaseBusy: another process is writing, and still was after `wait_seconds`.
        LocksNotSupported: the folder takes no locks.
        DatabaseNotWritable: the lock is somebody else's.
    """
    lock = file_lock(paths.writer_lock)

    def acquire() -> None:
        with writing(paths.writer_lock.parent), locking(paths.writer_lock.parent):
            try:
                lock.acquire()
            except filelock.Timeout:
                raise DatabaseBusy(
                    f"The database {paths.working} is being written by another process; try again in a moment."
                ) from None

    patiently(acquire, wait_seconds=wait_seconds, sleep=sleep)
    try:
        yield
    finally:
        lock.release()


def patiently(attempt: Callable[[], Result], *, wait_seconds: float, sleep: Callable[[float], None]) -> Result:
    """Try until the database is not busy any more, for so long at most.

    Raises:
        DatabaseBusy: it still was.
    """
    for _ in range(round(wait_seconds / _WAIT_SECONDS)):
        try:
            return attempt()
        except DatabaseBusy:
            sleep(_WAIT_SECONDS)
    return attempt()


def prove_writable(paths: Paths) -> None:
    """Make sure that the folder takes writes and has room for what a run stores, before anything depends on it.

    Raises:
        DatabaseNotWritable: it does not.
    """
    folder = paths.published.parent
    needed = SPARE_BYTES + (paths.working.stat().st_size if paths.working.exists() else 0)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with private_file(paths.marker) as marker:
            os.write(marker, b"b24_pipeline")
            os.fsync(marker)
        paths.marker.unlink()
        free = shutil.disk_usage(folder).free
    if free < needed:
        raise DatabaseNotWritable(
            f"The disk of {folder} has {free // 1024**2} MiB left, {needed // 1024**2 + 1} MiB are needed: make room."
        )


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Say in one line what keeps us from writing in the folder.

    Raises:
        DatabaseNotWritable: something does.
    """
    try:
        yield
    except OSError as error:
        raise DatabaseNotWritable(
            f"The folder {folder} of the database cannot be written ({error.strerror}): give this user the right to,"
            f" make room, or name another place in B24_PIPELINE_DATABASE.{note_of(error, folder)}"
        ) from None


def note_of(error: OSError, folder: Path) -> str:
    """Whose the file is that may not be written, or its folder."""
    if error.errno not in (errno.EACCES, errno.EPERM):
        return ""
    named = [Path(os.fsdecode(error.filename))] if isinstance(error.filename, str | bytes) else []
    return owner_note(*named, folder)


@contextmanager
def whole_or_gone(path: Path) -> Iterator[None]:
    """Leave nothing of the file where the block fails: it holds personal data, and is what may have filled the disk."""
    try:
        yield
    except BaseException:
        for left in (path, wal_of(path)):
            with suppress(OSError):  # what failed first is what people need to know
                left.unlink()
        raise


@contextmanager
def private_file(path: Path) -> Iterator[int]:
    """A descriptor of a new, empty file that only its owner may read; it is gone where the block fails."""
    path.unlink(missing_ok=True)
    with whole_or_gone(path):
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


def copy_bytes(source: int, target: Path) -> None:
    """Copy an open file to a private one, and flush it to the disk."""
    with private_file(target) as descriptor:
        copied = 0
        while piece := os.pread(source, _PIECE, copied):
            copied += os.write(descriptor, piece)
        os.fsync(descriptor)


def copy_file(source: Path, target: Path) -> None:
    """Copy a file that this process does not have open in DuckDB."""
    descriptor = os.open(source, os.O_RDONLY)
    try:
        copy_bytes(descriptor, target)
    finally:
        os.close(descriptor)


def replace_published(source: Path, target: Path) -> None:
    """Let `source` become the published file `target`.

    Raises:
        PublishedFileMounted: it is mounted as a single file.
    """
    try:
        move_into_place(source, target)
    except OSError as error:
        if error.errno not in (errno.EBUSY, errno.EXDEV):
            raise
        raise PublishedFileMounted(
            f"The published database {target} is mounted as a single file, so it cannot be replaced and stays as it was"
            f" ({error.strerror}): mount its folder instead."
        ) from None


def move_into_place(source: Path, target: Path) -> None:
    """Let `source` become `target` in one step; who has the old file open keeps it.

    The old file's write-ahead log goes first: DuckDB would refuse the new file because of it.
    """
    wal_of(source).unlink(missing_ok=True)
    wal_of(target).unlink(missing_ok=True)
    source.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
