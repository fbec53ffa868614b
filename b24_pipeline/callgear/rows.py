"""Validation of CallGear's rows, once where they come in: a malformed row affects no other."""

import math
from collections.abc import Mapping
from typing import Any, Final, TypeGuard

Row = dict[str, Any]

MAX_LABEL_LENGTH: Final = 120
MAX_ID: Final = 2**63 - 1
UNREADABLE: Final[Row] = {"phone_number": ""}
"""Stands for a phone entry that cannot be understood: it is none that may be replaced, so nothing is added to it."""

_NUMBERS: Final = ("phone_id", "channels_count", "dial_time")
_MAX_DIGITS: Final = 18


def mapping(value: object) -> Row:
    """An object of an answer; empty where it is none."""
    return value if isinstance(value, dict) else {}


def is_id(value: object) -> TypeGuard[int]:
    """Return whether it is a number that an employee can have, and a database can hold."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_ID


def is_scalar(value: object) -> bool:
    """Return whether a text may come so: as text or a number, or not at all."""
    return value is None or (isinstance(value, str | int | float) and not isinstance(value, bool))


def text_of(value: object) -> str | None:
    """The text, without halves of surrogate pairs, which JSON can carry and a frame cannot; None when empty."""
    if value is None or value == "":
        return None
    text = str(value)
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def label_of(value: object) -> str:
    """A name or a number as it may be shown in a line of ours; empty where it is none."""
    text = text_of(value) if is_scalar(value) else None
    return "".join(letter if letter.isprintable() else " " for letter in (text or "")[:MAX_LABEL_LENGTH]).strip()


def count_of(value: object) -> int | None:
    """A count, given as a number or as digits; None for anything else."""
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdigit() and len(value) <= _MAX_DIGITS else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def figure_of(value: object) -> float | None:
    """A figure that can be counted with, not below 0; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        figure = float(value)
    except OverflowError:
        return None
    return max(figure, 0.0) if math.isfinite(figure) else None


def phone_entries(value: object) -> list[Row]:
    """The phone entries of an employee; what cannot be understood is `UNREADABLE` in its place."""
    if value is None:
        return []
    if not isinstance(value, list):
        return [UNREADABLE]
    return [entry if is_phone_entry(entry) else UNREADABLE for entry in value]


def is_phone_entry(entry: object) -> bool:
    """Return whether it is a number with its settings, as far as they are told (contract 5.3)."""
    return (
        isinstance(entry, dict)
        and isinstance(number := entry.get("phone_number"), str)
        and number != ""
        and text_of(number) == number
        and isinstance(entry.get("status"), str | None)
        and all(isinstance(entry.get(name), int | str | None) for name in _NUMBERS)
    )


def unreadable_part(employee: Mapping[str, Any]) -> str | None:
    """Return the field that cannot be parsed, and so not preserved by an update; None if all can."""
    groups = employee.get("groups")
    parts = {
        "last_name": isinstance(employee.get("last_name"), str | None),
        "phone_numbers": UNREADABLE not in phone_entries(employee.get("phone_numbers")),
        "groups": isinstance(groups, list | None)
        and all(isinstance(group, dict) and is_id(group.get("group_id")) for group in groups or ()),
        "extension": isinstance(employee.get("extension"), dict | None),
    }
    return next((name for name, readable in parts.items() if not readable), None)
