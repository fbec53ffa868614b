"""The SIP lines of an account, and whether these are all (contract 2, 7.5; T22)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from b24_pipeline.callgear.client import CallGear
from b24_pipeline.callgear.exceptions import MethodError
from b24_pipeline.callgear.reading import MAX_ROWS, Page
from b24_pipeline.callgear.rows import Row, is_id

METHOD = "get.sip_lines"
FIELDS = ("id", "phone_number", "employee_id")
"""They are named because others hold passwords (contract 7.5)."""
MAX_PAGES = 11
"""So many whole pages can be asked for: the maximum of `offset` is 100,000 (contract 2)."""


@dataclass(frozen=True, slots=True)
class SipLines:
    """The SIP lines that could be read; `complete` where the account has no others."""

    rows: Sequence[Row] = field(repr=False)
    complete: bool


def read_sip_lines(client: CallGear, condition: Row | None) -> SipLines:
    """The SIP lines that match; none, and not complete, where the account does not let them be read."""
    try:
        return _read(client, condition)
    except MethodError:
        return SipLines((), complete=False)


def owners_of_sip_lines(client: CallGear) -> set[int]:
    """Ids of the employees that are known to have a SIP line."""
    lines = read_sip_lines(client, None).rows
    return {line["employee_id"] for line in lines if is_id(line.get("employee_id"))}


def lines_of(client: CallGear, callgear_id: int) -> frozenset[int]:
    """Ids of the employee's SIP lines, as far as they can be read."""
    of_employee = {"field": "employee_id", "operator": "=", "value": callgear_id}
    return frozenset(line["id"] for line in read_sip_lines(client, of_employee).rows)


def _read(client: CallGear, condition: Row | None) -> SipLines:
    rows: list[Row] = []
    for _ in range(MAX_PAGES):
        page = _read_page(client, condition, offset=len(rows))
        rows += page.rows
        if _is_last(page, read=len(rows)):
            return SipLines(rows, complete=_are_all(rows, page.total))
    return SipLines(rows, complete=False)


def _read_page(client: CallGear, condition: Row | None, *, offset: int) -> Page:
    params: Row = {"fields": list(FIELDS), "limit": MAX_ROWS, "offset": offset}
    if condition is not None:
        params["filter"] = condition
    result = client.call(METHOD, params)
    return Page(result.rows(), result.metadata.total_items)


def _is_last(page: Page, *, read: int) -> bool:
    if page.total is None:
        return len(page.rows) < MAX_ROWS
    return read >= page.total or not page.rows


def _are_all(rows: Sequence[Row], total: int | None) -> bool:
    """Whether so many different lines came: pages have no order that is promised, so that a line may come twice."""
    ids = {row["id"] for row in rows if is_id(row.get("id"))}
    return len(ids) == (len(rows) if total is None else total)
