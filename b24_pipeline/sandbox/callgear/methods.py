"""The Data API methods that the import calls: what each needs and does (contract 4.3, 5, 6, 7)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from b24_pipeline.sandbox.account import Account
from b24_pipeline.sandbox.callgear.behavior import Component, Right
from b24_pipeline.sandbox.callgear.employees import (
    CREATE_EMPLOYEE,
    UPDATE_EMPLOYEE,
    create_employee,
    show_employee,
    update_employee,
)
from b24_pipeline.sandbox.callgear.errors import CallGearError, Mnemonic, entity_not_found
from b24_pipeline.sandbox.callgear.params import REQUIRED_STRING, STRING, Parameter
from b24_pipeline.sandbox.callgear.reading import READING, Params, Result, Row, reader


@dataclass(frozen=True, slots=True)
class Method:
    """One method; a success costs a point."""

    run: Callable[[Account, Params], Result]
    # its parameters besides ``access_token`` and ``user_id``
    params: Mapping[str, Parameter] = field(default_factory=dict)
    component: Component | None = None  # what the account must have
    right: Right | None = None  # what the key must be allowed


def _get_account(account: Account, _: Params) -> Result:
    data = [{"app_id": account.behavior.app_id, "name": "Sandbox", "timezone": "Asia/Dubai"}]
    return Result({"meta_data": {}, "data": data}, is_bare=True)


def _account_object(account: Account, _: Params) -> Result:
    verbs = {"is_select": "select", "is_insert": "insert", "is_update": "update", "is_delete": "delete"}
    granted = {str(right) for right in account.behavior.rights}
    data = {
        "app_id": account.behavior.app_id,
        "app_state": "active",
        "name": "Sandbox",
        "timezone": "Asia/Dubai",
        "crm_type": "custom",
        "is_agent": account.behavior.is_agent,
        "components": sorted(account.behavior.components),
        "permissions": [
            {"unit_id": unit, **{flag: f"{unit}.{verb}" in granted for flag, verb in verbs.items()}}
            for unit in ("employees", "va")
        ],
    }
    return Result(data)


def _show_line(line: Row, account: Account) -> Row:
    employee = account.employees.get(line["employee_id"] or 0)
    full_name = show_employee(employee, account)["full_name"] if employee else None
    return {**line, "employee_full_name": full_name, "password": "never-read-this"}


def owners(account: Account) -> list[Row]:
    """The list as rows; deleted owners come back first where the built-in sync is on."""
    if account.behavior.owners_reappear and account.deleted_owners:
        account.responsible.update(account.deleted_owners)
        account.deleted_owners.clear()
        account.record()
    return [{"ext_id": ext_id, "name": name} for ext_id, name in account.responsible.items()]


def create_owner(account: Account, params: Params) -> Result:
    """List somebody who is not listed."""
    ext_id = str(params["ext_id"])
    if ext_id in account.responsible:
        if not account.behavior.accepts_known_owner:
            raise CallGearError(Mnemonic.DUPLICATE_ENTITY, field="ext_id", value=ext_id)
    else:
        account.responsible[ext_id] = params["name"]
        account.record()
    return Result({"ext_id": ext_id})


def update_owner(account: Account, params: Params) -> Result:
    """Rename somebody who is listed."""
    ext_id = params["ext_id"]
    if ext_id not in account.responsible:
        raise entity_not_found("ext_id", ext_id)
    if params.get("name") is not None:
        account.responsible[ext_id] = params["name"]
        account.record()
    return Result({})


def delete_owner(account: Account, params: Params) -> Result:
    """Take somebody off the list who is on it, and owns no deals."""
    ext_id = params["ext_id"]
    if ext_id not in account.responsible:
        raise entity_not_found("ext_id", ext_id)
    if ext_id in account.owners_with_deals and not account.behavior.deletes_owners_with_deals:
        raise CallGearError(Mnemonic.DEPENDENCY_ERROR, field="ext_id", value=ext_id)
    account.deleted_owners[ext_id] = account.responsible.pop(ext_id)
    account.record()
    return Result({})


def _owner_method(run: Callable[[Account, Params], Result], params: Mapping[str, Parameter] = READING) -> Method:
    return Method(run, params, component=Component.SALES_FUNNEL)


METHODS: dict[str, Method] = {
    "get.employees": Method(
        reader(lambda account: account.employees.values(), show_employee), READING, right=Right.SELECT_EMPLOYEES
    ),
    "create.employees": Method(create_employee, CREATE_EMPLOYEE, right=Right.INSERT_EMPLOYEES),
    "update.employees": Method(update_employee, UPDATE_EMPLOYEE, right=Right.UPDATE_EMPLOYEES),
    "get.deal_employees": _owner_method(reader(owners, sortable=("ext_id", "name"))),
    "create.deal_employees": _owner_method(create_owner, {"ext_id": REQUIRED_STRING, "name": REQUIRED_STRING}),
    "update.deal_employees": _owner_method(update_owner, {"ext_id": REQUIRED_STRING, "name": STRING}),
    "delete.deal_employees": _owner_method(delete_owner, {"ext_id": REQUIRED_STRING}),
    "get.account": Method(_get_account),
    "getobj.account": Method(_account_object, component=Component.CONFIGURATION),
    "get.sip_lines": Method(
        reader(lambda account: account.sip_lines.values(), _show_line),
        READING,
        component=Component.VIRTUAL_PBX,
        right=Right.SELECT_PBX,
    ),
}
