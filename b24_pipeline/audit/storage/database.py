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
from b24_pipeline.audit.storage.instance import Attached, attach
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


class _TrialOver(Exception):  # noqa: N818 - a way out, not a fault
    """Undoes a transaction that was a trial."""


class Database:
    """An open DuckDB file, or a lake. One lock makes every method safe for threads.

    Attributes:
        path: the file, or the lake.
        catalog: its name in statements about several databases.
        confirm_lock: called before each commit; raises where the lock of the run is lost.
    """

    def __init__(self, path: Path | Lake, attached: Attached, descriptor: int) -> None:
        self.path = path
        self.catalog = attached.catalog
        self.lock = threading.RLock()
        self._attached = attached
        self._connection = attached.connection
        self._descriptor = descriptor
        self._in_transaction = False
        self.confirm_lock: Callable[[], None] = nothing

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open for reading and writing, and create it where it is missing.

        Raises:
            StoreError: the file cannot be opened.
        """
        attached = _attach(path, read_only=False)
        path.chmod(0o600)
        return cls(path, attached, os.open(path, os.O_RDONLY))

    @classmethod
    def open_read_only(cls, path: Path) -> Self:
        """Open for reading; others can read at the same time.

        Raises:
            StoreError: the file is missing or cannot be opened.
        """
        return cls(path, _attach(path, read_only=True), -1)

    @classmethod
    def open_lake(cls, lake: Lake, *, read_only: bool = False) -> Self:
        """Open a lake, created where it is missing unless it is only read.

        Raises:
            StoreError: it cannot be opened.
        """
        return cls(lake, _attach(lake, read_only=read_only), -1)

    def close(self) -> None:
        """Write what is outstanding into the file and let go of it."""
        with self.lock, translated(self.path):
            try:
                self._attached.close()
            finally:
                if self._descriptor >= 0:
                    os.close(self._descriptor)
                    self._descriptor = -1

    @property
    def content(self) -> int:
        """A descriptor to read the file's bytes by.

        It stays open as long as the database: closing *any* descriptor of a file drops the POSIX lock that DuckDB
        holds on it, and another process could then write into the open file.
        """
        return self._descriptor

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything in the block is stored together and flushed to the disk, or nothing of it.

        A transaction in a transaction is part of the outer one.
        """
        with self.lock:
            if self._in_transaction:
                yield
                return
            self._in_transaction = True
            try:
                with self._own_transaction():
                    yield
            finally:
                self._in_transaction = False

    @contextmanager
    def dry_transaction(self) -> Iterator[None]:
        """Let the block see what it stores, and undo it at the end. Not to be begun in a transaction."""
        with suppress(_TrialOver), self.transaction():
            yield
            raise _TrialOver

    @contextmanager
    def _own_transaction(self) -> Iterator[None]:
        with translated(self.path):
            if isinstance(self.path, Path):
                _create_private(wal_of(self.path))
            self._connection.begin()
            try:
                yield
                self.confirm_lock()
                self._connection.commit()
            except BaseException:
                _roll_back(self._connection)
                raise

    def execute(self, name: str, parameters: Parameters | None = None, /, **identifiers: str) -> None:
        """Carry out the named statement."""
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

    def tidy_lake(self) -> None:
        """Move rows from the catalog into files, merge small files, and forget former states of the lake."""
        for name in ("flush_lake", "rewrite_files", "expire_snapshots", "merge_files", "remove_old_files"):
            self.execute(name, catalog=f"'{self.catalog}'")

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
        with self.lock, translated(self.path):
            rows = self._connection.execute(self._parsed(name, identifiers), parameters).fetchall()
        return rows[0][0] if rows else None

    def _parsed(self, name: str, identifiers: Mapping[str, str]) -> duckdb.Statement:
        return self._attached.parsed(statement(name, **identifiers))

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
        if not _is_about_the_file(error):
            raise
        raise _in_our_words(error, path) from None


def _is_about_the_file(error: duckdb.Error) -> bool:
    if isinstance(error, duckdb.TransactionException):
        return any(phrase in str(error) for phrase, _, _ in _PHRASES)
    return isinstance(error, _FILE_ERRORS) or type(error) is duckdb.Error


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
        return _of_a_lake(said, path)
    for phrase, kind, advice in _PHRASES:
        if phrase in said:
            return kind(f"The database {path} {advice}.{owner_note(path) if phrase == _NO_RIGHT else ''}")
    return DatabaseCorrupt(f"The database {path} is damaged or no DuckDB file ({said.splitlines()[0]}): {_REBUILD}.")


def _of_a_lake(said: str, lake: Lake) -> StoreError:
    if "creating a new DuckLake is explicitly disabled" in said:
        return DatabaseMissing(f"There is no audit in {lake} yet; run an import first.")
    reason = said.splitlines()[0].rpartition(f'{lake.address}": ')[2]
    advice = "check its bucket and AWS_*" if "HTTP" in reason else "start its Postgres, or correct the settings"
    return LakeNotUsable(f"The audit in {lake} cannot be used ({reason}): {advice}.")


def _roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    try:
        connection.rollback()
    except duckdb.Error:  # the error that led here says what is wrong; this one only says that nothing is open
        return


def _create_private(path: Path) -> None:
    """Create an empty file that only its owner may read; DuckDB itself would create it readable for all."""
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
