"""Opening the database for writing and for reading, publishing it, compacting it."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from b24_pipeline.audit.migrations import bring_up_to_date, version_of
from b24_pipeline.audit.schema import LAYOUT
from b24_pipeline.audit.storage.database import Database
from b24_pipeline.audit.storage.exceptions import (
    DatabaseBusy,
    DatabaseCorrupt,
    DatabaseMissing,
    DatabaseNotReadable,
    StoreError,
)
from b24_pipeline.audit.storage.files import (
    Paths,
    atomic_replace,
    copy_bytes,
    copy_file,
    replace_published,
    retry_while_busy,
    whole_or_nothing,
    writing,
)


def open_working(paths: Paths, *, at: datetime, wait_seconds: float, sleep: Callable[[float], None]) -> Database:
    """Open the working file or the lake, up to date; made new, a file from the published one, where it is missing.

    To be called by the owner of the writer lock. Readers hold the file for a moment; they are waited for.

    Raises:
        StoreError: the working or the published file is not ours, damaged, too new, or busy for longer.
    """
    check_published_file(paths)
    if paths.lake is None and not paths.working.exists():
        create_working(paths, at=at)
    place = paths.lake or paths.working
    database = retry_while_busy(lambda: Database.open(place), wait_seconds=wait_seconds, sleep=sleep)
    try:
        upgraded = bring_up_to_date(database, at=at)
    except BaseException:
        database.close()
        raise
    # An older version of this program wrote files that only a newer DuckDB opens: the copy has today's storage format.
    return compacted(paths, database) if upgraded and paths.lake is None else database


def check_published_file(paths: Paths) -> None:
    """Make sure that publishing will not replace a file that is not ours, or newer; one that somebody has open is ours.

    A damaged file of ours does not matter while there is the working file: it is about to be replaced.

    Raises:
        StoreError: the published file is not ours, or damaged and needed.
    """
    if not paths.published.exists():
        return
    try:
        with closing(Database.open_read_only(paths.published)) as database:
            version_of(database)
    except DatabaseBusy:
        return
    except DatabaseCorrupt:
        if not paths.working.exists():
            raise
        with paths.published.open("rb") as file:
            if not file.read(12).endswith(b"DUCK"):
                raise DatabaseCorrupt(
                    f"{paths.published} is damaged or no DuckDB file. Nothing is lost: move it away, and the next run"
                    f" publishes it anew from {paths.working.name}."
                ) from None


def create_working(paths: Paths, *, at: datetime) -> None:
    """Make the working file, whole or not at all: a copy of the published one (a restored backup), or new."""
    with writing(paths.published.parent), whole_or_nothing(paths.rebuilding):
        if paths.published.exists():
            copy_file(paths.published, paths.rebuilding)
        with closing(Database.open(paths.rebuilding)) as database:
            bring_up_to_date(database, at=at)
        atomic_replace(paths.rebuilding, paths.working)


def refuse_missing(paths: Paths) -> None:
    """Make sure that there is something to change. A lake is asked when it is opened.

    Raises:
        DatabaseMissing: no run has made the database yet.
    """
    if paths.lake is None and not (paths.working.exists() or paths.published.exists()):
        raise _missing(paths)


def _missing(paths: Paths) -> DatabaseMissing:
    return DatabaseMissing(f"There is no database {paths.published.absolute()} yet; run an import first.")


@contextmanager
def open_for_reading(paths: Paths, *, now: Callable[[], datetime]) -> Iterator[Database]:
    """The newest state that can be read now, without ever disturbing a run; to be held briefly.

    It is the working file, else the published one, else a private copy of that.

    Raises:
        DatabaseMissing: there is no database yet.
        StoreError: there is one, but nothing of it can be read.
    """
    if paths.lake is not None:
        with closing(Database.open_read_only(paths.lake)) as database:
            version_of(database)
            yield database
        return
    problem: StoreError = _missing(paths)
    for path in (paths.working, paths.published):
        try:
            database = Database.open_read_only(path)
        except DatabaseMissing:
            continue
        except (DatabaseBusy, DatabaseCorrupt, DatabaseNotReadable) as error:
            problem = error
            continue
        with closing(database):
            if version_of(database) == LAYOUT.version:
                yield database
                return
        with private_copy(path, at=now()) as copy:
            yield copy
            return
    if not isinstance(problem, DatabaseBusy) or not paths.published.exists():
        raise problem
    with private_copy(paths.published, at=now()) as copy:
        yield copy


@contextmanager
def private_copy(source: Path, *, at: datetime) -> Iterator[Database]:
    """A copy of the file, up to date, for as long as the block lasts."""
    with TemporaryDirectory(prefix="b24_pipeline-") as folder:
        copy = Path(folder) / "b24_pipeline.duckdb"
        copy_file(source, copy)
        with closing(Database.open(copy)) as database:
            bring_up_to_date(database, at=at)
            yield database


def publish(paths: Paths, database: Database) -> None:
    """Let people see the present state: the published file is replaced in one step; who has it open keeps the old.

    A link stays: the file that it leads to is replaced.

    Raises:
        PublishedFileMounted: it cannot be replaced.
        DatabaseNotWritable: it cannot be written.
        NotUploaded: it was replaced, but not its copy in an object store.
    """
    target = paths.published.resolve()
    draft = target.with_name(paths.publishing.name)
    with database.lock, writing(target.parent), whole_or_nothing(draft):
        if paths.lake is None:
            database.execute("checkpoint")
            copy_bytes(database.content, draft)
        else:
            database.copy_into(draft)
        replace_published(draft, target)
    if paths.copy is not None:
        from b24_pipeline.audit.storage.object_store import upload  # noqa: PLC0415 - few need it

        upload(target, paths.copy)


def compacted(paths: Paths, database: Database) -> Database:
    """The working file rewritten without the room of deleted rows; `database` is closed. A lake is tidied in place.

    Raises:
        DatabaseCorrupt: the copy is not complete; the file is left as it was.
    """
    if paths.lake is not None:
        for name in ("flush_lake", "rewrite_files", "expire_snapshots", "merge_files", "remove_old_files"):
            database.execute(name, catalog=f"'{database.catalog}'")
        return database
    with writing(paths.published.parent), whole_or_nothing(paths.rebuilding):
        database.copy_into(paths.rebuilding)
        with closing(Database.open_read_only(paths.rebuilding)) as copy:
            for table in LAYOUT.tables:
                if copy.value("row_count", table=table) != database.value("row_count", table=table):
                    raise DatabaseCorrupt(f"The copy of {paths.working} is not complete; it is left as it was.")
        database.close()
        atomic_replace(paths.rebuilding, paths.working)
    return Database.open(paths.working)
