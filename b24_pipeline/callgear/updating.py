"""One `update.employees`, and one look at the employee before or after it."""

from collections.abc import Sequence
from typing import Any

from b24_pipeline.callgear.client import CallGear
from b24_pipeline.callgear.exceptions import RecordError, RecordFault, RequestError, UpdatesHalted
from b24_pipeline.callgear.phones import numbers
from b24_pipeline.callgear.preserved_fields import phones
from b24_pipeline.callgear.reading import read_employee
from b24_pipeline.callgear.rows import Row

METHOD = "update.employees"
MAX_ATTEMPTS = 3


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
    """Whether the account does not accept an update without `phone_numbers`; `judging` tells other parameters apart."""
    return error.fault is RecordFault.REQUIRED_PARAMETER_MISSED


def read_for_update(client: CallGear, callgear_id: int) -> Row:
    """The employee as it is now.

    Raises:
        RecordError: `entity_not_found`, there is none.
    """
    employee = read_employee(client, callgear_id)
    if employee is None:
        fault = RecordFault.ENTITY_NOT_FOUND
        text = f"{METHOD}: employee {callgear_id} is not in CallGear any more"
        raise RecordError(text, fault=fault, mnemonic=fault.value, field="id")
    return employee


def verify_phones_stored(employee: Row, wanted: Sequence[Row]) -> None:
    """Make sure that the employee has just the phones that were sent.

    Raises:
        RecordError: it has others.
    """
    if numbers(phones(employee)) != numbers(wanted):
        fault = RecordFault.NOT_STORED
        text = f"{METHOD}: employee {employee['id']} did not get exactly the phones that were sent"
        raise RecordError(text, fault=fault, mnemonic=fault.value, field="phone_numbers")


def updates_halted(reason: str) -> UpdatesHalted:
    """The error that says that nothing is updated any more, and why."""
    return UpdatesHalted(
        f"{METHOD}: {reason}; compare it with the audit by hand", method=METHOD, mnemonic="updates_unsafe"
    )
