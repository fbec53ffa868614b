"""One `update.employees`, what it must preserve, and how lost fields are put back (T4, T5, contract 5.5)."""

import logging
from collections.abc import Collection, Sequence
from typing import Any

from b24_pipeline.callgear.client import MAX_WRITES, CallGear
from b24_pipeline.callgear.employees import read_employee
from b24_pipeline.callgear.exceptions import (
    RecordError,
    RecordFault,
    RequestError,
    SipNumberError,
    UnknownOutcome,
    UpdatesHalted,
)
from b24_pipeline.callgear.phones import refuse_sip_numbers
from b24_pipeline.callgear.rows import Row

logger = logging.getLogger(__name__)

SETTINGS = ("phone_number", "channels_count", "dial_time", "status")
ENTRY_KEYS = ("phone_id", *SETTINGS)
EXTENSION_KEYS = ("extension_phone_number", "extension_voice_mail_enabled", "extension_queue_enabled")
METHOD = "update.employees"


def phones(employee: Row) -> list[Row]:
    """The employee's phone entries as read."""
    return employee.get("phone_numbers") or []


def lost_fields(before: Row, after: Row) -> dict[str, Any]:
    """Return the fields that an update removed, as parameters of `update.employees`; empty if none.

    What somebody added meanwhile is kept. `phone_id` is no loss by itself: a number put back may get another one.
    """
    lost: dict[str, Any] = {}
    had = _settings(phones(before))
    if [entry for entry in _settings(phones(after)) if entry in had] != had:
        held = {entry.get("phone_number") for entry in phones(before)}
        added = [entry for entry in phones(after) if entry.get("phone_number") not in held]
        lost["phone_numbers"] = written_phones([*phones(before), *added])
    if not set(_groups(before)) <= set(_groups(after)):
        lost["groups"] = list(dict.fromkeys([*_groups(before), *_groups(after)]))
    extension = before.get("extension")
    if extension and after.get("extension") != extension:
        lost["extension"] = {key: extension.get(key) for key in EXTENSION_KEYS}
    return lost


def as_written(employee: Row, names: Collection[str]) -> dict[str, Any]:
    """Return these fields as parameters of `update.employees` that change nothing."""
    extension = employee.get("extension")
    written = {
        "phone_numbers": written_phones(phones(employee)),
        "groups": _groups(employee),
        "extension": {key: extension.get(key) for key in EXTENSION_KEYS} if extension else None,
    }
    return {name: value for name, value in written.items() if name in names}


def preserved_fields_of(employee: Row) -> Row:
    """The employee's id and what `lost_fields` looks at."""
    return {"id": employee["id"], **{name: employee.get(name) for name in ("phone_numbers", "groups", "extension")}}


def written_phones(entries: Sequence[Row]) -> list[Row]:
    """Phone entries to write back so that nothing changes: verbatim, in their order, with all five keys."""
    return [{key: entry[key] for key in ENTRY_KEYS if key in entry} for entry in entries]


def _settings(entries: Sequence[Row]) -> list[tuple[Any, ...]]:
    return [tuple(entry.get(key) for key in SETTINGS) for entry in entries]


def _groups(employee: Row) -> list[int]:
    return [group["group_id"] for group in employee.get("groups") or []]


def update_employee(client: CallGear, callgear_id: int, *, last_name: str, **arrays: Any) -> None:  # noqa: ANN401 - the API's
    """Send the last name, which every update needs, and these arrays, which replace what the employee has (T4).

    Raises:
        RequestError: something is said to be missing, nobody says what, and the phones were sent.
    """
    try:
        client.call(METHOD, {"id": callgear_id, "last_name": last_name, **arrays})
    except RecordError as error:
        if demands_phones(error) and error.field is None and "phone_numbers" in arrays:
            raise RequestError(str(error), method=METHOD, mnemonic=error.mnemonic) from None
        raise


def demands_phones(error: RecordError) -> bool:
    """Return whether the account rejects an update without `phone_numbers`."""
    return error.fault is RecordFault.REQUIRED_PARAMETER_MISSED


def read_for_update(client: CallGear, callgear_id: int) -> Row:
    """The employee as it is now; there must be one."""
    employee = read_employee(client, callgear_id)
    if employee is None:
        text = f"{METHOD}: employee {callgear_id} is no longer in CallGear"
        raise RecordError(text, fault=RecordFault.ENTITY_NOT_FOUND, field="id")
    return employee


def restore(client: CallGear, before: Row, after: Row, *, along: Collection[str]) -> Row:
    """Put back what the employee had `before` and has not `after`, and return the employee as it is then.

    Phones are sent only where they went missing or the account demands them, and never SIP numbers: a line that lost
    its number stays lost (T8). `along` names what every update of this account has to repeat.

    Raises:
        UpdatesHalted: it cannot be put back.
    """
    employee, sent, with_ids = before["id"], set(along), True
    before = {**before, "phone_numbers": phones(before) or phones(after)}
    for attempt in range(1, MAX_WRITES + 1):
        lost = lost_fields(before, after)
        sent |= lost.keys()
        try:
            _send(client, after, {**as_written(after, sent), **lost}, with_ids=with_ids)
        except UnknownOutcome as error:
            client.pause(attempt, error=error)
        except RequestError:
            with_ids = False
        except RecordError as error:
            if demands_phones(error):
                sent |= {"phone_numbers"}
            else:
                with_ids = False
        after = read_for_update(client, employee)
        if not lost_fields(before, after):
            logger.warning(
                "An update removed %s of employee %s in CallGear; restored. Check this person manually. "
                "From now on updates repeat all phone numbers.",
                ", ".join(sorted(sent)),
                employee,
            )
            return after
    raise UpdatesHalted(f"an update removed {', '.join(lost_fields(before, after))} of employee {employee}")


def _send(client: CallGear, employee: Row, arrays: Row, *, with_ids: bool) -> None:
    entries = arrays.get("phone_numbers")
    if entries is not None:
        try:
            refuse_sip_numbers(client, employee["id"], entries, lines_of=None)
        except SipNumberError:
            raise UpdatesHalted(
                f"an update removed {', '.join(arrays)} of employee {employee['id']}, who has SIP numbers"
            ) from None
        if not with_ids:
            entries = [{key: value for key, value in entry.items() if key != "phone_id"} for entry in entries]
        arrays = {**arrays, "phone_numbers": entries}
    update_employee(client, employee["id"], last_name=employee["last_name"], **arrays)
