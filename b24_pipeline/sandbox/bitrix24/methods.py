"""The REST methods of the sandbox portal that the import calls, but for ``batch``."""

from b24_pipeline.sandbox.bitrix24 import errors
from b24_pipeline.sandbox.bitrix24.behavior import DepartmentTree, Scope, ScopeStyle
from b24_pipeline.sandbox.bitrix24.errors import Bitrix24Error
from b24_pipeline.sandbox.bitrix24.users import PAGE, Listed, UserLists
from b24_pipeline.sandbox.bitrix24.wire import Params
from b24_pipeline.sandbox.portal import ROOT_DEPARTMENT, Portal
from b24_pipeline.sandbox.types import Json


def call(method: str, params: Params, portal: Portal, users: UserLists, *, in_batch: bool) -> Json:
    """The payload of a method, or a ``Listed`` page."""
    match method:
        case "user.get" if portal.behavior.user_module:
            return users.page(params, in_batch=in_batch)
        case "department.get":
            return _department_page(params, portal)
        case "profile":
            return _profile(portal)
        case "scope":
            return _scopes(portal)
    raise Bitrix24Error(errors.UNKNOWN_METHOD)


def _profile(portal: Portal) -> dict[str, Json]:
    if not portal.behavior.owner_active:
        return {}
    owner = portal.users.get(portal.owner, {"NAME": "Sandbox", "LAST_NAME": "Owner"})
    return {
        "ID": str(portal.owner),
        "ADMIN": portal.behavior.owner_is_admin,
        "NAME": owner.get("NAME") or "",
        "LAST_NAME": owner.get("LAST_NAME") or "",
        "PERSONAL_GENDER": "",
        "TIME_ZONE": "",
    }


def _scopes(portal: Portal) -> Json:
    behavior = portal.behavior
    names = list(behavior.other_scopes)
    if behavior.scope is not Scope.MISSING:
        names.append(behavior.scope.value if behavior.scope_lists_variant else Scope.FULL.value)
    if behavior.scope_style is ScopeStyle.NUMBERED:
        return {str(number): name for number, name in enumerate(names)}
    return dict.fromkeys(names, True) if behavior.scope_style is ScopeStyle.FLAGS else names


def _department_page(params: Params, portal: Portal) -> Listed:
    if "department" not in portal.behavior.other_scopes:
        raise Bitrix24Error(errors.INSUFFICIENT_SCOPE)
    rows = _shown_departments(portal)
    start = max(0, int(params.get("START") or 0))
    following = start + PAGE if start + PAGE < len(rows) else None
    return Listed(rows[start : start + PAGE], len(rows) + portal.behavior.total_error, following)


def _shown_departments(portal: Portal) -> list[dict[str, Json]]:
    """The departments, in a tree as the switch says."""
    tree = portal.behavior.department_tree
    if tree is DepartmentTree.SOUND:
        return list(portal.departments.values())
    below = [row for number, row in portal.departments.items() if number != ROOT_DEPARTMENT]
    if tree is DepartmentTree.WITHOUT_TOP or not below:
        return below
    return [{**portal.departments[ROOT_DEPARTMENT], "PARENT": below[-1]["ID"]}, *below]
