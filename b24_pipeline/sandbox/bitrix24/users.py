"""``user.get``: selecting users, paging them by id, and showing them (contract 2); of filters what the import needs."""

import json
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from b24_pipeline.sandbox.bitrix24 import errors
from b24_pipeline.sandbox.bitrix24.behavior import (
    AdminMode,
    Bitrix24Behavior,
    BlankStyle,
    DismissedUsers,
    NoDepartmentStyle,
    Scope,
    TextInIdFilter,
    TimestampStyle,
    UserTypeStyle,
)
from b24_pipeline.sandbox.bitrix24.errors import Bitrix24Error
from b24_pipeline.sandbox.bitrix24.fields import (
    ABSENT_WHEN_BLANK,
    NEVER_RETURNED,
    RETURNED_ON_REQUEST,
    UNSTABLE,
    USER_TYPE,
    VISIBLE,
    is_custom,
    iso,
    local_time,
)
from b24_pipeline.sandbox.bitrix24.wire import Params, values
from b24_pipeline.sandbox.portal import Portal, User
from b24_pipeline.sandbox.types import Json

PAGE = 50
LARGE_PORTAL = 2_000
UNCOUNTED = -1
FALSE_VALUES = (False, None, 0, "0", "N", "n", "")
LOCAL_FORMATS = {"TIMESTAMP_X": "%d.%m.%Y %H:%M:%S", "LAST_ACTIVITY_DATE": "%Y-%m-%d %H:%M:%S"}


@dataclass(frozen=True, slots=True)
class Payload:
    """What a method answers; a list method with one page of rows."""

    result: Json
    total: int | None = None  # matches in all; None where it is not returned
    following: int | None = None  # the next ``start``; None on the last page and where counting is off


@dataclass(slots=True)
class Selection:
    """A filter made ready: an id range, which costs nothing, and what is asked of single users, None for anything."""

    low: int = 0  # smallest id, inclusive
    high: int = sys.maxsize  # largest id, inclusive; below `low` where nothing matches
    ids: frozenset[int] | None = None
    active: bool | None = None
    user_types: frozenset[str] | None = None


class UserLists:
    """``user.get`` over one portal; remembers the ids of the last counted filters of a large portal."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._pages = 0
        self._counted: dict[tuple[int, str], list[int]] = {}

    def page(self, params: Params, *, in_batch: bool) -> Payload:
        """One page of users; refused without a user scope, or where there is no such page."""
        self._pages += 1
        if self._portal.on_page is not None:
            self._portal.on_page(self._pages)
        behavior = self._portal.behavior
        if behavior.scope is Scope.MISSING:
            raise Bitrix24Error(errors.INSUFFICIENT_SCOPE)
        start = int(params.get("START") or 0)
        if start == UNCOUNTED and behavior.endless_users:
            return Payload(list(_made_up(params.get("FILTER") or {})), total=0)
        if start == UNCOUNTED and behavior.uncounted_supported:
            ids, total, following = list(islice(self._matching(params), PAGE)), behavior.uncounted_total, None
        else:
            start = max(0, start)
            matching = self._counted_ids(params)
            if start >= max(1, len(matching)) and behavior.refuses_start_beyond_total:
                raise errors.bad_argument("start is beyond the end of the list")
            ids, total = matching[start : start + PAGE], len(matching) + behavior.total_error
            following = start + PAGE if start + PAGE < len(matching) else None
        if not ids and not behavior.counts_nothing:
            total = None
        show = Showing(self._portal, params.get("SELECT"), in_batch=in_batch)
        return Payload([show.row(user_id) for user_id in ids], total, following)

    def _counted_ids(self, params: Params) -> list[int]:
        """The matches in their order. In a large portal they are found once, whichever way round they are asked for."""
        portal = self._portal
        if len(portal.users) < LARGE_PORTAL:
            return list(self._matching(params))
        rising = {name: params[name] for name in sorted(params.keys() - {"START", "SELECT", "ORDER"})}
        key = (portal.version, repr(rising))
        if key not in self._counted:
            if len(self._counted) > 8:
                self._counted.clear()
            self._counted[key] = list(self._matching(rising))
        found = self._counted[key]
        return found[::-1] if _descending(params) else found

    def _matching(self, params: Params) -> Iterator[int]:
        portal = self._portal
        selected = _selection(params.get("FILTER") or {}, portal)
        admin_mode = _admin_mode(params, portal.behavior)
        hides = not (portal.behavior.lists_without_department or admin_mode or selected.ids)
        accepts = _visible(selected, portal.behavior.dismissed, portal.owner if hides else None)
        users = portal.users
        first = bisect_left(portal.ids, selected.low)
        last = bisect_right(portal.ids, selected.high)
        positions = range(first, max(first, last))
        ordered = map(portal.ids.__getitem__, reversed(positions) if _descending(params) else positions)
        return (user_id for user_id in ordered if accepts(user_id, users[user_id]))


class Showing:
    """Turns stored users into rows of the wire for one request."""

    def __init__(self, portal: Portal, select: Json, *, in_batch: bool) -> None:
        behavior = portal.behavior
        visible = [*VISIBLE[behavior.scope], *([] if behavior.user_type is UserTypeStyle.ABSENT else [USER_TYPE])]
        wanted = {str(name).upper() for name in values(select or [])}
        selects = bool(wanted) and behavior.select_supported
        self._portal = portal
        self._behavior = behavior
        self._fields = [name for name in visible if name in wanted] if selects else visible
        self._custom = not selects and behavior.scope is Scope.FULL  # the portal's own fields are shown, too
        self._blanked = {USER_TYPE} if self._behavior.user_type is UserTypeStyle.BLANK else frozenset()
        self._in_batch = in_batch

    def row(self, user_id: int) -> dict[str, Json]:
        user = self._portal.users[user_id]
        shown: dict[str, Json] = {}
        for name in self._fields:
            value = None if name in self._blanked else user.get(name)
            if name in UNSTABLE:
                self._put_moment(shown, name, user_id)
            elif value in (None, "", []):
                self._put_blank(shown, name, user_id)
            else:
                shown[name] = value
        if self._behavior.departments_as_text and shown.get("UF_DEPARTMENT"):
            shown["UF_DEPARTMENT"] = [str(department) for department in shown["UF_DEPARTMENT"]]
        if self._custom:
            shown.update({name: value for name, value in user.items() if is_custom(name)})
        return shown

    def _put_moment(self, shown: dict[str, Json], name: str, user_id: int) -> None:
        style = self._behavior.timestamps
        if style is TimestampStyle.AS_SAMPLED:
            style = TimestampStyle.LOCAL_TEXT if self._in_batch else TimestampStyle.EMPTY_OBJECT
        moment = self._portal.changed_at[user_id]
        if style is TimestampStyle.EMPTY_OBJECT:
            shown[name] = {}
        elif style is TimestampStyle.LOCAL_TEXT:
            shown[name] = local_time(moment).strftime(LOCAL_FORMATS[name])
        elif style is TimestampStyle.ISO:
            shown[name] = iso(moment)

    def _put_blank(self, shown: dict[str, Json], name: str, user_id: int) -> None:
        style = self._behavior.blanks
        no_department = self._behavior.no_department
        if name == "IS_ONLINE":
            shown[name] = "N"
        elif name == "UF_DEPARTMENT" and no_department is not NoDepartmentStyle.AS_OTHERS:
            shown[name] = json.loads(no_department.value)
        elif style is BlankStyle.MIXED and (user_id % 2 == 0 or name in ABSENT_WHEN_BLANK):
            return
        elif style is not BlankStyle.ABSENT:
            blank = "" if style is BlankStyle.MIXED else json.loads(style.value)
            shown[name] = [] if name == "UF_DEPARTMENT" and blank == "" else blank


def _made_up(conditions: dict[str, Json]) -> Iterator[dict[str, Json]]:
    """A full page of users who are not there."""
    after = str(conditions.get(">ID", 0))
    first = int(after) + 1 if after.isdigit() else 1
    for user_id in range(first, first + PAGE):
        name = f"Nobody{user_id}"
        yield {
            "ID": str(user_id),
            "ACTIVE": True,
            "USER_TYPE": "employee",
            "LAST_NAME": name,
            "EMAIL": f"{name}@x.test",
        }


def _selection(conditions: dict[str, Json], portal: Portal) -> Selection:
    """Read a filter; what the sandbox lacks is refused."""
    selected = Selection()
    for key, value in conditions.items():
        match key.upper():
            case "ID" | ">ID" | "<ID":
                _narrow_ids(selected, key[:-2], value, portal)
            case "ACTIVE":
                selected.active = value not in FALSE_VALUES
            case "USER_TYPE":
                selected.user_types = frozenset(str(item) for item in values(value))
            case _:
                raise errors.bad_argument(f"The sandbox has no filter {key}")
    return selected


def _narrow_ids(selected: Selection, operator: str, value: Json, portal: Portal) -> None:
    ids = [_id_number(item, portal) for item in values(value)]
    numbers = frozenset(number for number in ids if number is not None)
    bound = max(numbers, default=0)
    if None in ids:
        selected.high = -1
    elif operator == ">":
        selected.low = max(selected.low, bound + 1)
    elif operator == "<":
        selected.high = min(selected.high, bound - 1)
    else:
        selected.ids = numbers
        selected.low = max(selected.low, min(numbers, default=1))
        selected.high = min(selected.high, bound)


def _id_number(value: Json, portal: Portal) -> int | None:
    """The id; for text as switched: 0, None (nothing matches) or an error."""
    if isinstance(value, int) or value.strip().isdecimal():
        return int(value)
    if portal.behavior.text_in_id_filter is TextInIdFilter.PAGE_ONE:
        return 0
    if portal.behavior.text_in_id_filter is TextInIdFilter.EMPTY_LIST:
        return None
    raise errors.bad_argument("Wrong value of filter field ID")


def _admin_mode(params: Params, behavior: Bitrix24Behavior) -> bool:
    """Whether the request is made in administrator mode; refused where the portal does not take that."""
    asked = params.get("ADMIN_MODE") not in FALSE_VALUES
    if asked and behavior.admin_mode is AdminMode.UNKNOWN:
        raise errors.bad_argument("Unknown parameter ADMIN_MODE")
    if asked and behavior.admin_mode is AdminMode.ADMINISTRATORS_ONLY and not behavior.owner_is_admin:
        raise Bitrix24Error(errors.ADMINISTRATORS_ONLY)
    return asked and behavior.owner_is_admin and behavior.admin_mode is not AdminMode.IGNORED


def _visible(selected: Selection, dismissed: DismissedUsers, owner: int | None) -> Callable[[int, User], bool]:
    """The tests of the filter and the portal's own: kinds that are never shown, dismissed users.

    `owner` is who has the webhook, where all others without a department are left out; else None.
    """
    hides_dismissed = dismissed is DismissedUsers.NEVER or (
        dismissed is DismissedUsers.HIDDEN_BY_DEFAULT and selected.active is None
    )
    hidden = NEVER_RETURNED | (RETURNED_ON_REQUEST - (selected.user_types or frozenset()))

    def accepts(user_id: int, user: User) -> bool:
        if user["USER_TYPE"] in hidden or (hides_dismissed and not user["ACTIVE"]):
            return False
        if owner not in (None, user_id) and not user.get("UF_DEPARTMENT"):
            return False
        return (
            (selected.ids is None or user_id in selected.ids)
            and (selected.active is None or user["ACTIVE"] is selected.active)
            and (selected.user_types is None or user["USER_TYPE"] in selected.user_types)
        )

    return accepts


def _descending(params: Params) -> bool:
    return str(params.get("ORDER") or "ASC").upper() == "DESC"
