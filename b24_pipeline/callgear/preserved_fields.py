"""What an update must leave as it is: phones, groups and extension, as they are read and written (T4, T5)."""

from collections.abc import Collection, Sequence
from typing import Any

from b24_pipeline.callgear.rows import Row

SETTINGS = ("phone_number", "channels_count", "dial_time", "status")
ENTRY_KEYS = ("phone_id", *SETTINGS)
EXTENSION_KEYS = ("extension_phone_number", "extension_voice_mail_enabled", "extension_queue_enabled")


def phones(employee: Row) -> list[Row]:
    """The employee's phone entries as read."""
    return employee.get("phone_numbers") or []


def unchanged_phones(employee: Row) -> list[Row]:
    """The phone entries to write back so that nothing changes: verbatim, in their order, with all five keys."""
    return _written(phones(employee))


def lost_fields(before: Row, after: Row) -> dict[str, Any]:
    """What the employee had before and has no more, as parameters of `update.employees`; empty when nothing is missing.

    What somebody added meanwhile is kept. `phone_id` is no loss by itself: a number put back may get another one.
    """
    lost: dict[str, Any] = {}
    if _kept(phones(before), phones(after)) != _settings(phones(before)):
        held = {entry.get("phone_number") for entry in phones(before)}
        added = [entry for entry in phones(after) if entry.get("phone_number") not in held]
        lost["phone_numbers"] = _written([*phones(before), *added])
    if not set(_groups(before)) <= set(_groups(after)):
        lost["groups"] = list(dict.fromkeys([*_groups(before), *_groups(after)]))
    extension = before.get("extension")
    if extension and after.get("extension") != extension:
        lost["extension"] = {key: extension.get(key) for key in EXTENSION_KEYS}
    return lost


def as_written(employee: Row, names: Collection[str]) -> dict[str, Any]:
    """What the employee has of these, as parameters of `update.employees` that change nothing."""
    extension = employee.get("extension")
    written = {
        "phone_numbers": unchanged_phones(employee),
        "groups": _groups(employee),
        "extension": {key: extension.get(key) for key in EXTENSION_KEYS} if extension else None,
    }
    return {name: value for name, value in written.items() if name in names}


def preserved_fields_of(employee: Row) -> Row:
    """The employee's id and what `lost_fields` looks at."""
    return {"id": employee["id"], **{name: employee.get(name) for name in ("phone_numbers", "groups", "extension")}}


def without_phone_ids(entries: Sequence[Row]) -> list[Row]:
    """The entries as numbers to be found or created, for when their ids are no longer known."""
    return [{key: value for key, value in entry.items() if key != "phone_id"} for entry in entries]


def _written(entries: Sequence[Row]) -> list[Row]:
    return [{key: entry[key] for key in ENTRY_KEYS if key in entry} for entry in entries]


def _kept(before: list[Row], after: list[Row]) -> list[tuple[Any, ...]]:
    wanted = set(_settings(before))
    return [entry for entry in _settings(after) if entry in wanted]


def _settings(entries: Sequence[Row]) -> list[tuple[Any, ...]]:
    return [tuple(entry.get(key) for key in SETTINGS) for entry in entries]


def _groups(employee: Row) -> list[int]:
    return [group["group_id"] for group in employee.get("groups") or []]
