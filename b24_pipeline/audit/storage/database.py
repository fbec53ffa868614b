"""One open DuckDB file: statements by name, one transaction at a time, DuckDB's file errors in our words."""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import duckdb

from b24_pipeline.audit.storage.column_types import Table
from b24_pipeline.audit.storage.exceptions import (
    DatabaseBusy,
    DatabaseCorrupt,
    DatabaseMissing,
    DatabaseNotReadable,
    DatabaseNotWritable,
    DatabaseTooNew,
    LakeNotUsable,
    LocksNotSupported,
    StoreError,
)
from b24_pipeline.audit.storage.files import owner_note, wal_of
from b24_pipeline.audit.storage.instance import Attached, attach, parsed_statements
from b24_pipeline.audit.storage.lake import Lake
from b24_pipeline.audit.storage.queries import statement

Parameters = Mapping[str, Any]

_NO_RIGHT = "Permission denied"

# How DuckDB says it; checked from top to bottom, the rest is damage.
_PHRASES: tuple[tuple[str, type[StoreError], str], ...] = (
    ("No locks available", LocksNotSupported, "lies in a folder that takes no locks; move it to a local disk"),
    ("Function not implemented", LocksNotSupported, "lies in a folder that takes no locks; move it to a local disk"),
    ("Operation not supported", LocksNotSupported, "lies in a folder that takes no locks; move it to a local disk"),
    ("Could not set lock", DatabaseBusy, "is in use by another process; try again in a moment"),
    ("Unique file handle conflict", DatabaseBusy, "is in use by this process; try again in a moment"),
    ("database does not exist", DatabaseMissing, "does not exist yet; run an import first"),
    ("No such file or directory", DatabaseMissing, "cannot be found; check the folder"),
    ("Not a directory", DatabaseMissing, "cannot be found: its folder is a file; check the path"),
    ("newer version", DatabaseTooNew, "was written by a newer DuckDB; upgrade this project's packages"),
    (_NO_RIGHT, DatabaseNotWritable, "may not be written; check who owns it"),
    ("Read-only file system", DatabaseNotWritable, "lies on a read-only file system; move it"),
    ("No space left", DatabaseNotWritable, "cannot grow: the disk is full; make room"),
    ("Disk quota exceeded", DatabaseNotWritable, "cannot grow: the disk quota is used up; make room"),
    ("File too large", DatabaseNotWritable, "cannot grow: the limit for one file is reached; raise it"),
    ("out-of-space", DatabaseNotWritable, "cannot grow: the disk is full; make room"),
)
_FILE_ERRORS = (duckdb.IOException, duckdb.FatalException, duckdb.InternalException, duckdb.SerializationException)
_REBUILD = (
    "restore a backup, or move it away: the next run then starts from the published file, and without one it rebuilds"
    " every link by e-mail (R09)"
)


def nothing() -> None:
    """Do nothing."""


class Database:
    """An open DuckDB file, or a lake. One lock makes every method safe for threads.

    Attributes:
        path: the file, or the lake.
        catalog: its name in statements about several databases.
        content: a descriptor to read the file's bytes by; -1 where it was not opened for writing. It stays open as
            long as the database: closing *any* descriptor of a file drops the POSIX lock that DuckDB holds on it, and
            another process could then write into the open file.
        confirm_lock: called before each commit; raises where the lock of the run is lost.
    """

    def __init__(self, path: Path | Lake, attached: Attached, content: int = -1) -> None:
        self.path = path
        self.catalog = attached.catalog
        self.lock = threading.RLock()
        self._attached = attached
        self._connection = attached.connection
        self.content = content
        self._in_transaction = False
        self.confirm_lock: Callable[[], None] = nothing

    @classmethod
    def open(cls, path: Path | Lake) -> Self:
        """Open for reading and writing, and create it where it is missing.

        Raises:
            StoreError: it cannot be opened.
        """
        attached = _attach(path, read_only=False)
        if isinstance(path, Lake):
            return cls(path, attached)
        path.chmod(0o600)
        return cls(path, attached, os.open(path, os.O_RDONLY))

    @classmethod
    def open_read_only(cls, path: Path | Lake) -> Self:
        """Open for reading; others can read at the same time.

        Raises:
            StoreError: it is missing or cannot be opened.
        """
        return cls(path, _attach(path, read_only=True))

    def close(self) -> None:
        """Write what is outstanding into the file and let go of it."""
        with self.lock, translated(self.path):
            try:
                self._attached.close()
            finally:
                if self.content >= 0:
                    os.close(self.content)
                    self.content = -1

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything in the block is stored together and flushed to the disk, or nothing of it.

        A transaction in a transaction is part of the outer one.
        """
        with self.lock:
            if self._in_transaction:
                yield
                return
            with translated(self.path):
                if isinstance(self.path, Path):
                    _create_private(wal_of(self.path))
                self._connection.begin()
                self._in_transaction = True
                try:
                    yield
                    self.confirm_lock()
                    self._connection.commit()
                except BaseException:
                    with suppress(duckdb.Error):  # what led here says what is wrong; this, only that nothing is open
                        self._connection.rollback()
                    raise
                finally:
                    self._in_transaction = False

    def execute(self, name: str, parameters: Parameters | None = None, /, **identifiers: str) -> None:
        with self.lock, translated(self.path):
            self._connection.execute(self._parsed(name, identifiers), parameters)

    def execute_text(self, sql: str) -> None:
        """Carry out a statement that is not needed again."""
        with self.lock, translated(self.path):
            self._connection.execute(sql)

    def copy_into(self, target: Path) -> None:
        """Copy everything into a new file, without the room that deleted rows took."""
        with closing(type(self).open(target)) as copy, self.lock:
            _create_private(wal_of(target))
            self.execute_text(statement("copy_everything", source=self.catalog, target=copy.catalog))  # several in one
            copy.execute("checkpoint")

    def table(self, name: str, parameters: Parameters | None = None, /, **identifiers: str) -> Table:
        """Return what the named query answers."""
        with self.lock, translated(self.path):
            return self._connection.sql(self._parsed(name, identifiers), params=parameters or None).to_arrow_table()

    def records(self, name: str, parameters: Parameters | None = None, /, **identifiers: str) -> list[dict[str, Any]]:
        """Return what the named query answers, as one dictionary a row."""
        with self.lock, translated(self.path):
            found = self._connection.execute(self._parsed(name, identifiers), parameters)
            columns = [column[0] for column in found.description or ()]
            return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]

    def column(self, name: str, parameters: Parameters | None = None, /, **identifiers: str) -> list[Any]:
        """The first column of what the named query answers."""
        with self.lock, translated(self.path):
            return [row[0] for row in self._connection.execute(self._parsed(name, identifiers), parameters).fetchall()]

    def value(self, name: str, parameters: Parameters | None = None, /, **identifiers: str) -> Any:  # noqa: ANN401
        """The first column of the first row, None where there is no row; of a change, how many rows it has changed."""
        return next(iter(self.column(name, parameters, **identifiers)), None)

    def _parsed(self, name: str, identifiers: Mapping[str, str]) -> duckdb.Statement:
        sql = statement(name, **identifiers)
        found = parsed_statements.get(sql)  # another thread may empty it meanwhile
        if found is None:
            (found,) = self._connection.extract_statements(sql)
            parsed_statements[sql] = found
        return found

    @contextmanager
    def incoming(self, rows: Table) -> Iterator[None]:
        """Let statements in the block read `rows` as the table `incoming`."""
        with self.lock:
            self._connection.register("incoming", rows)
            try:
                yield
            finally:
                self._connection.unregister("incoming")


@contextmanager
def translated(path: Path | Lake) -> Iterator[None]:
    """Turn DuckDB's errors about the file into ours; other errors pass.

    Raises:
        StoreError: what is wrong with the file, in one line.
    """
    try:
        yield
    except duckdb.Error as error:
        is_about_the_file = isinstance(error, _FILE_ERRORS) or type(error) is duckdb.Error
        if isinstance(error, duckdb.TransactionException):
            is_about_the_file = any(phrase in str(error) for phrase, _, _ in _PHRASES)
        if not is_about_the_file:
            raise
        raise _in_our_words(error, path) from None


def _attach(path: Path | Lake, *, read_only: bool) -> Attached:
    try:
        return attach(path, read_only=read_only)
    except duckdb.Error as error:
        if isinstance(path, Path) and read_only and _NO_RIGHT in str(error):
            raise DatabaseNotReadable(
                f"The database {path} may not be read; check who owns it.{owner_note(path)}"
            ) from None
        raise _in_our_words(error, path) from None


def _in_our_words(error: duckdb.Error, path: Path | Lake) -> StoreError:
    said = str(error)
    if isinstance(path, Lake):
        if "creating a new DuckLake is explicitly disabled" in said:
            return DatabaseMissing(f"There is no audit in {path} yet; run an import first.")
        reason = said.splitlines()[0].rpartition(f'{path.address}": ')[2]
        advice = "check its bucket and AWS_*" if "HTTP" in reason else "start its Postgres, or correct the settings"
        return LakeNotUsable(f"The audit in {path} cannot be used ({reason}): {advice}.")
    for phrase, kind, advice in _PHRASES:
        if phrase in said:
            return kind(f"The database {path} {advice}.{owner_note(path) if phrase == _NO_RIGHT else ''}")
    return DatabaseCorrupt(f"The database {path} is damaged or no DuckDB file ({said.splitlines()[0]}): {_REBUILD}.")


def _create_private(path: Path) -> None:
    """Create an empty file that only its owner may read; DuckDB itself would create it readable for all."""
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
