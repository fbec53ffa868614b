"""One line of `b24-pipeline check`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Whether a check passed, and what was found or what to do."""

    name: str
    passed: bool
    text: str
