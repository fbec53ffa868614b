"""Cutting the users into windows of ids that are read at the same time, one request each.

A border only shares out the work: a wrong one costs a request, never a user.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import Final

from b24_pipeline.bitrix24.census import census_commands
from b24_pipeline.bitrix24.client import COMMANDS_IN_BATCH, BatchAnswer, Bitrix24
from b24_pipeline.bitrix24.pages import CHAIN, EVERYBODY, PAGE, Filter, Window, command, rows_of
from b24_pipeline.bitrix24.wire import user_id

Windows = Mapping[Window, int]
"""Windows in their order, each with the pages to ask for in one request."""

IN_ONE_REQUEST: Final = CHAIN * PAGE
MOST_FIRST_PAGES: Final = COMMANDS_IN_BATCH - len(census_commands(EVERYBODY))
"""Pages that fit beside the counts."""

GUESSED_STEP: Final = 2_000
GUESSED_PLACES: Final = (2_000, 4_000, 6_000, 8_000)
"""Places whose ids are asked for together with the counts: borders, if the portal has no more than 10,000 users."""


@dataclass(frozen=True, slots=True)
class Range:
    """Ids from above `after` to `upto`, and how many users are thought to be there."""

    after: int
    upto: int
    users: int


def share(known: Sequence[int]) -> Windows:
    """Share the users of the last fetch (ids by rising order) out to as few requests as hold them, the counts included.

    The last window has no end, and a page to spare: for people hired since.
    """
    spare = 1 + COMMANDS_IN_BATCH - MOST_FIRST_PAGES
    requests = ceil((len(known) + spare * PAGE) / IN_ONE_REQUEST)
    if requests == 1:
        return {Window(0): _pages(len(known) + PAGE)}
    first = min(ceil(len(known) / requests), MOST_FIRST_PAGES * PAGE)
    size = ceil((len(known) - first) / (requests - 1))
    edges = [0, *known[first - 1 : len(known) - 1 : size]]
    windows = [*(Window(after, upto) for after, upto in pairwise(edges)), Window(edges[-1])]
    return dict.fromkeys(windows, _pages(size)) | {windows[0]: _pages(first), windows[-1]: _pages(size + PAGE)}


def guessing_commands(filter_: Filter) -> dict[str, str]:
    """Commands that ask for the ids at the guessed places."""
    return _border_commands(filter_, GUESSED_PLACES)


def cut(client: Bitrix24, rest: Range, filter_: Filter, *, guessed: BatchAnswer | None = None) -> Windows:
    """Cut the range. The borders are those `guessed`, if they are enough; else they are asked for, in one request.

    Raises:
        Bitrix24Error: the portal cannot be asked.
    """
    if guessed is not None and rest.users <= GUESSED_STEP + GUESSED_PLACES[-1]:
        return _windows(rest, _borders(guessed, guessing_commands(filter_)), step=GUESSED_STEP)
    if rest.users <= IN_ONE_REQUEST:
        return _windows(rest, [], step=IN_ONE_REQUEST)
    step = IN_ONE_REQUEST * ceil(rest.users / IN_ONE_REQUEST / COMMANDS_IN_BATCH)
    commands = _border_commands({">ID": rest.after, **filter_}, range(step, rest.users, step))
    return _windows(rest, _borders(client.batch(commands, halt=0), commands), step=step)


def _windows(rest: Range, borders: Sequence[int], *, step: int) -> Windows:
    """The range between the borders, which stand `step` users apart."""
    inner = sorted({number for number in borders if rest.after < number < rest.upto})
    windows = [Window(after, upto) for after, upto in pairwise([rest.after, *inner, rest.upto])]
    in_last = max(1, rest.users - step * len(inner))
    return dict.fromkeys(windows, _pages(step)) | {windows[-1]: _pages(in_last)}


def _pages(users: int) -> int:
    return min(CHAIN, ceil(users / PAGE))


def _border_commands(filter_: Filter, places: Iterable[int]) -> dict[str, str]:
    """Offsets are whole pages, whose last row stands at the place: uneven offsets are not documented (contract 2.3)."""
    return {f"b{place}": command(filter_, start=place - PAGE, fields=("ID",)) for place in places}


def _borders(answer: BatchAnswer, names: Iterable[str]) -> list[int]:
    pages = (rows_of(answer.results.get(name)) for name in names)
    return [user_id(page[-1]) for page in pages if len(page) == PAGE]
