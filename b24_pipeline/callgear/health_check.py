"""Read-only checks of the account for `b24-pipeline check`, and the account's identity."""

from collections.abc import Callable
from functools import partial

from b24_pipeline.account import UNKNOWN_ACCOUNT, AccountIdentity, wrong_account_message
from b24_pipeline.callgear.client import CallGear, read_account
from b24_pipeline.callgear.exceptions import CallGearError, MethodError
from b24_pipeline.callgear.rate_limit import Limits
from b24_pipeline.callgear.responses import Result
from b24_pipeline.callgear.rows import Row
from b24_pipeline.check_result import CheckResult

Refused = Callable[[AccountIdentity], str | None]
RIGHTS = {"is_select": "see", "is_insert": "add", "is_update": "change"}


def check_callgear(
    client: CallGear,
    *,
    expected: AccountIdentity = UNKNOWN_ACCOUNT,
    refused: Refused | None = None,
) -> list[CheckResult]:
    """Look at the token, IP whitelist, account, rights, component and points left; costs at most 4 points.

    `expected` is the account that the database belongs to (R16b). `refused` says why this connection may not import
    into an account, if it may not.
    """
    run = partial(CheckResult.of, failure=CallGearError)
    access = CheckResult("CallGear access", passed=True, text="the access token and the IP address are accepted")
    try:
        employees = client.call("get.employees", {"limit": 1, "fields": ["id"]})
    except MethodError as error:
        return [access, CheckResult("CallGear employees", passed=False, text=str(error))]
    except CallGearError as error:
        return [CheckResult("CallGear access", passed=False, text=str(error))]
    return [
        access,
        run("CallGear account", lambda: _account(client, expected, refused)),
        run("CallGear employee rights", lambda: _rights(client, employees)),
        run("CallGear responsible list", lambda: _responsible_list(client)),
        run("CallGear points", lambda: _points(employees.metadata.limits)),
    ]


def _account(client: CallGear, expected: AccountIdentity, refused: Refused | None) -> tuple[bool, str]:
    """The account's name and number, so that nobody imports into another one than before (R16b)."""
    account = read_account(client)
    if expected.app_id and account.app_id != expected.app_id:
        return False, wrong_account_message(expected, account)
    if refused is not None and (problem := refused(account)):
        return False, problem
    return True, str(account) if account.app_id else "its name is not visible to this token"


def _rights(client: CallGear, employees: Result) -> tuple[bool, str]:
    try:
        account = client.call("getobj.account").fields()
    except MethodError:
        return True, "employees can be read; whether they can be added and changed is not visible to this token"
    permissions = account.get("permissions")
    units = [unit for unit in permissions if isinstance(unit, dict)] if isinstance(permissions, list) else []
    rights: Row = next((unit for unit in units if unit.get("unit_id") == "employees"), {})
    missing = [word for right, word in RIGHTS.items() if rights.get(right) is False]
    if missing:
        return False, f"give the token's user the right to {' and '.join(missing)} employees"
    total = employees.metadata.total_items
    return True, "employees can be seen, added and changed" + ("" if total is None else f"; there are {total:,}")


def _responsible_list(client: CallGear) -> tuple[bool, str]:
    try:
        owners = client.call("get.deal_employees", {"limit": 1})
    except MethodError as error:
        return False, f"{error}: enable the component sales_funnel, or set B24_PIPELINE_RESPONSIBLE_LIST=off"
    total = owners.metadata.total_items
    return True, "it can be read" + ("" if total is None else f"; it has {total:,} people")


def _points(limits: Limits) -> tuple[bool, str]:
    if limits.day_remaining is None:
        return True, "CallGear does not report how many are left; 3,000 a day are assumed"
    of = "" if limits.day_limit is None else f" of {limits.day_limit:,.0f}"
    left = f"{limits.day_remaining:,.0f}{of} are left today"
    enough = limits.day_remaining > (limits.day_limit or 0) * 0.1
    return enough, left if enough else f"{left}: wait for the next day, or have the limit raised"
