"""The points budget against the sandbox's: full use, and never a `limit_exceeded` of our own making."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from b24_pipeline.callgear.auth import Login
from b24_pipeline.callgear.client import CallGear
from b24_pipeline.callgear.create import NewEmployee, create_employee
from b24_pipeline.callgear.exceptions import DayLimit, DeadlinePassed, MinuteLimit
from b24_pipeline.callgear.rate_limit import Limits, PointsBudget
from b24_pipeline.sandbox import CallGearBehavior, Fault, FaultKind, Sandbox
from b24_pipeline.sandbox.callgear.behavior import Metadata
from b24_pipeline_tests.callgear.conftest import START, Connect
from b24_pipeline_tests.clock import Clock

UNTOLD = Limits()


def create(client: CallGear, number: int) -> int:
    return create_employee(client, NewEmployee(last_name=f"Number {number}", email=f"n{number}@x.test"))


def refused(sandbox: Sandbox) -> int:
    """Requests that did not act although no fault was arranged."""
    return sum(not request.acted for request in sandbox.requests)


def spent_by_minute(sandbox: Sandbox) -> list[int]:
    return list(Counter(request.at // 60 for request in sandbox.requests).values())


def reported(remaining: float, reset: float, limit: float = 60) -> Limits:
    return Limits(minute_limit=limit, minute_remaining=remaining, minute_reset=reset)


def spend(budget: PointsBudget, limits: Limits = UNTOLD, points: int = 1) -> None:
    for _ in range(points):
        budget.release(budget.acquire(), charged=True, limits=limits)


@pytest.mark.parametrize("in_flight", [1, 8])
@pytest.mark.parametrize("sliding", [False, True])
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_long_import_uses_each_minute_and_overdraws_none(
    connect: Connect, sandbox: Sandbox, in_flight: int, sliding: bool, wrapped: bool
) -> None:
    sandbox.callgear = CallGearBehavior(minute_limit=40, sliding_window=sliding, wraps_write_result=wrapped)
    client = connect()
    client.call("get.employees", {"limit": 1})

    with ThreadPoolExecutor(in_flight) as pool:
        list(pool.map(lambda number: create(client, number), range(239)))

    minutes = spent_by_minute(sandbox)
    assert refused(sandbox) == 0
    assert client.points_spent == sandbox.account.points.spent == 240
    assert sum(minutes[:5]) >= 0.95 * 5 * 40
    assert len(minutes) <= 7


@pytest.mark.parametrize("metadata", [Metadata.MISSING, Metadata.EMPTY_LIMITS])
def test_without_figures_sixty_a_minute_are_planned(connect: Connect, sandbox: Sandbox, metadata: Metadata) -> None:
    sandbox.callgear = CallGearBehavior(minute_limit=60, metadata=metadata)
    client = connect()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: create(client, number), range(180)))

    assert refused(sandbox) == 0
    assert spent_by_minute(sandbox) == [60, 60, 60]


def test_the_limit_of_the_account_replaces_the_planned_one(connect: Connect, sandbox: Sandbox, clock: Clock) -> None:
    sandbox.callgear = CallGearBehavior(minute_limit=200, day_limit=3500)
    client = connect()

    for _ in range(200):
        client.call("get.account")
        client.call("get.employees", {"limit": 1})

    assert refused(sandbox) == 0
    assert sum(clock.waits) < 120


def test_points_spent_elsewhere_are_not_spent_again(connect: Connect, sandbox: Sandbox, clock: Clock) -> None:
    client = connect()
    sandbox.account.points.use_elsewhere(50)

    for _ in range(12):
        client.call("get.employees", {"limit": 1})

    assert refused(sandbox) == 0
    assert clock.waits == [41.0], "until a second after the reset"


def test_a_minute_that_others_used_up_is_waited_for_and_the_request_repeated(
    connect: Connect, sandbox: Sandbox, clock: Clock
) -> None:
    sandbox.account.points.use_elsewhere(60)

    create(connect(), 1)

    assert [request.acted for request in sandbox.requests] == [False, True]
    assert clock.waits == [41.0]
    assert len(sandbox.account.employees) == 1


def test_a_minute_used_up_without_any_figure_is_waited_for(clock: Clock, budget: PointsBudget) -> None:
    budget.close(MinuteLimit("the minute is used up", resets_in=60.0))

    spend(budget)

    assert clock.waits == [61.0]


def test_a_day_that_others_used_up_defers_without_sending_more(connect: Connect, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(kind=FaultKind.LIMIT_DAY, api="callgear", nth=1))
    client = connect()

    for _ in range(3):
        with pytest.raises(DayLimit) as caught:
            client.call("get.employees")

    assert caught.value.resets_in is not None
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize(("reserve", "ours"), [(0.10, 90), (0.25, 75), (0.0, 100)])
def test_a_share_of_the_day_is_left_to_others(
    connect: Connect, sandbox: Sandbox, clock: Clock, reserve: float, ours: int
) -> None:
    sandbox.callgear = CallGearBehavior(minute_limit=1000, day_limit=100)
    budget = PointsBudget(clock=clock, sleep=clock.sleep, day_reserve=reserve)
    client = connect(budget=budget)
    client.call("get.employees", {"limit": 1})

    def attempt(number: int) -> bool:
        try:
            create(client, number)
        except DayLimit:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        created = sum(pool.map(attempt, range(120)))

    assert created == ours - 1
    assert budget.left_today() == 0
    assert refused(sandbox) == 0


def test_without_figures_the_planned_day_is_shared_too(budget: PointsBudget) -> None:
    spend(budget, points=2700)

    with pytest.raises(DayLimit) as caught:
        budget.acquire()

    assert caught.value.resets_in is None


@pytest.mark.parametrize("metadata", [Metadata.MISSING, Metadata.EMPTY_LIMITS])
def test_without_figures_what_earlier_runs_spent_counts(
    connect: Connect, sandbox: Sandbox, budget: PointsBudget, metadata: Metadata
) -> None:
    sandbox.callgear = CallGearBehavior(metadata=metadata)
    client = connect()
    budget.set_prior_usage(2690)

    client.call("get.employees", {"limit": 1})
    for number in range(9):
        create(client, number)

    assert budget.left_today() == 0, "of 3,000 less the reserve of 300"
    with pytest.raises(DayLimit):
        create(client, 9)


def test_with_figures_what_earlier_runs_spent_is_in_them(
    connect: Connect, sandbox: Sandbox, budget: PointsBudget, login: Login
) -> None:
    sandbox.callgear = CallGearBehavior(day_limit=10_000)
    client = connect(credentials=login)
    budget.set_prior_usage(5000)

    client.call("get.employees", {"limit": 1})
    create(client, 1)

    assert budget.left_today() == 10_000 - 1000 - 2


def test_a_new_day_begins_at_its_reset(clock: Clock, budget: PointsBudget) -> None:
    spend(budget, Limits(day_limit=100, day_remaining=11, day_reset=500))
    spend(budget)
    with pytest.raises(DayLimit) as caught:
        budget.acquire()

    clock.sleep(501)

    assert caught.value.resets_in == 501
    assert budget.left_today() == 90


@pytest.mark.parametrize("limits", [reported(remaining=2, reset=30), Limits(minute_limit=3)])
def test_requests_in_flight_count_as_spent(clock: Clock, limits: Limits) -> None:
    budget = PointsBudget(clock=clock, sleep=clock.sleep, deadline=START + 20)
    spend(budget, limits)
    budget.acquire()
    budget.acquire()

    with pytest.raises(DeadlinePassed):
        budget.acquire()


def test_no_sixty_seconds_see_more_than_the_limit_wherever_the_minute_begins(clock: Clock) -> None:
    budget = PointsBudget(clock=clock, sleep=clock.sleep, deadline=START + 80)
    spend(budget, Limits(minute_limit=3))
    clock.sleep(59)
    spend(budget, points=2)
    clock.sleep(1.5)
    budget.acquire()

    with pytest.raises(DeadlinePassed):
        budget.acquire()


def test_requests_that_failed_are_free(clock: Clock, budget: PointsBudget) -> None:
    spend(budget, reported(remaining=1, reset=30))

    for _ in range(50):
        budget.release(budget.acquire(), charged=False, limits=UNTOLD)
    spend(budget)

    assert clock.waits == []


def test_figures_that_arrive_out_of_order_do_not_add_points(clock: Clock, budget: PointsBudget) -> None:
    spend(budget, reported(remaining=12, reset=30))
    earlier, later = budget.acquire(), budget.acquire()

    budget.release(later, charged=True, limits=reported(remaining=1, reset=30))
    budget.release(earlier, charged=True, limits=reported(remaining=11, reset=30))
    spend(budget, points=2)

    assert clock.waits == [31.0]


def test_points_that_a_figure_may_not_hold_yet_are_counted_besides(clock: Clock, budget: PointsBudget) -> None:
    told_later, unreported = budget.acquire(), budget.acquire()
    budget.release(unreported, charged=True, limits=UNTOLD)
    budget.release(told_later, charged=True, limits=reported(remaining=2, reset=30))

    spend(budget, points=2)

    assert clock.waits == [31.0]


def test_a_wait_beyond_the_deadline_is_refused_at_once(clock: Clock) -> None:
    budget = PointsBudget(clock=clock, sleep=clock.sleep, deadline=START + 30)
    spend(budget, reported(remaining=0, reset=35))

    with pytest.raises(DeadlinePassed):
        budget.acquire()

    assert clock.waits == []


def test_nothing_is_sent_after_the_deadline(connect: Connect, sandbox: Sandbox, clock: Clock) -> None:
    client = connect(budget=PointsBudget(clock=clock, sleep=clock.sleep, deadline=START + 30))
    clock.sleep(30)

    with pytest.raises(DeadlinePassed):
        client.call("get.employees")

    assert sandbox.requests == []


def test_a_pause_between_repeats_respects_the_deadline(connect: Connect, sandbox: Sandbox, clock: Clock) -> None:
    client = connect(budget=PointsBudget(clock=clock, sleep=clock.sleep, deadline=START + 1))
    sandbox.faults.add(Fault(kind=FaultKind.HTTP_502_HTML, api="callgear", times=None))

    with pytest.raises(DeadlinePassed):
        client.call("get.employees")


def test_a_minute_that_stays_full_is_given_up(connect: Connect, sandbox: Sandbox, clock: Clock) -> None:
    sandbox.faults.add(Fault(kind=FaultKind.LIMIT_MINUTE, api="callgear", times=None))

    with pytest.raises(Exception, match="minute's points") as caught:
        connect().call("get.employees")

    assert type(caught.value).__name__ == "MinuteLimit"
    assert len(sandbox.requests) == 10
    assert sum(clock.waits) < 600


@pytest.mark.parametrize(
    "limits", [replace(UNTOLD, minute_limit=0), replace(UNTOLD, minute_remaining=0, minute_reset=0)]
)
def test_odd_figures_never_stop_it_for_ever(budget: PointsBudget, limits: Limits) -> None:
    spend(budget, limits)

    spend(budget)


def test_a_request_waits_for_those_in_flight_when_they_hold_the_last_points(budget: PointsBudget) -> None:
    spend(budget, reported(remaining=1, reset=30))
    last = budget.acquire()

    with ThreadPoolExecutor(1) as pool:
        waiting: Any = pool.submit(spend, budget)
        budget.release(last, charged=False, limits=UNTOLD)
        waiting.result(timeout=10)

    assert budget.left_today() > 0
