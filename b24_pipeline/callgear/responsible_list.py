"""The responsible list: CallGear's deal owners, keyed by the Bitrix24 user id as text (R14, R15; contract 6).

Nothing here touches employees or deals. Every write is idempotent, so one of unknown outcome is simply sent again.
"""

from collections.abc import Mapping
from typing import Any

from b24_pipeline.callgear.client import CallGear, repeat_while_unknown
from b24_pipeline.callgear.exceptions import IncompleteReadError, RecordError, RecordFault
from b24_pipeline.callgear.rows import Row, text_of

MAX_ROWS = 10_000
MAX_OFFSET = 100_000


def fetch_responsible(client: CallGear) -> dict[str, str]:
    """The whole list: `ext_id` to name.

    Raises:
        MethodError: the account lacks the component `sales_funnel`: skip the step (R15).
        IncompleteReadError: it is not provably whole, also when read once more.
    """
    for _ in range(2):
        rows, total = _read_all(client)
        listed = {text_of(row.get("ext_id")) or "": text_of(row.get("name")) or "" for row in rows}
        if len(listed) == len(rows) == total:
            return listed
    expected = "more" if total is None else total
    raise IncompleteReadError(
        f"get.deal_employees: {len(listed)} different owners in {len(rows)} rows, expected {expected}"
    )


def add_responsible(client: CallGear, *, ext_id: str, name: str) -> None:
    """Put a person on the list; one who is on it already stays as it is."""
    _write(client, "create.deal_employees", {"ext_id": ext_id, "name": name}, already_done=RecordFault.DUPLICATE_ENTITY)


def rename_responsible(client: CallGear, *, ext_id: str, name: str) -> None:
    """Give a person on the list another name.

    Raises:
        RecordError: `entity_not_found` when it is not on the list.
    """
    _write(client, "update.deal_employees", {"ext_id": ext_id, "name": name}, already_done=None)


def remove_responsible(client: CallGear, *, ext_id: str) -> None:
    """Take a person off the list; one who is not on it counts as done.

    Raises:
        RecordError: `dependency_error` when the person owns deals (R14, T21).
    """
    _write(client, "delete.deal_employees", {"ext_id": ext_id}, already_done=RecordFault.ENTITY_NOT_FOUND)


def _read_all(client: CallGear) -> tuple[list[Row], int | None]:
    """The rows of all pages, and how many there are: CallGear's number, else that of the rows, None if there are more.

    More than the last offset reaches cannot be read (contract 2).
    """
    rows: list[Row] = []
    while True:
        params = {"limit": MAX_ROWS, "offset": len(rows), "sort": [{"field": "ext_id", "order": "asc"}]}
        result = client.call("get.deal_employees", {**params, "fields": ["ext_id", "name"]})
        page, total = result.rows(), result.metadata.total_items
        rows += page
        if len(page) < MAX_ROWS if total is None else len(rows) >= total or not page:
            return rows, len(rows) if total is None else total
        if len(rows) > MAX_OFFSET:
            return rows, total


def _write(client: CallGear, method: str, params: Mapping[str, Any], *, already_done: RecordFault | None) -> None:
    try:
        repeat_while_unknown(client, lambda: client.call(method, params))
    except RecordError as error:
        if error.fault is not already_done:
            raise
