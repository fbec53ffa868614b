"""What all ``get.*`` methods share: filter, sort, fields, paging (contract 2), as far as the import uses it."""

import operator
import random
from collections.abc import Callable, Collection
from dataclasses import dataclass

from b24_pipeline.sandbox.account import Account
from b24_pipeline.sandbox.callgear.errors import CallGearError, Mnemonic, invalid_value
from b24_pipeline.sandbox.callgear.params import ARRAY, NUMBER, OBJECT, REQUIRED_STRING, Parameter
from b24_pipeline.sandbox.types import Json

Row = dict[str, Json]
Params = dict[str, Json]

DEFAULT_LIMIT = 1000
MAX_ROWS = 10_000
MAX_OFFSET = 100_000
READING = {
    "limit": NUMBER,
    "offset": NUMBER,
    "filter": OBJECT,
    "sort": ARRAY,
    "fields": Parameter((list,), items=REQUIRED_STRING),
}
OPERATORS: dict[str, Callable[[Json, Json], bool]] = {"=": operator.eq, ">": operator.gt, "<=": operator.le}


@dataclass(frozen=True, slots=True)
class Result:
    """What a method answers."""

    data: Json
    total_items: int | None = None  # number of matches, for ``get.*``
    is_bare: bool = False  # the data are the whole result, without metadata beside them


def reader(
    entities: Callable[[Account], Collection[Row]],
    show: Callable[[Row, Account], Row] = lambda entity, _: entity,
    *,
    sortable: Collection[str] = (),
) -> Callable[[Account, Params], Result]:
    """A ``get.*`` method: `entities` are in ascending id, `show` makes one a row with every column.

    It filters and sorts by what the entities themselves hold. The method raises `CallGearError` for a limit or an
    offset beyond the most, and for a sort by another column than the `sortable` ones.
    """

    def read(account: Account, params: Params) -> Result:
        limit, offset = params.get("limit", DEFAULT_LIMIT), params.get("offset", 0)
        for name, value, most in (("limit", limit, MAX_ROWS), ("offset", offset, MAX_OFFSET)):
            if not 0 <= value <= most:
                raise invalid_value(name, value)
        chosen = list(entities(account))
        if params.get("filter"):
            test = _condition(params["filter"])
            chosen = [entity for entity in chosen if test(entity)]
        if account.behavior.shuffles_rows and not params.get("sort"):
            random.shuffle(chosen)
        for item in reversed(params.get("sort") or ()):
            if item["field"] not in sortable:
                raise CallGearError(Mnemonic.SORT_PROHIBITED, field="sort.field", value=item["field"])
            chosen.sort(key=operator.itemgetter(item["field"]), reverse=item["order"] == "desc")
        rows = [show(entity, account) for entity in chosen[offset : offset + limit]]
        sent = [_sent(row, params.get("fields") or row, account) for row in rows]
        return Result(sent, len(chosen) + account.behavior.total_items_error)

    return read


def _sent(row: Row, names: Collection[str], account: Account) -> Row:
    """The columns that were asked for, malformed as switched."""
    sent = {name: row[name] for name in names}
    malformed = account.behavior.malformed.get(row.get("id", 0), {})
    return sent | {name: malformed[name] for name in malformed if name in sent}


def _condition(given: Row) -> Callable[[Row], bool]:
    """A simple filter or a tree as a test of an entity."""
    if "filters" in given:
        tests = [_condition(inner) for inner in given["filters"]]
        combined = {"and": all, "or": any}[given["condition"]]
        return lambda entity: combined(test(entity) for test in tests)
    field, compare, value = given["field"], OPERATORS[given["operator"]], given["value"]
    return lambda entity: entity[field] is not None and compare(entity[field], value)
