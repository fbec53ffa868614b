"""The exit codes of `b24-pipeline`, each with one meaning."""

from enum import IntEnum
from typing import Self


class Exit(IntEnum):
    """How a command ended: the code, and what it means."""

    meaning: str

    DONE = 0, "done"
    USAGE = 2, "bad usage or settings"
    PARTIAL = 10, "done, but some records failed or were deferred"
    HELD = 20, "held by a safety limit"
    UNTRUSTED = 30, "the source is incomplete"
    IN_PROGRESS = 40, "another run is in progress"
    FAILED = 50, "failed"
    STALE = 60, "no import has succeeded lately"
    STOPPED = 130, "stopped by Ctrl-C"
    NOT_READ = 141, "the output was closed"

    def __new__(cls, code: int, meaning: str) -> Self:
        self = int.__new__(cls, code)
        self._value_ = code
        self.meaning = meaning
        return self


def described(*codes: Exit) -> str:
    return "exit codes: " + "; ".join(f"{code:d} {code.meaning}" for code in codes)
