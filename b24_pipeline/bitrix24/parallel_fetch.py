"""Partition the users into ranges of ids and read several ranges at a time (contract 3.4, 5).

A border only distributes the work: a wrong one costs a request, never a user.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import pairwise
from math import ceil
from typing import Final

from b24_pipeline.bitrix24.client import COMMANDS_IN_BATCH, BatchResponse, Bitrix24
from b24_pipeline.bitrix24.counts import count_commands
from b24_pipeline.bitrix24.exceptions import IncompleteFetchError, RetryableError
from b24_pipeline.bitrix24.pagination import (
    CHAIN,
    EVERYBODY,
    PAGE,
    Filter,
    IdRange,
    Pages,
    command,
    read_pages,
    rows_of,
    user_type_of,
)
from b24_pipeline.bitrix24.parsing import Columns, columns_of, user_id

MAX_CONCURRENCY: Final = 40
"""Ranges of ids read at the same time: nearly the burst that the smallest plan's bucket lets through (contract 4.1)."""

MAX_USERS: Final = 1_000_000
"""No portal has more."""

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


class EndCondition(Enum):
    """The end of a range, besides reaching its upper border (contract 3.4, steps 4 and 6)."""

    SHORT_PAGE = "a page that is not full"
    EMPTY_PAGE = "an empty page: needed where the portal drops rows after paging"


@dataclass(slots=True)
class Reading:
    """The users read so far, answer by answer, and what their reading proves (R16a)."""

    users: list[Columns] = field(default_factory=list)
    email_key_seen: bool = False
    strictly_rising: bool = True
    finished: bool = True

    def add(self, pages: Pages, filter_: Filter) -> None:
        """Add the good pages that were read with `filter_`.

        Raises:
            UnknownUserTypeError: neither the rows nor the filter say of what type the users are.
            IncompleteFetchError: a row does not say whether the user is active.
        """
        self.users.append(columns_of(pages.rows, pages.ids, user_type=user_type_of(filter_)))
        self.email_key_seen = self.email_key_seen or any("EMAIL" in row for row in pages.rows)
        self.strictly_rising &= pages.rising

    def merge(self, other: "Reading") -> None:
        """Add what was read later."""
        self.users += other.users
        self.email_key_seen |= other.email_key_seen
        self.strictly_rising &= other.strictly_rising
        self.finished &= other.finished


def is_done(pages: Pages, upto: int | None, end: EndCondition) -> bool:
    if upto is not None and pages.last >= upto:
        return True
    return pages.short_page == 0 if end is EndCondition.EMPTY_PAGE else pages.short_page is not None


class Progress:
    """State shared by the ranges of one read: canceled or not, and the number of users so far."""

    def __init__(self) -> None:
        self.canceled = threading.Event()
        self._lock = threading.Lock()
        self._users = 0

    def count(self, users: int) -> None:
        """Count the users of an answer.

        Raises:
            IncompleteFetchError: there are more than any portal has: it would go on without end.
        """
        with self._lock:
            self._users += users
            if self._users > MAX_USERS:
                raise IncompleteFetchError(f"the portal returns an endless list of users: more than {MAX_USERS:,}")


def read_range(  # noqa: PLR0913 - a range, how it is read, and with whom
    client: Bitrix24, id_range: IdRange, filter_: Filter, *, end: EndCondition, pages: int, progress: Progress
) -> Reading:
    """Read the window to its end: `pages` pages in the first request, as many as there is room for in any other.

    Raises:
        Bitrix24Error: it does not work.
        UnknownUserTypeError: see `Reading.add`.
    """
    reading = Reading()
    retrier = client.retrier()
    while not progress.canceled.is_set():
        if client.seconds_left() <= 0:
            raise IncompleteFetchError("the run's time (B24_PIPELINE_RUN_MINUTES) was over before everything was read")
        got, asked = read_pages(client, id_range, filter_, pages=pages, retrier=retrier)
        progress.count(len(got.rows))
        reading.add(got, filter_)
        if not got.rising or is_done(got, id_range.upto, end):
            return reading
        if isinstance(got.error, RetryableError):
            retrier.wait_or_raise(got.error)
        elif got.error is not None:
            raise got.error
        elif not got.rows:
            break
        id_range = replace(id_range, after=got.last)
        pages = CHAIN if asked == pages else asked
    reading.finished = False
    return reading


@contextmanager
def start_reading(
    client: Bitrix24, partition: Partition, filter_: Filter, *, end: EndCondition
) -> Iterator[Callable[[], Reading]]:
    """Read windows in the background, each with its number of pages; what is given waits for all and joins them.

    When one fails, the others are called off.
    """
    progress = Progress()

    def read(id_range: IdRange, pages: int) -> Reading:
        try:
            return read_range(client, id_range, filter_, end=end, pages=pages, progress=progress)
        except BaseException:
            progress.canceled.set()
            raise

    with ThreadPoolExecutor(MAX_CONCURRENCY) as pool:
        parts = [pool.submit(read, id_range, pages) for id_range, pages in partition.items()]

        def joined() -> Reading:
            whole = Reading()
            for part in parts:
                whole.merge(part.result())
            return whole

        try:
            yield joined
        finally:
            progress.canceled.set()


def read_ranges(client: Bitrix24, partition: Partition, filter_: Filter, *, end: EndCondition) -> Reading:
    """Read windows at the same time; see `start_reading`."""
    with start_reading(client, partition, filter_, end=end) as joined:
        return joined()


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
    response = client.batch(border_commands({**above, **filter_}, places), halt=0)
    return _partition(rest, _borders(response, places))


def _partition(rest: EstimatedRange, borders: Mapping[int, int]) -> Partition:
    """The range between the borders (place → id)."""
    inner = {number: place for place, number in borders.items() if rest.after < number < rest.upto}
    edges = {rest.after: 0, **dict(sorted(inner.items())), rest.upto: rest.users}
    return {IdRange(after, upto): _pages(edges[upto] - edges[after]) for after, upto in pairwise(edges)}


def _pages(users: int) -> int:
    return min(CHAIN, max(1, ceil(users / PAGE)))


def border_commands(filter_: Filter, places: Iterable[int]) -> dict[str, str]:
    """Commands that request the ids at these places; beyond the last user a portal may fail (contract 2.3).

    Offsets are whole pages, whose last row stands at the place: uneven offsets are not documented.
    """
    return {f"b{place}": command(filter_, start=place - PAGE, fields=("ID",)) for place in places}


def _borders(response: BatchResponse, places: Iterable[int]) -> dict[int, int]:
    """The ids that stand at the places, as far as there are users so far."""
    pages = {place: rows_of(response.results.get(f"b{place}")) for place in places}
    return {place: user_id(page[-1]) for place, page in pages.items() if len(page) == PAGE}
