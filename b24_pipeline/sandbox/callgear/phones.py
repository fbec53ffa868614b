"""Phone numbers: account-wide objects shared by employees (contract 5.3)."""

import re

from b24_pipeline.sandbox.account import PSTN_SETTINGS, Account, Employee, Number
from b24_pipeline.sandbox.callgear.behavior import CallGearBehavior
from b24_pipeline.sandbox.callgear.errors import CallGearError, entity_not_found, invalid_value
from b24_pipeline.sandbox.types import Json

MAX_PHONES = 10
PHONE = re.compile(r"\d{1,32}(\.\.\.\d{1,10})?")


def checked_phones(phones: list[dict[str, Json]], behavior: CallGearBehavior) -> list[dict[str, Json]]:
    """A ``phone_numbers`` array that the account takes, without what is switched to be stripped.

    Raises:
        CallGearError: too many, or a bad value.
    """
    if len(phones) > MAX_PHONES:
        raise CallGearError(behavior.too_many_phones, field="phone_numbers")
    if behavior.strips_plus:
        phones = [{**phone, "phone_number": phone["phone_number"].lstrip("+")} for phone in phones]
    for phone in phones:
        if PHONE.fullmatch(phone["phone_number"]) is None or not phone["phone_number"].isascii():
            raise invalid_value("phone_numbers.phone_number", phone["phone_number"])
        _check_range(phone, "channels_count", 150)
        _check_range(phone, "dial_time", 100)
    return phones


def assign_phones(account: Account, employee: Employee, phones: list[dict[str, Json]]) -> None:
    """Replace the numbers of an employee by those sent, in that order.

    Raises:
        CallGearError: a ``phone_id`` that the account does not have; nothing is changed then.
    """
    for phone in phones:
        if phone.get("phone_id") is not None and phone["phone_id"] not in account.numbers:
            raise entity_not_found("phone_numbers.phone_id", phone["phone_id"])
    held: list[Number] = []
    for phone in phones:
        number = _wanted_number(account, phone)
        _apply_settings(number, phone, account.behavior)
        if all(number is not other for other in held):
            held.append(number)
    employee["phone_numbers"] = held
    _unlink_lost_lines(account, employee)


def _check_range(phone: dict[str, Json], name: str, most: int) -> None:
    value = phone.get(name)
    if value is not None and not 1 <= value <= most:
        raise invalid_value(f"phone_numbers.{name}", value)


def _wanted_number(account: Account, phone: dict[str, Json]) -> Number:
    by_id = account.numbers.get(phone.get("phone_id") or 0)
    if by_id is not None and not (account.behavior.loses_sip_entries and _is_sip(account, by_id)):
        if by_id["phone_number"] != phone["phone_number"]:
            account.renumber(by_id, phone["phone_number"])
        return by_id
    known = account.number_of(phone["phone_number"])
    if known is None or _is_sip(account, known):
        return account.new_number(phone["phone_number"])
    return known


def _is_sip(account: Account, number: Number) -> bool:
    return any(line["phone_id"] == number["phone_id"] for line in account.sip_lines.values())


def _apply_settings(number: Number, phone: dict[str, Json], behavior: CallGearBehavior) -> None:
    sent = {name: phone[name] for name in PSTN_SETTINGS if phone.get(name) is not None}
    if behavior.resets_phone_settings:
        sent = {**PSTN_SETTINGS, **sent}
    number.update(sent)


def _unlink_lost_lines(account: Account, employee: Employee) -> None:
    """A SIP line whose entry the employee no longer has stands alone."""
    held = {number["phone_id"] for number in employee["phone_numbers"]}
    for line in account.sip_lines.values():
        if line["employee_id"] == employee["id"] and line["phone_id"] not in held:
            line["employee_id"] = None
