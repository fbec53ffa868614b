"""The portal's two limits: requests a second (contract 4.1) and operating time (contract 4.2)."""

from collections import deque
from collections.abc import Callable

from b24_pipeline.sandbox.bitrix24 import errors
from b24_pipeline.sandbox.bitrix24.behavior import Bitrix24Behavior, Tariff
from b24_pipeline.sandbox.bitrix24.errors import Bitrix24Error

BUCKET_SECONDS = 60
WINDOW_SECONDS = 600


class LeakyBucket:
    """One hit a request, leaking all the time."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._level = 0.0
        self._seen = clock()

    def hit(self, tariff: Tariff | None) -> None:
        """Count one request.

        Raises:
            Bitrix24Error: the bucket is full; the request is not counted.
        """
        if tariff is None:
            return
        now = self._clock()
        self._level = max(0.0, self._level - tariff.leak * (now - self._seen))
        self._seen = now
        if self._level + 1 > tariff.burst:
            raise Bitrix24Error(errors.TOO_MANY_REQUESTS)
        self._level += 1


class OperatingTime:
    """Seconds of execution by method over ten one-minute buckets."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._buckets: dict[str, deque[tuple[float, float]]] = {}

    def check(self, method: str, behavior: Bitrix24Behavior) -> None:
        """Refuse a method whose time is used up; the call that crosses the limit still finishes.

        Raises:
            Bitrix24Error: the limit was crossed before.
        """
        if behavior.operating and self.used(method) >= behavior.operating_limit:
            raise Bitrix24Error(errors.OPERATING_TIME_USED_UP)

    def book(self, method: str, seconds: float) -> None:
        now = self._clock()
        buckets = self._buckets.setdefault(method, deque())
        if buckets and now - buckets[-1][0] < BUCKET_SECONDS:
            started, booked = buckets.pop()
            buckets.append((started, booked + seconds))
        else:
            buckets.append((now, seconds))

    def used(self, method: str) -> float:
        """Seconds that count now."""
        return sum(seconds for _, seconds in self._live(method))

    def reset_at(self, method: str) -> int:
        """When the oldest bucket drops out, Unix seconds."""
        buckets = self._live(method)
        return int((buckets[0][0] if buckets else self._clock()) + WINDOW_SECONDS)

    def _live(self, method: str) -> deque[tuple[float, float]]:
        buckets = self._buckets.setdefault(method, deque())
        while buckets and self._clock() - buckets[0][0] >= WINDOW_SECONDS:
            buckets.popleft()
        return buckets
