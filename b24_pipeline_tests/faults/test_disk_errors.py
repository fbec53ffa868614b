"""A full disk, a folder that cannot be written, a file that is no database of ours: one clear line, and nobody lost."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from b24_pipeline.cli.exit_codes import Exit
from b24_pipeline.rules.models import RunStatus
from b24_pipeline.sandbox import CallGearBehavior, Sandbox, serve
from b24_pipeline_tests import scenarios
from b24_pipeline_tests.faults import invariants
from b24_pipeline_tests.faults.kill import Desk, ForkServer
from b24_pipeline_tests.faults.prepared_scenarios import HALF_AN_HOUR, Picture, PreparedScenarios
from b24_pipeline_tests.scenarios import PLENTY

KIB = 1024


@pytest.fixture
def desk(tmp_path: Path, fork_server: ForkServer) -> Iterator[Desk]:
    """Seven people to import."""
    sandbox = Sandbox(bitrix24=scenarios.FIRST.bitrix24, callgear=CallGearBehavior(**PLENTY))
    scenarios.newcomers(sandbox)
    with serve(sandbox) as server:
        yield Desk.at(tmp_path, server, fork_server)


def complaint(desk: Desk) -> str:
    """What was said on standard error; it must be one line."""
    said = [line for line in desk.said.splitlines() if line.startswith("b24-pipeline: ")]
    assert len(said) == 1, desk.said
    assert "Traceback" not in desk.said
    return said[0]


def test_a_folder_that_cannot_be_written_is_one_clear_line_before_anything_is_asked(desk: Desk) -> None:
    (desk.folder / "said.txt").touch()
    desk.folder.chmod(0o555)

    assert desk.type("sync", powerless=True) == Exit.FAILED
    assert "cannot be written" in complaint(desk)
    assert desk.server.sandbox.requests == []


def corrupt(desk: Desk) -> None:
    desk.paths.working.write_bytes(b"half a database" * 1000)


def foreign(desk: Desk) -> None:
    with duckdb.connect(desk.paths.published) as other:
        other.execute("CREATE TABLE invoices (amount INTEGER)")


def newer(desk: Desk) -> None:
    assert desk.type("sync") == 0
    desk.server.sandbox.requests.clear()
    with duckdb.connect(desk.paths.working) as ours:
        ours.execute("UPDATE store.schema_version SET version = version + 1")


def no_database(desk: Desk) -> None:
    desk.paths.published.write_text("a letter to the accountant")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [(corrupt, "damaged"), (foreign, "something else"), (newer, "upgrade"), (no_database, "no DuckDB file")],
)
def test_a_file_that_is_no_database_of_ours_is_one_clear_line_before_anything_is_asked(
    desk: Desk, spoil: Callable[[Desk], None], says: str
) -> None:
    spoil(desk)
    files = {path.name: path.read_bytes() for path in desk.folder.glob("b24*.duckdb")}

    assert desk.type("sync") == Exit.FAILED
    assert says in complaint(desk)
    assert desk.server.sandbox.requests == []
    assert {path.name: path.read_bytes() for path in desk.folder.glob("b24*.duckdb")} == files


@pytest.mark.long
@pytest.mark.parametrize(("kib", "writes"), [(4, False), (64, False), (160, False), (600, True)])
def test_a_disk_that_is_full_is_one_clear_line_and_the_next_run_converges(desk: Desk, kib: int, writes: bool) -> None:
    """At 64 KiB a file Dagster's own storage is the first to fail, at 600 the publishing after the last step."""
    before = Picture.of(desk.server.sandbox)

    assert desk.type("sync", file_size_limit=kib * KIB) == Exit.FAILED
    said = " ".join(desk.said.split())
    assert "Traceback" not in said
    assert "cannot grow" in said or "cannot be used" in said
    assert bool(desk.server.sandbox.writes()) is writes

    assert desk.type("sync") == Exit.DONE, desk.said
    after = Picture.of(desk.server.sandbox)
    invariants.nobody_is_doubled(before, after)
    invariants.nothing_is_lost(before, after)
    invariants.created_as_they_are_in_the_portal(before, after)
    assert len(after.employees) == len(before.employees) + 3


@pytest.mark.sampled(3)
@pytest.mark.matrix
@pytest.mark.parametrize("spare_kib", [0, 8, 16, 24, 32, 48, 64, 96, 128, 256])
def test_r18_a_disk_that_fills_up_in_the_middle_loses_and_doubles_nobody(
    spare_kib: int, prepared_scenarios: PreparedScenarios, fork_server: ForkServer
) -> None:
    """The write-ahead log may grow by so much; what is announced can be written before it is sent, or nothing is."""
    prepared = prepared_scenarios.get(scenarios.FORTY)
    with prepared_scenarios.start(scenarios.FORTY) as site:
        before = Picture.of(site.sandbox)
        site.close()
        site.runs += 1
        order = {"settings": site.given(), "run_id": f"run-{site.runs}", "seconds": site.clock.seconds}
        largest = site.paths.working.stat().st_size
        assert fork_server.start(**order, file_size_limit=largest + spare_kib * KIB).ended() != 0
        site.clock.seconds += HALF_AN_HOUR

        invariants.created_employees_are_known(before, site.state())
        next_run = site.run()
        after_all = site.state()
        invariants.check_run(before, after_all, next_run)
        invariants.check_both_systems(before, after_all)
        invariants.check_converged(after_all, prepared, next_run)


@pytest.mark.matrix
def test_r09_a_lost_database_is_rebuilt_by_email_without_a_write(prepared_scenarios: PreparedScenarios) -> None:
    prepared = prepared_scenarios.get(scenarios.FORTY)
    with prepared_scenarios.start(scenarios.FORTY) as site:
        site.run()
        links = site.links()
        site.close()
        shutil.rmtree(site.paths.published.parent)
        site.paths.published.parent.mkdir()
        rebuilt = site.run()

        assert (rebuilt.status, rebuilt.writes(), site.links()) == (RunStatus.DONE, [], links)
        invariants.check_converged(site.state(), prepared, rebuilt)
