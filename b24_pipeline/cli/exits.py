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
