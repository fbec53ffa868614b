"""The time of tests: it passes only when somebody waits, or a test says so."""

import threading
from datetime import UTC, datetime, timedelta

HALF_AN_HOUR = timedelta(minutes=30)
"""Between two runs (R17)."""
NOON = datetime(2026, 1, 12, 12, 0, tzinfo=UTC).timestamp()


class Clock:
    """Seconds since 1970, for both systems, the clients and the store."""

    def __init__(self, seconds: float = NOON) -> None:
        self._lock = threading.Lock()
        self.begin_anew(seconds)

    def begin_anew(self, seconds: float = NOON) -> None:
        """It is that time, and nobody has waited yet."""
        self.seconds = seconds
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Wait, that is: let the time have passed."""
        with self._lock:
            self.waits.append(seconds)
            self.seconds += seconds

    def advance(self, step: timedelta) -> None:
        """Let the time have passed without anybody's waiting."""
        self.seconds += step.total_seconds()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)
