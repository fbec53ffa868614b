"""The complete fetch: every user, active and dismissed, in as few requests as the portal allows (R13, R16a).

The users are cut into windows, read at the same time, 2,500 users a request, and compared with the portal's own count,
which is asked for meanwhile. Pages go by «id greater than the last», so whoever leaves meanwhile moves
nobody else over a page's border.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from pandera.typing import DataFrame

from b24_pipeline.bitrix24.client import Bitrix24
from b24_pipeline.bitrix24.column_parsing import TypeUnknownError, distinct_ids, frame_of
from b24_pipeline.bitrix24.counts import Census, census_commands, read_census, take_census
from b24_pipeline.bitrix24.exceptions import FetchNotTrusted, RetryableError
from b24_pipeline.bitrix24.pagination import (
    DISMISSED,
    EMPLOYEES,
    EVERYBODY,
    Filter,
    Pages,
    Window,
    chain,
    read_chain,
    read_first_pages,
    send_chain,
    up_to,
)
from b24_pipeline.bitrix24.parallel_fetch import End, Reading, is_done, read_windows, reading_windows
from b24_pipeline.bitrix24.partitioning import IN_ONE_REQUEST, Range, Windows, cut, guessing_commands, share
from b24_pipeline.rules.completeness import FetchEvidence, IncompleteFetch, message, verify_completeness
from b24_pipeline.schemas import Users

USUAL_HIRES = 1
"""So many may well be hired during a fetch; of more the portal is asked whether it counts them too."""


@dataclass(frozen=True, slots=True)
class UserFetch:
    """A complete fetch that can be trusted (R16a), and what it took.

    `asked_for` is everybody, or the employees where rows do not say of what type users are.
    """

    users: DataFrame[Users]
    asked_for: Filter
    requests: int
    portal_count: int
    dismissed_hidden: bool


@dataclass(frozen=True, slots=True)
class _Attempt:
    reading: Reading
    census: Census
    evidence: FetchEvidence


def fetch_users(client: Bitrix24, *, known_ids: Sequence[int] | None) -> UserFetch:
    """Read all users, of every type and standing. `known_ids`, those of the last fetch, save requests.

    Takes ceil(n / 2,500) + 2 requests at most, unless the portal hides dismissed users, fails, or changes meanwhile.
    Where rows do not say of what type users are, only employees are read.

    Raises:
        FetchNotTrusted: what was read cannot be everybody (R16a).
        Bitrix24Error: the portal cannot be read.
    """
    sent_before = client.requests_sent
    known = sorted(known_ids or ())
    asked_for = EVERYBODY
    try:
        attempt = _trusted(client, asked_for, known)
    except TypeUnknownError:
        asked_for = EMPLOYEES
        attempt = _trusted(client, asked_for, known)
    return UserFetch(
        users=frame_of(attempt.reading.users),
        asked_for=asked_for,
        requests=client.requests_sent - sent_before,
        portal_count=attempt.census.everybody,
        dismissed_hidden=attempt.census.dismissed_hidden,
    )


def _trusted(client: Bitrix24, filter_: Filter, known: Sequence[int]) -> _Attempt:
    """Fetch; once more, and confirming every end, when the number of users is not the portal's."""
    attempt = _attempt(client, filter_, known, End.SHORT_PAGE)
    if verify_completeness(attempt.evidence) in {IncompleteFetch.COUNT_DIFFERS, IncompleteFetch.NOT_COUNTED}:
        attempt = _attempt(client, filter_, known, End.EMPTY_PAGE)
    reason = verify_completeness(attempt.evidence)
    if reason is not None:
        raise FetchNotTrusted(message(reason, attempt.evidence))
    return attempt


def _attempt(client: Bitrix24, filter_: Filter, known: Sequence[int], end: End) -> _Attempt:
    census, reading = _shared_out(client, filter_, share(known), end) if known else _cut_up(client, filter_, end)
    if census.dismissed_hidden:
        hidden = {**filter_, **DISMISSED}
        everybody = Range(0, census.highest_id, users=census.dismissed)
        reading.join(read_windows(client, cut(client, everybody, hidden), hidden, end=end))
    return _Attempt(reading, census, _evidence(client, filter_, reading, census))


def _cut_up(client: Bitrix24, filter_: Filter, end: End) -> tuple[Census, Reading]:
    """Nothing is known: count, and read the first users meanwhile; then cut the others and read them."""
    with ThreadPoolExecutor(1) as pool:
        first_pages = pool.submit(read_first_pages, client, filter_)
        answer = client.batch_whole(census_commands(filter_), guesses=guessing_commands(filter_))
        census = read_census(client, answer, filter_)
        if not census.highest_id:
            return census, Reading()
        everybody = Range(0, census.highest_id, users=census.default)
        (first, _), *others = cut(client, everybody, filter_, guessed=answer).items()
        with reading_windows(client, dict(others), filter_, end=end) as read_others:
            upto = first.upto or census.highest_id
            reading = _read_on(client, Range(0, upto, users=IN_ONE_REQUEST), first_pages.result(), filter_, end)
            reading.join(read_others())
    return census, reading


def _shared_out(client: Bitrix24, filter_: Filter, windows: Windows, end: End) -> tuple[Census, Reading]:
    """The last fetch tells how to share out the work: count and read at the same time."""
    (first, pages), *others = windows.items()
    with reading_windows(client, dict(others), filter_, end=end) as read_others:
        census, got = _count_and_read(client, first, filter_, pages)
        upto = first.upto or census.highest_id
        users = census.default if first.upto is None else 0
        reading = _read_on(client, Range(first.after, upto, users), got, filter_, end)
        reading.join(read_others())
    return census, reading


def _read_on(client: Bitrix24, asked: Range, got: Pages, filter_: Filter, end: End) -> Reading:
    """The first pages of a range, and the rest of it where they do not reach its end."""
    reading = Reading()
    reading.add(got, filter_)
    if got.rising and not is_done(got, Window(asked.after, asked.upto), end):
        rest = replace(asked, after=got.last)
        reading.join(read_windows(client, cut(client, rest, filter_), filter_, end=end))
    return reading


def _count_and_read(client: Bitrix24, window: Window, filter_: Filter, pages: int) -> tuple[Census, Pages]:
    """One request: the census, then the first pages of the window."""
    counts = census_commands(filter_)
    patience = client.patience()
    while True:
        answer, pages = send_chain(client, lambda count: counts | chain(window, filter_, count), pages, patience)
        error = next((answer.errors[name] for name in counts if name in answer.errors), None)
        if error is None:
            got = read_chain(answer, list(chain(window, filter_, pages)), after=window.after)
            return read_census(client, answer, filter_), got
        if not isinstance(error, RetryableError):
            raise error
        patience.after(error)


def _evidence(client: Bitrix24, filter_: Filter, reading: Reading, census: Census) -> FetchEvidence:
    users = distinct_ids(reading.users, up_to=census.highest_id)
    hired = distinct_ids(reading.users) - users
    evidence = FetchEvidence(
        users=users,
        strictly_rising=reading.strictly_rising,
        finished=reading.finished,
        email_key_seen=reading.email_key_seen,
        count_before=census.everybody,
        hired=hired,
        hired_counted=(
            hired if hired <= USUAL_HIRES else take_census(client, {**filter_, ">ID": census.highest_id}).everybody
        ),
    )
    if verify_completeness(evidence) is not IncompleteFetch.COUNT_DIFFERS:
        return evidence
    after = take_census(client, {**filter_, **up_to(census.highest_id)})
    return replace(evidence, count_after=after.default + (after.dismissed if census.dismissed_hidden else 0))
