"""Phone entries of employees, and which of them are SIP numbers that must not be written back (contract 5.3, T8)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from b24_pipeline.callgear.client import CallGear
from b24_pipeline.callgear.exceptions import SipNumberError
from b24_pipeline.callgear.rows import Row
from b24_pipeline.callgear.sip_lines import read_sip_lines
from b24_pipeline.rules.phone_numbers import EXTENSION_MARK, decimal_digits

NumberKey = tuple[str, str]

MIN_FULL_NUMBER_DIGITS = 10
"""Digits with the country code; few countries have shorter numbers, and a person can change those by hand."""


@dataclass(frozen=True, slots=True)
class PhoneEntry:
    """One entry of an employee's `phone_numbers`.

    Numbers are shared account-wide: settings sent with a number that somebody else already holds change it for that
    holder too (T7), so they must be the holder's current ones.
    """

    phone_number: str = field(repr=False)
    channels_count: int = 1
    dial_time: int = 60
    status: str = "active"
    phone_id: int | None = None

    def new(self) -> dict[str, Any]:
        """The element that adds the number; without `phone_id`, which create does not know (T9)."""
        return {
            "phone_number": self.phone_number,
            "channels_count": self.channels_count,
            "dial_time": self.dial_time,
            "status": self.status,
        }


def number_key(phone_number: object) -> NumberKey:
    """A number as it is compared: the digits of its main part and of its extension (contract 5.3)."""
    main, _, extension = str(phone_number).partition(EXTENSION_MARK)
    return decimal_digits(main), decimal_digits(extension)


def main_part(phone_number: object) -> str:
    """The digits before the extension."""
    return number_key(phone_number)[0]


def numbers(entries: Sequence[Row]) -> list[NumberKey]:
    """The numbers of entries in dialling order, each as it is compared."""
    return [number_key(entry.get("phone_number")) for entry in entries]


def refuse_sip_numbers(client: CallGear, callgear_id: int, entries: Sequence[Row]) -> None:
    """Make sure that none of the employee's entries is a SIP number, before they are written back (contract 5.5, 4).

    Where not all SIP lines can be read, every entry must look like a full number of the public network, which carries
    its country code (contract 5.3).

    Raises:
        SipNumberError: one is, or may be.
    """
    _refuse(client, callgear_id, entries, {"field": "employee_id", "operator": "=", "value": callgear_id})


def refuse_sip_numbers_of_account(client: CallGear, callgear_id: int, entries: Sequence[Row]) -> None:
    """The same where an update may have cut the lines from the employee: no entry is the number of any SIP line.

    Raises:
        SipNumberError: one is, or may be.
    """
    _refuse(client, callgear_id, entries, None)


def _refuse(client: CallGear, callgear_id: int, entries: Sequence[Row], condition: Row | None) -> None:
    if not entries:
        return
    mains = {main_part(entry.get("phone_number")) for entry in entries}
    lines = read_sip_lines(client, condition)
    doubtful = mains & {main_part(line.get("phone_number")) for line in lines.rows}
    if not lines.complete:
        doubtful |= {main for main in mains if not _looks_full(main)}
    if doubtful:
        raise SipNumberError(
            f"employee {callgear_id} has SIP numbers, which an update could make useless: change this person by hand"
        )


def _looks_full(main: str) -> bool:
    """Whether these digits look like a full number of the public network: no country code begins with 0."""
    return len(main) >= MIN_FULL_NUMBER_DIGITS and not main.startswith("0")
