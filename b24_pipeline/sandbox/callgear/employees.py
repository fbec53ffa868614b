"""``*.employees``, and their phone numbers: account-wide objects that employees share (contract 5)."""

import re

from b24_pipeline.sandbox.account import PSTN_SETTINGS, Account, Employee, Number, blank_employee
from b24_pipeline.sandbox.callgear.behavior import CreatedId, PhonesOmitted
from b24_pipeline.sandbox.callgear.errors import CallGearError, Mnemonic, entity_not_found, invalid_value
from b24_pipeline.sandbox.callgear.params import (
    NUMBER,
    REQUIRED_BOOLEAN,
    REQUIRED_NUMBER,
    REQUIRED_STRING,
    STRING,
    Parameter,
)
from b24_pipeline.sandbox.callgear.reading import Params, Result, Row
from b24_pipeline.sandbox.types import Json

MAX_PHONES = 10
PHONE = re.compile(r"[0-9]{1,32}(\.\.\.[0-9]{1,10})?")

_PHONE = {"phone_number": REQUIRED_STRING, "channels_count": NUMBER, "dial_time": NUMBER, "status": STRING}
_EXTENSION = {
    "extension_phone_number": REQUIRED_STRING,
    "extension_voice_mail_enabled": REQUIRED_BOOLEAN,
    "extension_queue_enabled": REQUIRED_BOOLEAN,
}


def _phones(members: dict[str, Parameter]) -> Parameter:
    return Parameter((list,), items=Parameter((dict,), required=True, members=members))


_COMMON = {
    "first_name": STRING,
    "patronymic": STRING,
    "email": STRING,
    "groups": Parameter((list,), items=REQUIRED_NUMBER),
    "extension": Parameter((dict,), members=_EXTENSION),
}
CREATE_EMPLOYEE = {**_COMMON, "last_name": REQUIRED_STRING, "phone_numbers": _phones(_PHONE)}
UPDATE_EMPLOYEE = {
    **_COMMON,
    "id": REQUIRED_NUMBER,
    "last_name": STRING,
    "phone_numbers": _phones({**_PHONE, "phone_id": NUMBER}),
}


def show_employee(employee: Employee, account: Account) -> Row:
    """An employee as a row with every column."""
    names = (employee["last_name"], employee["first_name"], employee["patronymic"])
    return {
        **employee,
        "full_name": " ".join(name for name in names if name),
        "groups": [{"group_id": group, "group_name": account.groups[group]} for group in employee["groups"]],
        "phone_numbers": [dict(number) for number in employee["phone_numbers"]],
    }


def create_employee(account: Account, params: Params) -> Result:
    """Create an employee; nothing is changed where a value is refused."""
    if not params["last_name"]:
        raise CallGearError(Mnemonic.REQUIRED_PARAMETER_MISSED, field="last_name")
    changes = _checked_values(account, params, employee_id=None)
    first = min(account.employees, default=None)
    if account.behavior.created_id is CreatedId.EXISTING and first is not None:
        return _written(account, {"id": first})
    account.last_employee += 1
    employee = blank_employee(account.last_employee)
    _apply(account, employee, changes)
    account.employees[employee["id"]] = employee
    account.record()
    is_wrong = account.behavior.created_id is CreatedId.WRONG and first is not None
    return _written(account, {"id": first if is_wrong else account.last_employee})


def update_employee(account: Account, params: Params) -> Result:
    """Change the fields that were sent, whole arrays at that; nothing is changed where one is refused."""
    behavior = account.behavior
    if params.get("last_name") is None and behavior.requires_last_name:
        raise CallGearError(Mnemonic.REQUIRED_PARAMETER_MISSED, field="last_name")
    if "phone_numbers" not in params:
        if behavior.phones_omitted is PhonesOmitted.REQUIRED:
            raise CallGearError(Mnemonic.REQUIRED_PARAMETER_MISSED, field=behavior.demanded_as)
        if behavior.phones_omitted is PhonesOmitted.CLEARING:
            params = {**params, "phone_numbers": []}
    employee = account.employees.get(params["id"])
    if employee is None:
        raise entity_not_found("id", params["id"])
    _apply(account, employee, _checked_values(account, params, employee_id=params["id"]))
    account.record()
    return _written(account, {})


def _written(account: Account, data: Params) -> Result:
    return Result(data, is_bare=not account.behavior.wraps_write_result)


def _checked_values(account: Account, params: Params, *, employee_id: int | None) -> Params:
    refusal, email = account.behavior.duplicate_email, params.get("email")
    if refusal is not None and email is not None:
        others = (other for other in account.employees.values() if other["id"] != employee_id)
        if any((other["email"] or "").casefold() == email.casefold() for other in others):
            raise CallGearError(refusal, field="email", value=email)
    if params.get("phone_numbers") is None:
        return params
    return {**params, "phone_numbers": _checked_phones(account, params["phone_numbers"])}


def _apply(account: Account, employee: Employee, params: Params) -> None:
    changes = dict(params)
    phones = changes.pop("phone_numbers", None)
    if phones is not None:
        _assign_phones(account, employee, phones)
    if changes.get("email") and account.behavior.lowers_emails:
        changes["email"] = changes["email"].lower()
    for name, empty in (("extension", {}), ("groups", [])):
        if name in changes and changes[name] is None:
            changes[name] = empty
    employee.update(changes)


def _checked_phones(account: Account, phones: list[dict[str, Json]]) -> list[dict[str, Json]]:
    """The array as the account takes it, which refuses too many numbers and bad values."""
    if len(phones) > MAX_PHONES:
        raise CallGearError(account.behavior.too_many_phones, field="phone_numbers")
    if account.behavior.strips_plus:
        phones = [{**phone, "phone_number": phone["phone_number"].lstrip("+")} for phone in phones]
    for phone in phones:
        if PHONE.fullmatch(phone["phone_number"]) is None:
            raise invalid_value("phone_numbers.phone_number", phone["phone_number"])
        if phone.get("phone_id") is not None and phone["phone_id"] not in account.numbers:
            raise entity_not_found("phone_numbers.phone_id", phone["phone_id"])
    return phones


def _assign_phones(account: Account, employee: Employee, phones: list[dict[str, Json]]) -> None:
    """Replace the numbers of an employee by those sent, in that order."""
    held: list[Number] = []
    for phone in phones:
        number = _wanted_number(account, phone)
        sent = {name: phone[name] for name in PSTN_SETTINGS if phone.get(name) is not None}
        number.update({**PSTN_SETTINGS, **sent} if account.behavior.resets_phone_settings else sent)
        if number not in held:
            held.append(number)
    employee["phone_numbers"] = held
    held_ids = {number["phone_id"] for number in held}
    for line in account.sip_lines.values():
        if line["employee_id"] == employee["id"] and line["phone_id"] not in held_ids:
            line["employee_id"] = None  # a line whose entry the employee no longer has stands alone


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
