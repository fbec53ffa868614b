"""The filter of ``user.get``: operators are prefixes of the key (contract 2.2); of them those that the import needs."""

from collections.abc import Callable
from dataclasses import dataclass, field

from b24_pipeline.sandbox.bitrix24 import errors
from b24_pipeline.sandbox.bitrix24.behavior import TextInIdFilter
from b24_pipeline.sandbox.bitrix24.fields import STORED, USER_TYPE, is_custom
from b24_pipeline.sandbox.portal import Portal, User
from b24_pipeline.sandbox.types import Json

UserTest = Callable[[int, User], bool]

SIGNS = "!@<>="
FALSE_VALUES = (False, None, 0, "0", "N", "n", "")


@dataclass(slots=True)
class Selection:
    """A filter made ready: an id range, which costs nothing, and tests of single users."""

    low: int = 0  # smallest id, inclusive
    high: int | None = None  # largest id, inclusive; None for no bound
    tests: list[UserTest] = field(default_factory=list)  # what a user must pass
    impossible: bool = False
    asks_active: bool = False  # the filter names ``ACTIVE``
    names_ids: bool = False  # the filter names users by id
    user_types: frozenset[str] = frozenset()  # the ``USER_TYPE`` values it asks for

    def accepts(self, user_id: int, user: User) -> bool:
        for test in self.tests:  # noqa: SIM110 - a generator takes twice as long, and large portals are counted
            if not test(user_id, user):
                return False
        return True

    def at_least(self, number: int) -> None:
        """Narrow the range to ids from this one on."""
        self.low = max(self.low, number)

    def at_most(self, number: int) -> None:
        """Narrow the range to ids up to this one."""
        self.high = number if self.high is None else min(self.high, number)


def selection(conditions: dict[str, Json], portal: Portal) -> Selection:
    """Read a filter; unknown fields count for nothing, operators that the sandbox lacks are refused."""
    selected = Selection()
    for key, value in conditions.items():
        name = key.lstrip(SIGNS).upper()
        operator = key[: -len(name)]
        if operator not in ({"", ">", "<"} if name == "ID" else {""}):
            raise errors.bad_argument(f"The sandbox does not compare {name} with {operator}")
        if name == "ID":
            _narrow_ids(selected, operator, value, portal)
        elif name in STORED or is_custom(name):
            _add_test(selected, name, value)
    return selected


def _narrow_ids(selected: Selection, operator: str, value: Json, portal: Portal) -> None:
    ids = [_id_number(item, portal) for item in _as_list(value)]
    numbers = frozenset(number for number in ids if number is not None)
    bound = max(numbers, default=0)
    if None in ids:
        selected.impossible = True
    elif operator == ">":
        selected.at_least(bound + 1)
    elif operator == "<":
        selected.at_most(bound - 1)
    else:
        selected.names_ids = True
        selected.tests.append(lambda user_id, _: user_id in numbers)
        selected.at_least(min(numbers, default=1))
        selected.at_most(bound)


def _id_number(value: Json, portal: Portal) -> int | None:
    """The id; for text as switched: 0, None (nothing matches) or an error."""
    if isinstance(value, int) or (isinstance(value, str) and value.strip().isdecimal()):
        return int(value)
    if portal.behavior.text_in_id_filter is TextInIdFilter.PAGE_ONE:
        return 0
    if portal.behavior.text_in_id_filter is TextInIdFilter.EMPTY_LIST:
        return None
    raise errors.bad_argument("Wrong value of filter field ID")


def _add_test(selected: Selection, name: str, value: Json) -> None:
    if name == "ACTIVE":
        selected.asks_active = True
        active = value not in FALSE_VALUES
        selected.tests.append(lambda _, user: user["ACTIVE"] is active)
        return
    wanted = frozenset("" if item is None else str(item).casefold() for item in _as_list(value))
    if name == USER_TYPE:
        selected.user_types = wanted
    selected.tests.append(lambda _, user: not wanted.isdisjoint(_texts(user, name)))


def _texts(user: User, name: str) -> list[str]:
    value = user.get(name)
    items = value if isinstance(value, list) and value else [value]
    return ["" if item in (None, False, []) else str(item).casefold() for item in items]


def _as_list(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else [value]
