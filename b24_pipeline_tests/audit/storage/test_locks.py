"""Where no locks are taken nothing is done, and nothing is locked softly; whose a file is, where it is not ours."""

import errno
import fcntl
import os
from pathlib import Path

import pytest

from b24_pipeline.audit import Paths, Store
from b24_pipeline.audit.storage.exceptions import (
    DatabaseMissing,
    DatabaseNotReadable,
    DatabaseNotWritable,
    LocksNotSupported,
    PublishedFileMounted,
)
from b24_pipeline.audit.storage.files import owner_note, user_name
from b24_pipeline.audit.storage.lock import file_lock, is_locked, run_lock
from b24_pipeline_tests.audit.helpers import Recorder
from b24_pipeline_tests.clock import Clock
from b24_pipeline_tests.databases import bound_by_modes

STRANGER = 54_321


@pytest.fixture
def published(tmp_path: Path, clock: Clock) -> Paths:
    """A database that a run has published."""
    paths = Paths(tmp_path / "data/b24_pipeline.duckdb")
    with Store.open(paths, now=clock.now) as store:
        Recorder(store, clock, number=1).run()
        store.publish()
    return paths


@pytest.fixture(params=[errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL], ids=errno.errorcode.get)
def no_locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A share on which the system refuses every lock."""

    def refused(*_: object) -> None:
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", refused)


@pytest.mark.usefixtures("no_locks")
def test_r17_a_folder_that_takes_no_locks_is_said_to_be_one(tmp_path: Path, clock: Clock) -> None:
    paths = Paths(tmp_path / "data/b24.duckdb")

    with pytest.raises(LocksNotSupported, match=r"data takes no locks \(.+\).*: move the database to a disk of this m"):
        run_lock(paths.lock, owner="run 4711", now=clock.now()).__enter__()
    with pytest.raises(LocksNotSupported, match="takes no locks"):
        Store.open(paths, now=clock.now)

    assert not paths.working.exists()
    assert is_locked(paths.lock), "who cannot be asked must be taken to hold it"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that takes no files, as Linux's /proc")
def test_a_folder_that_takes_no_files_is_not_taken_for_a_run_in_progress(clock: Clock) -> None:
    paths = Paths(Path("/proc/b24.duckdb"))

    with pytest.raises(DatabaseNotWritable, match=r"The folder /proc of the database cannot be written"):
        run_lock(paths.lock, owner="run 4711", now=clock.now()).__enter__()
    with pytest.raises(DatabaseNotWritable, match=r"The folder /proc of the database cannot be written"):
        Store.open(paths, now=clock.now)


def test_a_database_below_a_file_is_missing(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "data").write_text("a file")
    with (
        pytest.raises(DatabaseMissing, match="run an import first"),
        Store.reader(Paths(tmp_path / "data/b24.duckdb"), now=clock.now),
    ):
        pass


@pytest.mark.usefixtures("no_locks")
def test_r17_nothing_is_ever_locked_softly(tmp_path: Path) -> None:
    lock = file_lock(tmp_path / "b24.lock")
    with pytest.raises(OSError, match=r"\[Errno \d+\]"):
        lock.acquire()
    assert type(lock) is type(file_lock(tmp_path / "other.lock"))
    assert not lock.is_locked


def test_a_file_that_was_replaced_as_somebody_else_is_said_to_be_theirs(published: Paths, clock: Clock) -> None:
    published.published.chmod(0o600)
    os.chown(published.published, STRANGER, STRANGER)
    published.working.unlink()

    def read() -> None:
        with Store.reader(published, now=clock.now):
            pass

    with pytest.raises(DatabaseNotReadable, match=f"{published.published} belongs to user {STRANGER}, and"):
        bound_by_modes(read)


def test_a_lock_of_somebody_else_is_said_to_be_theirs(published: Paths, clock: Clock) -> None:
    published.writer_lock.touch()
    published.writer_lock.chmod(0o600)
    os.chown(published.writer_lock, STRANGER, STRANGER)
    published.lock.touch()
    published.lock.chmod(0o600)
    os.chown(published.lock, STRANGER, STRANGER)

    for call, file in (
        (lambda: Store.open(published, now=clock.now), published.writer_lock),
        (lambda: run_lock(published.lock, owner="run 1", now=clock.now()).__enter__(), published.lock),
    ):
        with pytest.raises(DatabaseNotWritable, match=f"{file} belongs to user {STRANGER}"):
            bound_by_modes(call)


def test_of_a_file_of_our_own_nothing_is_said(tmp_path: Path) -> None:
    assert owner_note(tmp_path, tmp_path / "nowhere") == ""
    assert user_name(0) == "root"


@pytest.fixture
def mounted(published: Paths, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """The published file as the system treats one that is mounted singly: it cannot be replaced."""
    replace = Path.replace

    def refuse(source: Path, target: Path) -> Path:
        if target == published.published:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), str(source), None, str(target))
        return replace(source, target)

    monkeypatch.setattr(Path, "replace", refuse)
    return published


def test_a_published_file_that_is_mounted_singly_is_said_to_be_so(mounted: Paths, clock: Clock) -> None:
    with Store.open(mounted, now=clock.now) as store:
        Recorder(store, clock, number=2).run()
        with pytest.raises(PublishedFileMounted, match=r"is mounted as a single file, .* \(Device or resource busy\)"):
            store.publish()

    assert [path.name for path in mounted.published.parent.glob("*.tmp")] == []
