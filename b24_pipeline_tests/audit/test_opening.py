"""What can be wrong with the files is found on opening, in one line, and nobody's reading or writing blocks a run."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from b24_pipeline import audit, schemas
from b24_pipeline.audit import LinkWritten, Paths, Store, StoreError
from b24_pipeline.audit.storage import exceptions, files
from b24_pipeline.audit.storage.database import Database
from b24_pipeline.audit.storage.exceptions import (
    DatabaseBusy,
    DatabaseCorrupt,
    DatabaseForeign,
    DatabaseMisnamed,
    DatabaseMissing,
    DatabaseNotReadable,
    DatabaseNotWritable,
    DatabaseTooNew,
)
from b24_pipeline_tests.audit.helpers import NewStore, Recorder, ask, kept_files, users
from b24_pipeline_tests.clock import Clock
from b24_pipeline_tests.databases import bound_by_modes, no_file_larger_than

ANALYST = """
import duckdb, sys
people = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "read")
if sys.argv[2] == "write":
    people.execute("CREATE OR REPLACE TABLE mine AS SELECT 1 AS a")
print("open", flush=True)
sys.stdin.readline()
"""
HOLDER = """
import duckdb, sys
held = duckdb.connect(sys.argv[1])
held.execute("CREATE OR REPLACE TEMP TABLE mine AS SELECT 1 AS a")
print("open", flush=True)
sys.stdin.readline()
"""
WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from b24_pipeline.rules.models import Trigger
from b24_pipeline.audit import LinkWritten, Paths, RunStart, Store
at = datetime(2026, 1, 1, tzinfo=UTC)
store = Store.open(Paths(Path(sys.argv[1])), now=lambda: at)
store.begin_run(RunStart("killed", at, Trigger.SCHEDULE))
store.put_links([LinkWritten(1, 11, "create")])
print("open", flush=True)
sys.stdin.readline()
"""


@contextmanager
def other_process(program: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that has said that it is ready; it is killed in the end."""
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def after_one_run(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a database with one finished run, closed and published; to be copied."""
    with new_store() as recorder:
        recorder.run(users((1, "Antonova")))
        recorder.store.publish()
        recorder.store.close()
        return kept_files(recorder, tmp_path_factory.mktemp("after_one_run"))


@pytest.fixture
def published(after_one_run: Path, paths: Paths) -> Paths:
    """A database with one finished run, closed and published."""
    shutil.copytree(after_one_run, paths.published.parent)
    return paths


def test_all_files_are_their_owners_only(paths: Paths, clock: Clock) -> None:
    with Store.open(paths, now=clock.now) as store:
        recorder = Recorder(store, clock)
        recorder.run(users((1, "Antonova")))
        store.publish()
        recorder.begin()
        store.put_links([LinkWritten(1, 11, "create")])
        modes = {file.name: oct(file.stat().st_mode & 0o777) for file in paths.published.parent.iterdir()}
    assert set(modes.values()) == {"0o600"}
    assert "b24_pipeline.working.duckdb.wal" in modes


@pytest.mark.parametrize("name", ["Audit", "store", "information_schema"])
def test_a_file_named_like_a_schema_in_it_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DatabaseMisnamed, match=rf"must not be named {name}\.duckdb.+Name it for example"):
        Paths(tmp_path / f"{name}.duckdb")


def test_the_published_file_holds_what_the_store_holds(published: Paths) -> None:
    assert ask(published, "SELECT bitrix24_id, last_name FROM audit.bitrix24_users") == [(1, "Antonova")]
    assert ask(published, "SELECT last_name FROM audit.bitrix24_users_as_of('run-1')") == [("Antonova",)]


def test_what_is_not_published_is_not_seen_by_people(published: Paths, clock: Clock) -> None:
    with Store.open(published, now=clock.now) as store:
        Recorder(store, clock, number=1).run(users((1, "Belova")))
    assert ask(published, "SELECT last_name FROM audit.bitrix24_users") == [("Antonova",)]


@pytest.mark.parametrize("how", ["read", "write"])
def test_an_analyst_with_the_published_file_open_blocks_nothing(published: Paths, clock: Clock, how: str) -> None:
    with other_process(ANALYST, str(published.published), how):
        with Store.open(published, now=clock.now) as store:
            Recorder(store, clock, number=1).run(users((1, "Belova")))
            store.publish()
        assert ask(published, "SELECT last_name FROM audit.bitrix24_users") == [("Belova",)]


def test_a_reader_in_another_process_does_not_see_into_an_open_store(published: Paths, clock: Clock) -> None:
    """Copying the file by another descriptor would drop DuckDB's lock, and let a second process into the open file."""
    with Store.open(published, now=clock.now) as store:
        store.publish()
        look = f"import duckdb; duckdb.connect({str(published.working)!r}, read_only=True)"
        answer = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=False)
    assert "Could not set lock" in answer.stderr


def test_r18_a_store_killed_in_a_run_opens_again_and_has_lost_no_link(paths: Paths, clock: Clock) -> None:
    with other_process(WRITER, str(paths.published)) as writer:
        writer.kill()
    with Store.open(paths, now=clock.now) as store:
        assert audit.links.live_links(store.database)["callgear_id"].tolist() == [11]
        assert audit.runs.history(store.database)["status"].tolist() == ["running"]


def test_a_second_writer_waits_and_then_says_what_is_in_the_way(published: Paths, clock: Clock) -> None:
    slept: list[float] = []
    with Store.open(published, now=clock.now), pytest.raises(DatabaseBusy, match="being written by another process"):
        Store.open(published, now=clock.now, wait_seconds=2, sleep=slept.append)
    assert sum(slept) == pytest.approx(2)


def test_a_writer_that_goes_away_in_time_is_waited_for(published: Paths, clock: Clock) -> None:
    first = Store.open(published, now=clock.now)
    with Store.open(published, now=clock.now, wait_seconds=2, sleep=lambda _seconds: first.close()) as second:
        assert len(audit.history.snapshot(second.database, schemas.Users)) == 1


def test_somebody_who_holds_the_working_file_for_long_is_named_as_the_reason(published: Paths, clock: Clock) -> None:
    with (
        other_process(HOLDER, str(published.working)),
        pytest.raises(DatabaseBusy, match="in use by another process"),
    ):
        Store.open(published, now=clock.now, wait_seconds=0)


def test_a_short_reader_of_the_working_file_is_waited_for(published: Paths, clock: Clock) -> None:
    with other_process(ANALYST, str(published.working), "read") as reader:

        def sleep(_seconds: float) -> None:
            reader.kill()
            reader.wait()

        with Store.open(published, now=clock.now, sleep=sleep) as store:
            assert len(audit.history.snapshot(store.database, schemas.Users)) == 1


def test_a_missing_working_file_starts_from_the_published_one(published: Paths, clock: Clock) -> None:
    published.working.unlink()
    with Store.open(published, now=clock.now) as store:
        assert audit.history.snapshot(store.database, schemas.Users)["last_name"].tolist() == ["Antonova"]


def test_r18_a_lost_database_starts_anew(published: Paths, clock: Clock) -> None:
    published.working.unlink()
    published.published.unlink()
    with Store.open(published, now=clock.now) as store:
        assert audit.runs.first_import(store.database)
        assert audit.links.live_links(store.database).empty


def test_what_a_killed_creation_left_behind_is_in_nobodys_way(paths: Paths, clock: Clock) -> None:
    paths.rebuilding.parent.mkdir()
    paths.rebuilding.write_bytes(b"half a file")
    paths.publishing.write_bytes(b"half a file")
    with Store.open(paths, now=clock.now) as store:
        store.publish()
    assert not paths.rebuilding.exists()
    assert not paths.publishing.exists()


def garbage(file: Path) -> None:
    file.write_bytes(bytes(range(256)) * 100)


def text(file: Path) -> None:
    file.write_text("not a database")


def nothing(file: Path) -> None:
    file.write_bytes(b"")


def its_beginning(file: Path) -> None:
    os.truncate(file, 20_000)


def damaged_header(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.seek(4096)
        opened.write(b"\x5a" * 8192)


@pytest.mark.parametrize("spoil", [garbage, text, nothing, its_beginning, damaged_header])
def test_a_damaged_working_file_is_an_error_in_words(published: Paths, clock: Clock, spoil: object) -> None:
    spoil(published.working)
    before = published.working.read_bytes()
    with pytest.raises(DatabaseCorrupt, match="damaged or no DuckDB file") as caught:
        Store.open(published, now=clock.now)
    assert "\n" not in str(caught.value)
    assert published.working.read_bytes() == before


@pytest.mark.parametrize("spoil", [garbage, text, nothing, its_beginning, damaged_header])
def test_a_damaged_published_file_is_no_backup(published: Paths, clock: Clock, spoil: object) -> None:
    published.working.unlink()
    spoil(published.published)
    with pytest.raises(DatabaseCorrupt, match=r"b24_pipeline\.duckdb is damaged or no DuckDB file"):
        Store.open(published, now=clock.now)
    assert not published.working.exists()


@pytest.mark.parametrize("spoil", [its_beginning, damaged_header])
def test_a_damaged_published_file_is_mended_by_the_next_run(published: Paths, clock: Clock, spoil: object) -> None:
    spoil(published.published)
    with Store.open(published, now=clock.now) as store:
        store.publish()
    assert ask(published, "SELECT count(*) FROM audit.runs") == [(1,)]


def test_a_file_that_is_no_database_is_never_replaced(published: Paths, clock: Clock) -> None:
    text(published.published)
    with pytest.raises(
        DatabaseCorrupt, match=r"Nothing is lost: move it away, and the next run publishes it anew from b24"
    ):
        Store.open(published, now=clock.now)
    assert published.published.read_text() == "not a database"
    published.published.unlink()
    with Store.open(published, now=clock.now) as store:
        store.publish()
    assert ask(published, "SELECT count(*) FROM audit.runs") == [(1,)]


@pytest.mark.parametrize("name", ["working", "published"])
def test_a_database_of_something_else_is_left_alone(paths: Paths, clock: Clock, name: str) -> None:
    file: Path = getattr(paths, name)
    file.parent.mkdir()
    with duckdb.connect(file) as other:
        other.execute("CREATE TABLE invoices AS SELECT 1 AS total")
    before = file.read_bytes()
    with pytest.raises(DatabaseForeign, match="is a DuckDB database of something else"):
        Store.open(paths, now=clock.now)
    assert file.read_bytes() == before


@pytest.mark.parametrize("columns", ["'first' AS version", "1 AS number", "NULL AS version", "today() AS version"])
def test_a_table_of_versions_of_something_else_is_not_ours(paths: Paths, clock: Clock, columns: str) -> None:
    paths.published.parent.mkdir()
    with duckdb.connect(paths.published) as other:
        other.execute(f"CREATE SCHEMA store; CREATE TABLE store.schema_version AS SELECT {columns}")
    with pytest.raises(DatabaseForeign, match="is a DuckDB database of something else"):
        Store.open(paths, now=clock.now)
    with pytest.raises(DatabaseForeign), Store.reader(paths, now=clock.now):
        pass


@pytest.mark.parametrize("name", ["working", "published"])
def test_a_database_of_a_newer_version_is_left_alone(published: Paths, clock: Clock, name: str) -> None:
    with duckdb.connect(getattr(published, name)) as newer:
        newer.execute("INSERT INTO store.schema_version VALUES (99, now())")
    with pytest.raises(DatabaseTooNew, match="has layout 99"):
        Store.open(published, now=clock.now)


def test_a_folder_that_cannot_be_written_is_an_error_in_words(clock: Clock) -> None:
    with pytest.raises(DatabaseNotWritable, match="cannot be written") as caught:
        Store.open(Paths(Path("/proc/b24_pipeline/b24_pipeline.duckdb")), now=clock.now)
    assert "\n" not in str(caught.value)


def test_a_link_stays_and_the_file_it_leads_to_is_replaced(tmp_path: Path, clock: Clock) -> None:
    target = tmp_path / "elsewhere" / "audit_of_us.duckdb"
    target.parent.mkdir()
    paths = Paths(tmp_path / "data" / "b24_pipeline.duckdb")
    paths.published.parent.mkdir()
    paths.published.symlink_to(target)
    for number in range(2):
        with Store.open(paths, now=clock.now) as store:
            Recorder(store, clock, number=number).run()
            store.publish()
    assert paths.published.is_symlink()
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    assert ask(Paths(target), "SELECT count(*) FROM audit.runs") == [(2,)]


def test_a_working_file_that_may_not_be_read_is_passed_over_for_the_published_one(
    published: Paths, clock: Clock
) -> None:
    published.working.chmod(0o000)

    def read() -> list[str]:
        with Store.reader(published, now=clock.now) as database:
            return list(audit.history.snapshot(database, schemas.Users)["last_name"])

    assert bound_by_modes(read) == ["Antonova"]
    published.published.chmod(0o000)
    with pytest.raises(DatabaseNotReadable, match="may not be read; check who owns it"):
        bound_by_modes(read)


def test_a_path_through_a_file_is_an_error_in_words(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(DatabaseNotWritable, match="cannot be written"):
        Store.open(Paths(tmp_path / "data" / "b24_pipeline.duckdb"), now=clock.now)


def test_a_full_disk_is_an_error_in_words_on_opening(published: Paths, clock: Clock) -> None:
    with no_file_larger_than(0), pytest.raises(DatabaseNotWritable, match="File too large"):
        Store.open(published, now=clock.now)


def test_r18_a_create_that_cannot_be_announced_is_an_error_before_it_is_sent(published: Paths, clock: Clock) -> None:
    with Store.open(published, now=clock.now) as store:
        Recorder(store, clock, number=1).begin()
        with no_file_larger_than(0), pytest.raises(DatabaseNotWritable, match="cannot grow"):
            store.announce_creates([(1, "a@x.test")])


def test_a_disk_that_is_full_on_publishing_leaves_the_published_file_whole(published: Paths, clock: Clock) -> None:
    with Store.open(published, now=clock.now) as store:
        Recorder(store, clock, number=1).run()
        store.database.execute("checkpoint")
        half = published.working.stat().st_size // 2
        with no_file_larger_than(half), pytest.raises(DatabaseNotWritable, match="cannot be written"):
            store.publish()
    assert ask(published, "SELECT run_id FROM audit.runs") == [("run-1",)]
    assert not published.publishing.exists()


def test_a_draft_that_cannot_take_its_place_is_gone(published: Paths, clock: Clock) -> None:
    published.published.unlink()
    with Store.open(published, now=clock.now) as store:
        published.published.mkdir()
        with pytest.raises(DatabaseNotWritable, match="cannot be written"):
            store.publish()
    assert not published.publishing.exists()


def test_a_disk_that_is_full_on_compacting_leaves_the_working_file_alone(published: Paths, clock: Clock) -> None:
    with Store.open(published, now=clock.now) as store:
        half = published.working.stat().st_size // 2
        with no_file_larger_than(half), pytest.raises(DatabaseNotWritable, match="cannot grow"):
            store.compact()
        assert audit.runs.history(store.database)["run_id"].tolist() == ["run-1"]
        assert not published.rebuilding.exists()


def test_a_disk_that_is_full_on_copying_the_published_file_leaves_no_half_of_it(published: Paths, clock: Clock) -> None:
    published.working.unlink()
    half = published.published.stat().st_size // 2
    with no_file_larger_than(half), pytest.raises(DatabaseNotWritable):
        Store.open(published, now=clock.now)
    assert not published.working.exists()
    assert not published.rebuilding.exists()


def test_a_disk_with_too_little_room_is_an_error_on_opening(
    published: Paths, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "SPARE_BYTES", 2**60)
    with pytest.raises(DatabaseNotWritable, match="MiB are needed: make room"):
        Store.open(published, now=clock.now)


def test_damage_that_shows_only_on_reading_is_an_error_in_words(published: Paths, clock: Clock) -> None:
    with Store.open(published, now=clock.now) as store:
        store.compact()
    size = published.working.stat().st_size
    with published.working.open("r+b") as file:
        file.seek(12288)
        file.write(bytes(size - 12288 - 2 * 262144))
    with pytest.raises(DatabaseCorrupt), Store.open(published, now=clock.now) as store:
        audit.history.snapshot(store.database, schemas.Users)


def test_a_copy_that_is_not_complete_never_replaces_the_file(
    published: Paths, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose_a_row(database: Database, target: Path) -> None:
        whole_copy(database, target)
        with duckdb.connect(target) as copy:
            copy.execute("DELETE FROM store.runs")

    whole_copy = Database.copy_into
    monkeypatch.setattr(Database, "copy_into", lose_a_row)
    with Store.open(published, now=clock.now) as store:
        with pytest.raises(DatabaseCorrupt, match="is not complete; it is left as it was"):
            store.compact()
        assert audit.runs.history(store.database)["run_id"].tolist() == ["run-1"]


def test_the_reader_sees_the_newest_state(published: Paths, clock: Clock) -> None:
    with Store.open(published, now=clock.now) as store:
        Recorder(store, clock, number=1).run(users((1, "Belova")))
    with Store.reader(published, now=clock.now) as database:
        assert audit.history.snapshot(database, schemas.Users)["last_name"].tolist() == ["Belova"]


def test_the_reader_sees_the_published_state_while_a_run_is_going_on(published: Paths, clock: Clock) -> None:
    with other_process(HOLDER, str(published.working)), Store.reader(published, now=clock.now) as database:
        assert database.path == published.published
        assert audit.links.live_links(database).empty


def test_the_reader_sees_the_published_state_within_the_run_s_own_process(published: Paths, clock: Clock) -> None:
    with Store.open(published, now=clock.now), Store.reader(published, now=clock.now) as database:
        assert database.path == published.published


def test_the_reader_takes_a_copy_when_a_run_and_an_analyst_hold_both_files(published: Paths, clock: Clock) -> None:
    with (
        other_process(HOLDER, str(published.working)),
        other_process(ANALYST, str(published.published), "write"),
        Store.reader(published, now=clock.now) as database,
    ):
        copy = database.path
        assert copy not in (published.published, published.working)
        assert audit.history.snapshot(database, schemas.Users)["last_name"].tolist() == ["Antonova"]
    assert not copy.exists()


def test_there_is_nothing_to_read_before_the_first_run(paths: Paths, clock: Clock) -> None:
    with pytest.raises(DatabaseMissing, match="run an import first"), Store.reader(paths, now=clock.now):
        pass


def test_during_the_very_first_run_the_reader_says_so(paths: Paths, clock: Clock) -> None:
    paths.working.parent.mkdir()
    with (
        other_process(HOLDER, str(paths.working)),
        pytest.raises(DatabaseBusy, match="in use by another process"),
        Store.reader(paths, now=clock.now),
    ):
        pass


def test_every_error_is_a_store_error() -> None:
    kinds = [kind for kind in vars(exceptions).values() if isinstance(kind, type)]
    assert all(issubclass(kind, StoreError) for kind in kinds)
