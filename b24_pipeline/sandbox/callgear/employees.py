"""``*.employees`` (contract 5)."""

from collections.abc import Iterator

from b24_pipeline.sandbox.account import Account, Employee, blank_employee
from b24_pipeline.sandbox.callgear.behaviour import (
    Component,
    CreatedId,
    DuplicateEmail,
    DuplicateExtension,
    EmailCase,
    LastNameOmitted,
    PhonesOmitted,
)
from b24_pipeline.sandbox.callgear.errors import CallGearError, Mnemonic, entity_not_found, invalid_value
from b24_pipeline.sandbox.callgear.params import (
    BOOLEAN,
    NUMBER,
    OBJECT,
    REQUIRED_BOOLEAN,
    REQUIRED_NUMBER,
    REQUIRED_STRING,
    STRING,
    Kind,
    Parameter,
)
from b24_pipeline.sandbox.callgear.phones import assign_phones, checked_phones
from b24_pipeline.sandbox.callgear.reading import Columns, Row
from b24_pipeline.sandbox.types import Json

STATUSES = ("available", "break", "do_not_disturb", "not_at_workplace", "not_at_work", "unknown")
AUTO_OUT_CALL = "auto_out_call"
DIRECTIONS = (
    "in_external_allowed_call_directions",
    "in_internal_allowed_call_directions",
    "out_external_allowed_call_directions",
    "out_internal_allowed_call_directions",
    "allowed_in_call_types",
    "allowed_out_call_types",
)
EMPLOYEE_COLUMNS = Columns(
    default=(
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
    on_request=("status_id", "schedule_name", "coach", *DIRECTIONS),
    filterable=frozenset(
        (
            "id",
            "login",
            "first_name",
            "last_name",
            "full_name",
            "email",
            "status",
            "status_id",
            "call_recording",
            "schedule_id",
            "schedule_name",
            "groups",
            "phone_numbers",
            "extension",
            "calls_available",
            "coach",
        )
    ),
    sortable=frozenset(("login", "first_name", "last_name", "patronymic", "full_name", "calls_available")),
    stored=frozenset(("id", "first_name", "last_name", "patronymic", "email", "phone_numbers")),
)

_PHONE = {
    "phone_number": REQUIRED_STRING,
    "channels_count": NUMBER,
    "dial_time": NUMBER,
    "status": Parameter(Kind.STRING, values=("active", "inactive")),
}
_COMMON = {
    "first_name": STRING,
    "patronymic": STRING,
    "email": STRING,
    "call_recording": Parameter(Kind.STRING, values=("all", "in", "out", "off")),
    "schedule_id": NUMBER,
    "groups": Parameter(Kind.ARRAY, items=Kind.NUMBER),
    "calls_available": BOOLEAN,
    "coach": OBJECT,
    **{name: Parameter(Kind.ARRAY, items=Kind.STRING) for name in DIRECTIONS},
}
CREATE_EMPLOYEE = {
    **_COMMON,
    "last_name": REQUIRED_STRING,
    "status": Parameter(Kind.STRING, values=STATUSES),
    "phone_numbers": Parameter(Kind.ARRAY, members=_PHONE),
    "extension": Parameter(
        Kind.OBJECT,
        members={
            "extension_phone_number": REQUIRED_STRING,
            "extension_voice_mail_enabled": BOOLEAN,
            "extension_queue_enabled": BOOLEAN,
        },
    ),
}
UPDATE_EMPLOYEE = {
    **_COMMON,
    "id": REQUIRED_NUMBER,
    "last_name": STRING,
    "status": Parameter(Kind.STRING, values=(*STATUSES, AUTO_OUT_CALL)),
    "status_id": NUMBER,
    "phone_numbers": Parameter(Kind.ARRAY, members={**_PHONE, "phone_id": NUMBER}),
    "extension": Parameter(
        Kind.OBJECT,
        members={
            "extension_phone_number": REQUIRED_STRING,
            "extension_voice_mail_enabled": REQUIRED_BOOLEAN,
            "extension_queue_enabled": REQUIRED_BOOLEAN,
        },
    ),
}


def show_employee(employee: Employee, account: Account) -> Row:
    """An employee as a row with every column."""
    names = (employee["last_name"], employee["first_name"], employee["patronymic"])
    return {
        **dict.fromkeys(EMPLOYEE_COLUMNS.on_request),
        **{name: [] for name in DIRECTIONS},
        "coach": {},
        **employee,
        "full_name": " ".join(name for name in names if name),
        "groups": [{"group_id": group, "group_name": account.groups[group]} for group in employee["groups"]],
        "phone_numbers": [dict(number) for number in employee["phone_numbers"]],
    }


def create_employee(account: Account, params: dict[str, Json]) -> int:
    """Create an employee and return the id.

    Raises:
        CallGearError: a value is refused; nothing is changed then.
    """
    if not params["last_name"]:
        raise CallGearError(Mnemonic.REQUIRED_PARAMETER_MISSED, field="last_name")
    changes = _checked_values(account, params, employee_id=None)
    first = min(account.employees, default=None)
    if account.behaviour.created_id is CreatedId.EXISTING and first is not None:
        return first
    account.last_employee += 1
    employee = blank_employee(account.last_employee)
    _apply(account, employee, changes)
    account.employees[employee["id"]] = employee
    account.record()
    if account.behaviour.created_id is CreatedId.WRONG and first is not None:
        return first
    return account.last_employee


def update_employee(account: Account, params: dict[str, Json]) -> None:
    """Change the fields that were sent; an array that is sent replaces the whole array.

    Raises:
        CallGearError: an unknown id, or a value is refused; nothing is changed then.
    """
    behaviour = account.behaviour
    if params.get("last_name") is None and behaviour.last_name_omitted is LastNameOmitted.REQUIRED:
        raise CallGearError(Mnemonic.REQUIRED_PARAMETER_MISSED, field="last_name")
    if "phone_numbers" not in params:
        if behaviour.phones_omitted is PhonesOmitted.REQUIRED:
            raise CallGearError(Mnemonic.REQUIRED_PARAMETER_MISSED, field=behaviour.demanded_as.value)
        if behaviour.phones_omitted is PhonesOmitted.CLEARING:
            params = {**params, "phone_numbers": []}
    employee = account.employees.get(params["id"])
    if employee is None:
        raise entity_not_found("id", params["id"])
    _apply(account, employee, _checked_values(account, params, employee_id=params["id"]))
    account.record()


def _checked_values(account: Account, params: dict[str, Json], *, employee_id: int | None) -> dict[str, Json]:
    if "call_recording" in params and Component.RECORDING not in account.behaviour.components:
        raise CallGearError(
            Mnemonic.PARAMETER_COMPONENT_DISABLED,
            field="call_recording",
            params={"components": [Component.RECORDING]},
        )
    for group in params.get("groups") or []:
        if group not in account.groups:
            raise entity_not_found("groups", group)
    _check_email(account, params.get("email"), employee_id)
    _check_extension(account, params.get("extension"), employee_id)
    if params.get("phone_numbers") is None:
        return params
    return {**params, "phone_numbers": checked_phones(params["phone_numbers"], account.behaviour)}


def _others(account: Account, employee_id: int | None) -> Iterator[Employee]:
    return (employee for employee in account.employees.values() if employee["id"] != employee_id)


def _check_email(account: Account, email: str | None, employee_id: int | None) -> None:
    mode = account.behaviour.duplicate_email
    if email is None or mode is DuplicateEmail.ACCEPTED:
        return
    others = _others(account, employee_id)
    if any((other["email"] or "").casefold() == email.casefold() for other in others):
        raise CallGearError(Mnemonic[mode.name], field="email", value=email)


def _check_extension(account: Account, extension: dict[str, Json] | None, employee_id: int | None) -> None:
    field = "extension.extension_phone_number"
    if not extension:
        return
    number = extension["extension_phone_number"]
    if not 1 <= len(number) <= 5:
        raise invalid_value(field, number)
    others = _others(account, employee_id)
    taken = any((other["extension"] or {}).get("extension_phone_number") == number for other in others)
    if taken and account.behaviour.duplicate_extension is DuplicateExtension.ALREADY_IN_USE:
        raise CallGearError(Mnemonic.ALREADY_IN_USE, field=field, value=number)


def _apply(account: Account, employee: Employee, params: dict[str, Json]) -> None:
    changes = dict(params)
    phones = changes.pop("phone_numbers", None)
    if phones is not None:
        assign_phones(account, employee, phones)
    if changes.get("email") and account.behaviour.email_case is EmailCase.LOWERED:
        changes["email"] = changes["email"].lower()
    if "extension" in changes:
        changes["extension"] = _complete_extension(changes["extension"])
    if changes.get("groups", []) is None:
        changes["groups"] = []
    employee.update(changes)


def _complete_extension(extension: dict[str, Json] | None) -> dict[str, Json]:
    if not extension:
        return {}
    return {"extension_voice_mail_enabled": False, "extension_queue_enabled": False, **extension}
