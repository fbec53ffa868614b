"""Requests that were answered with an error and are carried out all the same, some time later."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import RLock

from b24_pipeline.sandbox.recording import RequestSeen
from b24_pipeline.sandbox.responses import Answer


@dataclass(frozen=True, slots=True)
class _Late:
    due: float
    request: RequestSeen
    act: Callable[[], Answer]


@dataclass(slots=True)
class LateActs:
    """What is still to be carried out.

    Attributes:
        clock: the sandbox's time.
        lock: held while a request is carried out.
    """

    clock: Callable[[], float]
    lock: RLock
    _waiting: list[_Late] = field(default_factory=list)

    def add(self, request: RequestSeen, act: Callable[[], Answer], *, seconds: float) -> None:
        """Carry the request out so many seconds from now."""
        with self.lock:
            self._waiting.append(_Late(self.clock() + seconds, request, act))

    def catch_up(self) -> None:
        """Carry out what is due by now."""
        with self.lock:
            now = self.clock()
            due = [late for late in self._waiting if late.due <= now]
            self._waiting = [late for late in self._waiting if late.due > now]
            for late in due:
                late.request.acted = late.act().acted
