"""What all ``get.*`` methods share: filter, sort, fields, paging (contract 2)."""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from b24_pipeline.sandbox.callgear.behaviour import CallGearBehaviour, RowOrder
from b24_pipeline.sandbox.callgear.errors import CallGearError, Mnemonic, invalid_value
from b24_pipeline.sandbox.callgear.params import ARRAY, NUMBER, OBJECT, Kind, Parameter
from b24_pipeline.sandbox.types import Json

Row = dict[str, Json]
Test = Callable[[Row], bool]

DEFAULT_LIMIT = 1000
MOST_ROWS = 10_000
MOST_OFFSET = 100_000
READING = {
    "limit": NUMBER,
    "offset": NUMBER,
    "filter": OBJECT,
    "sort": ARRAY,
    "fields": Parameter(Kind.ARRAY, items=Kind.STRING),
}


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a ``get.*`` method.

    Attributes:
        default: those shown when ``fields`` is not sent.
        on_request: further ones.
        filterable: may be filtered by.
        sortable: may be sorted by.
        stored: those that an entity holds just as a row shows them; who asks for these alone needs no row.
    """

    default: tuple[str, ...]
    filterable: frozenset[str]
    sortable: frozenset[str]
    on_request: tuple[str, ...] = ()
    stored: frozenset[str] = frozenset()

    @property
    def known(self) -> frozenset[str]:
        """Every column."""
        return frozenset((*self.default, *self.on_request))


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of one page and the number of matches in all."""

    rows: list[Row]
    total: int


def page(
    params: dict[str, Json],
    columns: Columns,
    entities: Sequence[Json],
    *,
    show: Callable[[Json], Row],
    behaviour: CallGearBehaviour,
) -> Page:
    """Answer a ``get.*`` call.

    Args:
        params: checked parameters of the call.
        columns: the method's columns.
        entities: what there is, in ascending id.
        show: an entity as a row with every column.
        behaviour: the account's switches.

    Raises:
        CallGearError: a bad limit, offset, filter, sort or column name.
    """
    limit = _bounded(params, "limit", DEFAULT_LIMIT, MOST_ROWS)
    offset = _bounded(params, "offset", 0, MOST_OFFSET)
    names = _column_names(params.get("fields"), columns)
    chosen: list[Json] = list(entities)
    if params.get("filter"):
        test = condition(params["filter"], columns)
        look_at = _as_is if _fields_of(params["filter"]) <= columns.stored else show
        chosen = [entity for entity in chosen if test(look_at(entity))]
    if behaviour.row_order is RowOrder.SHUFFLED and not params.get("sort"):
        random.shuffle(chosen)
    for field, descending in reversed(_sort_fields(params.get("sort"), columns)):
        chosen.sort(key=lambda entity: _sort_key(show(entity)[field]), reverse=descending)
    look_at = _as_is if columns.stored.issuperset(names) else show
    rows = map(look_at, chosen[offset : offset + limit])
    return Page(rows=[{name: row[name] for name in names} for row in rows], total=len(chosen))


def _as_is(entity: Json) -> Row:
    row: Row = entity
    return row


def condition(given: Json, columns: Columns) -> Test:
    """A simple filter or a tree as a test of a row.

    Raises:
        CallGearError: a malformed filter, an unknown or prohibited field, an unknown operator.
    """
    if not isinstance(given, dict):
        raise CallGearError(Mnemonic.DATA_TYPE_ERROR, field="filter", value=given)
    if "filters" in given:
        return _tree(given, columns)
    return _simple(given, columns)


def _tree(given: dict[str, Json], columns: Columns) -> Test:
    if given.get("condition") not in ("and", "or"):
        raise invalid_value("filter.condition", given.get("condition"))
    tests = [condition(inner, columns) for inner in given["filters"]]
    combined = all if given["condition"] == "and" else any
    return lambda row: combined(test(row) for test in tests)


def _fields_of(given: dict[str, Json]) -> frozenset[str]:
    """The fields that a correct filter looks at."""
    if "filters" in given:
        return frozenset().union(*map(_fields_of, given["filters"]))
    return frozenset([given["field"]])


def _simple(given: dict[str, Json], columns: Columns) -> Test:
    for name in ("field", "operator"):
        if name not in given:
            raise CallGearError(Mnemonic.REQUIRED_PARAMETER_MISSED, field=f"filter.{name}")
    field, operator, value = given["field"], given["operator"], given.get("value")
    if field not in columns.known:
        raise CallGearError(Mnemonic.UNEXPECTED_PARAMETERS, field="filter.field", value=field)
    if field not in columns.filterable:
        raise CallGearError(Mnemonic.FILTER_PROHIBITED, field="filter.field", value=field)
    matches = _operator(operator, value)
    return lambda row: matches(row[field])


def _operator(operator: str, value: Json) -> Callable[[Json], bool]:
    if operator in {"in", "not_in"} and not isinstance(value, list):
        raise CallGearError(Mnemonic.DATA_TYPE_ERROR, field="filter.value", value=value)
    tests: dict[str, Callable[[Json], bool]] = {
        "=": lambda cell: bool(cell == value),
        "!=": lambda cell: bool(cell != value),
        "<": lambda cell: cell is not None and cell < value,
        ">": lambda cell: cell is not None and cell > value,
        "<=": lambda cell: cell is not None and cell <= value,
        ">=": lambda cell: cell is not None and cell >= value,
        "like": lambda cell: _like(cell, value),
        "ilike": lambda cell: _like(_lower(cell), str(value).lower()),
        "not_like": lambda cell: not _like(cell, value),
        "not_ilike": lambda cell: not _like(_lower(cell), str(value).lower()),
        "regexp": lambda cell: cell is not None and re.search(str(value), str(cell)) is not None,
        "in": lambda cell: cell in value,
        "not_in": lambda cell: cell not in value,
        "is_null": lambda cell: cell is None,
        "is_not_null": lambda cell: cell is not None,
    }
    if operator not in tests:
        raise invalid_value("filter.operator", operator)
    return tests[operator]


def _lower(cell: Json) -> str | None:
    return None if cell is None else str(cell).lower()


def _like(cell: Json, pattern: Json) -> bool:
    regex = ".*".join(re.escape(part) for part in str(pattern).split("%"))
    return cell is not None and re.fullmatch(regex, str(cell), re.DOTALL) is not None


def _bounded(params: dict[str, Json], name: str, default: int, most: int) -> int:
    value = params.get(name)
    if value is None:
        return default
    if not 0 <= value <= most:
        raise invalid_value(name, value)
    return int(value)


def _column_names(given: Json, columns: Columns) -> tuple[str, ...]:
    for name in given or ():
        if name not in columns.known:
            raise CallGearError(Mnemonic.UNEXPECTED_PARAMETERS, field="fields", value=name)
    return tuple(given) if given else columns.default


def _sort_fields(given: Json, columns: Columns) -> list[tuple[str, bool]]:
    fields = []
    for item in given or ():
        if not isinstance(item, dict) or "field" not in item:
            raise CallGearError(Mnemonic.REQUIRED_PARAMETER_MISSED, field="sort.field")
        if item["field"] not in columns.known:
            raise CallGearError(Mnemonic.UNEXPECTED_PARAMETERS, field="sort.field", value=item["field"])
        if item["field"] not in columns.sortable:
            raise CallGearError(Mnemonic.SORT_PROHIBITED, field="sort.field", value=item["field"])
        if item.get("order", "asc") not in ("asc", "desc"):
            raise invalid_value("sort.order", item["order"])
        fields.append((item["field"], item.get("order") == "desc"))
    return fields


def _sort_key(value: Json) -> tuple[bool, str]:
    return (value is None, "" if value is None else str(value))
