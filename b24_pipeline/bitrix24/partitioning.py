"""Cutting the users into windows of ids that are read at the same time, one request each or a few.

A border only shares out the work: a wrong one costs a request, never a user.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil
from typing import Final

from b24_pipeline.bitrix24.client import COMMANDS_IN_BATCH, BatchResponse, Bitrix24
from b24_pipeline.bitrix24.counts import count_commands
from b24_pipeline.bitrix24.pagination import CHAIN, EVERYBODY, PAGE, Filter, IdRange, command, rows_of
from b24_pipeline.bitrix24.parallel_fetch import MAX_CONCURRENCY
from b24_pipeline.bitrix24.parsing import user_id

Partition = Mapping[IdRange, int]
"""Ranges of ids in their order, each with the pages to ask for in one request."""

IN_ONE_REQUEST: Final = CHAIN * PAGE
MAX_FIRST_PAGES: Final = COMMANDS_IN_BATCH - len(count_commands(EVERYBODY))
"""Pages that fit beside the counts."""

PROBE_OFFSETS: Final = (2_500, 4_400, 6_300, 8_200)
"""Places whose ids are asked for together with the counts: borders, if the portal has no more than 10,000 users.

The first 2,500 users are read while they are counted; the others are read later, so their windows are smaller.
"""
MAX_PROBED: Final = 10_000


@dataclass(frozen=True, slots=True)
class EstimatedRange:
    """Ids from above `after` to `upto`, and how many users are thought to be there."""

    after: int
    upto: int
    users: int


def partition_by_ids(known: Sequence[int]) -> Partition:
    """Share the users of the last fetch (ids by rising order) out to as few requests as hold them, the counts included.

    The last window has no end, and a page to spare: for people hired since.
    """
    spare = 1 + COMMANDS_IN_BATCH - MAX_FIRST_PAGES
    requests = ceil((len(known) + spare * PAGE) / IN_ONE_REQUEST)
    if requests == 1:
        return {IdRange(0): _pages(len(known) + PAGE)}
    first = min(ceil(len(known) / requests), MAX_FIRST_PAGES * PAGE)
    size = ceil((len(known) - first) / (requests - 1))
    edges = [0, *known[first - 1 : len(known) - 1 : size]]
    partition = [*(IdRange(after, upto) for after, upto in pairwise(edges)), IdRange(edges[-1])]
    return dict.fromkeys(partition, _pages(size)) | {partition[0]: _pages(first), partition[-1]: _pages(size + PAGE)}


def probe_commands(filter_: Filter) -> dict[str, str]:
    """Commands that ask for the ids at the guessed places; where nobody stands, a portal may fail (contract 2.3)."""
    return _border_commands(filter_, PROBE_OFFSETS)


def partition_range(
    client: Bitrix24, rest: EstimatedRange, filter_: Filter, *, probed: BatchResponse | None = None
) -> Partition:
    """Cut the range. The borders are those `probed`, if they are enough; else they are asked for, in one request.

    Where nearly every id is a user's there is nothing to ask: so many ids hold no more users. Everything waits for the
    borders, and each takes its time: so there are no more windows than are read at once, and large ones are read on.

    Raises:
        Bitrix24Error: the portal cannot be asked.
    """
    if probed is not None and rest.users <= MAX_PROBED:
        return _partition(rest, _borders(probed, PROBE_OFFSETS))
    if rest.users <= IN_ONE_REQUEST:
        return _partition(rest, {})
    ids = rest.upto - rest.after
    if ceil(ids / IN_ONE_REQUEST) <= 1 + ceil(rest.users / IN_ONE_REQUEST):
        borders = {place: rest.after + place for place in range(IN_ONE_REQUEST, ids, IN_ONE_REQUEST)}
        return _partition(replace(rest, users=ids), borders)
    step = IN_ONE_REQUEST * ceil(rest.users / IN_ONE_REQUEST / MAX_CONCURRENCY)
    places = range(step, rest.users, step)
    above = {">ID": rest.after} if rest.after else {}
    response = client.batch(_border_commands({**above, **filter_}, places), halt=0)
    return _partition(rest, _borders(response, places))


def _partition(rest: EstimatedRange, borders: Mapping[int, int]) -> Partition:
    """The range between the borders (place → id)."""
    inner = {number: place for place, number in borders.items() if rest.after < number < rest.upto}
    edges = {rest.after: 0, **dict(sorted(inner.items())), rest.upto: rest.users}
    return {IdRange(after, upto): _pages(edges[upto] - edges[after]) for after, upto in pairwise(edges)}


def _pages(users: int) -> int:
    return min(CHAIN, max(1, ceil(users / PAGE)))


def _border_commands(filter_: Filter, places: Iterable[int]) -> dict[str, str]:
    """Offsets are whole pages, whose last row stands at the place: uneven offsets are not documented (contract 2.3)."""
    return {_border(place): command(filter_, start=place - PAGE, fields=("ID",)) for place in places}


def _borders(response: BatchResponse, places: Iterable[int]) -> dict[int, int]:
    """The ids that stand at the places, as far as there are users so far."""
    pages = {place: rows_of(response.results.get(_border(place))) for place in places}
    return {place: user_id(page[-1]) for place, page in pages.items() if len(page) == PAGE}


def _border(place: int) -> str:
    return f"b{place}"
