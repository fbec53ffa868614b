"""Phone entries and SIP lines of employees: which entries must not be written back (contract 5.3, 7.5, T8, T22)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from b24_pipeline.callgear.client import CallGear
from b24_pipeline.callgear.employees import MAX_ROWS
from b24_pipeline.callgear.exceptions import MethodError, SipNumberError
from b24_pipeline.callgear.rows import Row, is_id
from b24_pipeline.rules.phone_numbers import EXTENSION_MARK, decimal_digits

NumberKey = tuple[str, str]

MIN_FULL_NUMBER_DIGITS = 10
"""Digits with the country code, which never begins with 0; a person can edit the few shorter numbers."""
METHOD = "get.sip_lines"
FIELDS = ("id", "phone_number", "employee_id")
"""They are named because others hold passwords (contract 7.5)."""
MAX_PAGES = 11
"""So many whole pages can be asked for: the maximum of `offset` is 100,000 (contract 2)."""


@dataclass(frozen=True, slots=True)
class PhoneEntry:
    """The entry that adds a number to an employee's `phone_numbers`; no id, which create does not know (T9).

    Numbers are shared account-wide: settings sent with a number that somebody else already holds change it for that
    holder too (T7), so they must be the holder's current ones.
    """

    phone_number: str = field(repr=False)
    channels_count: int = 1
    dial_time: int = 60
    status: str = "active"


def number_key(phone_number: object) -> NumberKey:
    """A number as it is compared: the digits of its main part and of its extension (contract 5.3)."""
    main, _, extension = str(phone_number).partition(EXTENSION_MARK)
    return decimal_digits(main), decimal_digits(extension)


def refuse_sip_numbers(client: CallGear, callgear_id: int, entries: Sequence[Row], *, lines_of: int | None) -> None:
    """Make sure that none of the employee's entries is a SIP number, before they are written back (contract 5.5, 4).

    Where not all SIP lines can be read, every entry must look like a full number of the public network, which carries
    its country code (contract 5.3). `lines_of` says whose SIP lines to compare with: the employee's, or None for all of
    the account, where an update may have cut them from the employee.

    Raises:
        SipNumberError: one is, or may be.
    """
    if not entries:
        return
    lines, all_read = read_sip_lines(client, lines_of)
    mains = _main_parts(entries)
    doubtful = mains & _main_parts(lines)
    if not all_read:
        doubtful |= {main for main in mains if len(main) < MIN_FULL_NUMBER_DIGITS or main.startswith("0")}
    if doubtful:
        raise SipNumberError(
            f"employee {callgear_id} has SIP numbers, which an update could make useless: edit this person manually"
        )


def _main_parts(rows: Sequence[Row]) -> set[str]:
    return {number_key(row.get("phone_number"))[0] for row in rows}


def read_sip_lines(client: CallGear, callgear_id: int | None) -> tuple[list[Row], bool]:
    """The SIP lines of an employee, or of all, and whether there are no others.

    They are none, and not all, where the account does not let them be read.
    Pages have no guaranteed order, so a line may come twice: it is their different ids that are counted.
    """
    params: Row = {"fields": list(FIELDS), "limit": MAX_ROWS}
    if callgear_id is not None:
        params["filter"] = {"field": "employee_id", "operator": "=", "value": callgear_id}
    rows: list[Row] = []
    for _ in range(MAX_PAGES):
        try:
            result = client.call(METHOD, {**params, "offset": len(rows)})
        except MethodError:
            return [], False
        page, total = result.rows(), result.metadata.total_items
        rows += page
        is_last = len(page) < MAX_ROWS if total is None else len(rows) >= total or not page
        if is_last:
            ids = {row["id"] for row in rows if is_id(row.get("id"))}
            return rows, len(ids) == (len(rows) if total is None else total)
    return rows, False


def owners_of_sip_lines(client: CallGear) -> set[int]:
    """Ids of the employees that are known to have a SIP line."""
    lines, _ = read_sip_lines(client, None)
    return {line["employee_id"] for line in lines if is_id(line.get("employee_id"))}


def lines_of(client: CallGear, callgear_id: int) -> frozenset[int]:
    """Ids of the employee's SIP lines, as far as they can be read."""
    lines, _ = read_sip_lines(client, callgear_id)
    return frozenset(line["id"] for line in lines if is_id(line.get("id")))
