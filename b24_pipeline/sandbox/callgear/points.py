"""The two points budgets of the account (contract 3)."""

from collections import deque
from collections.abc import Callable
from enum import StrEnum
from math import ceil

from b24_pipeline.sandbox.callgear.behavior import CallGearBehavior


class Budget(StrEnum):
    """The budgets; the value is the ``limit_type`` of an overrun."""

    MINUTE = "minute"
    DAY = "day"


SECONDS = {Budget.MINUTE: 60, Budget.DAY: 86_400}


class Points:
    """Counts charges, `spent` ever; a fixed window starts at whole minutes and days of the clock."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self.spent = 0
        self._clock = clock
        self._times: dict[Budget, deque[float]] = {budget: deque() for budget in Budget}

    def charge(self) -> None:
        self.spent += 1
        self.use_elsewhere(1)

    def use_elsewhere(self, points: int) -> None:
        """Book points as another integration of the account would."""
        now = self._clock()
        for times in self._times.values():
            times.extend([now] * points)

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
        """The points that count now; older ones are forgotten."""
        now, seconds, times = self._clock(), SECONDS[budget], self._times[budget]
        begin = now - seconds if behavior.sliding_window else now // seconds * seconds
        while times and times[0] < begin:
            times.popleft()
        return len(times)

    def _reset(self, budget: Budget, behavior: CallGearBehavior) -> int:
        now, seconds = self._clock(), SECONDS[budget]
        if not behavior.sliding_window:
            return ceil((now // seconds + 1) * seconds - now)
        times = self._times[budget]
        return ceil(times[0] + seconds - now) if times else 0


def limit(budget: Budget, behavior: CallGearBehavior) -> int:
    return behavior.minute_limit if budget is Budget.MINUTE else behavior.day_limit
