"""The complete fetch: every user, active and dismissed, in as few requests as the portal allows (R13, R16a).

A first batch counts and reads some pages. The rest is cut into windows of 2,500 users, one request each, several at a
time. Pages go by «id greater than the last», so whoever leaves meanwhile moves nobody else over a page's border.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pandera.typing import DataFrame

from b24_pipeline.bitrix24.census import Census, census_commands, census_error, read_census, take_census
from b24_pipeline.bitrix24.client import Bitrix24
from b24_pipeline.bitrix24.cutting import Range, cut, first_pages
from b24_pipeline.bitrix24.errors import FetchNotTrusted, RetryableError
from b24_pipeline.bitrix24.pages import (
    DISMISSED,
    EMPLOYEES,
    EVERYBODY,
    Filter,
    Pages,
    Window,
    chain,
    read_chain,
    send_chain,
    up_to,
)
from b24_pipeline.bitrix24.windows import End, Reading, TypeUnknownError, is_done, read_windows
from b24_pipeline.bitrix24.wire import users_frame
from b24_pipeline.rules.frames import Users
from b24_pipeline.rules.trust import Distrust, FetchEvidence, distrust, in_words


@dataclass(frozen=True, slots=True)
class UserFetch:
    """A complete fetch that can be trusted (R16a), and what it took."""

    users: DataFrame[Users]
    requests: int
    portal_count: int
    dismissed_hidden: bool


@dataclass(frozen=True, slots=True)
class _Attempt:
    reading: Reading
    census: Census
    evidence: FetchEvidence


def fetch_users(client: Bitrix24, *, known_ids: Sequence[int] | None) -> UserFetch:
    """Read all users, of every type and standing. `known_ids`, those of the last fetch, save a request.

    Takes ceil(n / 2,500) + 2 requests at most, unless the portal hides dismissed users, fails, or changes meanwhile.
    Where rows do not say of what type users are, only employees are read.

    Raises:
        FetchNotTrusted: what was read cannot be everybody (R16a).
        Bitrix24Error: the portal cannot be read.
    """
    sent_before = client.requests_sent
    known = sorted(known_ids or ())
    try:
        attempt = _trusted(client, EVERYBODY, known)
    except TypeUnknownError:
        attempt = _trusted(client, EMPLOYEES, known)
    return UserFetch(
        users=users_frame(attempt.reading.rows),
        requests=client.requests_sent - sent_before,
        portal_count=attempt.census.everybody,
        dismissed_hidden=attempt.census.dismissed_hidden,
    )


def _trusted(client: Bitrix24, filter_: Filter, known: Sequence[int]) -> _Attempt:
    """Fetch; once more, and confirming every end, when the number of users is not the portal's."""
    attempt = _attempt(client, filter_, known, End.SHORT_PAGE)
    if distrust(attempt.evidence) is Distrust.COUNT_DIFFERS:
        attempt = _attempt(client, filter_, known, End.EMPTY_PAGE)
    reason = distrust(attempt.evidence)
    if reason is not None:
        raise FetchNotTrusted(in_words(reason, attempt.evidence))
    return attempt


def _attempt(client: Bitrix24, filter_: Filter, known: Sequence[int], end: End) -> _Attempt:
    census, first = _open(client, filter_, pages=first_pages(len(known)))
    reading = Reading()
    reading.add(first, filter_)
    if first.rising and not is_done(first, Window(0, census.highest_id), end):
        rest = Range(first.last, census.highest_id, users=census.default - len(first.rows))
        reading.join(read_windows(client, cut(client, rest, filter_, known=known), filter_, end=end))
    if census.dismissed_hidden:
        hidden = {**filter_, **DISMISSED}
        everybody = Range(0, census.highest_id, users=census.dismissed)
        reading.join(read_windows(client, cut(client, everybody, hidden, known=()), hidden, end=end))
    return _Attempt(reading, census, _evidence(client, filter_, reading, census))


def _open(client: Bitrix24, filter_: Filter, *, pages: int) -> tuple[Census, Pages]:
    """The first batch: the census, then the first pages."""
    start = Window(0)
    patience = client.patience()
    while True:
        answer, pages = send_chain(
            client, lambda count: census_commands(filter_) | chain(start, filter_, count), pages, patience
        )
        error = census_error(answer, filter_)
        if error is None:
            names = list(chain(start, filter_, pages))
            return read_census(client, answer, filter_), read_chain(answer, names, after=start.after)
        if not isinstance(error, RetryableError):
            raise error
        patience.after(error)


def _evidence(client: Bitrix24, filter_: Filter, reading: Reading, census: Census) -> FetchEvidence:
    evidence = FetchEvidence(
        users=len({row.bitrix24_id for row in reading.rows if row.bitrix24_id <= census.highest_id}),
        strictly_rising=reading.strictly_rising,
        finished=reading.finished,
        email_key_seen=reading.email_key_seen,
        count_before=census.everybody,
    )
    if distrust(evidence) is not Distrust.COUNT_DIFFERS:
        return evidence
    after = take_census(client, {**filter_, **up_to(census.highest_id)})
    return replace(evidence, count_after=after.default + (after.dismissed if census.dismissed_hidden else 0))
