"""Employees of an account: reads that are complete and verified (T22), or not used at all.

Above 10,000 employees ranges of ids are read. Employees cannot be sorted by id (contract 5.1), so borders are guesses:
a wrong one costs a request, never rows; each range is checked by itself.
"""

import json
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline.callgear.client import CallGear
from b24_pipeline.callgear.exceptions import IncompleteReadError, RecordError, RecordFault
from b24_pipeline.callgear.rows import UNREADABLE, Row, is_id, is_scalar, phone_entries, text_of, unreadable_part
from b24_pipeline.rules.normalization import address_key
from b24_pipeline.schemas import CallGearEmployees, check

TARGET_ROWS = 8_500
"""Rows planned for one part: leaves room below the page of 10,000 for uneven ids and for employees added meanwhile."""
SPREAD_SHARE = 0.1
"""Ids seen this close to both ends of a range, by their own span, are a sample of all of it."""
MAX_ROWS = 10_000
"""The maximum of `limit` (contract 2)."""
MAX_CONCURRENCY = 4
MAX_ROUNDS = 12
MAX_EMPLOYEES = 1_000_000
"""No account has more: who says so does not count, and would be asked without end."""
TEXTS = ("first_name", "last_name", "patronymic", "email")
FIELDS = ("id", "first_name", "last_name", "patronymic", "email", "phone_numbers")
FRESH_FIELDS = (*FIELDS, "groups", "extension")


@dataclass(frozen=True, slots=True)
class IdRange:
    """The ids above `above`, up to and with `upto`; open where None."""

    above: int | None = None
    upto: int | None = None

    def holds(self, number: int) -> bool:
        return (self.above is None or number > self.above) and (self.upto is None or number <= self.upto)

    def filter(self) -> dict[str, Any] | None:
        """The filter of `get.employees` for the range; None for all ids (contract 2)."""
        bounds = []
        if self.above is not None:
            bounds.append({"field": "id", "operator": ">", "value": self.above})
        if self.upto is not None:
            bounds.append({"field": "id", "operator": "<=", "value": self.upto})
        return {"filters": bounds, "condition": "and"} if bounds else None


def parts(whole: IdRange, *, seen: Sequence[int], total: int) -> list[IdRange]:
    """Cut `whole`, which holds `total` ids, at what the sorted ids `seen` of it suggest; the parts cover it exactly."""
    count = max(2, math.ceil(total / TARGET_ROWS))
    inner = {border for border in _borders(whole, seen, count) if whole.holds(border)} - {whole.upto}
    edges = [whole.above, *(sorted(inner) or [seen[(len(seen) - 1) // 2]]), whole.upto]
    return [IdRange(above, upto) for above, upto in pairwise(edges)]


def _borders(whole: IdRange, seen: Sequence[int], count: int) -> list[int]:
    """Borders for `count` parts; on from the ids seen, as densely as those lie, where they are only one end of it."""
    span = seen[-1] - seen[0] + 1
    below = math.inf if whole.above is None else seen[0] - whole.above
    beyond = math.inf if whole.upto is None else whole.upto - seen[-1]
    width = math.ceil(span * TARGET_ROWS / len(seen))
    if max(below, beyond) <= SPREAD_SHARE * span:
        return [seen[len(seen) * part // count] for part in range(1, count)]
    if beyond >= below:
        return [seen[0] - 1 + width * part for part in range(1, count)]
    return [seen[-1] - width * part for part in range(1, count)]


@dataclass(frozen=True, slots=True)
class Page:
    """One answer: its rows, and how many rows CallGear says match."""

    rows: list[Row]
    total: int | None

    @property
    def overflows(self) -> bool:
        """Return whether there are, or may be, more rows than fit on a page."""
        return len(self.rows) >= MAX_ROWS if self.total is None else self.total > MAX_ROWS

    @property
    def at_least(self) -> int:
        return max(len(self.rows), self.total or 0)

    @property
    def ids(self) -> list[int]:
        return sorted(row["id"] for row in self.rows)


def fetch_rows(client: CallGear, *, fields: Sequence[str] = FIELDS) -> list[Row]:
    """All employees, in one request up to 10,000 of them, above that in ranges of ids, `MAX_CONCURRENCY` at a time.

    Raises:
        IncompleteReadError: what was read is not provably everything, also when read once more.
    """
    for _ in range(2):
        first = _read_valid(client, fields, None)
        if not first.overflows:
            return first.rows
        rows = _fetch_in_ranges(client, fields, first)
        if first.total is None or first.total == len(rows):
            return rows
        after = _read(client, ("id",), None, limit=1).total  # people come and go while it is read
        if after is not None and min(first.total, after) <= len(rows) <= max(first.total, after):
            return rows
    raise IncompleteReadError("get.employees: partial reads do not add up to the reported total")


def read_employee(client: CallGear, callgear_id: int) -> Row | None:
    """One employee as it is now, `groups`, `extension` and `phone_numbers` as received; None when there is none.

    Raises:
        RecordError: something of it cannot be understood, and so could not be kept by an update.
    """
    rows = _read_valid(client, FRESH_FIELDS, {"field": "id", "operator": "=", "value": callgear_id}).rows
    if any(row["id"] != callgear_id for row in rows):
        raise IncompleteReadError("get.employees: requested one employee, received another")
    if not rows:
        return None
    part = unreadable_part(rows[0])
    if part is not None:
        text = f"employee {callgear_id} has {part} that cannot be understood: edit this person manually in CallGear"
        raise RecordError(text, fault=RecordFault.UNREADABLE, field=part)
    return rows[0]


def find_by_email(client: CallGear, email: str) -> list[int]:
    """Ids of the employees with this e-mail, compared as R04 says (T1), as they are now.

    Nothing found by CallGear's case-sensitive filter is confirmed with a complete read.
    """
    return find_by_exact_email(client, email) or _with_email(fetch_rows(client, fields=("id", "email")), email)


def find_by_exact_email(client: CallGear, email: str) -> list[int]:
    """Ids of the employees with this e-mail as it is written, or in lower case: one request, which may miss some."""
    spellings = dict.fromkeys((email, email.lower()))
    filters = [{"field": "email", "operator": "=", "value": spelling} for spelling in spellings]
    return _with_email(_read_valid(client, ("id", "email"), {"filters": filters, "condition": "or"}).rows, email)


def _with_email(rows: list[Row], email: str) -> list[int]:
    key = address_key(email)
    return sorted(row["id"] for row in rows if address_key(str(row.get("email") or "")) == key)


def _read_valid(
    client: CallGear, fields: Sequence[str], condition: Mapping[str, Any] | None, ids: IdRange | None = None
) -> Page:
    """A page without a flaw; read once more when the first has one.

    Raises:
        IncompleteReadError: the second has one too.
    """
    problem = None
    for _ in range(2):
        page = _read(client, fields, condition)
        strays = ids is not None and not all(ids.holds(row["id"]) for row in page.rows if is_id(row.get("id")))
        problem = "get.employees: received employees outside the requested id range" if strays else _problem(page)
        if problem is None:
            return page
    raise IncompleteReadError(problem)


def _read(client: CallGear, fields: Sequence[str], condition: Mapping[str, Any] | None, limit: int = MAX_ROWS) -> Page:
    params: Row = {"limit": limit, "offset": 0, "fields": list(fields)}
    if condition is not None:
        params["filter"] = condition
    result = client.call("get.employees", params)
    return Page(result.rows(), result.metadata.total_items)


def _problem(page: Page) -> str | None:
    """Return the reason why the page is not complete and valid; None if it is."""
    ids = [row.get("id") for row in page.rows]
    if not all(is_id(number) for number in ids):
        return "get.employees: received employees without a valid id"
    if page.at_least > MAX_EMPLOYEES:
        return f"get.employees: expected {page.at_least} employees, more than any account has"
    odd = next((row["id"] for row in page.rows if not all(is_scalar(row.get(name)) for name in TEXTS)), None)
    if odd is not None:
        return f"get.employees: employee {odd} has a name or an e-mail that is not text"
    if len(set(ids)) != len(ids):
        return "get.employees: received the same employee twice"
    expected = min(page.at_least if page.total is None else page.total, MAX_ROWS)
    if len(ids) != expected:
        return f"get.employees: received {len(ids)} employees, expected {expected}"
    return None


def _fetch_in_ranges(client: CallGear, fields: Sequence[str], first: Page) -> list[Row]:
    """All rows by ranges of ids: first below and above the ids seen, which shows whether those are a sample or an end.

    Then what lies between, and again whatever does not fit on a page.
    """
    seen = first.ids
    rows: list[Row] = []
    with ThreadPoolExecutor(MAX_CONCURRENCY, thread_name_prefix="callgear-read") as pool:

        def read(ranges: Sequence[IdRange]) -> list[tuple[IdRange, Page]]:
            pages = pool.map(lambda ids: _read_valid(client, fields, ids.filter(), ids), ranges)
            return list(zip(ranges, pages, strict=True))

        outside = read([IdRange(upto=seen[0] - 1), IdRange(above=seen[-1])])
        inside = first.at_least - sum(page.at_least for _, page in outside)
        between = IdRange(seen[0] - 1, seen[-1])
        ranges = parts(between, seen=seen, total=inside) if inside > MAX_ROWS else [between]
        ranges += _collect(outside, rows)
        for _ in range(MAX_ROUNDS):
            if not ranges:
                return rows
            ranges = _collect(read(ranges), rows)
    raise IncompleteReadError("get.employees: could not partition the id range")


def _collect(pages: list[tuple[IdRange, Page]], rows: list[Row]) -> list[IdRange]:
    """Add the whole pages to `rows`; return the parts of the ranges that did not fit on one."""
    rows += [row for _, page in pages if not page.overflows for row in page.rows]
    over = [(ids, page) for ids, page in pages if page.overflows]
    return [part for ids, page in over for part in parts(ids, seen=page.ids, total=page.at_least)]


def fetch_employees(client: CallGear) -> DataFrame[CallGearEmployees]:
    """All employees of the account: complete and trusted, in ascending order of their ids.

    Raises:
        IncompleteReadError: it is not provably everything, also when read once more.
    """
    rows = sorted(fetch_rows(client), key=lambda row: row["id"])
    columns: dict[str, list[Any]] = {
        "callgear_id": [row["id"] for row in rows],
        **{name: [text_of(row.get(name)) for row in rows] for name in TEXTS},
        "phone_numbers": [_phone_numbers(row) for row in rows],
    }
    return check(CallGearEmployees, pd.DataFrame(columns))


def _phone_numbers(row: Row) -> str:
    entries = phone_entries(row.get("phone_numbers"))
    try:
        return json.dumps(entries, allow_nan=False)
    except ValueError:
        return json.dumps([UNREADABLE])
