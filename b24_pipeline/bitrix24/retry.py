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


@dataclass(slots=True)
class Retrier:
    """Retries one operation, until the Unix second `deadline` of `clock` at most. Not thread-safe."""

    limits: RetryLimits
    deadline: float
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    random: Callable[[], float]
    failed: int = 0

    def wait_or_raise(self, error: RetryableError) -> None:
        """Wait before the next try.

        Raises:
            RetryableError: `error` itself, when the attempts or the time are used up.
        """
        self.failed += 1
        now = self.clock()
        if isinstance(error, OperationLimit) and error.resets_at is not None and error.resets_at > now:
            pause = max(1.0, error.resets_at - now) + self.random()
        else:
            doubled = error.first_pause * 2 ** (self.failed - 1)
            pause = min(doubled, max(self.limits.max_pause, error.first_pause)) * (1 + self.random() / 2)
        if self.failed >= self.limits.max_attempts or now + pause > self.deadline:
            raise error
        log_retry(logger, error, until=now + pause)
        self.sleep(pause)
