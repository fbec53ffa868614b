"""A fetch that cannot be everybody is no fetch (R16a), and one that a fault disturbed is carried to its end."""

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from b24_pipeline.bitrix24.client import Bitrix24
from b24_pipeline.bitrix24.exceptions import (
    AccountError,
    Bitrix24Error,
    IncompleteFetchError,
    OperationLimit,
    RequestError,
    TransportError,
)
from b24_pipeline.bitrix24.pagination import EVERYBODY, IdRange
from b24_pipeline.bitrix24.parallel_fetch import MAX_CONCURRENCY, MAX_USERS, EndCondition, Progress, read_ranges
from b24_pipeline.bitrix24.rate_limit import LeakyBucket
from b24_pipeline.bitrix24.users import fetch_users
from b24_pipeline.sandbox import Bitrix24Behavior, Fault, FaultKind, Sandbox
from b24_pipeline.sandbox.bitrix24.behavior import DismissedUsers, Scope
from b24_pipeline_tests.bitrix24.conftest import SHORT, START, TLS, Connect, Twister, commands_sent, hire
from b24_pipeline_tests.clock import Clock


def pages_of(result: Mapping[str, Any]) -> dict[str, Any]:
    return {name: page for name, page in result["result"].items() if name.startswith("p")}


@pytest.mark.parametrize("known", [None, [1, 2, 3]])
def test_r16a_an_empty_portal_is_not_trusted(client: Bitrix24, sandbox: Sandbox, known: list[int] | None) -> None:
    with pytest.raises(IncompleteFetchError, match="it has no users at all"):
        fetch_users(client, known_ids=known)
    assert len(sandbox.requests) == (1 if known else 2)


@pytest.mark.parametrize(("error", "requests"), [(-5, 4), (-1, 4), (1, 4), (30, 4)])
def test_r16a_a_count_that_differs_twice_is_not_trusted(
    client: Bitrix24, sandbox: Sandbox, error: int, requests: int
) -> None:
    sandbox.bitrix24 = Bitrix24Behavior(total_error=error)
    hire(sandbox, range(1, 61))
    with pytest.raises(IncompleteFetchError, match=r"read 60 users but the portal reports \d+ \(after a retry\)"):
        fetch_users(client, known_ids=range(1, 61))
    assert len(sandbox.requests) == requests


def test_r16a_users_without_an_email_key_are_not_trusted(client: Bitrix24, sandbox: Sandbox) -> None:
    sandbox.bitrix24 = Bitrix24Behavior(scope=Scope.BRIEF)
    hire(sandbox, range(1, 61))
    with pytest.raises(IncompleteFetchError, match="no user came with an e-mail field: the webhook lacks the scope"):
        fetch_users(client, known_ids=None)


def test_r16a_one_email_key_is_enough(client: Bitrix24, sandbox: Sandbox) -> None:
    hire(sandbox, range(2, 61, 2), EMAIL="")
    hire(sandbox, [61])
    assert fetch_users(client, known_ids=None).users["email"].notna().sum() == 1


def test_r16a_users_out_of_order_are_not_trusted(twisted: Twister, sandbox: Sandbox) -> None:
    def swap(result: dict[str, Any]) -> None:
        for page in pages_of(result).values():
            page[3:5] = page[3:5][::-1]

    hire(sandbox, range(1, 61))
    with pytest.raises(IncompleteFetchError, match="out of the order of their ids"):
        fetch_users(twisted(swap), known_ids=None)


def test_r16a_a_page_that_comes_again_is_not_trusted(twisted: Twister, sandbox: Sandbox) -> None:
    def replay(result: dict[str, Any]) -> None:
        if "p01" in result["result"]:
            result["result"]["p01"] = result["result"]["p00"]

    hire(sandbox, range(1, 161))
    with pytest.raises(IncompleteFetchError, match="out of the order"):
        fetch_users(twisted(replay), known_ids=range(1, 161))


def test_r16a_a_portal_that_does_not_sort_is_not_trusted(twisted: Twister, sandbox: Sandbox) -> None:
    def unsorted(result: dict[str, Any]) -> None:
        result["result"]["default"] = result["result"]["default"][::-1]

    hire(sandbox, range(1, 61))
    with pytest.raises(IncompleteFetchError, match="does not sort its users by id"):
        fetch_users(twisted(unsorted), known_ids=None)


def test_r16a_an_answer_that_breaks_off_is_not_trusted(twisted: Twister, sandbox: Sandbox) -> None:
    def broken_off(result: dict[str, Any]) -> None:
        for name in pages_of(result):
            if int(result["result"][name][0]["ID"]) > 100:
                del result["result"][name]

    hire(sandbox, range(1, 200))
    with pytest.raises(IncompleteFetchError, match="truncated after 100 users"):
        fetch_users(twisted(broken_off), known_ids=range(1, 200))


def test_pages_that_are_left_out_are_asked_for_again(twisted: Twister, sandbox: Sandbox) -> None:
    def one_at_a_time(result: dict[str, Any]) -> None:
        for name in pages_of(result):
            if name > "p01":
                del result["result"][name]

    hire(sandbox, range(1, 400))
    fetch = fetch_users(twisted(one_at_a_time), known_ids=None)
    assert fetch.users["bitrix24_id"].tolist() == list(range(1, 400))


def test_a_short_page_that_is_not_the_end_is_survived(twisted: Twister, sandbox: Sandbox) -> None:
    """Rows the owner may not see are dropped after paging, and from the count too."""

    def drop_some(result: dict[str, Any]) -> None:
        for page in pages_of(result).values():
            page[:] = [row for row in page if int(row["ID"]) % 70]
        for name in ("default", "active"):
            if name in result["result_total"]:
                result["result_total"][name] = 195

    hire(sandbox, range(1, 199))
    sandbox.bitrix24 = Bitrix24Behavior()
    visible = [number for number in range(1, 199) if number % 70]
    assert len(visible) == 196
    with pytest.raises(IncompleteFetchError, match="read 196 users but the portal reports 195"):
        fetch_users(twisted(drop_some), known_ids=None)


def test_a_short_page_that_is_not_the_end_is_gone_on_from(twisted: Twister, sandbox: Sandbox) -> None:
    def drop_and_count(result: dict[str, Any]) -> None:
        for page in pages_of(result).values():
            page[:] = [row for row in page if int(row["ID"]) % 70]
        for name in ("default", "active"):
            if name in result["result_total"]:
                result["result_total"][name] = 196

    hire(sandbox, range(1, 199))
    fetch = fetch_users(twisted(drop_and_count), known_ids=range(1, 199))
    assert fetch.users["bitrix24_id"].tolist() == [number for number in range(1, 199) if number % 70]


def test_counts_missing_in_a_batch_are_asked_for_alone(twisted: Twister, sandbox: Sandbox) -> None:
    def uncounted(result: dict[str, Any]) -> None:
        result["result_total"] = []

    hire(sandbox, range(1, 61))
    fetch = fetch_users(twisted(uncounted), known_ids=range(1, 61))
    assert (len(fetch.users), fetch.portal_count, fetch.requests) == (60, 60, 3)
    alone = sandbox.requests[1].params
    assert (alone["FILTER"], alone["START"], alone["ORDER"]) == ({}, 0, "DESC")
    assert [request.params.get("FILTER") for request in sandbox.requests[2:]] == [{"ACTIVE": "true"}]


@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("batch_totals", [True, False])
@pytest.mark.parametrize("known", [None, range(1, 61)], ids=["first", "later"])
def test_r16a_nobody_dismissed_needs_no_total(
    client: Bitrix24, sandbox: Sandbox, counted: bool, batch_totals: bool, known: range | None
) -> None:
    sandbox.bitrix24 = Bitrix24Behavior(counts_nothing=counted, batch_totals=batch_totals)
    hire(sandbox, range(1, 61))
    fetch = fetch_users(client, known_ids=known)
    assert (len(fetch.users), fetch.portal_count, fetch.dismissed_hidden) == (60, 60, False)


def test_r16a_nobody_active_needs_no_total(client: Bitrix24, sandbox: Sandbox) -> None:
    hire(sandbox, range(1, 61), ACTIVE=False)
    assert fetch_users(client, known_ids=None).users["active"].tolist() == [False] * 60


def test_r16a_a_list_that_is_no_list_is_not_taken_for_an_empty_one(twisted: Twister, sandbox: Sandbox) -> None:
    def spoil(result: dict[str, Any]) -> None:
        result["result"]["dismissed"] = "no list"

    hire(sandbox, range(1, 61))
    assert fetch_users(twisted(spoil), known_ids=range(1, 61)).requests == 2


def test_r16a_a_portal_that_never_counts_is_not_trusted(clock: Clock) -> None:
    def response(request: httpx.Request) -> httpx.Response:
        commands = json.loads(request.content).get("cmd", {})
        row = {"ID": "1", "ACTIVE": True, "EMAIL": "", "USER_TYPE": "employee"}
        return httpx.Response(
            200, json={"result": {"result": {name: [row] for name in commands}} if commands else [row]}
        )

    bucket = LeakyBucket(clock=clock, sleep=clock.sleep)
    http = httpx.Client(transport=httpx.MockTransport(response), verify=TLS)
    client = Bitrix24("https://x.bitrix24.com/rest/1/abc/", http=http, clock=clock, sleep=clock.sleep, bucket=bucket)
    with pytest.raises(IncompleteFetchError, match="returned no user count"):
        fetch_users(client, known_ids=None)


PASSING = [
    FaultKind.CONNECTION_REFUSED,
    FaultKind.RESET_BEFORE,
    FaultKind.RESET_AFTER,
    FaultKind.HTTP_500,
    FaultKind.HTTP_502_HTML,
    FaultKind.HTTP_502_AFTER,
    FaultKind.OK_HTML,
    FaultKind.EMPTY_BODY,
    FaultKind.TRUNCATED_BODY,
    FaultKind.TRUNCATED_JSON,
    FaultKind.INTERNAL_ERROR_BEFORE,
    FaultKind.INTERNAL_ERROR_AFTER,
    FaultKind.QUERY_LIMIT_EXCEEDED,
    FaultKind.OPERATION_TIME_LIMIT,
    FaultKind.REDIRECT_302,
]
FINAL = [FaultKind.OVERLOAD_LIMIT, FaultKind.WEBHOOK_REVOKED_401, FaultKind.WEBHOOK_REVOKED_403]


def three_requests(sandbox: Sandbox) -> None:
    """A portal whose first fetch counts and reads the active users, then reads the dismissed ones."""
    sandbox.bitrix24 = Bitrix24Behavior(dismissed=DismissedUsers.HIDDEN_BY_DEFAULT)
    hire(sandbox, range(1, 131))
    for number in range(1, 131, 2):
        sandbox.portal.dismiss(number)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("kind", PASSING)
def test_a_fault_that_passes_costs_a_request_and_no_users(
    client: Bitrix24, sandbox: Sandbox, kind: FaultKind, nth: int
) -> None:
    three_requests(sandbox)
    sandbox.faults.add(Fault(kind=kind, api="bitrix24", nth=nth, times=1))
    fetch = fetch_users(client, known_ids=None)
    assert fetch.users["bitrix24_id"].tolist() == list(range(1, 131))
    assert fetch.requests == 4


@pytest.mark.sampled(2)
@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("kind", [FaultKind.TIMEOUT_BEFORE, FaultKind.TIMEOUT_AFTER])
def test_a_portal_that_falls_silent_once_costs_no_users(
    connect: Connect, sandbox: Sandbox, kind: FaultKind, nth: int
) -> None:
    three_requests(sandbox)
    sandbox.faults.add(Fault(kind=kind, api="bitrix24", nth=nth, times=1))
    with httpx.Client(timeout=SHORT, verify=TLS) as http:
        fetch = fetch_users(connect(http=http), known_ids=None)
    assert fetch.users["bitrix24_id"].tolist() == list(range(1, 131))


def test_r17_pages_that_never_end_are_read_no_longer_than_the_run_lasts(
    connect: Connect, sandbox: Sandbox, clock: Clock
) -> None:
    sandbox.bitrix24 = Bitrix24Behavior(tariff=None, endless_users=True)
    sandbox.on_request = lambda *_: clock.sleep(60)
    client = connect(deadline=START + 20 * 60)

    with pytest.raises(IncompleteFetchError, match=r"the run's time \(B24_PIPELINE_RUN_MINUTES\) was over"):
        read_ranges(client, {IdRange(0): 1, IdRange(10**9): 50}, EVERYBODY, end=EndCondition.SHORT_PAGE)

    assert len(sandbox.requests) <= 20


def test_r16a_more_users_than_any_portal_has_are_not_read() -> None:
    progress = Progress()
    progress.count(MAX_USERS)
    with pytest.raises(IncompleteFetchError, match="the portal returns an endless list of users: more than 1,000,000"):
        progress.count(1)


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("kind", FINAL)
def test_an_account_error_at_any_time_ends_the_fetch(
    client: Bitrix24, sandbox: Sandbox, kind: FaultKind, nth: int
) -> None:
    """The first two requests are sent at the same time."""
    three_requests(sandbox)
    sandbox.faults.add(Fault(kind=kind, api="bitrix24", nth=nth, times=None))
    with pytest.raises(AccountError):
        fetch_users(client, known_ids=None)
    assert len(sandbox.requests) == max(nth, 2)


def test_an_account_error_calls_off_the_windows_that_wait(client: Bitrix24, sandbox: Sandbox) -> None:
    known = range(1, 100_001)
    hire(sandbox, [1])
    sandbox.faults.add(Fault(kind=FaultKind.WEBHOOK_REVOKED_401, api="bitrix24", times=None))
    with pytest.raises(AccountError):
        fetch_users(client, known_ids=known)
    assert len(sandbox.requests) <= 1 + MAX_CONCURRENCY


def test_a_fault_that_stays_ends_the_fetch_after_some_tries(client: Bitrix24, sandbox: Sandbox) -> None:
    hire(sandbox, range(1, 61))
    sandbox.faults.add(Fault(kind=FaultKind.RESET_BEFORE, api="bitrix24", times=None))
    with pytest.raises(TransportError):
        fetch_users(client, known_ids=range(1, 61))
    assert len(sandbox.requests) == 5


def test_a_batch_the_portal_fails_under_is_repeated_with_fewer_pages(client: Bitrix24, sandbox: Sandbox) -> None:
    """The portal has time for 20 commands in one request; 47 pages are expected beside the 3 counts."""
    sandbox.bitrix24 = Bitrix24Behavior(call_seconds=3, request_seconds_limit=60, operating_limit=9_999)
    hire(sandbox, range(1, 2_301))
    fetch = fetch_users(client, known_ids=range(1, 2_301))
    assert fetch.users["bitrix24_id"].tolist() == list(range(1, 2_301))
    assert commands_sent(sandbox)[:3] == [3 + 47, 3 + 23, 3 + 11]


@pytest.mark.parametrize("told", [False, True])
def test_operating_time_used_up_in_mid_batch_is_waited_for(
    client: Bitrix24, sandbox: Sandbox, clock: Clock, told: bool
) -> None:
    sandbox.bitrix24 = Bitrix24Behavior(call_seconds=1, operating_limit=30, operating_error_has_time=told)
    hire(sandbox, range(1, 2_001))
    fetch = fetch_users(client, known_ids=range(1, 2_001))
    assert len(fetch.users) == 2_000
    assert max(clock.waits) > 300


@pytest.mark.parametrize(("told", "pause"), [(True, 600), (False, 60)])
def test_a_fetch_that_is_refused_at_once_waits_as_long_as_it_is_told_or_a_minute(
    client: Bitrix24, sandbox: Sandbox, clock: Clock, told: bool, pause: float
) -> None:
    sandbox.bitrix24 = Bitrix24Behavior(operating_error_has_time=told)
    hire(sandbox, range(1, 61))
    sandbox.faults.add(Fault(kind=FaultKind.OPERATION_TIME_LIMIT, api="bitrix24", nth=1, times=1))
    assert len(fetch_users(client, known_ids=range(1, 61)).users) == 60
    assert clock.waits == [pause]


def test_operating_time_that_stays_used_up_ends_the_fetch(client: Bitrix24, sandbox: Sandbox) -> None:
    hire(sandbox, range(1, 61))
    sandbox.faults.add(Fault(kind=FaultKind.OPERATION_TIME_LIMIT, api="bitrix24", times=None))
    with pytest.raises(OperationLimit):
        fetch_users(client, known_ids=range(1, 61))


def test_an_error_of_a_page_that_repeating_does_not_mend_ends_the_fetch(twisted: Twister, sandbox: Sandbox) -> None:
    def refuse(result: dict[str, Any]) -> None:
        for name in pages_of(result):
            if int(result["result"][name][0]["ID"]) > 50:
                del result["result"][name]
                result["result_error"][name] = {"error": "ERROR_ARGUMENT"}

    hire(sandbox, range(1, 161))
    with pytest.raises(RequestError):
        fetch_users(twisted(refuse), known_ids=None)


def test_an_error_of_a_count_ends_the_fetch(twisted: Twister, sandbox: Sandbox) -> None:
    def refuse(result: dict[str, Any]) -> None:
        result["result"].clear()
        result["result_error"]["active"] = {"error": "insufficient_scope"}

    hire(sandbox, range(1, 161))
    for known in (None, range(1, 161)):
        with pytest.raises(AccountError, match="lacks a scope"):
            fetch_users(twisted(refuse), known_ids=known)


def test_a_count_that_fails_for_the_moment_is_asked_for_again(twisted: Twister, sandbox: Sandbox) -> None:
    failures = iter([{"error": "INTERNAL_SERVER_ERROR"}])

    def fail_once(result: dict[str, Any]) -> None:
        for failure in failures:
            result["result"].clear()
            result["result_error"]["active"] = failure

    hire(sandbox, range(1, 61))
    fetch = fetch_users(twisted(fail_once), known_ids=range(1, 61))
    assert (len(fetch.users), fetch.requests) == (60, 2)


def test_no_scope_at_all_is_an_error_of_the_account(client: Bitrix24, sandbox: Sandbox) -> None:
    sandbox.bitrix24 = Bitrix24Behavior(scope=Scope.MISSING)
    hire(sandbox, [1])
    with pytest.raises(Bitrix24Error, match='tick "Users"'):
        fetch_users(client, known_ids=None)
