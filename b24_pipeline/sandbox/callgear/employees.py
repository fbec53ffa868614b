"""``*.employees`` (contract 5)."""

from b24_pipeline.sandbox.account import Account, Employee, blank_employee
from b24_pipeline.sandbox.callgear.behavior import CreatedId, PhonesOmitted
from b24_pipeline.sandbox.callgear.errors import CallGearError, Mnemonic, entity_not_found
from b24_pipeline.sandbox.callgear.params import (
    NUMBER,
    REQUIRED_BOOLEAN,
    REQUIRED_NUMBER,
    REQUIRED_STRING,
    STRING,
    Kind,
    Parameter,
)
from b24_pipeline.sandbox.callgear.phones import assign_phones, checked_phones
from b24_pipeline.sandbox.callgear.reading import Columns, Params, Result, Row

EMPLOYEE_COLUMNS = Columns(
    (
        "id",
        "login",
        "first_name",
        "last_name",
        "patronymic",
        "full_name",
        "email",
        "status",
        "call_recording",
        "schedule_id",
        "groups",
        "phone_numbers",
        "extension",
        "calls_available",
    ),
    stored=frozenset(("id", "first_name", "last_name", "patronymic", "email", "phone_numbers")),
)

_PHONE = {"phone_number": REQUIRED_STRING, "channels_count": NUMBER, "dial_time": NUMBER, "status": STRING}
_EXTENSION = {
    "extension_phone_number": REQUIRED_STRING,
    "extension_voice_mail_enabled": REQUIRED_BOOLEAN,
    "extension_queue_enabled": REQUIRED_BOOLEAN,
}
_COMMON = {
    "first_name": STRING,
    "patronymic": STRING,
    "email": STRING,
    "groups": Parameter(Kind.ARRAY, items=Kind.NUMBER),
    "extension": Parameter(Kind.OBJECT, members=_EXTENSION),
}
CREATE_EMPLOYEE = {
    **_COMMON,
    "last_name": REQUIRED_STRING,
    "phone_numbers": Parameter(Kind.ARRAY, members=_PHONE),
}
UPDATE_EMPLOYEE = {
    **_COMMON,
    "id": REQUIRED_NUMBER,
    "last_name": STRING,
    "phone_numbers": Parameter(Kind.ARRAY, members={**_PHONE, "phone_id": NUMBER}),
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
    """Create an employee.

    Raises:
        CallGearError: a value is refused; nothing is changed then.
    """
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
    """Change the fields that were sent; an array that is sent replaces the whole array.

    Raises:
        CallGearError: an unknown id, or a value is refused; nothing is changed then.
    """
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
    for group in params.get("groups") or []:
        if group not in account.groups:
            raise entity_not_found("groups", group)
    _check_email(account, params.get("email"), employee_id)
    if params.get("phone_numbers") is None:
        return params
    return {**params, "phone_numbers": checked_phones(params["phone_numbers"], account.behavior)}


def _check_email(account: Account, email: str | None, employee_id: int | None) -> None:
    refusal = account.behavior.duplicate_email
    if email is None or refusal is None:
        return
    owners = {
        other["id"] for other in account.employees.values() if (other["email"] or "").casefold() == email.casefold()
    }
    if owners - {employee_id}:
        raise CallGearError(refusal, field="email", value=email)


def _apply(account: Account, employee: Employee, params: Params) -> None:
    changes = dict(params)
    phones = changes.pop("phone_numbers", None)
    if phones is not None:
        assign_phones(account, employee, phones)
    if changes.get("email") and account.behavior.lowers_emails:
        changes["email"] = changes["email"].lower()
    for name, empty in (("extension", {}), ("groups", [])):
        if name in changes and changes[name] is None:
            changes[name] = empty
    employee.update(changes)
