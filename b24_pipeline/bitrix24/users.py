"""The complete fetch: every user, active and dismissed, in as few requests as the portal allows (R13, R16a).

The users are cut into windows, read at the same time, 2,500 users a request, and compared with the portal's own count,
which is asked for meanwhile. Pages go by "id greater than the last", so whoever leaves meanwhile moves
nobody else over a page's border.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from pandera.typing import DataFrame

from b24_pipeline.bitrix24.client import Bitrix24
from b24_pipeline.bitrix24.counts import UserCounts, count_commands, count_users, read_counts
from b24_pipeline.bitrix24.exceptions import IncompleteFetchError, RetryableError
from b24_pipeline.bitrix24.pagination import (
    CHAIN,
    DISMISSED,
    EMPLOYEES,
    EVERYBODY,
    Filter,
    IdRange,
    Pages,
    chain,
    read_chain,
    read_pages,
    send_chain,
    up_to,
)
from b24_pipeline.bitrix24.parallel_fetch import (
    IN_ONE_REQUEST,
    PROBE_OFFSETS,
    EndCondition,
    EstimatedRange,
    Reading,
    border_commands,
    is_done,
    partition_by_ids,
    partition_range,
    read_ranges,
    start_reading,
)
from b24_pipeline.bitrix24.parsing import UnknownUserTypeError, distinct_ids, frame_of
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


def fetch_users(client: Bitrix24, *, known_ids: Sequence[int] | None) -> UserFetch:
    """Read all users, of every type and status. `known_ids`, those of the last fetch, save requests.

    Takes ceil(n / 2,500) + 2 requests at most, unless the portal hides dismissed users, fails, or changes meanwhile.
    Where rows do not say of what type users are, only employees are read.

    Raises:
        IncompleteFetchError: what was read cannot be everybody (R16a).
        Bitrix24Error: the portal cannot be read.
    """
    sent_before = client.requests_sent
    known = sorted(known_ids or ())
    asked_for = EVERYBODY
    try:
        counts, reading = _read_completely(client, asked_for, known)
    except UnknownUserTypeError:
        asked_for = EMPLOYEES
        counts, reading = _read_completely(client, asked_for, known)
    return UserFetch(
        users=frame_of(reading.users),
        asked_for=asked_for,
        requests=client.requests_sent - sent_before,
        portal_count=counts.total,
        dismissed_hidden=counts.dismissed_hidden,
    )


def _read_completely(client: Bitrix24, filter_: Filter, known: Sequence[int]) -> tuple[UserCounts, Reading]:
    """Fetch; once more, and confirming every end, when the number of users is not the portal's."""
    for end in (EndCondition.SHORT_PAGE, EndCondition.EMPTY_PAGE):
        counts, reading = _read(client, filter_, known, end)
        evidence = _evidence(client, filter_, reading, counts)
        reason = verify_completeness(evidence)
        if reason not in {IncompleteFetch.COUNT_DIFFERS, IncompleteFetch.NOT_COUNTED}:
            break
    if reason is not None:
        raise IncompleteFetchError(message(reason, evidence))
    return counts, reading


def _read(client: Bitrix24, filter_: Filter, known: Sequence[int], end: EndCondition) -> tuple[UserCounts, Reading]:
    if known:
        counts, reading = _read_by_known_ids(client, filter_, known, end)
    else:
        counts, reading = _read_by_probed_ids(client, filter_, end)
    if counts.dismissed_hidden:
        hidden = {**filter_, **DISMISSED}
        everybody = EstimatedRange(0, counts.highest_id, users=counts.dismissed)
        reading.merge(read_ranges(client, partition_range(client, everybody, hidden), hidden, end=end))
    return counts, reading


def _read_by_probed_ids(client: Bitrix24, filter_: Filter, end: EndCondition) -> tuple[UserCounts, Reading]:
    """Without a last fetch: count while reading the first users, then partition and read the others."""
    with ThreadPoolExecutor(1) as pool:
        first_pages = pool.submit(read_pages, client, IdRange(0), filter_, pages=CHAIN, retrier=client.retrier())
        response = client.batch_all_or_nothing(
            count_commands(filter_), optional_commands=border_commands(filter_, PROBE_OFFSETS)
        )
        counts = read_counts(client, response, filter_)
        if not counts.highest_id:
            return counts, Reading()
        everybody = EstimatedRange(0, counts.highest_id, users=counts.default)
        (first, _), *others = partition_range(client, everybody, filter_, probed=response).items()
        with start_reading(client, dict(others), filter_, end=end) as read_others:
            upto = first.upto or counts.highest_id
            got, _ = first_pages.result()
            reading = _read_rest(client, EstimatedRange(0, upto, users=IN_ONE_REQUEST), got, filter_, end)
            reading.merge(read_others())
    return counts, reading


def _read_by_known_ids(
    client: Bitrix24, filter_: Filter, known: Sequence[int], end: EndCondition
) -> tuple[UserCounts, Reading]:
    """Partition by the ids of the last fetch, and count while reading."""
    (first, pages), *others = partition_by_ids(known).items()
    with start_reading(client, dict(others), filter_, end=end) as read_others:
        counts, got = _count_and_read(client, first, filter_, pages)
        upto = first.upto or counts.highest_id
        users = counts.default if first.upto is None else 0
        reading = _read_rest(client, EstimatedRange(first.after, upto, users), got, filter_, end)
        reading.merge(read_others())
    return counts, reading


def _read_rest(client: Bitrix24, asked: EstimatedRange, got: Pages, filter_: Filter, end: EndCondition) -> Reading:
    """The first pages of a range, and the rest of it where they do not reach its end."""
    reading = Reading()
    reading.add(got, filter_)
    if got.rising and not is_done(got, asked.upto, end):
        rest = replace(asked, after=got.last)
        reading.merge(read_ranges(client, partition_range(client, rest, filter_), filter_, end=end))
    return reading


def _count_and_read(client: Bitrix24, id_range: IdRange, filter_: Filter, pages: int) -> tuple[UserCounts, Pages]:
    """Request the counts and the first pages of the range at once."""
    counts = count_commands(filter_)
    retrier = client.retrier()
    while True:
        response, pages = send_chain(client, lambda count: counts | chain(id_range, filter_, count), pages, retrier)
        error = next((response.errors[name] for name in counts if name in response.errors), None)
        if error is None:
            got = read_chain(response, list(chain(id_range, filter_, pages)), after=id_range.after)
            return read_counts(client, response, filter_), got
        if not isinstance(error, RetryableError):
            raise error
        retrier.wait_or_raise(error)


def _evidence(client: Bitrix24, filter_: Filter, reading: Reading, counts: UserCounts) -> FetchEvidence:
    users = distinct_ids(reading.users, up_to=counts.highest_id)
    hired = distinct_ids(reading.users) - users
    evidence = FetchEvidence(
        users=users,
        strictly_rising=reading.strictly_rising,
        finished=reading.finished,
        email_key_seen=reading.email_key_seen,
        count_before=counts.total,
        hired=hired,
        hired_counted=(
            hired if hired <= USUAL_HIRES else count_users(client, {**filter_, ">ID": counts.highest_id}).total
        ),
    )
    if verify_completeness(evidence) is not IncompleteFetch.COUNT_DIFFERS:
        return evidence
    after = count_users(client, {**filter_, **up_to(counts.highest_id)})
    return replace(evidence, count_after=after.default + (after.dismissed if counts.dismissed_hidden else 0))
