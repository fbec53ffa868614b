"""One line of `b24-pipeline check`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Whether a check passed, and what was found or what to do."""

    name: str
    passed: bool
    text: str

    @classmethod
    def of(cls, name: str, probe: Callable[[], tuple[bool, str]], *, failure: type[Exception]) -> Self:
        """Carry out a check, which returns both; a failure of the service is a check that did not pass."""
        try:
            passed, text = probe()
        except failure as error:
            passed, text = False, str(error)
        return cls(name, passed=passed, text=text)
