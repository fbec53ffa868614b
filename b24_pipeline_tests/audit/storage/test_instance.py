"""Many databases in one process: they share one DuckDB, and none is in the way of another."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from b24_pipeline import audit, schemas
from b24_pipeline.audit import Paths, Store
from b24_pipeline.audit.storage.database import Database
from b24_pipeline.audit.storage.exceptions import DatabaseBusy, DatabaseNotWritable
from b24_pipeline_tests.audit.helpers import Recorder, users
from b24_pipeline_tests.clock import Clock
from b24_pipeline_tests.databases import no_file_larger_than


@pytest.fixture
def published(recorder: Recorder, paths: Paths) -> Paths:
    """A database with one finished run, closed and published."""
    recorder.run(users((1, "Antonova")))
    recorder.store.publish()
    recorder.store.close()
    return paths


def names(database: Database) -> list[str]:
    """The last names that the newest run saw."""
    return list(audit.history.snapshot(database, schemas.Users)["last_name"])


def test_several_readers_in_one_process_read_the_same_file(published: Paths, clock: Clock) -> None:
    with Store.reader(published, now=clock.now) as first:
        with Store.reader(published, now=clock.now) as second:
            assert second.path == first.path == published.working
            assert names(second) == ["Antonova"]
        assert names(first) == ["Antonova"]


def test_threads_that_open_and_close_the_same_file_are_not_in_each_others_way(published: Paths, clock: Clock) -> None:
    def read(_number: int) -> list[str]:
        with Store.reader(published, now=clock.now) as database:
            return names(database)

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(read, range(40))) == [["Antonova"]] * 40


def test_who_has_the_published_file_open_keeps_the_old_and_the_next_reads_the_new(
    published: Paths, clock: Clock
) -> None:
    with ExitStack() as stack:
        store = stack.enter_context(Store.open(published, now=clock.now))
        old = stack.enter_context(Store.reader(published, now=clock.now))
        Recorder(store, clock, number=1).run(users((1, "Belova")))
        store.publish()
        new = stack.enter_context(Store.reader(published, now=clock.now))
        assert (names(old), names(new)) == (["Antonova"], ["Belova"])


def test_a_file_that_is_open_for_writing_is_busy_for_others_in_the_process(published: Paths) -> None:
    with (
        closing(Database.open(published.working)),
        pytest.raises(DatabaseBusy, match="in use by this process; try again in a moment"),
    ):
        Database.open_read_only(published.working)


def test_a_disk_that_is_full_for_one_database_is_not_in_the_way_of_another(
    published: Paths, clock: Clock, tmp_path: Path
) -> None:
    other = Paths(tmp_path / "other" / "b24_pipeline.duckdb")
    shutil.copytree(published.working.parent, other.working.parent)
    with Store.open(published, now=clock.now) as store:
        Recorder(store, clock, number=1).run(users((1, "Belova")))
        with no_file_larger_than(4096), pytest.raises(DatabaseNotWritable, match="cannot grow"):
            store.publish()
        with Store.open(other, now=clock.now) as opened:
            assert names(opened.database) == ["Antonova"]
    with Store.open(published, now=clock.now) as store:
        assert names(store.database) == ["Belova"]


def test_a_process_that_is_forked_opens_databases_of_its_own_and_leaves_those_of_its_parent_alone(
    published: Paths, clock: Clock, tmp_path: Path
) -> None:
    other = Paths(tmp_path / "other" / "b24_pipeline.duckdb")
    shutil.copytree(published.working.parent, other.working.parent)
    with Store.open(published, now=clock.now) as store:
        child = os.fork()
        if child == 0:
            with Store.open(other, now=clock.now) as opened:
                os._exit(0 if names(opened.database) == ["Antonova"] else 1)
        assert os.waitpid(child, 0)[1] == 0
        Recorder(store, clock, number=1).run(users((1, "Belova")))
    with Store.reader(published, now=clock.now) as database:
        assert names(database) == ["Belova"]
