"""The portal's departments, and which is below which (contract 6): all of them, or an error."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final

from b24_pipeline.bitrix24.client import Bitrix24
from b24_pipeline.bitrix24.exceptions import Bitrix24Error, IncompleteFetchError
from b24_pipeline.bitrix24.pagination import PAGE, rows_of
from b24_pipeline.bitrix24.responses import whole_number
from b24_pipeline.check_result import CheckResult

MAX_PAGES: Final = 400
"""More departments than 20,000 no company has: the portal answers without end."""


@dataclass(frozen=True, slots=True)
class Department:
    """One department; `parent` is the one that it is directly below, None for the topmost."""

    name: str
    parent: int | None


def fetch_departments(client: Bitrix24) -> Mapping[int, Department]:
    """Every department by its id; read once again where the first reading cannot be all of them.

    Raises:
        IncompleteFetchError: the second reading cannot be all of them either.
        Bitrix24Error: they cannot be read; the webhook needs the scope `department`.
    """
    try:
        return _fetch_once(client)
    except IncompleteFetchError:
        return _fetch_once(client)


def check_departments(client: Bitrix24, *, wanted: AbstractSet[int]) -> CheckResult:
    """Check that the portal has the departments that the settings name."""
    try:
        found = fetch_departments(client)
    except Bitrix24Error as error:
        return CheckResult("departments", passed=False, text=str(error))
    missing = sorted(wanted - found.keys())
    if missing:
        text = (
            f"the portal has no department {', '.join(map(str, missing))}: correct "
            "B24_PIPELINE_INCLUDE_DEPARTMENTS or B24_PIPELINE_EXCLUDE_DEPARTMENTS"
        )
    else:
        named = ", ".join(f"{number} {found[number].name}".rstrip() for number in sorted(wanted))
        text = f"the portal has {named}"
    return CheckResult("departments", passed=not missing, text=text)


def _fetch_once(client: Bitrix24) -> dict[int, Department]:
    found: dict[int, Department] = {}
    announced: int | None = None
    for rows, total in _pages(client):
        if announced is not None and total is not None and total != announced:
            raise IncompleteFetchError("department.get: the departments were changed while they were read")
        announced = total if total is not None else announced
        for row in rows:
            number = whole_number(row.get("ID"))
            if number is None or number in found:
                raise IncompleteFetchError("department.get: received a department twice, or one without an id")
            parent = whole_number(row.get("PARENT"))
            if parent is None and row.get("PARENT") not in (None, "", False):
                raise IncompleteFetchError("department.get: the parent of a department is not a number")
            found[number] = Department(str(row.get("NAME") or ""), parent or None)
    if not found or (announced is not None and len(found) != announced):
        raise IncompleteFetchError(f"department.get: received {len(found)} departments, expected {announced or 0}")
    return found


def _pages(client: Bitrix24) -> Iterator[tuple[list[Mapping[str, Any]], int | None]]:
    for number in range(MAX_PAGES):
        page = client.call("department.get", {"sort": "ID", "order": "ASC", "START": number * PAGE})
        rows = rows_of(page.result)
        yield rows, page.total
        if len(rows) < PAGE or page.total == number * PAGE + len(rows):
            return
    raise IncompleteFetchError(f"department.get: received more than {MAX_PAGES * PAGE} departments, without an end")
