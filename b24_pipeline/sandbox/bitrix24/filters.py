"""The filter of ``user.get``: operators are prefixes of the key (contract 2.2); of it what the import needs."""

import sys
from dataclasses import dataclass

from b24_pipeline.sandbox.bitrix24 import errors
from b24_pipeline.sandbox.bitrix24.behavior import TextInIdFilter
from b24_pipeline.sandbox.bitrix24.wire import values
from b24_pipeline.sandbox.portal import Portal, User
from b24_pipeline.sandbox.types import Json

FALSE_VALUES = (False, None, 0, "0", "N", "n", "")


@dataclass(slots=True)
class Selection:
    """A filter made ready: an id range, which costs nothing, and what is asked of single users, None for anything."""

    low: int = 0  # smallest id, inclusive
    high: int = sys.maxsize  # largest id, inclusive; below `low` where nothing matches
    ids: frozenset[int] | None = None
    active: bool | None = None
    user_types: frozenset[str] | None = None

    def accepts(self, user_id: int, user: User) -> bool:
        return (
            (self.ids is None or user_id in self.ids)
            and (self.active is None or user["ACTIVE"] is self.active)
            and (self.user_types is None or user["USER_TYPE"] in self.user_types)
        )


def selection(conditions: dict[str, Json], portal: Portal) -> Selection:
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
