"""Choices for one run in the launchpad, spelled as in the settings.

Each has a default, because Dagster's scaffold leaves out what has none; Dagster shows the names of an enum's members.
"""

from enum import StrEnum
from typing import TypeVar

Policy = TypeVar("Policy", bound=StrEnum)

AS_SET = "as_set"
"""Use the configured value."""


class PhonesChoice(StrEnum):
    """Phone numbers to import (R05)."""

    as_set = AS_SET
    all = "all"
    first = "first"


class OnIdMatchChoice(StrEnum):
    """What to do with employees matched by id (R07)."""

    as_set = AS_SET
    nothing = "nothing"
    fill_phones = "fill_phones"
    refresh = "refresh"


class ResponsibleListChoice(StrEnum):
    """What to do with the responsible list (R14, R15)."""

    as_set = AS_SET
    remove = "remove"
    mirror = "mirror"
    off = "off"


def policy_of(choice: StrEnum, policy: type[Policy]) -> Policy | None:
    """Return the chosen policy; None for the configured one."""
    return None if choice == AS_SET else policy(choice.value)
