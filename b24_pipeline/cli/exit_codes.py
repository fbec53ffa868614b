"""The exit codes of `b24-pipeline`, each with one meaning."""

from enum import IntEnum


class Exit(IntEnum):
    """How a command ended."""

    DONE = 0
    USAGE = 2
    PARTIAL = 10
    HELD = 20
    UNTRUSTED = 30
    IN_PROGRESS = 40
    FAILED = 50
    STALE = 60
    STOPPED = 130
    NOT_READ = 141


MEANINGS = {
    Exit.DONE: "done",
    Exit.USAGE: "bad usage or settings",
    Exit.PARTIAL: "done, but some records failed or were deferred",
    Exit.HELD: "held by a safety limit",
    Exit.UNTRUSTED: "the source is incomplete",
    Exit.IN_PROGRESS: "another run is in progress",
    Exit.FAILED: "failed",
    Exit.STALE: "no import has succeeded lately",
    Exit.STOPPED: "stopped by Ctrl-C",
    Exit.NOT_READ: "the output was closed",
}


def described(*codes: Exit) -> str:
    """Return these exit codes with their meanings, in one line."""
    return "exit codes: " + "; ".join(f"{code:d} {MEANINGS[code]}" for code in codes)
