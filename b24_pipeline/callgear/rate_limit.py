"""The points budget (contract 3): every request of every thread asks here first, so that none overdraws.

Two things bound a minute. What CallGear last told (`minute_remaining` until `minute_reset`) covers what the account's
other integrations spend. Our own requests of the last sixty seconds never exceed the limit, which holds whatever
phase the minute has and for a sliding one too; it alone paces a long import, whose creates tell no figures.
"""

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from b24_pipeline.callgear.exceptions import DayLimit, DeadlinePassed, MinuteLimit
from b24_pipeline.callgear.rows import figure_of, mapping
from b24_pipeline.wait_log import log_retry, log_wait

logger = logging.getLogger(__name__)

MINUTE = 60.0
DAY = 86_400.0
SAFETY_SECONDS = 1.0
"""Waited beyond a reset, because it is told in whole seconds (contract 3: `minute_reset` + 1 s)."""
CLOCK_TOLERANCE = 0.1


@dataclass(frozen=True, slots=True)
class Limits:
    """`metadata.limits`: points, and seconds until each budget resets. Every figure may be missing."""

    minute_limit: float | None = None
    minute_remaining: float | None = None
    minute_reset: float | None = None
    day_limit: float | None = None
    day_remaining: float | None = None
    day_reset: float | None = None

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> Self:
        """The figures in `metadata`, as far as it has any."""
        figures = mapping(metadata.get("limits"))
        return cls(**{figure.name: figure_of(figures.get(figure.name)) for figure in fields(cls)})


@dataclass(frozen=True, slots=True)
class Permit:
    """Permit for one request, with the unreported points at the time it was issued."""

    minute_unreported: int
    day_unreported: int


class _RateWindow:
    """One fixed window of points, of unknown phase until an answer tells what is left and until when."""

    def __init__(self, *, limit: int, length: float) -> None:
        self.limit = float(limit)
        self.length = length
        self.reported = False
        self.until = -math.inf
        self.unreported = 0
        self._remaining = self.limit
        self._counted = 0

    @property
    def left(self) -> float:
        """Remaining points: the last reported figure less the unreported usage since."""
        return self._remaining - (self.unreported - self._counted)

    def roll(self, now: float) -> None:
        """Start a new window once the reset has passed."""
        if now < self.until:
            return
        self.reported, self.until = False, now + self.length
        self._remaining, self._counted = self.limit, self.unreported

    def update(
        self, now: float, permit_unreported: int, limit: float | None, remaining: float | None, reset: float | None
    ) -> None:
        """Update from the figures of a response.

        Within one window the lowest figure is CallGear's latest, in whatever order answers arrive.
        """
        if limit is not None:
            self.limit = max(limit, 1.0)
            if not self.reported:
                self._remaining = self.limit
        if remaining is None:
            return
        until = now + (self.length if reset is None else reset) + SAFETY_SECONDS
        if not self.reported or remaining < self._remaining or until > self.until + self.length / 2:
            self.reported, self.until = True, until
            self._remaining, self._counted = remaining, permit_unreported

    def close(self, now: float, resets_in: float) -> None:
        """Nothing is left until the reset."""
        self.reported, self.until = True, now + resets_in + SAFETY_SECONDS
        self._remaining, self._counted = 0.0, self.unreported


class PointsBudget:
    """The points of one account for one run, shared by all threads.

    Args:
        clock: the time in seconds, of any origin.
        sleep: waits that many seconds of `clock`.
        day_reserve: the share of the day's points that is left to the account's other integrations.
        deadline: the time of `clock` after which nothing is sent any more; none by default.
        unix: the time in Unix seconds, for the log.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        day_reserve: float = 0.10,
        deadline: float = math.inf,
        unix: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._day_reserve = day_reserve
        self._deadline = deadline
        self._unix = unix
        # These are planned for until the account tells its own (contract 3).
        self._minute = _RateWindow(limit=60, length=MINUTE)
        self._day = _RateWindow(limit=3000, length=DAY)
        self._own: deque[float] = deque()
        self._earlier = 0
        self._in_flight = 0
        self._queue = threading.Lock()
        self._changed = threading.Condition()

    def set_prior_usage(self, points: int) -> None:
        """Set the points spent in the last 24 hours; they count if the account reports no figures."""
        self._earlier = points

    def apply_prior_usage(self) -> None:
        """Subtract the prior usage, once a read has shown that the account reports no points."""
        with self._changed:
            if not self._day.reported:
                self._roll(self._clock())
                self._day.unreported += self._earlier
            self._earlier = 0

    def acquire(self) -> Permit:
        """Wait for a point and take it. Every permit must be released.

        Raises:
            DayLimit: our share of the day's points is used up.
            DeadlinePassed: the wait would pass the deadline.
        """
        with self._queue:
            while True:
                with self._changed:
                    wait = self._wait()
                    self._refuse_past_deadline(wait)
                    if wait <= 0:
                        self._in_flight += 1
                        return Permit(self._minute.unreported, self._day.unreported)
                    if self._in_flight:
                        self._changed.wait(timeout=wait)
                        continue
                log_wait(logger, "CallGear's points of this minute are used up", seconds=wait, now=self._unix())
                self._sleep(wait)

    def release(self, permit: Permit, *, charged: bool, limits: Limits) -> None:
        """Report how the request of `permit` ended: whether it may have cost a point, and the reported limits."""
        with self._changed:
            now = self._clock()
            self._in_flight -= 1
            self._roll(now)
            if charged:
                self._own.append(now)
                self._minute.unreported += limits.minute_remaining is None
                self._day.unreported += limits.day_remaining is None
            self._minute.update(
                now, permit.minute_unreported, limits.minute_limit, limits.minute_remaining, limits.minute_reset
            )
            self._day.update(now, permit.day_unreported, limits.day_limit, limits.day_remaining, limits.day_reset)
            self._changed.notify_all()

    def close(self, limit: MinuteLimit | DayLimit) -> None:
        """CallGear said `limit_exceeded`: nothing is left of the minute, or of the day."""
        window = self._minute if isinstance(limit, MinuteLimit) else self._day
        with self._changed:
            window.close(self._clock(), window.length if limit.resets_in is None else limit.resets_in)

    def pause(self, seconds: float, *, reason: str | Exception) -> None:
        """Sleep, unless that would pass the deadline. The log says why; what failed with an error is tried again then.

        Raises:
            DeadlinePassed: it would.
        """
        self._refuse_past_deadline(seconds)
        now = self._unix()
        if isinstance(reason, Exception):
            log_retry(logger, reason, until=now + seconds)
        else:
            log_wait(logger, reason, seconds=seconds, now=now)
        self._sleep(seconds)

    def left_today(self) -> int:
        """Points we may still spend today, as far as known: without the reserve and what is in flight."""
        with self._changed:
            self._roll(self._clock())
            return max(0, math.floor(self._spendable_today()))

    def day_share(self) -> int:
        """Points of a day that we may spend: without the reserve."""
        with self._changed:
            return math.floor(self._day.limit) - math.ceil(self._day.limit * self._day_reserve)

    def _wait(self) -> float:
        """Seconds until there may be a point; 0 when there is one now."""
        now = self._clock()
        self._roll(now)
        if self._spendable_today() < 1:
            resets_in = self._day.until - now if self._day.reported else None
            raise DayLimit("our share of the day's CallGear points is used up", resets_in=resets_in)
        wait = 0.0
        if self._minute.left - self._in_flight < 1:
            wait = self._minute.until - now
        if self._in_flight + len(self._own) >= self._minute.limit:
            freed = self._own[0] + MINUTE + CLOCK_TOLERANCE - now if self._own else MINUTE
            wait = max(wait, freed)
        return wait

    def _spendable_today(self) -> float:
        return self._day.left - self._in_flight - math.ceil(self._day.limit * self._day_reserve)

    def _roll(self, now: float) -> None:
        self._minute.roll(now)
        self._day.roll(now)
        while self._own and self._own[0] + MINUTE + CLOCK_TOLERANCE <= now:
            self._own.popleft()

    def _refuse_past_deadline(self, wait: float) -> None:
        if self._clock() + wait >= self._deadline:
            raise DeadlinePassed("the run's time is over")
