"""The leaky bucket that keeps all clients of this process below a portal's request rate (contract 4.1)."""

import logging
import math
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import cache

from b24_pipeline.wait_log import log_wait

logger = logging.getLogger(__name__)

CAPACITY = 50
LEAK_PER_SECOND = 2.0
EMPTIES_WITHIN = timedelta(seconds=CAPACITY / LEAK_PER_SECOND)
RESERVED = 5
"""Left to neighbors: the sensor's process, other integrations on this host, requests that bunch on their way."""


class LeakyBucket:
    """Every request adds one, `leak` run out a second, and never are there more than `capacity - reserved`.

    Thread-safe. The defaults are the smallest plan's. An empty bucket lets a burst of 45 through at once.
    """

    def __init__(
        self,
        *,
        capacity: int = CAPACITY,
        leak: float = LEAK_PER_SECOND,
        reserved: int = RESERVED,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._limit = capacity - reserved
        self._leak_per_second = leak
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._level = 0.0
        self._seen = clock()

    def acquire(self, *, within: float = math.inf) -> bool:
        """Take one request's place; sleeps until there is one.

        Returns:
            Whether there is one within so many seconds; if not, nothing is taken, and nothing was waited for.
        """
        with self._lock:
            self._leak()
            pause = (self._level + 1 - self._limit) / self._leak_per_second
            if pause > max(0.0, within):
                return False
            self._level += 1
        if pause > 0:
            log_wait(logger, "the portal takes only so many requests a second", seconds=pause, now=time.time())
            self._sleep(pause)
        return True

    def mark_full(self) -> None:
        """The portal said that the bucket is full: neighbors have used it."""
        self.count_sent(self._limit, seconds_ago=0.0)

    def count_sent(self, requests: int, *, seconds_ago: float) -> None:
        """Count what other processes have sent, the last of it so long ago."""
        with self._lock:
            self._leak()
            self._level = max(self._level, min(requests, self._limit) - seconds_ago * self._leak_per_second)

    def _leak(self) -> None:
        now = self._clock()
        self._level = max(0.0, self._level - max(0.0, now - self._seen) * self._leak_per_second)
        self._seen = now


@cache
def portal_bucket(host: str) -> LeakyBucket:  # noqa: ARG001 - the host is the key: one bucket a portal and process
    """The bucket that all clients of the portal `host` share in this process."""
    return LeakyBucket()
