"""The two points budgets of the account (contract 3)."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from math import ceil

from b24_pipeline.sandbox.callgear.behavior import CallGearBehavior


class Budget(StrEnum):
    """The budgets; the value is the ``limit_type`` of an overrun."""

    MINUTE = "minute"
    DAY = "day"


SECONDS = {Budget.MINUTE: 60, Budget.DAY: 86_400}


@dataclass(slots=True)
class _Spent:
    """Times of the charges of one budget that still count."""

    times: deque[float] = field(default_factory=deque)

    def forget_before(self, moment: float) -> None:
        while self.times and self.times[0] < moment:
            self.times.popleft()


class Points:
    """Counts charges; a fixed window starts at whole minutes and days of the clock.

    Attributes:
        spent: points ever charged by calls.
    """

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self.spent = 0
        self._clock = clock
        self._budgets = {budget: _Spent() for budget in Budget}

    def charge(self) -> None:
        """Book one successful call."""
        self.spent += 1
        self.use_elsewhere(1)

    def use_elsewhere(self, points: int) -> None:
        """Book points as another integration of the account would."""
        now = self._clock()
        for budget in self._budgets.values():
            budget.times.extend([now] * points)

    def exceeded(self, behavior: CallGearBehavior) -> Budget | None:
        """The budget that has no point left."""
        for budget in (Budget.DAY, Budget.MINUTE):
            if self._used(budget, behavior) >= limit(budget, behavior):
                return budget
        return None

    def limits(self, behavior: CallGearBehavior) -> dict[str, int]:
        """The ``metadata.limits`` of an answer; ``*_reset`` are seconds."""
        shown: dict[str, int] = {}
        for budget in (Budget.DAY, Budget.MINUTE):
            most = limit(budget, behavior)
            shown[f"{budget}_limit"] = most
            shown[f"{budget}_remaining"] = max(0, most - self._used(budget, behavior))
            shown[f"{budget}_reset"] = self._reset(budget, behavior)
        return shown

    def _used(self, budget: Budget, behavior: CallGearBehavior) -> int:
        spent = self._budgets[budget]
        spent.forget_before(self._window_start(budget, behavior))
        return len(spent.times)

    def _window_start(self, budget: Budget, behavior: CallGearBehavior) -> float:
        now, seconds = self._clock(), SECONDS[budget]
        if not behavior.sliding_window:
            return now // seconds * seconds
        return now - seconds

    def _reset(self, budget: Budget, behavior: CallGearBehavior) -> int:
        now, seconds = self._clock(), SECONDS[budget]
        if not behavior.sliding_window:
            return ceil((now // seconds + 1) * seconds - now)
        oldest = self._budgets[budget].times
        return ceil(oldest[0] + seconds - now) if oldest else 0


def limit(budget: Budget, behavior: CallGearBehavior) -> int:
    """The size of a budget."""
    return behavior.minute_limit if budget is Budget.MINUTE else behavior.day_limit
