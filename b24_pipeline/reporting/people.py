"""The table of people in the report's page: one row a person, found by any of its texts, also without a network."""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from b24_pipeline.rules.labels import reason
from b24_pipeline.rules.models import Outcome
from b24_pipeline.text import printable

TITLES = ("user", "employee", "name", "eligibility", "match", "reason", "link", "last change", "last error")
WAITING = frozenset({Outcome.HELD, Outcome.WAITING})


def person_rows(people: Iterable[Mapping[str, Any]]) -> list[list[int | str | None]]:
    """Return the cells of the table, in the order of `TITLES`; the e-mail address stands last, it has no column."""
    return [
        [
            person["bitrix24_id"],
            person["callgear_id"],
            printable(person["display_name"]),
            plain(person["eligibility"]),
            plain(person["match_type"]),
            why(person),
            dated(person["linked_by"], person["linked_at"]),
            dated(person["last_change"], person["last_change_at"]),
            printable(person["last_error"]),
            printable(person["email"]),
        ]
        for person in people
    ]


def why(person: Mapping[str, Any]) -> str:
    """Return the reason in words, and what waits for a person or for another try."""
    waits = f"{plain(person['open_action'])}: {person['open_outcome']}" if person["open_outcome"] in WAITING else ""
    return "; ".join(filter(None, (reason(person["reason"]) if person["reason"] else "", waits)))


def dated(word: str | None, at: datetime | None) -> str:
    """Return what was done and, on a line of its own, on which day; nothing where nothing was."""
    return f"{plain(word)}\n{at:%Y-%m-%d}" if at is not None else ""


def plain(word: str | None) -> str:
    """Return a word of the audit as people read it."""
    return (word or "").replace("_", " ")


def script_hash(script: str) -> str:
    """Return what the page's Content-Security-Policy calls its only script."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"
