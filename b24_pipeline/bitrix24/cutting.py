"""Cutting a range of ids into windows that can be read at the same time, one request each."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import Final

from b24_pipeline.bitrix24.census import census_commands
from b24_pipeline.bitrix24.client import COMMANDS_IN_BATCH, Bitrix24
from b24_pipeline.bitrix24.pages import CHAIN, EVERYBODY, PAGE, Filter, Window, command, rows_of
from b24_pipeline.bitrix24.wire import user_id

IN_ONE_REQUEST: Final = CHAIN * PAGE
FIRST_PAGES: Final = 5
"""Pages in the first batch when the portal may be large: a portal of 250 users is complete with it."""

MOST_FIRST_PAGES: Final = COMMANDS_IN_BATCH - len(census_commands(EVERYBODY))
SPARE_PAGES: Final = 2
"""Pages asked for beyond those expected, so that a few more users cost no request."""


@dataclass(frozen=True, slots=True)
class Range:
    """Ids from above `after` to `upto`, and how many users are thought to be there."""

    after: int
    upto: int
    users: int


def first_pages(known: int) -> int:
    """How many pages the first batch asks for, beside the counts, when `known` users are known from the last fetch."""
    whole = ceil(known / PAGE)
    if not known or whole > MOST_FIRST_PAGES:
        return FIRST_PAGES
    return min(whole + 1, MOST_FIRST_PAGES)


def cut(client: Bitrix24, rest: Range, filter_: Filter, *, known: Sequence[int]) -> dict[Window, int]:
    """Cut the range into windows of about 2,500 users, each with the pages to ask for in one request.

    The borders come from `known` (ids by rising order), if that fits; else the portal is asked, in one
    request. A border only shares out the work: a wrong one costs a request, never a user.

    Raises:
        Bitrix24Error: the portal cannot be asked.
    """
    ahead = [number for number in known if number > rest.after]
    if rest.users <= IN_ONE_REQUEST:
        borders = []
    elif abs(len(ahead) - rest.users) <= IN_ONE_REQUEST:
        borders = ahead[IN_ONE_REQUEST - 1 :: IN_ONE_REQUEST]
    else:
        borders = _asked_borders(client, rest, filter_)
    return _windows(rest, borders)


def _windows(rest: Range, borders: Sequence[int]) -> dict[Window, int]:
    inner = sorted({number for number in borders if rest.after < number < rest.upto})
    windows = [Window(after, upto) for after, upto in pairwise([rest.after, *inner, rest.upto])]
    pages = dict.fromkeys(windows, CHAIN)
    in_last = rest.users - IN_ONE_REQUEST * len(inner)
    pages[windows[-1]] = min(CHAIN, max(0, ceil(in_last / PAGE)) + SPARE_PAGES)
    return pages


def _asked_borders(client: Bitrix24, rest: Range, filter_: Filter) -> list[int]:
    """The ids at every 2,500th place of the range, or at wider steps where that would not fit one request."""
    step = IN_ONE_REQUEST * ceil(rest.users / IN_ONE_REQUEST / COMMANDS_IN_BATCH)
    ahead: Filter = {">ID": rest.after, **filter_}
    commands = {
        f"b{place:02}": command(ahead, start=offset - PAGE, fields=("ID",))
        for place, offset in enumerate(range(step, rest.users, step))
    }
    answer = client.batch(commands, halt=0)
    pages = [rows_of(answer.results.get(name)) for name in commands]
    return [user_id(page[-1]) for page in pages if page]
