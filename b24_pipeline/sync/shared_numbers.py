"""Phone numbers that somebody in the account already has: adding one must not change it for its holder (T7)."""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.callgear.client import CallGear
from b24_pipeline.callgear.employees import read_employee
from b24_pipeline.callgear.phones import NumberKey, PhoneEntry, number_key
from b24_pipeline.callgear.rows import Row
from b24_pipeline.callgear.update_recovery import SETTINGS, phones
from b24_pipeline.rules import planning

log = logging.getLogger(__name__)

FRESH = timedelta(minutes=1)
"""So long a number's settings are taken for its present ones: a company's own number is in many actions in a row."""

MOST_NAMED = 5
"""So many of a number's owners are named in the log."""


class SharedNumbers:
    """The entries with which numbers are added: a shared one keeps the settings that its holder has now."""

    def __init__(self, client: CallGear, *, now: Callable[[], datetime]) -> None:
        self._client = client
        self._now = now
        self._owners: dict[NumberKey, list[int]] = {}
        self._known: dict[NumberKey, tuple[PhoneEntry, datetime | None]] = {}

    def load(self, callgear_employees: DataFrame[schemas.CallGearEmployees]) -> None:
        """Take over who held which number, and how, when the run began."""
        texts = callgear_employees.set_index("callgear_id")["phone_numbers"]
        for callgear_id, text in texts[texts != planning.NO_PHONES].dropna().items():
            for entry in json.loads(text):
                key = number_key(entry["phone_number"])
                self._owners.setdefault(key, []).append(int(str(callgear_id)))
                self._known[key] = (_settings_of(entry), None)

    def phone_entry(self, number: str, *, bitrix24_id: int) -> PhoneEntry:
        """The entry that adds the number for this user; its first holder is looked at for it, if it has any.

        A shared number is found by its digits (contract 5.3), and sent as digits: what people have typed into the
        account may be refused.
        """
        key = number_key(number)
        owners = self._owners.get(key)
        if not owners:
            return PhoneEntry(phone_number=number)
        log.info(
            "Bitrix24 user %s shares a phone number with %s of CallGear's employees, among them %s",
            bitrix24_id,
            len(owners),
            ", ".join(map(str, owners[:MOST_NAMED])),
        )
        entry, seen_at = self._known[key]
        now = self._now()
        if seen_at is None or not timedelta(0) <= now - seen_at <= FRESH:
            holder = read_employee(self._client, owners[0])
            present = phones(holder) if holder is not None else []
            same = (_settings_of(held) for held in present if number_key(held.get("phone_number")) == key)
            entry = next(same, entry)
            self._known[key] = (entry, now)
        return replace(entry, phone_number=number)


def _settings_of(entry: Row) -> PhoneEntry:
    """The entry without its id."""
    return PhoneEntry(**{name: entry[name] for name in SETTINGS if entry.get(name) is not None})
