"""R17: when a run is asked for, when not, and what the reason is called."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from b24_pipeline import change_detection, schedules, sensors, settings
from b24_pipeline.audit.storage.lock import run_lock
from b24_pipeline.bitrix24.exceptions import TransportError
from b24_pipeline.bitrix24.rate_limit import LeakyBucket
from b24_pipeline.change_detection import Cursor, poll_portal
from b24_pipeline.connection import Timing
from b24_pipeline.sandbox import Fault, FaultKind
from b24_pipeline.sandbox.bitrix24.behavior import Change, DismissedUsers, TimestampStyle
from b24_pipeline_tests.harness import CLOCK, MATERIALIZE, World, project_in_test_time, world_like


class Ticks:
    """The sensor, tick after tick, with the cursor that Dagster keeps for it."""

    def __init__(self, world: World, cursor: str | None = None) -> None:
        self.world = world
        self.cursor = cursor
        self.requests = 0

    def tick(self) -> dg.SensorResult | dg.SkipReason:
        """One tick: what it said. `requests` tells how many HTTP requests it took."""
        before = len(self.world.sandbox.requests)
        context = dg.build_sensor_context(instance=self.world.instance, cursor=self.cursor)
        found = sensors.bitrix24_changes(context)
        assert isinstance(found, dg.SensorResult | dg.SkipReason)
        if isinstance(found, dg.SensorResult):
            self.cursor = found.cursor
        self.requests = len(self.world.sandbox.requests) - before
        return found

    def asks(self) -> bool:
        """Whether a tick asks for a run; it takes one request and says what it saw."""
        found = self.tick()
        assert isinstance(found, dg.SensorResult)
        assert self.requests == 1
        return bool(found.run_requests)

    def words(self) -> str:
        """Why a tick asks for no run."""
        found = self.tick()
        skipped = found if isinstance(found, dg.SkipReason) else found.skip_reason
        assert isinstance(skipped, dg.SkipReason)
        return skipped.skip_message or ""


@pytest.fixture(scope="module")
def after_a_tick(tmp_path_factory: pytest.TempPathFactory, after_an_import: Path) -> tuple[Path, str | None]:
    """The files and the cursor that `ticks` begins with: made once, because a run takes longer than many a tick."""
    folder = tmp_path_factory.mktemp("after_a_tick")
    with (
        pytest.MonkeyPatch.context() as environment,
        world_like(after_an_import, folder, environment=environment) as world,
    ):
        world.hire("Rejected", EMAIL=None)
        world.import_people()
        ticks = Ticks(world)
        assert not ticks.asks()
        world.keep()
    return folder, ticks.cursor


@pytest.fixture
def ticks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after_a_tick: tuple[Path, str | None]) -> Iterator[Ticks]:
    """The sensor after a run that has seen somebody it had to reject, and after a tick that saw nothing."""
    folder, cursor = after_a_tick
    with world_like(folder, tmp_path, environment=monkeypatch) as world:
        yield Ticks(world, cursor)


LINKED, REJECTED = 1, 10
CHANGES: dict[str, tuple[Callable[[World], Any], bool]] = {
    "hired": (lambda world: world.hire("Newcomer"), True),
    "dismissed": (lambda world: world.portal.dismiss(LINKED), True),
    "not_linked_changes": (lambda world: world.portal.edit(REJECTED, EMAIL="now@x.test"), True),
    "linked_changes": (lambda world: world.portal.edit(LINKED, LAST_NAME="Married", WORK_PHONE="7900"), False),
    "guest_appears": (lambda world: world.hire("Guest", USER_TYPE="extranet"), False),
}


@pytest.mark.parametrize("change", CHANGES)
def test_r17_a_run_is_asked_for_when_it_would_do_something(ticks: Ticks, change: str) -> None:
    happen, wanted = CHANGES[change]
    happen(ticks.world)

    assert ticks.asks() is wanted


@pytest.mark.parametrize("touched_by", [frozenset(Change), frozenset()], ids=["touched", "untouched"])
def test_r17_timestamps_of_any_kind_decide_nothing(ticks: Ticks, touched_by: frozenset[Change]) -> None:
    for style in TimestampStyle:
        ticks.world.behave(timestamps=style, timestamp_touched_by=touched_by)
        before = ticks.asks()
        ticks.world.portal.edit(REJECTED, EMAIL="now@x.test")
        after = ticks.asks()
        ticks.world.portal.edit(REJECTED, EMAIL=None)
        assert (before, after, ticks.asks()) == (False, True, False), style


def test_r17_a_dismissal_is_seen_where_dismissed_users_are_never_shown(ticks: Ticks) -> None:
    ticks.world.behave(dismissed=DismissedUsers.NEVER)
    ticks.world.portal.dismiss(LINKED)

    assert ticks.asks()


def test_r17_the_same_difference_is_asked_for_once_and_another_again(ticks: Ticks) -> None:
    ticks.world.hire("Newcomer")
    asked = [ticks.asks(), ticks.asks(), ticks.asks()]
    ticks.world.hire("Another")

    assert (asked, ticks.asks()) == ([True, False, False], True)
    assert "already requested" in ticks.words()


def test_r17_there_and_back_and_there_again_is_asked_for_again(ticks: Ticks) -> None:
    def give_email(email: str | None) -> bool:
        ticks.world.portal.edit(REJECTED, EMAIL=email)
        return ticks.asks()

    assert [give_email("a@x.test"), give_email(None), give_email("a@x.test")] == [True, False, True]


def test_r17_once_a_run_has_seen_the_change_nothing_is_asked_for(ticks: Ticks) -> None:
    ticks.world.hire("Newcomer")
    asked = ticks.asks()
    ticks.world.import_people()

    assert (asked, ticks.asks()) == (True, False)


@pytest.mark.parametrize(
    "run",
    [{"dry_run": True}, {"only": [LINKED]}, {"assets": ["bitrix24_users"]}],
    ids=["dry run", "for one person", "of one asset"],
)
def test_r17_what_a_run_saw_that_did_nothing_about_it_is_asked_for(ticks: Ticks, run: dict[str, Any]) -> None:
    ticks.world.portal.dismiss(LINKED + 1)
    ticks.world.run(**run)
    nothing_done = ticks.asks()
    ticks.world.run()

    assert (nothing_done, ticks.asks()) == (True, False)


def test_r17_the_sensor_tells_what_it_saw(ticks: Ticks) -> None:
    nothing = ticks.words()
    ticks.world.hire("Newcomer")
    found = ticks.tick()

    assert nothing == "nothing changed: 10 of 10 employees compared"
    assert isinstance(found, dg.SensorResult)
    assert found.run_requests is not None
    assert found.run_requests[0].tags["b24_pipeline/change"].startswith("1 appeared (id 11)")
    assert found.run_requests[0].run_key is None
    assert isinstance(json.loads(ticks.cursor or ""), dict)


def test_r17_before_the_first_run_everybody_appeared(world: World) -> None:
    world.hire("Newcomer")

    assert Ticks(world).asks()
    assert not world.paths.working.exists()


@pytest.mark.parametrize("kind", [FaultKind.HTTP_500, FaultKind.CONNECTION_REFUSED, FaultKind.WEBHOOK_REVOKED_401])
def test_r17_a_portal_that_cannot_be_asked_is_a_reason_to_skip(ticks: Ticks, kind: FaultKind) -> None:
    cursor = ticks.cursor
    ticks.world.sandbox.faults.add(Fault(kind, api="bitrix24", times=None))

    words = ticks.words()

    assert words.startswith("could not poll: batch: ")
    assert (ticks.requests, ticks.cursor) == (1, cursor)
    assert "sandboxsecret" not in words


@pytest.mark.sampled(3)
@pytest.mark.parametrize("kind", [FaultKind.TIMEOUT_BEFORE, FaultKind.HEADERS_DRIP, FaultKind.BODY_DRIPS])
def test_r17_a_tick_gives_up_before_dagster_ends_it_and_says_so(
    ticks: Ticks, monkeypatch: pytest.MonkeyPatch, kind: FaultKind
) -> None:
    assert change_detection.TICK_SECONDS < 60
    monkeypatch.setattr(change_detection, "TICK_SECONDS", 1.5)
    ticks.world.sandbox.faults.add(Fault(kind, api="bitrix24", times=None))

    said, within = ticks.words().rsplit(" within ", 1)
    assert said == "could not poll: gave up after 1.5 seconds: batch: the portal did not answer"
    assert 0 < float(within.removesuffix(" s")) <= 1.5  # what of the tick is left when the request begins


def test_r17_a_tick_waits_for_no_rate_limit_longer_than_it_may_take(imported: World) -> None:
    full = LeakyBucket(capacity=2, reserved=1, leak=1 / 50, clock=CLOCK, sleep=CLOCK.sleep)
    full.acquire()
    timing = Timing(unix=CLOCK, monotonic=CLOCK, sleep=CLOCK.sleep, bucket_of=lambda _: full)
    imported.forget_requests()

    with pytest.raises(TransportError, match="batch: the portal's rate limit leaves no request in the time"):
        poll_portal(settings.load(), cursor=None, timing=timing)

    assert (CLOCK.waits, imported.sandbox.requests) == ([], [])


def test_r17_a_ca_bundle_that_cannot_be_read_is_a_reason_to_skip(ticks: Ticks) -> None:
    ticks.world.set(B24_PIPELINE_CA_BUNDLE=str(ticks.world.paths.published))

    words = ticks.words()

    assert (words.startswith("could not poll: B24_PIPELINE_CA_BUNDLE: "), ticks.requests) == (True, 0)


@pytest.mark.parametrize(
    ("text", "cursor"),
    [
        (None, Cursor()),
        ("", Cursor()),
        ("{", Cursor()),
        ("7", Cursor()),
        ('{"window_from": 40, "requested": "abc"}', Cursor(40, "abc")),
        ('{"window_from": "40", "requested": "abc"}', Cursor(0, "abc")),
        ('{"window_from": 40, "requested": null, "of_another_version": 1}', Cursor(40)),
    ],
)
def test_r17_what_is_broken_in_a_cursor_is_ignored(text: str | None, cursor: Cursor) -> None:
    assert Cursor.from_json(text) == cursor


def test_with_incomplete_settings_nothing_is_asked_and_the_reason_names_what_is_missing(world: World) -> None:
    world.set(BITRIX24_WEBHOOK_URL="", CALLGEAR_ACCESS_TOKEN="")
    with dg.instance_for_test() as instance, dg.build_schedule_context(instance=instance) as context:
        scheduled = schedules.every_30_minutes(context)

    assert isinstance(scheduled, dg.SkipReason)
    assert Ticks(world).words() == scheduled.skip_message
    assert "Not configured: BITRIX24_WEBHOOK_URL: is missing. Example: " in (scheduled.skip_message or "")
    assert (world.sandbox.requests, list(world.paths.published.parent.glob("b24*"))) == ([], [])


@pytest.mark.usefixtures("world")
def test_the_schedule_asks_for_a_run() -> None:
    with dg.instance_for_test() as instance, dg.build_schedule_context(instance=instance) as context:
        assert isinstance(schedules.every_30_minutes(context), dg.RunRequest)


@pytest.mark.parametrize("job", ["employee_import", MATERIALIZE])
def test_while_a_run_is_going_on_schedule_and_sensor_skip_and_name_it(world: World, job: str) -> None:
    reasons: set[str | None] = set()
    world.sandbox.on_request = lambda *_: reasons.add(schedules.skip_reason(world.instance))
    world.hire("Newcomer")

    result = world.run(job=job, assets=["bitrix24_users"])

    assert reasons == {f"run {result.run_id[:8]} is started"}
    assert schedules.skip_reason(world.instance) is None


def started(world: World, **tags: str) -> dg.DagsterRun:
    """A run of the chain that Dagster takes to be going on."""
    job = project_in_test_time().resolve_job_def("employee_import")
    return world.instance.create_run_for_job(
        job, status=dg.DagsterRunStatus.STARTED, tags={f"b24_pipeline/{name}": text for name, text in tags.items()}
    )


def test_r17_a_terminal_run_whose_process_died_keeps_nobody_waiting(world: World) -> None:
    run = started(world, trigger="cli")

    assert schedules.skip_reason(world.instance) is None
    ended = world.instance.get_run_by_id(run.run_id)
    assert ended is not None
    assert ended.status is dg.DagsterRunStatus.FAILURE


def test_r17_a_terminal_run_that_ended_while_it_was_looked_at_is_not_failed(world: World) -> None:
    run = started(world, trigger="cli")
    world.instance.report_run_canceled(run)

    schedules.fail_orphaned_runs(world.instance, [run])

    ended = world.instance.get_run_by_id(run.run_id)
    assert ended is not None
    assert ended.status is dg.DagsterRunStatus.CANCELED


def test_r17_a_run_of_any_launcher_that_nothing_is_heard_of_is_dead_unless_its_lock_is_held(world: World) -> None:
    run = started(world)
    world.instance.report_engine_event("its process began", run)
    now = datetime.now(UTC)
    later = now + timedelta(seconds=schedules.SILENT_SECONDS + 1)

    with run_lock(world.paths.lock, owner=f"run {run.run_id}", now=now):
        assert not schedules.is_abandoned(world.instance, run, now=later)
    assert not schedules.is_abandoned(world.instance, run, now=now)
    assert schedules.is_abandoned(world.instance, run, now=later)


@pytest.mark.parametrize("lock", ["b24.lock", "another/sandbox.lock"])
def test_r17_a_terminal_run_lives_as_long_as_its_lock_is_held(world: World, tmp_path: Path, lock: str) -> None:
    run = started(world, trigger="cli", lock=str(tmp_path / lock))
    with run_lock(tmp_path / lock, owner="b24-pipeline sync", now=world.clock.now()):
        reason = schedules.skip_reason(world.instance)

    assert reason == f"run {run.run_id[:8]} is started"


def test_r17_runs_that_dagster_launched_are_left_to_dagster(world: World) -> None:
    run = started(world)

    assert schedules.skip_reason(world.instance) == f"run {run.run_id[:8]} is started"


def test_a_run_of_another_job_is_no_reason_to_skip(world: World) -> None:
    other = project_in_test_time().resolve_job_def("purge_old_runs")
    world.instance.create_run_for_job(other, status=dg.DagsterRunStatus.STARTED)

    assert schedules.skip_reason(world.instance) is None


@pytest.mark.parametrize(("webhook", "wanted"), [(True, dg.RunRequest), (False, dg.SkipReason)])
def test_the_audit_is_purged_only_where_there_is_a_connection(world: World, webhook: bool, wanted: type) -> None:
    if not webhook:
        world.set(BITRIX24_WEBHOOK_URL="")

    assert isinstance(schedules.every_night(dg.build_schedule_context()), wanted)
