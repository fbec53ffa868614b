"""What all ``get.*`` methods share: filter, sort, fields, paging (contract 2), as far as the import uses it."""

import operator
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from b24_pipeline.sandbox.account import Account
from b24_pipeline.sandbox.callgear.errors import CallGearError, Mnemonic, invalid_value
from b24_pipeline.sandbox.callgear.params import ARRAY, NUMBER, OBJECT, Kind, Parameter
from b24_pipeline.sandbox.types import Json

Row = dict[str, Json]
Params = dict[str, Json]
Test = Callable[[Row], bool]
Show = Callable[[Json, Account], Row]

DEFAULT_LIMIT = 1000
MAX_ROWS = 10_000
MAX_OFFSET = 100_000
READING = {
    "limit": NUMBER,
    "offset": NUMBER,
    "filter": OBJECT,
    "sort": ARRAY,
    "fields": Parameter(Kind.ARRAY, items=Kind.STRING),
}
OPERATORS: dict[str, Callable[[Json, Json], bool]] = {
    "=": operator.eq,
    ">": operator.gt,
    "<=": operator.le,
}


@dataclass(frozen=True, slots=True)
class Result:
    """What a method answers."""

    data: Json
    total_items: int | None = None  # number of matches, for ``get.*``
    is_bare: bool = False  # the data are the whole result, without metadata beside them


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a ``get.*`` method."""

    names: tuple[str, ...]  # every column; all are shown when ``fields`` is not sent
    sortable: frozenset[str] = frozenset()
    # those that an entity holds just as a row shows them; who asks for these alone needs no row
    stored: frozenset[str] = frozenset()

    def check(self, name: str, *, field: str) -> str:
        """Return the name of a column; refuse one that is not there."""
        if name not in self.names:
            raise CallGearError(Mnemonic.UNEXPECTED_PARAMETERS, field=field, value=name)
        return name


def as_is(row: Row, _: Account) -> Row:
    """An entity that is its own row."""
    return row


def reader(
    columns: Columns, entities: Callable[[Account], Sequence[Json]], show: Show
) -> Callable[[Account, Params], Result]:
    """A ``get.*`` method: `entities` are in ascending id, `show` makes one a row with every column.

    The method raises `CallGearError` for a bad limit, offset, filter, sort or column name.
    """

    def read(account: Account, params: Params) -> Result:
        limit = _bounded(params, "limit", DEFAULT_LIMIT, MAX_ROWS)
        offset = _bounded(params, "offset", 0, MAX_OFFSET)
        names = [columns.check(name, field="fields") for name in params.get("fields") or columns.names]
        chosen = _matching(account, columns, entities(account), show, params.get("filter"))
        if account.behavior.shuffles_rows and not params.get("sort"):
            random.shuffle(chosen)
        sort_fields = [_sort_field(item, columns) for item in params.get("sort") or ()]
        if sort_fields:
            chosen.sort(key=lambda entity: [show(entity, account)[field] for field in sort_fields])
        look_at = as_is if columns.stored.issuperset(names) else show
        rows = [_sent(look_at(entity, account), names, account) for entity in chosen[offset : offset + limit]]
        return Result(rows, len(chosen) + account.behavior.total_items_error)

    return read


def _matching(account: Account, columns: Columns, entities: Sequence[Json], show: Show, given: Json) -> list[Json]:
    if not given:
        return list(entities)
    fields: set[str] = set()
    test = _condition(given, columns, fields)
    look_at = as_is if fields <= columns.stored else show
    return [entity for entity in entities if test(look_at(entity, account))]


def _sent(row: Row, names: Sequence[str], account: Account) -> Row:
    """The columns that were asked for, malformed as switched."""
    sent = {name: row[name] for name in names}
    malformed = account.behavior.malformed.get(row.get("id", 0), {})
    return sent | {name: malformed[name] for name in malformed if name in sent}


def _condition(given: Json, columns: Columns, fields: set[str]) -> Test:
    """A simple filter or a tree as a test of a row; the columns it looks at are added to `fields`."""
    if not isinstance(given, dict):
        raise CallGearError(Mnemonic.DATA_TYPE_ERROR, field="filter", value=given)
    if "filters" not in given:
        return _simple(given, columns, fields)
    if given.get("condition") not in ("and", "or"):
        raise invalid_value("filter.condition", given.get("condition"))
    tests = [_condition(inner, columns, fields) for inner in given["filters"]]
    combined = all if given["condition"] == "and" else any
    return lambda row: combined(test(row) for test in tests)


def _simple(given: dict[str, Json], columns: Columns, fields: set[str]) -> Test:
    for name in ("field", "operator"):
        if name not in given:
            raise CallGearError(Mnemonic.REQUIRED_PARAMETER_MISSED, field=f"filter.{name}")
    field = columns.check(given["field"], field="filter.field")
    compare, value = OPERATORS.get(given["operator"]), given.get("value")
    if compare is None:
        raise invalid_value("filter.operator", given["operator"])
    fields.add(field)
    if compare is operator.eq:
        return lambda row: compare(row[field], value)
    return lambda row: row[field] is not None and compare(row[field], value)


def _bounded(params: Params, name: str, default: int, most: int) -> int:
    value = params.get(name)
    if value is None:
        return default
    if not 0 <= value <= most:
        raise invalid_value(name, value)
    return int(value)


def _sort_field(item: dict[str, Json], columns: Columns) -> str:
    """The field to sort by; always in ascending order, as the import asks for it."""
    field = columns.check(item["field"], field="sort.field")
    if field not in columns.sortable:
        raise CallGearError(Mnemonic.SORT_PROHIBITED, field="sort.field", value=field)
    if item.get("order", "asc") != "asc":
        raise invalid_value("sort.order", item["order"])
    return field
