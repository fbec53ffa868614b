"""The REST methods of the sandbox portal, but for ``batch``."""

from collections.abc import Callable

from b24_pipeline.sandbox.bitrix24 import dates, errors
from b24_pipeline.sandbox.bitrix24.behaviour import DepartmentTree, Scope, ScopeStyle
from b24_pipeline.sandbox.bitrix24.users import PAGE, Listed, Showing, UserLists
from b24_pipeline.sandbox.bitrix24.wire import Params, as_map
from b24_pipeline.sandbox.portal import ROOT_DEPARTMENT, Portal
from b24_pipeline.sandbox.types import Json

DEPARTMENT_FILTERS = ("ID", "NAME", "SORT", "PARENT", "UF_HEAD")
NOT_IN_USER_CURRENT = ("TIMESTAMP_X", "USER_TYPE")


class Methods:
    """Calls methods by name.

    Attributes:
        on_page: called with the ordinal of each ``user.get`` page, also inside a batch, before it is read.
    """

    def __init__(self, portal: Portal, *, clock: Callable[[], float]) -> None:
        self.on_page: Callable[[int], None] | None = None
        self._portal = portal
        self._clock = clock
        self._pages = 0
        self._users = UserLists(portal)
        self._by_name: dict[str, Callable[[Params, bool], Json]] = {
            "user.get": self._user_get,
            "user.search": self._user_get,
            "user.current": self._user_current,
            "user.admin": lambda *_: self._portal.behaviour.owner_is_admin,
            "profile": self._profile,
            "scope": self._scope,
            "server.time": lambda *_: dates.iso(self._clock()),
            "app.info": self._app_info,
            "method.get": self._method_get,
            "department.get": self._department_get,
        }

    def __contains__(self, method: str) -> bool:
        return method in self._by_name or method == "batch"

    def call(self, method: str, params: Params, *, in_batch: bool) -> Json:
        """The payload, or a ``Listed`` page.

        Raises:
            Bitrix24Error: the call is refused.
        """
        if method not in self._by_name:
            raise errors.unknown_method()
        return self._by_name[method](params, in_batch)

    def _user_get(self, params: Params, in_batch: bool) -> Listed:
        if not self._portal.behaviour.user_module:
            raise errors.unknown_method()
        self._pages += 1
        if self.on_page is not None:
            self.on_page(self._pages)
        return self._users.page(params, in_batch=in_batch)

    def _user_current(self, _: Params, in_batch: bool) -> dict[str, Json]:
        if self._portal.behaviour.scope is Scope.MISSING:
            raise errors.insufficient_scope()
        if self._portal.owner not in self._portal.users:
            return {}
        row = Showing(self._portal, None, in_batch=in_batch).row(self._portal.owner)
        return {name: value for name, value in row.items() if name not in NOT_IN_USER_CURRENT}

    def _profile(self, *_: Json) -> dict[str, Json]:
        owner = self._portal.users.get(self._portal.owner, {"NAME": "Sandbox", "LAST_NAME": "Owner"})
        if not self._portal.behaviour.owner_active:
            return {}
        return {
            "ID": str(self._portal.owner),
            "ADMIN": self._portal.behaviour.owner_is_admin,
            "NAME": owner.get("NAME") or "",
            "LAST_NAME": owner.get("LAST_NAME") or "",
            "PERSONAL_GENDER": "",
            "TIME_ZONE": "",
        }

    def _scope(self, *_: Json) -> Json:
        names = scopes(self._portal)
        style = self._portal.behaviour.scope_style
        if style is ScopeStyle.NUMBERED:
            return {str(number): name for number, name in enumerate(names)}
        return dict.fromkeys(names, True) if style is ScopeStyle.FLAGS else names

    def _app_info(self, *_: Json) -> dict[str, Json]:
        return {"ID": 0, "CODE": "", "LICENSE": "en_basic", "SCOPE": scopes(self._portal), "INSTALLED": True}

    def _method_get(self, params: Params, _: bool) -> dict[str, bool]:
        known = str(params.get("NAME", "")) in self
        return {"isExisting": known, "isAvailable": known}

    def _department_get(self, params: Params, _: bool) -> Listed:
        if "department" not in self._portal.behaviour.other_scopes:
            raise errors.insufficient_scope()
        rows = [row for row in _shown_departments(self._portal) if _department_matches(row, params)]
        field = str(params.get("SORT") or "ID").upper()
        rows.sort(key=lambda row: _natural(row.get(field)), reverse=str(params.get("ORDER")).upper() == "DESC")
        start = max(0, int(params.get("START") or 0))
        following = start + PAGE if start + PAGE < len(rows) else None
        total = len(rows) + self._portal.behaviour.total_error
        return Listed(rows=rows[start : start + PAGE], total=total, following=following)


def scopes(portal: Portal) -> list[str]:
    """What ``scope`` lists."""
    variant = portal.behaviour.scope
    if variant is Scope.MISSING:
        return list(portal.behaviour.other_scopes)
    named = variant.value if portal.behaviour.scope_lists_variant else Scope.FULL.value
    return [*portal.behaviour.other_scopes, named]


def _shown_departments(portal: Portal) -> list[dict[str, Json]]:
    """The departments, in a tree as the switch says."""
    tree = portal.behaviour.department_tree
    if tree is DepartmentTree.SOUND:
        return list(portal.departments.values())
    below = [row for number, row in portal.departments.items() if number != ROOT_DEPARTMENT]
    if tree is DepartmentTree.WITHOUT_TOP or not below:
        return below
    return [{**portal.departments[ROOT_DEPARTMENT], "PARENT": below[-1]["ID"]}, *below]


def _department_matches(row: dict[str, Json], params: Params) -> bool:
    """Top-level equality filters; ``SORT`` names the sort field unless it is a number."""
    for name in DEPARTMENT_FILTERS:
        wanted = params.get(name)
        if wanted is None or (name == "SORT" and not str(wanted).isdecimal()):
            continue
        if str(row.get(name)) not in {str(item) for item in as_map(wanted).values() or [wanted]}:
            return False
    return True


def _natural(value: Json) -> tuple[int, str]:
    text = "" if value is None else str(value)
    return (int(text) if text.isdecimal() else 0, text)
