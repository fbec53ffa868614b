"""The filter of ``user.get``: operators are prefixes of the key (contract 2.2)."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from b24_pipeline.sandbox.bitrix24 import dates, errors
from b24_pipeline.sandbox.bitrix24.behaviour import TextInIdFilter
from b24_pipeline.sandbox.bitrix24.fields import DATES, SEARCHED_NAMES, STORED, USER_TYPE, is_custom
from b24_pipeline.sandbox.portal import Portal, User
from b24_pipeline.sandbox.types import Json

UserTest = Callable[[int, User], bool]

OPERATORS = ("!=%", "!%=", "!@", "!%", "!=", ">=", "<=", "=%", "%=", "!", "@", "%", ">", "<", "=")
IN = {"", "=", "@"}
NOT_IN = {"!", "!=", "!@"}
LIKE = {"%", "!%", "=%", "%=", "!=%", "!%="}
FILTERABLE = STORED | {"NAME_SEARCH", "IS_ONLINE", USER_TYPE}
FALSE_VALUES = (False, None, 0, "0", "N", "n", "")


@dataclass(slots=True)
class Selection:
    """A filter made ready: an id range, which costs nothing, and tests of single users.

    Attributes:
        low: smallest id, inclusive.
        high: largest id, inclusive; None for no bound.
        tests: what a user must pass.
        impossible: no user can pass.
        asks_active: the filter names ``ACTIVE``.
        names_ids: the filter names users by id.
        user_types: the ``USER_TYPE`` values it asks for.
    """

    low: int = 0
    high: int | None = None
    tests: list[UserTest] = field(default_factory=list)
    impossible: bool = False
    asks_active: bool = False
    names_ids: bool = False
    user_types: frozenset[str] = frozenset()

    def accepts(self, user_id: int, user: User) -> bool:
        """Whether the user passes every test."""
        for test in self.tests:  # noqa: SIM110 - a generator takes twice as long, and large portals are counted
            if not test(user_id, user):
                return False
        return True


def selection(conditions: dict[str, Json], portal: Portal) -> Selection:
    """Read a filter; conditions on unknown fields count for nothing.

    Raises:
        Bitrix24Error: an id compared with text, where that is switched to be an error.
    """
    selected = Selection()
    for key, value in conditions.items():
        operator, name = split_key(key)
        if name == "ID":
            _narrow_ids(selected, operator, value, portal)
        elif name in FILTERABLE or is_custom(name):
            _add_test(selected, operator, name, value, portal)
    return selected


def split_key(key: str) -> tuple[str, str]:
    """``">=ID"`` as operator and upper-case field."""
    operator = next((prefix for prefix in OPERATORS if key.startswith(prefix)), "")
    return operator, key[len(operator) :].upper()


def _narrow_ids(selected: Selection, operator: str, value: Json, portal: Portal) -> None:
    ids = [_id_number(item, portal) for item in _as_list(value)]
    if None in ids:
        selected.impossible = True
        return
    numbers = frozenset(number for number in ids if number is not None)
    if operator in {">", ">=", "<", "<="}:
        _narrow_range(selected, operator, max(numbers, default=0))
    elif operator in NOT_IN:
        selected.tests.append(lambda user_id, _: user_id not in numbers)
    else:
        selected.names_ids = True
        selected.tests.append(lambda user_id, _: user_id in numbers)
        selected.low = max(selected.low, min(numbers, default=1))
        _cap(selected, max(numbers, default=0))


def _narrow_range(selected: Selection, operator: str, number: int) -> None:
    if operator == ">":
        selected.low = max(selected.low, number + 1)
    elif operator == ">=":
        selected.low = max(selected.low, number)
    elif operator == "<":
        _cap(selected, number - 1)
    else:
        _cap(selected, number)


def _cap(selected: Selection, number: int) -> None:
    selected.high = number if selected.high is None else min(selected.high, number)


def _id_number(value: Json, portal: Portal) -> int | None:
    """The id; for text as switched: 0, None (nothing matches) or an error."""
    if isinstance(value, int) or (isinstance(value, str) and value.strip().isdecimal()):
        return int(value)
    if portal.behaviour.text_in_id_filter is TextInIdFilter.PAGE_ONE:
        return 0
    if portal.behaviour.text_in_id_filter is TextInIdFilter.EMPTY_LIST:
        return None
    raise errors.bad_argument("Wrong value of filter field ID")


def _add_test(selected: Selection, operator: str, name: str, value: Json, portal: Portal) -> None:
    if name in DATES:
        _add_date_test(selected, operator, name, value, portal)
    elif name == "ACTIVE":
        selected.asks_active = True
        selected.tests.append(_active_test(operator, value))
    elif name == "NAME_SEARCH":
        selected.tests.append(_name_search(str(value)))
    else:
        if name == USER_TYPE and operator in IN:
            selected.user_types = frozenset(str(item) for item in _as_list(value))
        selected.tests.append(_text_test(operator, name, value))


def _active_test(operator: str, value: Json) -> UserTest:
    wanted = (value not in FALSE_VALUES) is (operator not in NOT_IN)
    return lambda _, user: user["ACTIVE"] is wanted


def _name_search(words: str) -> UserTest:
    wanted = words.casefold().split()

    def test(_: int, user: User) -> bool:
        names = " ".join(str(user.get(name) or "") for name in SEARCHED_NAMES).casefold()
        return all(word in names for word in wanted)

    return test


def _add_date_test(selected: Selection, operator: str, name: str, value: Json, portal: Portal) -> None:
    moments = [dates.parsed(item) for item in _as_list(value)]
    bounds = [moment for moment in moments if moment is not None]
    if len(bounds) < len(moments) or not bounds:
        selected.impossible = True
        return
    compare = _comparison(operator, bounds)

    def test(user_id: int, user: User) -> bool:
        moment = portal.changed_at[user_id] if name == "TIMESTAMP_X" else dates.parsed(user.get(name))
        return moment is not None and compare(int(moment))

    selected.tests.append(test)


def _text_test(operator: str, name: str, value: Json) -> UserTest:
    wanted = [str("" if item is None else item).casefold() for item in _as_list(value)]
    if operator in LIKE or (operator in IN and any("%" in item for item in wanted)):
        matches = _like(operator, wanted)
    else:
        matches = _comparison(operator, wanted)
    negated = operator.startswith("!")

    def test(_: int, user: User) -> bool:
        found = [matches(text) for text in _texts(user, name)]
        return all(found) if negated else any(found)

    return test


def _texts(user: User, name: str) -> list[str]:
    value = user.get(name)
    if name == "IS_ONLINE" and value is None:
        return ["n"]
    items = value if isinstance(value, list) and value else [value]
    return ["" if item in (None, False, []) else str(item).casefold() for item in items]


def _like(operator: str, wanted: list[str]) -> Callable[[str], bool]:
    anywhere = operator in {"%", "!%"}
    patterns = [re.compile(_as_regex(f"%{item}%" if anywhere else item), re.DOTALL) for item in wanted]
    negated = operator.startswith("!")
    return lambda text: any(pattern.fullmatch(text) for pattern in patterns) is not negated


def _as_regex(pattern: str) -> str:
    return ".*".join(re.escape(part) for part in pattern.split("%"))


def _comparison(operator: str, wanted: list[Json]) -> Callable[[Json], bool]:
    bound = wanted[0] if wanted else ""
    if operator in {">", ">=", "<", "<="}:
        return {
            ">": lambda value: value > bound,
            ">=": lambda value: value >= bound,
            "<": lambda value: value < bound,
            "<=": lambda value: value <= bound,
        }[operator]
    allowed = frozenset(wanted)
    if operator in NOT_IN:
        return lambda value: value not in allowed
    return lambda value: value in allowed


def _as_list(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else [value]
