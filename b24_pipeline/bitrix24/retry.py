"""Retries of one operation: bounded exponential backoff with jitter (contract 4.2 - 4.4)."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from b24_pipeline.bitrix24.exceptions import OperationLimit, RetryableError
from b24_pipeline.wait_log import log_retry

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RetryLimits:
    """The bounds: `max_attempts` in all, within `deadline` seconds, and no doubled pause over `max_pause`."""

    max_attempts: int = 5
    max_pause: float = 30.0
    deadline: float = 720.0


class Retrier:
    """Retries one operation within its limits. Not thread-safe. `clock` returns Unix seconds."""

    def __init__(
        self,
        limits: RetryLimits,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        random: Callable[[], float],
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._sleep = sleep
        self._random = random
        self._started = clock()
        self._failed = 0

    def wait_or_raise(self, error: RetryableError) -> None:
        """Wait before the next try.

        Raises:
            RetryableError: `error` itself, when the attempts or the time are used up.
        """
        self._failed += 1
        now = self._clock()
        if isinstance(error, OperationLimit) and error.resets_at is not None and error.resets_at > now:
            pause = max(1.0, error.resets_at - now) + self._random()
        else:
            doubled = error.first_pause * 2 ** (self._failed - 1)
            pause = min(doubled, max(self._limits.max_pause, error.first_pause)) * (1 + self._random() / 2)
        if self._failed >= self._limits.max_attempts or self._clock() - self._started + pause > self._limits.deadline:
            raise error
        log_retry(logger, error, until=self._clock() + pause)
        self._sleep(pause)
