"""The thresholds of one run and over runs (R18): what stops a run, what is tried again when, what is put off."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest

from b24_pipeline import audit
from b24_pipeline.audit import RunCounts, RunStart
from b24_pipeline.audit.metadata import UNCHECKED_UPDATE
from b24_pipeline.callgear.capabilities import UnverifiedUpdate
from b24_pipeline.rules.models import Outcome, RunStatus, Trigger
from b24_pipeline.sandbox import CallGearBehavior, Fault, FaultKind, Sandbox
from b24_pipeline.sandbox.callgear.behavior import Metadata
from b24_pipeline_tests import scenarios
from b24_pipeline_tests.faults import invariants
from b24_pipeline_tests.faults.prepared_scenarios import HALF_AN_HOUR, Picture, PreparedScenarios, Site
from b24_pipeline_tests.scenarios import PLENTY, Scenario, hire

CREATE = "create.employees"


def twenty(sandbox: Sandbox) -> None:
    """Twenty people to create."""
    for number in range(20):
        hire(sandbox, f"New{number:02}")


TWENTY = Scenario("twenty people", twenty, calls={CREATE: 20})
THREE_LEAVE = scenarios.LEAVERS


@pytest.fixture
def site(prepared_scenarios: PreparedScenarios) -> Iterator[Site]:
    """Twenty people to create."""
    with prepared_scenarios.start(TWENTY) as found:
        yield found


def fail(site: Site, *creates: int, mnemonic: str = "invalid_parameter_value") -> None:
    """Let the creates of these numbers fail."""
    for number in creates:
        site.sandbox.faults.add(Fault(FaultKind.MNEMONIC, "callgear", CREATE, nth=number, mnemonic=mnemonic))


def sent(site: Site) -> int:
    """How many creates were sent so far."""
    return sum(request.method == CREATE for request in site.sandbox.requests)


@pytest.mark.parametrize(
    ("failing", "why"),
    [
        ((1, 2, 3, 4), "four failures are not five"),
        ((3, 5, 8, 10, 13, 15), "six of fifteen are 40 %, not more"),
        ((16, 17, 18, 19, 20), "five of twenty are 25 %"),
    ],
)
def test_r18_bad_records_stop_nobody_else(site: Site, failing: Sequence[int], why: str) -> None:
    fail(site, *failing)
    ended = site.run()

    assert (ended.status, ended.counts.created) == (RunStatus.PARTIAL, 20 - len(failing)), why
    assert ended.counts.failed == len(failing)


@pytest.mark.parametrize(
    ("failing", "created"), [((1, 2, 3, 4, 5), 0), ((3, 5, 8, 10, 13, 14), 8), ((8, 9, 10, 11, 12), 7)]
)
def test_r18_five_failures_and_more_than_40_percent_stop_the_run(
    site: Site, failing: Sequence[int], created: int
) -> None:
    fail(site, *failing)
    ended = site.run()

    assert (ended.status, ended.counts.created, ended.counts.failed) == (RunStatus.FAILED, created, len(failing))
    assert ended.counts.deferred == 20 - created - len(failing)
    assert sent(site) == max(failing)
    assert ended.reason is not None
    assert f"{len(failing)} of {max(failing)} actions failed" in ended.reason


def test_r18_the_same_malformed_request_three_times_in_a_row_stops_the_run(site: Site) -> None:
    fail(site, 4, 5, 6, mnemonic="unexpected_parameters")
    ended = site.run()

    assert (ended.status, ended.counts.created, sent(site)) == (RunStatus.FAILED, 3, 6)
    assert "the same malformed request 3 times in a row" in str(ended.reason)


@pytest.mark.parametrize("between", [None, "data_type_error"])
def test_r18_malformed_requests_that_are_not_in_a_row_or_not_the_same_stop_nobody(
    site: Site, between: str | None
) -> None:
    fail(site, 10, 11, 13, 14, mnemonic="unexpected_parameters")
    if between:
        fail(site, 12, mnemonic=between)
    ended = site.run()

    assert (ended.status, sent(site)) == (RunStatus.PARTIAL, 20)


@pytest.mark.long
def test_r18_a_bad_record_is_tried_every_run_three_times_then_after_1_6_and_24_hours(site: Site) -> None:
    site.run()
    user = hire(site.sandbox, "Unlucky")
    site.sandbox.faults.add(Fault(FaultKind.MNEMONIC, "callgear", CREATE, times=None))
    for _ in range(3):
        assert tries(site) == 1

    for hours in (1, 6, 24, 24):
        due = audit.actions.dead_letters(site.store.database)["next_try_at"].iloc[0]
        assert due - audit.actions.dead_letters(site.store.database)["last_failed_at"].iloc[0] == timedelta(hours=hours)
        site.clock.seconds = due.timestamp() - 1
        assert tries(site) == 0
        site.clock.seconds = due.timestamp()
        assert tries(site) == 1

    waiting = site.run()
    listed = waiting.actions[waiting.actions["outcome"] == Outcome.WAITING]
    assert listed["bitrix24_id"].tolist() == [user]
    assert audit.actions.dead_letters(site.store.database)["attempts"].tolist() == [7]


def tries(site: Site) -> int:
    """How many creates one run sends."""
    before = sent(site)
    site.run()
    return sent(site) - before


def test_r18_a_mended_record_is_tried_at_once_and_leaves_the_list(site: Site) -> None:
    site.run()
    user = hire(site.sandbox, "Unlucky")
    site.sandbox.faults.add(Fault(FaultKind.MNEMONIC, "callgear", CREATE, times=None))
    for _ in range(4):
        site.run()
    site.sandbox.faults.clear()
    site.sandbox.portal.edit(user, WORK_PHONE="+7 495 000 11 22")
    ended = site.run()

    assert (ended.status, ended.counts.created) == (RunStatus.DONE, 1)
    assert audit.actions.dead_letters(site.store.database).empty


@pytest.mark.long
def test_r14_a_person_with_deals_is_tried_ever_more_rarely_and_stops_nothing(
    prepared_scenarios: PreparedScenarios,
) -> None:
    with prepared_scenarios.start(THREE_LEAVE) as site:
        site.sandbox.account.owners_with_deals.add("1")
        first = site.run()
        assert (first.status, first.counts.responsible_removed, first.counts.failed) == (RunStatus.PARTIAL, 2, 1)
        for hours in (6, 24, 24):
            due, failed_at = (
                audit.actions.dead_letters(site.store.database)[name].iloc[0]
                for name in ("next_try_at", "last_failed_at")
            )
            assert due - failed_at == timedelta(hours=hours)
            site.clock.seconds = due.timestamp() - 1
            assert site.run().counts.backing_off == 1
            site.clock.seconds = due.timestamp()
            assert site.run().counts.failed == 1
        site.sandbox.account.owners_with_deals.clear()
        site.wait_for_dead_letters()
        assert (site.run().counts.responsible_removed, audit.actions.dead_letters(site.store.database).empty) == (
            1,
            True,
        )
    assert "1" not in Picture.of(site.sandbox).responsible


def test_a_create_that_surely_failed_is_forgotten_so_that_nobody_else_is_adopted(site: Site) -> None:
    """Its e-mail address may belong to another person by the next run."""
    unlucky = hire(site.sandbox, "Unlucky")
    fail(site, 21)
    site.run()
    site.sandbox.faults.add(Fault(FaultKind.MNEMONIC, "callgear", CREATE, times=None))
    site.sandbox.portal.edit(unlucky, EMAIL="another@x.test")
    stranger = site.sandbox.account.add_employee(last_name="Stranger", email="Unlucky@x.test")
    site.run()

    assert stranger not in site.links().values()
    assert audit.links.pending_creates(site.store.database).empty


def test_r17_what_is_not_done_within_the_runs_time_is_put_off_and_the_list_too(
    prepared_scenarios: PreparedScenarios,
) -> None:
    """The clock jumps over the end of the run while it is sending; the next run takes up the rest."""
    with prepared_scenarios.start(THREE_LEAVE) as site:
        hire(site.sandbox, "Latecomer")
        site.sandbox.on_request = lambda request, _: jump(site) if request.method == CREATE else None
        ended = site.run(run_minutes=20.0)
        site.sandbox.on_request = None

        assert (ended.status, ended.counts.created) == (RunStatus.PARTIAL, 1)
        assert "the responsible list is deferred to the next run" in str(ended.reason)
        assert site.run().counts.responsible_removed == 3


@pytest.mark.parametrize("kind", [FaultKind.OPERATION_TIME_LIMIT, FaultKind.HTTP_500, FaultKind.QUERY_LIMIT_EXCEEDED])
def test_r17_a_portal_that_makes_us_wait_does_not_make_the_run_outlive_its_time(site: Site, kind: FaultKind) -> None:
    site.sandbox.faults.add(Fault(kind, "bitrix24", times=None))
    began = site.clock.seconds
    ended = site.run(run_minutes=0.5)

    assert (ended.status, ended.writes()) == (RunStatus.FAILED, [])
    assert site.clock.seconds - HALF_AN_HOUR - began <= 30


def jump(site: Site) -> None:
    """Twenty minutes pass."""
    site.clock.seconds += 20 * 60


@pytest.mark.long
@pytest.mark.parametrize("minutes", [0.5, 3.0])
def test_an_import_goes_on_over_days_where_the_days_points_ended(
    prepared_scenarios: PreparedScenarios, minutes: float
) -> None:
    """Twenty people, 30 points a minute, 12 points a day of which one in four is kept for others."""
    scenario = Scenario(
        "twenty people", twenty, calls={CREATE: 20}, settings={"day_reserve": 0.25, "run_minutes": minutes}
    )
    prepared = prepared_scenarios.get(TWENTY)
    with prepared_scenarios.start(scenario) as site:
        site.sandbox.callgear = CallGearBehavior(**{**PLENTY, "minute_limit": 30, "day_limit": 12})
        before, created = Picture.of(site.sandbox), []
        while not created or created[-1] < 20:
            ended = site.run()
            invariants.check_run(before, site.state(), ended)
            assert ended.status in (RunStatus.PARTIAL, RunStatus.DONE)
            assert all(request.acted for request in ended.requests), "a limit was exceeded by us"
            created.append(len(Picture.of(site.sandbox).employees))
            site.clock.seconds += 6 * 3600
        ended = site.run()
        invariants.check_converged(site.state(), prepared, ended)
    assert created == sorted(created)
    assert len(created) > 4


def test_where_callgear_tells_no_points_those_of_the_last_24_hours_are_the_day_s(site: Site) -> None:
    site.sandbox.callgear = CallGearBehavior(**PLENTY, metadata=Metadata.MISSING)
    site.store.begin_run(RunStart("earlier", site.clock.now(), Trigger.CLI))
    site.store.finish_run(RunStatus.DONE, None, RunCounts(callgear_points=2698))

    on_the_same_day = site.run()
    site.clock.seconds += timedelta(days=1).total_seconds()
    a_day_later = site.run()

    assert (on_the_same_day.status, on_the_same_day.counts.callgear_points) == (RunStatus.PARTIAL, 2)
    assert "the day's CallGear points" in str(on_the_same_day.reason)
    assert (a_day_later.status, a_day_later.counts.deferred) == (RunStatus.DONE, 0)


def test_what_an_update_of_long_ago_may_have_taken_away_is_told_to_people_and_not_put_back(
    prepared_scenarios: PreparedScenarios,
) -> None:
    with prepared_scenarios.start(scenarios.FIRST) as site:
        before = Picture.of(site.sandbox)
        number, employee = next((number, found) for number, found in before.employees.items() if found["phone_numbers"])
        had = {"id": number, "phone_numbers": [*employee["phone_numbers"], {"phone_number": "74950000000"}]}
        long_ago = site.clock.now() - timedelta(days=2)
        audit.metadata.put_facts(site.store.database, {UNCHECKED_UPDATE: UnverifiedUpdate(had, long_ago).as_json()})

        first, second = site.run(), site.run()

        assert (first.status, second.reason) == (RunStatus.DONE, None)
        assert f"employee {number} has other phone_numbers" in str(first.reason)
        invariants.check_both_systems(before, site.state())


def half_with_sip_lines(sandbox: Sandbox) -> None:
    """Twelve employees to rename; the first six have SIP lines."""
    for number in range(12):
        hire(sandbox, f"Known{number:02}")
        employee = scenarios.employ(sandbox, f"Known{number:02}", f"74957770{number:03}")
        if number < 6:
            sandbox.account.add_sip_line(employee, f"0429{number:02}")


def test_people_with_sip_numbers_wait_for_somebody_else_to_prove_that_updates_are_safe(
    prepared_scenarios: PreparedScenarios,
) -> None:
    with prepared_scenarios.start(Scenario("half with SIP lines", half_with_sip_lines, calls={})) as site:
        ended = site.run()

    lines = [request for request in ended.requests if request.method == "get.sip_lines"]
    assert (ended.status, ended.counts.linked, ended.counts.failed) == (RunStatus.DONE, 12, 0)
    assert len(lines) == 2, "one to know who has some, one before the first update"
