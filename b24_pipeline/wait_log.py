"""Waits that the log of a run tells of: why the import waits, and until when."""

import logging
from datetime import UTC, datetime

LONG_SECONDS = 10.0
"""A wait that is no new attempt is told of when it is longer."""


def clock_time(unix: float) -> str:
    """A Unix time as people read it in a log."""
    return datetime.fromtimestamp(unix, UTC).strftime("%H:%M:%S UTC")


def log_retry(logger: logging.Logger, error: Exception, *, until: float) -> None:
    """Log that something failed and is tried again at the Unix time `until`."""
    logger.warning("%s; the next attempt is at %s", error, clock_time(until))


def log_wait(logger: logging.Logger, reason: str, *, seconds: float, now: float) -> None:
    """Log that the import waits, if it does so for more than ten seconds; `now` is a Unix time."""
    if seconds > LONG_SECONDS:
        logger.info("Waiting until %s: %s", clock_time(now + seconds), reason)
