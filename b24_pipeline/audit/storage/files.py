"""The files of one database: where they lie, proven writable, created whole, copied and replaced in one step."""

import errno
import fcntl
import os
import pwd
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from b24_pipeline.audit.storage.exceptions import (
    DatabaseBusy,
    DatabaseMisnamed,
    DatabaseNotWritable,
    PublishedFileMounted,
)
from b24_pipeline.audit.storage.lake import Lake

Result = TypeVar("Result")

SPARE_BYTES = 16 * 1024 * 1024
"""Room that must be left on the disk beside what a published copy of the database takes."""

_PIECE = 8 * 1024 * 1024
_WAIT_SECONDS = 0.1
RESERVED_NAMES = frozenset({"audit", "store", "information_schema"})
"""DuckDB names a database after its file; one named like a schema in it makes every `audit.x` ambiguous."""


@dataclass(frozen=True, slots=True)
class Paths:
    """All files of one database; only `published` is chosen, the others follow from it.

    Where there is a lake, it is in place of the working file. `copy` is where the published file is uploaded to.

    A database under two names (a symbolic link to the file or its folder) is one: its real path counts, so that it has
    one lock.
    """

    published: Path
    lake: Lake | None = None
    copy: str | None = None

    def __post_init__(self) -> None:
        with suppress(OSError, RuntimeError):  # links may lead in a circle, which shows once the file is used
            real = self.published.resolve()
            if real != self.published.absolute():
                object.__setattr__(self, "published", real)
        name = self.published.name.partition(".")[0]
        if name.casefold() in RESERVED_NAMES:
            raise DatabaseMisnamed(
                f"The database file must not be named {self.published.name}: DuckDB would confuse it with the"
                f" {name.casefold()} that it has of its own. Name it for example b24_pipeline.duckdb."
            )

    @property
    def working(self) -> Path:
        """The pipeline's own file; nobody else opens it for writing."""
        return self._beside(".working" + self.published.suffix)

    @property
    def lock(self) -> Path:
        """Held by a run from its first to its last step, so that runs never overlap (R17)."""
        return self._beside(".lock")

    @property
    def writer_lock(self) -> Path:
        """Held while a store is open for writing."""
        return self._beside(".working.lock")

    @property
    def marker(self) -> Path:
        """Written and removed to prove that the folder takes writes."""
        return self._beside(".probe.tmp")

    @property
    def publishing(self) -> Path:
        """The copy that is about to become the published file."""
        return self._beside(".publishing.tmp")

    @property
    def rebuilding(self) -> Path:
        """A new or compacted file that is about to become the working file."""
        return self._beside(".rebuilding.tmp")

    def _beside(self, ending: str) -> Path:
        return self.published.with_name(self.published.stem + ending)


def wal_of(database: Path) -> Path:
    """DuckDB's write-ahead log of a database file."""
    return database.with_name(database.name + ".wal")


def retry_while_busy(attempt: Callable[[], Result], *, wait_seconds: float, sleep: Callable[[float], None]) -> Result:
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


def check_writable(paths: Paths) -> None:
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
        named = [Path(os.fsdecode(error.filename))] if isinstance(error.filename, str | bytes) else []
        concerned = [*named, folder] if error.errno in (errno.EACCES, errno.EPERM) else []
        raise DatabaseNotWritable(
            f"The folder {folder} of the database cannot be written ({error.strerror}): give this user the right to,"
            f" make room, or name another place in B24_PIPELINE_DATABASE.{owner_note(*concerned)}"
        ) from None


@contextmanager
def whole_or_nothing(path: Path) -> Iterator[None]:
    """Let the block make the file anew; where it fails, nothing is left: personal data, and what may fill the disk."""
    for left in (path, wal_of(path)):
        left.unlink(missing_ok=True)
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
    with whole_or_nothing(path):
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Let those who write into the folder take turns, where its file system has locks."""
    with ExitStack() as stack:
        with suppress(OSError):  # one may write into a folder that one may not list
            descriptor = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, in one step: nobody ever sees half of it, whoever writes it, too."""
    draft = path.with_name(path.name + ".tmp")
    with locked_folder(path.parent), private_file(draft) as descriptor:
        with os.fdopen(descriptor, "w", encoding="utf-8", closefd=False) as file:
            file.write(text)
        draft.replace(path)


def copy_bytes(source: int, target: Path) -> None:
    """Copy an open file to a private one, and flush it to the disk."""
    with private_file(target) as descriptor:
        copied = 0
        while piece := os.pread(source, _PIECE, copied):
            copied += os.write(descriptor, piece)
        os.fsync(descriptor)


def copy_file(source: Path, target: Path) -> None:
    """Copy a file that this process does not have open in DuckDB."""
    with source.open("rb") as file:
        copy_bytes(file.fileno(), target)


def replace_published(source: Path, target: Path) -> None:
    """Let `source` become the published file `target`.

    Raises:
        PublishedFileMounted: it is mounted as a single file.
    """
    try:
        atomic_replace(source, target)
    except OSError as error:
        if error.errno not in (errno.EBUSY, errno.EXDEV):
            raise
        raise PublishedFileMounted(
            f"The published database {target} is mounted as a single file, so it cannot be replaced and stays as it was"
            f" ({error.strerror}): mount its folder instead."
        ) from None


def atomic_replace(source: Path, target: Path) -> None:
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


def owner_note(*paths: Path) -> str:
    """Say of the first of these files that is not ours whose it is; an empty text where all are ours, or not there."""
    for path in paths:
        try:
            owner = path.stat().st_uid
        except OSError:
            continue
        if owner != os.geteuid():
            return f" {path} belongs to {user_name(owner)}, and this process runs as {user_name(os.geteuid())}."
    return ""


def user_name(number: int) -> str:
    """The name of a user of this machine, or the number of one that it does not know."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"
