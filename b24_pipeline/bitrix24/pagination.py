"""Keyset pages inside a batch: building the chain, and reading its answer safely (contract 3.2 - 3.4).

A page that is not full leaves the reference of the next one unresolved. What the portal then does is not documented:
it may replay page one, answer nothing, or fail. So nothing that follows a short page is ever looked at.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import lt
from typing import Final

from b24_pipeline.bitrix24.client import BatchResponse, Bitrix24
from b24_pipeline.bitrix24.exceptions import Bitrix24Error, RetryableError, ServerError, TransportError
from b24_pipeline.bitrix24.parsing import FIELDS, Row, user_id
from b24_pipeline.bitrix24.retry import Retrier
from b24_pipeline.rules.eligibility import EMPLOYEE

PAGE: Final = 50
CHAIN: Final = 50
"""Most pages in one request: 2,500 users."""

MIN_PAGES: Final = 10
"""A chain that times out is repeated with fewer pages, but not fewer than these (contract 9.19)."""

Filter = Mapping[str, str | int | Sequence[int]]
"""Conditions of user.get, in the spellings that the contract has seen (2.2)."""

EVERYBODY: Final[Filter] = {}
EMPLOYEES: Final[Filter] = {"USER_TYPE": EMPLOYEE}
ACTIVE: Final[Filter] = {"ACTIVE": "true"}
DISMISSED: Final[Filter] = {"ACTIVE": 0}


@dataclass(frozen=True, slots=True)
class IdRange:
    """Users with `after` < id ≤ `upto`; None is without an end."""

    after: int
    upto: int | None = None


@dataclass(frozen=True, slots=True)
class Pages:
    """The good pages of one chain: their rows, and the rows' ids.

    `last` is the last id of them, or where the chain began. `short_page` is the number of rows on the page that was not
    full, if there was one. `rising` is False when a page was refused because its ids do not rise, and `error` is what
    stopped the chain, if anything did.
    """

    rows: list[Row]
    ids: list[int]
    last: int
    short_page: int | None = None
    rising: bool = True
    error: Bitrix24Error | None = None


def command(filter_: Filter, *, start: int, order: str = "ASC", fields: Sequence[str] = FIELDS) -> str:
    """A `user.get` command, sorted by id. `start` is an offset, counted; -1 is without counting."""
    conditions: list[str] = []
    for name, value in filter_.items():
        if isinstance(value, str | int):
            conditions.append(f"filter[{name}]={value}")
        else:
            conditions += [f"filter[{name}][]={item}" for item in value]
    select = (f"select[]={field}" for field in fields)
    return "user.get?" + "&".join((*conditions, "sort=ID", f"order={order}", f"start={start}", *select))


def up_to(number: int) -> Filter:
    """Ids not above the number. "<=ID" would not do: PHP cuts a command's parameter names at their first "="."""
    return {"<ID": number + 1}


def chain(id_range: IdRange, filter_: Filter, pages: int, *, prefix: str = "p") -> dict[str, str]:
    """The commands of up to `pages` consecutive pages of the window; each goes on where the one before ended."""
    afters: list[int | str] = [
        id_range.after,
        *(f"$result[{prefix}{page:02}][{PAGE - 1}][ID]" for page in range(pages - 1)),
    ]
    border = up_to(id_range.upto) if id_range.upto is not None else {}
    return {
        f"{prefix}{page:02}": command({">ID": after, **border, **filter_}, start=-1)
        for page, after in enumerate(afters)
    }


def read_chain(response: BatchResponse, names: Sequence[str], *, after: int) -> Pages:
    """The good pages of the chain's answer, up to the first that is short, missing, failed or out of order."""
    rows: list[Row] = []
    ids: list[int] = []
    for name in names:
        if name not in response.results:
            return Pages(rows, ids, after, error=response.errors.get(name))
        page = rows_of(response.results[name])
        numbers = [user_id(row) for row in page]
        if not all(map(lt, [after, *numbers], numbers)):
            return Pages(rows, ids, after, rising=False)
        rows += page
        ids += numbers
        after = ids[-1] if ids else after
        if len(page) < PAGE:
            return Pages(rows, ids, after, short_page=len(page))
    return Pages(rows, ids, after)


def user_type_of(filter_: Filter) -> str | None:
    """The `USER_TYPE` that the filter asks for: of that type are its users where rows do not say (contract 2.6)."""
    asked_for = filter_.get("USER_TYPE")
    return None if asked_for is None else str(asked_for)


def rows_of(result: object) -> list[Row]:
    """The rows of a list result; a PHP map stands for a list, and empty may be anything blank."""
    items = result.values() if isinstance(result, Mapping) else result if isinstance(result, list) else ()
    return [item for item in items if isinstance(item, dict)]


def send_chain(
    client: Bitrix24, build: Callable[[int], Mapping[str, str]], pages: int, retrier: Retrier
) -> tuple[BatchResponse, int]:
    """Send the batch that `build` makes for a number of pages, with ever fewer pages while the portal fails under it.

    Returns:
        The answer, and the number of pages that was asked for.

    Raises:
        Bitrix24Error: it does not work.
    """
    while True:
        try:
            return client.batch_once(build(pages)), pages
        except (ServerError, TransportError) as failure:
            retrier.wait_or_raise(failure)
            pages = max(min(pages, MIN_PAGES), pages // 2)
        except RetryableError as limit:
            retrier.wait_or_raise(limit)


def read_pages(
    client: Bitrix24, id_range: IdRange, filter_: Filter, *, pages: int, retrier: Retrier
) -> tuple[Pages, int]:
    """The good pages of the range's first `pages`, and how many of them were asked for in the end.

    Raises:
        Bitrix24Error: it does not work.
    """
    build = partial(chain, id_range, filter_)
    response, asked = send_chain(client, build, pages, retrier)
    return read_chain(response, list(build(asked)), after=id_range.after), asked
