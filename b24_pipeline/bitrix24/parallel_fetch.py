"""Reading windows of ids to their ends, several at a time (contract 3.4, 5)."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from typing import Final

from b24_pipeline.bitrix24.client import Bitrix24
from b24_pipeline.bitrix24.column_parsing import Columns, columns_of
from b24_pipeline.bitrix24.exceptions import FetchNotTrusted, RetryableError
from b24_pipeline.bitrix24.pagination import CHAIN, Filter, Pages, Window, chain, read_chain, send_chain, user_type_of

AT_ONCE: Final = 40
"""Windows read at the same time: nearly the burst that the smallest plan's bucket lets through (contract 4.1)."""

MOST_USERS: Final = 1_000_000
"""No portal has more."""


class End(Enum):
    """What is taken for the end of a window, besides reaching its upper border (contract 3.4, steps 4 and 6)."""

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
            TypeUnknownError: neither the rows nor the filter say of what type the users are.
            FetchNotTrusted: a row does not say whether the user is active.
        """
        self.users.append(columns_of(pages.rows, pages.ids, user_type=user_type_of(filter_)))
        self.email_key_seen = self.email_key_seen or any("EMAIL" in row for row in pages.rows)
        self.strictly_rising &= pages.rising

    def join(self, other: "Reading") -> None:
        """Add what was read later."""
        self.users += other.users
        self.email_key_seen |= other.email_key_seen
        self.strictly_rising &= other.strictly_rising
        self.finished &= other.finished


def is_done(pages: Pages, window: Window, end: End) -> bool:
    """Whether the window was read to its end."""
    if window.upto is not None and pages.last >= window.upto:
        return True
    if end is End.EMPTY_PAGE:
        return pages.short_page == 0
    return pages.short_page is not None


class Progress:
    """What the windows of one reading share: whether they go on, and how many users came so far."""

    def __init__(self) -> None:
        self._called_off = threading.Event()
        self._lock = threading.Lock()
        self._users = 0

    @property
    def called_off(self) -> bool:
        """Whether what is not read yet is needed no more."""
        return self._called_off.is_set()

    def call_off(self) -> None:
        """Let every window end with its next answer."""
        self._called_off.set()

    def count(self, users: int) -> None:
        """Count the users of an answer.

        Raises:
            FetchNotTrusted: there are more than any portal has: it would go on without end.
        """
        with self._lock:
            self._users += users
            if self._users > MOST_USERS:
                raise FetchNotTrusted(f"the portal sends users without end: more than {MOST_USERS:,} came")


def read_window(  # noqa: PLR0913 - a window, how it is read, and with whom
    client: Bitrix24, window: Window, filter_: Filter, *, end: End, pages: int, progress: Progress
) -> Reading:
    """Read the window to its end; `pages` pages in the first request, as many as there is room for in any further one.

    Raises:
        Bitrix24Error: it does not work.
        TypeUnknownError: see `Reading.add`.
    """
    reading = Reading()
    patience = client.patience()
    while not progress.called_off:
        if client.seconds_left() <= 0:
            raise FetchNotTrusted("the run's time (B24_PIPELINE_RUN_MINUTES) was over before everything was read")
        build = partial(chain, window, filter_)
        answer, asked = send_chain(client, build, pages, patience)
        got = read_chain(answer, list(build(asked)), after=window.after)
        progress.count(len(got.rows))
        reading.add(got, filter_)
        if not got.rising or is_done(got, window, end):
            return reading
        if isinstance(got.error, RetryableError):
            patience.after(got.error)
        elif got.error is not None:
            raise got.error
        elif not got.rows:
            break
        window = replace(window, after=got.last)
        pages = CHAIN if asked == pages else asked
    reading.finished = False
    return reading


@contextmanager
def reading_windows(
    client: Bitrix24, windows: Mapping[Window, int], filter_: Filter, *, end: End
) -> Iterator[Callable[[], Reading]]:
    """Read windows in the background, each with its number of pages; what is given waits for all and joins them.

    When one fails, the others are called off.
    """
    progress = Progress()

    def read(window: Window, pages: int) -> Reading:
        try:
            return read_window(client, window, filter_, end=end, pages=pages, progress=progress)
        except BaseException:
            progress.call_off()
            raise

    with ThreadPoolExecutor(AT_ONCE) as pool:
        parts = [pool.submit(read, window, pages) for window, pages in windows.items()]
        try:
            yield lambda: _joined(part.result() for part in parts)
        finally:
            progress.call_off()


def read_windows(client: Bitrix24, windows: Mapping[Window, int], filter_: Filter, *, end: End) -> Reading:
    """Read windows at the same time; see `reading_windows`."""
    with reading_windows(client, windows, filter_, end=end) as joined:
        return joined()


def _joined(readings: Iterable[Reading]) -> Reading:
    whole = Reading()
    for reading in readings:
        whole.join(reading)
    return whole
