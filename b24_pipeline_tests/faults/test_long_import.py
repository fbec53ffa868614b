"""An import that takes days under 200 points a minute and 3,500 a day: the client, the budget and the executor.

Everything is the project's own but HTTP, which is replaced by a call of the sandbox, and the database: time is
simulated, and thousands of people take seconds. `test_thresholds.py` has the same in small with a database.
"""

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import httpx
import pytest

from b24_pipeline.callgear.auth import AccessToken
from b24_pipeline.callgear.client import CallGear
from b24_pipeline.callgear.create import NewEmployee, create_or_adopt
from b24_pipeline.callgear.employees import fetch_rows
from b24_pipeline.callgear.rate_limit import PointsBudget
from b24_pipeline.rules.models import ActionKind, Outcome
from b24_pipeline.sandbox import CallGearBehavior, Sandbox
from b24_pipeline.sandbox.callgear.api import ACCESS_TOKEN, read_call
from b24_pipeline.sandbox.recording import Api
from b24_pipeline.sync.circuit_breaker import PlannedAction, SendResult
from b24_pipeline.sync.executor import ActionExecutor
from b24_pipeline_tests.clock import Clock

PEOPLE = 10_000
"""More than the points of one day, in the whole matrix of almost three."""
MINUTE_LIMIT, DAY_LIMIT, RESERVE = 200, 3_500, 0.10
RUN_MINUTES, INTERVAL = 20, 30 * 60
IN_FLIGHT = 8
CALLGEAR_URL = "https://dataapi.callgear.test/v2.0"


@dataclass
class Account:
    """The sandbox's account, reached without a network; an answer takes simulated time."""

    clock: Clock
    sandbox: Sandbox
    lock: threading.Lock = field(default_factory=threading.Lock)
    chance: Random = field(default_factory=lambda: Random(20260112))
    refused: int = 0

    def answer(self, request: httpx.Request) -> httpx.Response:
        """One request; eight in flight share the time that one takes."""
        call = read_call(request.content)
        with self.lock:
            self.clock.seconds += self.chance.uniform(0.2, 0.6) / IN_FLIGHT
            seen = self.sandbox.note(Api.CALLGEAR, call.method, call.params)
            answer = self.sandbox.answer_callgear(seen, call, moved_to="")
            self.refused += not answer.acted
        return httpx.Response(answer.status, content=answer.body)


def people(names: Sequence[int]) -> list[PlannedAction]:
    """Actions that create so many people."""
    return [
        PlannedAction(
            row=number,
            bitrix24_id=number,
            callgear_id=None,
            action=ActionKind.CREATE,
            reason=None,
            first_name="Ira",
            last_name=f"(bitrix24) Person{number}",
            patronymic=None,
            email=f"person{number}@x.test",
            phones=(),
        )
        for number in names
    ]


def one_run(account: Account, waiting: list[int]) -> list[int]:
    """Read everybody, create who is not there while there are points and time; gives who is still waiting."""
    clock = account.clock
    deadline = clock.seconds + RUN_MINUTES * 60
    budget = PointsBudget(clock=clock, sleep=clock.sleep, day_reserve=RESERVE, deadline=deadline)
    with httpx.Client(transport=httpx.MockTransport(account.answer)) as http:
        client = CallGear(CALLGEAR_URL, credentials=AccessToken(ACCESS_TOKEN), http=http, budget=budget)
        fetch_rows(client)

        def create(planned: PlannedAction) -> SendResult:
            new = NewEmployee(last_name=planned.last_name or "", email=planned.email or "")
            return SendResult(create_or_adopt(client, new))

        executor = ActionExecutor(send=create, in_flight=IN_FLIGHT, out_of_time=lambda: clock.seconds >= deadline)
        answers = [answer for answers in executor.run(people(waiting)) for answer in answers]
    assert {answer.outcome for answer in answers} <= {Outcome.DONE, Outcome.DEFERRED}
    assert clock.seconds <= deadline, "a run outlived its time"
    return sorted(answer.planned.bitrix24_id for answer in answers if answer.outcome is Outcome.DEFERRED)


@pytest.mark.long
@pytest.mark.parametrize("sliding", [False, True], ids=["fixed", "sliding"])
def test_thousands_of_people_are_imported_over_days_within_every_limit(sliding: bool) -> None:
    """Of the runs that find the day's points used up, those within the next six hours are left out."""
    clock = Clock()
    clock.seconds -= clock.seconds % 86_400
    behavior = CallGearBehavior(minute_limit=MINUTE_LIMIT, day_limit=DAY_LIMIT, sliding_window=sliding)
    account = Account(clock, Sandbox(clock=clock, callgear=behavior))
    waiting, begins, began = list(range(1, PEOPLE + 1)), clock.seconds, clock.seconds
    while waiting:
        left = one_run(account, waiting)
        begins += INTERVAL if len(left) < len(waiting) else 6 * 3600
        clock.seconds = max(clock.seconds, begins)
        waiting = left

    assert len(account.sandbox.account.employees) == PEOPLE
    assert account.refused == 0, "a limit was exceeded by us"
    assert (clock.seconds - began) / 86_400 < 4
    spent = Counter(int(request.at // 86_400) for request in account.sandbox.requests)
    assert max(spent.values()) <= DAY_LIMIT


@pytest.mark.long
@pytest.mark.parametrize("sliding", [False, True], ids=["fixed", "sliding"])
@pytest.mark.parametrize("limit", [60, 200, 600])
def test_a_long_import_uses_95_percent_of_the_minutes_points(sliding: bool, limit: int) -> None:
    clock = Clock()
    behavior = CallGearBehavior(minute_limit=limit, day_limit=1_000_000, sliding_window=sliding)
    account = Account(clock, Sandbox(clock=clock, callgear=behavior))
    began = clock.seconds
    assert one_run(account, list(range(10 * limit))) == []

    minutes = (account.sandbox.requests[-1].at - began) / 60
    assert account.refused == 0
    assert len(account.sandbox.requests) / limit / (minutes + 1) >= 0.95 * 10 / 11
    full = Counter(int((request.at - began) // 60) for request in account.sandbox.requests)
    busy = [count for _, count in sorted(full.items())[1:-1]]
    assert min(busy) >= 0.95 * limit
