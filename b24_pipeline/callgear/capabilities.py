"""Capabilities of an account, learned from updates and stored between runs (contract 5.5)."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Self

from b24_pipeline.callgear.rows import Row


class UpdateMode(StrEnum):
    """Whether an update of this account may omit `phone_numbers`."""

    UNKNOWN = "unknown"
    MINIMAL = "minimal"
    ECHO = "echo"


@dataclass(frozen=True, slots=True)
class UnverifiedUpdate:
    """An employee before an update that is not verified yet, and the time of that update."""

    employee: Row = field(repr=False)
    at: datetime

    def as_json(self) -> str:
        return json.dumps({"employee": self.employee, "at": self.at.isoformat()})

    @classmethod
    def of_json(cls, text: str) -> Self:
        kept = json.loads(text)
        return cls(kept["employee"], datetime.fromisoformat(kept["at"]))


@dataclass(frozen=True, slots=True)
class AccountCapabilities:
    """Everything learned about an account that later runs need."""

    update_mode: UpdateMode = UpdateMode.UNKNOWN
    unverified: UnverifiedUpdate | None = None
