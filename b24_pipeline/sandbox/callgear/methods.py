"""The Data API methods of the sandbox account: what each needs and does (contract 4.3, 5, 6, 7)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from b24_pipeline.sandbox.account import Account
from b24_pipeline.sandbox.callgear.behaviour import Component, Right, WriteResult
from b24_pipeline.sandbox.callgear.employees import (
    CREATE_EMPLOYEE,
    EMPLOYEE_COLUMNS,
    UPDATE_EMPLOYEE,
    create_employee,
    show_employee,
    update_employee,
)
from b24_pipeline.sandbox.callgear.errors import CallGearError, Mnemonic
from b24_pipeline.sandbox.callgear.owners import (
    CREATE_OWNER,
    DEAL_COLUMNS,
    DELETE_OWNER,
    OWNER_COLUMNS,
    UPDATE_OWNER,
    create_owner,
    deals,
    delete_owner,
    owners,
    update_owner,
)
from b24_pipeline.sandbox.callgear.params import BOOLEAN, REQUIRED_NUMBER, Parameter
from b24_pipeline.sandbox.callgear.reading import READING, Columns, Row, page
from b24_pipeline.sandbox.types import Json

Params = dict[str, Json]
Metadata = dict[str, Json] | None


@dataclass(frozen=True, slots=True)
class Method:
    """One method; a success costs a point.

    Attributes:
        run: does it; returns the result as a function of the metadata of the answer.
        params: its parameters besides ``access_token`` and ``user_id``.
        component: what the account must have.
        right: what the key must be allowed.
    """

    run: Callable[[Account, Params], "Result"]
    params: Mapping[str, Parameter] = field(default_factory=dict)
    component: Component | None = None
    right: Right | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What a method answers.

    Attributes:
        shaped: builds ``result`` from the metadata, which is None where it is switched off.
        total_items: number of matches, for ``get.*``.
    """

    shaped: Callable[[Metadata], Json]
    total_items: int | None = None


STATUS_NAMES = ("available", "break", "do_not_disturb", "not_at_workplace", "not_at_work", "unknown")
STATUSES: list[Row] = [
    {"id": position, "name": name.replace("_", " "), "mnemonic": name, "is_deleted": False}
    for position, name in enumerate(STATUS_NAMES, start=1)
]
STATUS_COLUMNS = Columns(
    default=("id", "name", "mnemonic", "is_deleted"),
    filterable=frozenset(("id", "name", "mnemonic")),
    sortable=frozenset(("name", "is_deleted")),
)
GROUP_COLUMNS = Columns(
    default=("id", "name", "members"), filterable=frozenset(("id", "name")), sortable=frozenset(("name",))
)
SIP_COLUMNS = Columns(
    default=(
        "id",
        "phone_number",
        "employee_id",
        "employee_full_name",
        "status",
        "dial_time",
        "channels_count",
        "password",
    ),
    filterable=frozenset(("employee_id",)),
    sortable=frozenset(("employee_id",)),
)


def with_metadata(data: Json, key: str = "metadata") -> Callable[[Metadata], Json]:
    """``{"data": ..., "metadata": ...}``."""
    return lambda metadata: {"data": data} if metadata is None else {key: metadata, "data": data}


def _reader(
    columns: Columns, entities: Callable[[Account], Sequence[Json]], show: Callable[[Json, Account], Row]
) -> Callable[[Account, Params], Result]:
    def run(account: Account, params: Params) -> Result:
        found = page(
            params,
            columns,
            entities(account),
            show=lambda entity: show(entity, account),
            behaviour=account.behaviour,
        )
        rows = [_malformed(row, account.behaviour.malformed.get(row.get("id", 0), {})) for row in found.rows]
        return Result(with_metadata(rows), found.total + account.behaviour.total_items_error)

    return run


def _malformed(row: Row, others: Mapping[str, Json]) -> Row:
    """The row as it is sent; what was not asked for stays away."""
    return {name: others.get(name, value) for name, value in row.items()} if others else row


def _as_is(row: Row, _: Account) -> Row:
    return row


def _written(account: Account, result: dict[str, Json]) -> Result:
    if account.behaviour.write_result is WriteResult.WRAPPED:
        return Result(with_metadata(result))
    return Result(lambda _: result)


def _create_employee(account: Account, params: Params) -> Result:
    return _written(account, {"id": create_employee(account, params)})


def _update_employee(account: Account, params: Params) -> Result:
    update_employee(account, params)
    return _written(account, {})


def _delete_employee(*_: Json) -> Result:
    """Never allowed: employees are not deleted (R13)."""
    raise CallGearError(Mnemonic.FORBIDDEN)


def _create_owner(account: Account, params: Params) -> Result:
    return Result(with_metadata({"ext_id": create_owner(account, params)}))


def _update_owner(account: Account, params: Params) -> Result:
    update_owner(account, params)
    return Result(with_metadata({}))


def _delete_owner(account: Account, params: Params) -> Result:
    delete_owner(account, params)
    return Result(with_metadata({}))


def _get_account(account: Account, _: Params) -> Result:
    data = [{"app_id": account.behaviour.app_id, "name": "Sandbox", "timezone": "Asia/Dubai"}]
    return Result(lambda _: {"meta_data": {}, "data": data})


def _account_object(account: Account, _: Params) -> Result:
    verbs = {"is_select": "select", "is_insert": "insert", "is_update": "update", "is_delete": "delete"}
    granted = {str(right) for right in account.behaviour.rights}
    data = {
        "app_id": account.behaviour.app_id,
        "app_state": "active",
        "name": "Sandbox",
        "timezone": "Asia/Dubai",
        "crm_type": "custom",
        "is_agent": account.behaviour.is_agent,
        "components": sorted(account.behaviour.components),
        "permissions": [
            {"unit_id": unit, **{flag: f"{unit}.{verb}" in granted for flag, verb in verbs.items()}}
            for unit in ("employees", "va")
        ],
    }
    return Result(with_metadata(data))


def _show_group(group_id: int, account: Account) -> Row:
    members = [
        {"employee_id": employee["id"], "employee_full_name": show_employee(employee, account)["full_name"]}
        for employee in account.employees.values()
        if group_id in employee["groups"]
    ]
    return {"id": group_id, "name": account.groups[group_id], "members": members}


def _show_line(line: Row, account: Account) -> Row:
    employee = account.employees.get(line["employee_id"] or 0)
    full_name = show_employee(employee, account)["full_name"] if employee else None
    return {**line, "employee_full_name": full_name, "password": "never-read-this"}


def _owner_method(run: Callable[[Account, Params], Result], params: Mapping[str, Parameter] = READING) -> Method:
    return Method(run, params, component=Component.SALES_FUNNEL)


METHODS: dict[str, Method] = {
    "get.employees": Method(
        _reader(EMPLOYEE_COLUMNS, lambda account: list(account.employees.values()), show_employee),
        READING,
        right=Right.SELECT_EMPLOYEES,
    ),
    "create.employees": Method(_create_employee, CREATE_EMPLOYEE, right=Right.INSERT_EMPLOYEES),
    "update.employees": Method(_update_employee, UPDATE_EMPLOYEE, right=Right.UPDATE_EMPLOYEES),
    "delete.employees": Method(_delete_employee, {"id": REQUIRED_NUMBER}),
    "get.deal_employees": _owner_method(_reader(OWNER_COLUMNS, owners, _as_is)),
    "create.deal_employees": _owner_method(_create_owner, CREATE_OWNER),
    "update.deal_employees": _owner_method(_update_owner, UPDATE_OWNER),
    "delete.deal_employees": _owner_method(_delete_owner, DELETE_OWNER),
    "get.deals_history": _owner_method(_reader(DEAL_COLUMNS, deals, _as_is)),
    "get.account": Method(_get_account),
    "getobj.account": Method(_account_object, component=Component.CONFIGURATION),
    "get.sip_lines": Method(
        _reader(SIP_COLUMNS, lambda account: list(account.sip_lines.values()), _show_line),
        READING,
        component=Component.VIRTUAL_PBX,
        right=Right.SELECT_PBX,
    ),
    "get.statuses": Method(_reader(STATUS_COLUMNS, lambda _: STATUSES, _as_is), {**READING, "is_deleted": BOOLEAN}),
    "get.group_employees": Method(
        _reader(GROUP_COLUMNS, lambda account: list(account.groups), _show_group),
        READING,
        right=Right.SELECT_EMPLOYEES,
    ),
}
