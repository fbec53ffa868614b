"""What is learnt of an account by updating its employees, and is worth keeping from run to run (contract 5.5)."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Self

from b24_pipeline.callgear.rows import Row


class UpdateMode(StrEnum):
    """What is known of the account: whether an update may leave `phone_numbers` out."""

    UNKNOWN = "unknown"
    MINIMAL = "minimal"
    ECHO = "echo"


@dataclass(frozen=True, slots=True)
class UnverifiedUpdate:
    """What an employee had before an update of which it is not known yet whether it took something away, and when."""

    employee: Row = field(repr=False)
    at: datetime

    def as_json(self) -> str:
        """The text to keep."""
        return json.dumps({"employee": self.employee, "at": self.at.isoformat()})

    @classmethod
    def of_json(cls, text: str) -> Self:
        """What was kept."""
        kept = json.loads(text)
        return cls(kept["employee"], datetime.fromisoformat(kept["at"]))


@dataclass(frozen=True, slots=True)
class AccountCapabilities:
    """What was learnt of an account and is to be kept from run to run, so that it is not found out anew."""

    update_mode: UpdateMode = UpdateMode.UNKNOWN
    unverified: UnverifiedUpdate | None = None
