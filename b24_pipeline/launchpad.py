"""What may be chosen for one run, as the launchpad offers it: spelled as in the settings, every choice with a default.

Dagster shows the names of an enum's members, and leaves out of its scaffold what defaults to nothing.
"""

from enum import StrEnum
from typing import TypeVar

Policy = TypeVar("Policy", bound=StrEnum)

AS_SET = "as_set"
"""Leave it as the settings have it."""


class PhonesChoice(StrEnum):
    """Which phone numbers are imported (R05)."""

    as_set = AS_SET
    all = "all"
    first = "first"


class OnIdMatchChoice(StrEnum):
    """What is done to employees matched by id (R07)."""

    as_set = AS_SET
    nothing = "nothing"
    fill_phones = "fill_phones"
    refresh = "refresh"


class ResponsibleListChoice(StrEnum):
    """What is done to the responsible list (R14, R15)."""

    as_set = AS_SET
    remove = "remove"
    mirror = "mirror"
    off = "off"


def policy_of(choice: StrEnum, policy: type[Policy]) -> Policy | None:
    """Return the policy that is chosen; None where it is that of the settings."""
    return None if choice == AS_SET else policy(choice.value)
