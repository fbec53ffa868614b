"""What is learnt of an account by updating its employees, and is worth keeping from run to run (contract 5.5)."""

from dataclasses import dataclass, field
from enum import StrEnum

from b24_pipeline.callgear.answers import Row


class UpdateMode(StrEnum):
    """What is known of the account: whether an update may leave `phone_numbers` out."""

    UNKNOWN = "unknown"
    MINIMAL = "minimal"
    ECHO = "echo"


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """What was learnt of an account and is to be kept from run to run, so that it is not found out anew.

    `unchecked` is what an employee had before an update of which it is not known yet whether it took something away.
    """

    update_mode: UpdateMode = UpdateMode.UNKNOWN
    unchecked: Row | None = field(default=None, repr=False)
