"""R18-R20 through the whole chain: dry runs, repeated runs, broken runs, and what the audit keeps of each."""

import errno
import os
import signal
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from b24_pipeline import audit, schemas
from b24_pipeline.audit import RunStart, Store
from b24_pipeline.dagster_runs import TRIGGER_TAG, trigger_of
from b24_pipeline.rules.models import Trigger
from b24_pipeline.sandbox import Fault, FaultKind, Phase, RequestSeen
from b24_pipeline_tests.harness import HALF_AN_HOUR, JOB, World, project_in_test_time


def ask(world: World, query: str) -> list[tuple[Any, ...]]:
    """What people see in the published file."""
    with duckdb.connect(world.paths.published, read_only=True) as database:
        return database.execute(query).fetchall()


def test_r19_a_dry_run_changes_nothing_and_shows_the_plan(imported: World) -> None:
    imported.list_responsible(1)
    imported.portal.dismiss(1)
    newcomer = imported.hire("Newcomer", WORK_PHONE="7900")

    result = imported.run(dry_run=True)

    assert [request for request in imported.sandbox.requests if request.is_write] == []
    assert result.outcomes() == {newcomer: "create: planned", 1: "remove_responsible dismissed: planned"}
    assert (result.status, bool(result.audited["dry_run"]), result.counts.created) == ("done", True, 0)
    assert "Newcomer" in result.observed("callgear_upsert")["changes"]
    assert newcomer not in imported.links()


def test_r19_after_a_dry_run_the_real_one_does_all_of_it(world: World) -> None:
    world.hire_many(11)
    world.import_people(dry_run=True)

    result = world.import_people()

    assert (result.status, result.counts.created) == ("done", 11)


def test_r18_a_create_whose_answer_was_lost_is_adopted_not_repeated(world: World) -> None:
    ira = world.hire("Lebedeva")
    world.sandbox.faults.add(Fault(FaultKind.RESET_AFTER, api="callgear", method="create.employees", nth=1))

    result = world.import_people()

    assert (result.status, len(world.account.employees)) == ("done", 1)
    assert set(world.links()) == {ira}


def test_r18_one_bad_record_fails_alone_and_is_tried_again(world: World) -> None:
    world.hire_many(4)
    world.sandbox.faults.add(
        Fault(FaultKind.MNEMONIC, api="callgear", method="create.employees", nth=2, mnemonic="data_limit_exceeded")
    )

    broken = world.import_people()
    mended = world.import_people()

    assert (broken.status, broken.counts.failed, broken.counts.created) == ("partial", 1, 3)
    assert "data_limit_exceeded" in broken.actions.query("outcome == 'failed'")["error"].item()
    assert (mended.status, mended.counts.created) == ("done", 1)
    with world.database() as database:
        assert len(audit.actions.dead_letters(database)) == 0


def refuse_every_create(world: World) -> None:
    """From now on CallGear takes no new employee."""
    mnemonic = "invalid_parameter_value"
    world.sandbox.faults.add(Fault(FaultKind.MNEMONIC, "callgear", "create.employees", times=None, mnemonic=mnemonic))


def test_r18_a_record_that_never_works_is_tried_three_times_then_waits(world: World) -> None:
    ira = world.hire("Lebedeva")
    refuse_every_create(world)

    outcomes = [world.import_people().outcomes()[ira] for _ in range(4)]

    assert outcomes == ["create: failed"] * 3 + ["create: waiting"]


def test_r18_when_almost_everything_fails_the_run_is_stopped(world: World) -> None:
    world.hire_many(20)
    world.set(B24_PIPELINE_CALLGEAR_IN_FLIGHT="1")
    refuse_every_create(world)

    result = world.run()

    assert (result.success, result.status, result.counts.failed) == (False, "failed", 5)
    assert "5 of 5 actions failed" in (result.reason or "")
    assert result.counts.deferred == 15


def test_r17_a_run_defers_what_is_not_done_within_its_time(world: World) -> None:
    world.hire_many(20)
    world.set(B24_PIPELINE_CALLGEAR_IN_FLIGHT="1")
    world.sandbox.on_request = lambda *_: world.clock.sleep(60)

    late = world.import_people()
    world.sandbox.on_request = None
    result = world.import_people()

    assert (late.status, late.counts.deferred > 0, late.counts.failed) == ("partial", True, 0)
    assert late.counts.created + late.counts.deferred == 20
    assert (result.status, len(world.account.employees)) == ("done", 20)


def test_r18_a_day_that_others_used_up_puts_everything_off_and_the_run_ends_well(imported: World) -> None:
    imported.hire("Newcomer")
    imported.sandbox.faults.add(Fault(FaultKind.LIMIT_DAY, "callgear", "get.employees", times=None))

    result = imported.run()

    assert (result.success, result.status, imported.writes()) == (True, "partial", [])
    assert "CallGear could not be read; deferred to the next run" in str(result.reason)


def test_r20_the_audit_does_not_claim_phones_that_a_colleague_was_faster_with(world: World) -> None:
    ira = world.hire("Lebedeva", WORK_PHONE="7900")
    employee = world.account.add_employee(last_name="Lebedeva", email="lebedeva@x.test")

    def be_faster(_: RequestSeen, phase: Phase) -> None:
        reads = [seen for seen in world.sandbox.requests if seen.method == "get.employees"]
        if len(reads) == 2 and phase is Phase.BEFORE:
            world.account.edit_employee(employee, phone_numbers=[{"phone_number": "7111"}])

    world.sandbox.on_request = be_faster
    result = world.import_people()

    assert world.employees() == {"(bitrix24) Lebedeva": ["7111"]}
    assert (world.links(), result.counts.phones_added) == ({ira: employee}, 0)
    assert result.actions["after"].dropna().tolist() == ['{"last_name": "(bitrix24) Lebedeva"}']


def test_r20_a_run_that_a_person_stops_is_interrupted_and_counts_what_was_done_by_then(world: World) -> None:
    world.hire_many(9)
    world.set(B24_PIPELINE_CALLGEAR_IN_FLIGHT="1")

    def press_ctrl_c(request: RequestSeen, phase: Phase) -> None:
        if len(world.account.employees) == 6 and request.method == "create.employees" and phase is Phase.BEFORE:
            os.kill(os.getpid(), signal.SIGINT)

    world.sandbox.on_request = press_ctrl_c
    stopped = world.run()
    world.sandbox.on_request = None
    result = world.import_people()

    assert (stopped.success, stopped.status) == (False, "interrupted")
    assert stopped.reason == "callgear_upsert: interrupted"
    assert stopped.counts.created == (stopped.actions["outcome"] == "done").sum()
    assert (result.status, len(world.account.employees), len(world.links())) == ("done", 9, 9)


def test_r18_a_run_that_died_is_shown_as_interrupted_and_failed(world: World) -> None:
    world.hire("Lebedeva")
    job = project_in_test_time().resolve_job_def(JOB)
    dead = world.instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    with Store.open(world.paths, now=world.clock.now) as store:
        store.begin_run(RunStart(dead.run_id, world.clock.now(), Trigger.SCHEDULE))

    result = world.run()

    assert result.status == "done"
    assert ask(world, f"SELECT status FROM audit.runs WHERE run_id = '{dead.run_id}'") == [("interrupted",)]
    found = world.instance.get_run_by_id(dead.run_id)
    assert found is not None
    assert found.status is dg.DagsterRunStatus.FAILURE


def test_r20_what_stands_is_shown_with_the_time_since_when_in_every_run_that_found_it_so(world: World) -> None:
    world.hire(None)
    since = world.clock.now()
    for _ in range(2):
        assert world.import_people().status == "done"
        world.clock.seconds += HALF_AN_HOUR
    assert ask(world, 'SELECT action, "at" FROM audit.actions') == [("reject", since)] * 2


def test_r18_what_a_run_that_died_has_announced_is_waited_for_once_and_forgotten_when_nobody_has_it(
    imported: World,
) -> None:
    imported.portal.dismiss(1)
    imported.account.add_employee(last_name="Person", email="person2@old.test")
    with Store.open(imported.paths, now=imported.clock.now) as store:
        store.begin_run(RunStart("died", imported.clock.now(), Trigger.SCHEDULE))
        store.announce_creates([(1, "person1@old.test"), (2, "person2@old.test"), (3, "person3@x.test")])

    imported.import_people()

    with imported.database() as database:
        assert audit.links.pending_creates(database)["bitrix24_id"].tolist() == [2], (
            "somebody who is not linked has the address of 2"
        )
    waited = sum(imported.clock.waits)
    imported.clock.seconds += HALF_AN_HOUR
    assert imported.import_people().status == "done"
    time_out = float(imported.environment()["B24_PIPELINE_HTTP_TIMEOUT_SECONDS"])
    assert (waited, sum(imported.clock.waits)) == (time_out, time_out)


@pytest.mark.parametrize(
    ("tags", "trigger"),
    [
        ({"dagster/schedule_name": "every_30_minutes"}, Trigger.SCHEDULE),
        ({"dagster/sensor_name": "bitrix24_changes"}, Trigger.SENSOR),
        ({}, Trigger.UI),
        ({TRIGGER_TAG: "cli"}, Trigger.CLI),
        ({TRIGGER_TAG: "terminal"}, Trigger.CLI),
    ],
)
def test_r20_a_run_knows_who_started_it(tags: dict[str, str], trigger: Trigger) -> None:
    assert trigger_of(dg.DagsterRun(job_name=JOB, tags=tags)) is trigger


def test_r20_every_run_leaves_its_figures_actions_links_and_snapshots(world: World) -> None:
    ira = world.hire("Lebedeva", WORK_PHONE="7900")
    world.hire(None, EMAIL="nameless@x.test")

    result = world.import_people()

    figures = "SELECT run_id, status, trigger, dry_run, users, created, rejected FROM audit.runs"
    assert ask(world, figures) == [(result.run_id, "done", "cli", False, 2, 1, 1)]
    assert result.counts.callgear_points == len([r for r in world.sandbox.requests if r.api == "callgear"])
    assert result.counts.bitrix24_requests == len([r for r in world.sandbox.requests if r.api == "bitrix24"])
    (created,) = ask(world, "SELECT action, after, error, \"at\" FROM audit.actions WHERE outcome = 'done'")
    assert (created[0], created[2], created[3]) == ("create", None, world.clock.now())
    assert '"phone_numbers": ["7900"]' in created[1]
    assert ask(world, "SELECT bitrix24_id, linked_by, run_id FROM audit.links") == [(ira, "create", result.run_id)]


def test_r20_people_can_ask_what_was_known_as_of_any_run(imported: World) -> None:
    imported.portal.edit(1, LAST_NAME="Married")
    imported.import_people()
    first, second = (run for (run,) in ask(imported, "SELECT run_id FROM audit.runs ORDER BY started_at"))

    as_of = [
        ask(imported, f"SELECT last_name FROM audit.{table}_as_of('{run}') WHERE bitrix24_id = 1")
        for table in ("bitrix24_users", "employees")
        for run in (first, second)
    ]

    assert as_of == [[("Person1",)], [("Married",)]] * 2
    matches = [
        ask(imported, f"SELECT DISTINCT match_type FROM audit.employee_matches_as_of('{run}')")
        for run in (first, second)
    ]
    assert matches == [[("none",)], [("by_id",)]]


def test_r20_snapshots_are_as_they_were_seen(world: World) -> None:
    world.hire(" Lebedeva ", EMAIL="IRA@x.test ", WORK_PHONE="+7 (900) 1")
    world.import_people()

    with world.database() as database:
        (user,) = audit.history.snapshot(database, schemas.Users).to_dict("records")
        (employee,) = audit.history.snapshot(database, schemas.Employees).to_dict("records")

    assert (user["last_name"], user["email"], user["work_phone"]) == (" Lebedeva ", "IRA@x.test ", "+7 (900) 1")
    assert (employee["last_name"], employee["email"], employee["phones"]) == ("Lebedeva", "IRA@x.test", "79001")


def test_an_analyst_who_keeps_the_file_open_blocks_no_run_and_finds_the_new_state_on_reopening(
    imported: World,
) -> None:
    with duckdb.connect(imported.paths.published, read_only=True) as open_for_hours:
        assert imported.import_people().status == "done"
        seen_before = open_for_hours.execute("SELECT count(*) FROM audit.runs").fetchone()

    assert (seen_before, ask(imported, "SELECT count(*) FROM audit.runs")) == ((1,), [(2,)])


def test_files_with_personal_data_are_readable_by_their_owner_only(after_an_import: Path) -> None:
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in after_an_import.glob("b24*")}

    assert set(modes.values()) == {"0o600"}, modes


def test_r20_a_published_file_that_is_mounted_singly_changes_nothing_in_how_the_run_ended(
    imported: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported.hire("Newcomer")
    before = imported.paths.published.read_bytes()
    replace = Path.replace

    def refuse(source: Path, target: Path) -> Path:
        if target == imported.paths.published:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        return replace(source, target)

    monkeypatch.setattr(Path, "replace", refuse)  # as the system treats such a file

    result = imported.import_people()

    assert (result.status, result.counts.created, imported.paths.published.read_bytes()) == ("done", 1, before)
    assert "is mounted as a single file, so it cannot be replaced" in result.row["reason"]
