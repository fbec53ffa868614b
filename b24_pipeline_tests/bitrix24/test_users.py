"""The complete fetch against a portal over HTTP: everybody, in few requests (R13)."""

from math import ceil

import pytest

from b24_pipeline.bitrix24.client import Bitrix24
from b24_pipeline.bitrix24.pagination import EMPLOYEES
from b24_pipeline.bitrix24.users import fetch_users
from b24_pipeline.sandbox import Bitrix24Behavior, Sandbox
from b24_pipeline.sandbox.bitrix24.behavior import (
    BlankStyle,
    DismissedUsers,
    Scope,
    TextInIdFilter,
    TimestampStyle,
    UnresolvedReference,
    UserTypeStyle,
)
from b24_pipeline_tests.bitrix24.conftest import commands_sent, hire
from b24_pipeline_tests.clock import Clock

SPARSE = 20

FIRST_FETCH = [
    (1, [7, 50]),
    (51, [7, 50]),
    (2_500, [7, 50]),
    (2_501, [7, 50, 1]),
    (10_000, [7, 50, 38, 38, 38, 36]),
    (10_001, [7, 50, 50, 50, 50, 1]),
]
LATER_FETCH = [
    (1, [5]),
    (50, [5]),
    (51, [6]),
    (2_300, [50]),
    (2_301, [27, 24]),
    (2_500, [26, 28]),
    (2_501, [26, 29]),
    (4_800, [50, 50]),
    (4_801, [36, 32, 33]),
    (10_000, [43, 40, 40, 40, 41]),
]


@pytest.mark.parametrize(("count", "commands"), FIRST_FETCH)
def test_a_first_fetch_reads_the_first_users_while_it_counts_and_then_the_other_windows(
    client: Bitrix24, sandbox: Sandbox, count: int, commands: list[int]
) -> None:
    hire(sandbox, range(1, count + 1))
    fetch = fetch_users(client, known_ids=None)
    assert fetch.users["bitrix24_id"].tolist() == list(range(1, count + 1))
    assert (fetch.requests, fetch.portal_count, fetch.dismissed_hidden) == (len(commands), count, False)
    assert sorted(commands_sent(sandbox)) == sorted(commands)
    assert fetch.requests <= -(-count // 2_500) + 2


@pytest.mark.parametrize(("count", "commands"), LATER_FETCH)
def test_a_later_fetch_counts_and_reads_at_the_same_time(
    client: Bitrix24, sandbox: Sandbox, count: int, commands: list[int]
) -> None:
    hire(sandbox, range(1, count + 1))
    fetch = fetch_users(client, known_ids=list(sandbox.portal.users)[::-1])
    assert fetch.users["bitrix24_id"].tolist() == list(range(1, count + 1))
    assert sorted(commands_sent(sandbox)) == sorted(commands)
    assert fetch.requests <= -(-count // 2_500) + 1


def test_where_many_ids_are_nobodys_the_borders_are_asked_for(client: Bitrix24, sandbox: Sandbox) -> None:
    hire(sandbox, range(SPARSE, 10_001 * SPARSE + 1, SPARSE))
    fetch = fetch_users(client, known_ids=None)
    assert fetch.users["bitrix24_id"].tolist() == list(sandbox.portal.users)
    assert sorted(commands_sent(sandbox)) == sorted([7, 50, 4, 50, 50, 50, 1])


def test_no_more_borders_are_asked_for_than_windows_are_read_at_once(
    client: Bitrix24, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("b24_pipeline.bitrix24.parallel_fetch.MAX_CONCURRENCY", 2)
    hire(sandbox, range(SPARSE, 12_500 * SPARSE + 1, SPARSE))
    fetch = fetch_users(client, known_ids=None)
    assert fetch.users["bitrix24_id"].tolist() == list(sandbox.portal.users)
    assert sorted(commands_sent(sandbox)) == sorted([7, 50, 1, 50, 50, 50, 50])


def test_some_ids_that_are_nobodys_cost_no_request_to_ask_for_borders(client: Bitrix24, sandbox: Sandbox) -> None:
    hire(sandbox, (number for number in range(1, 12_500) if number % 10))
    fetch = fetch_users(client, known_ids=None)
    assert fetch.users["bitrix24_id"].tolist() == list(sandbox.portal.users)
    assert sorted(commands_sent(sandbox)) == [7, 50, 50, 50, 50, 50]


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("count", [51, 10_000])
def test_sparse_ids_take_as_many_requests_as_dense_ones(
    client: Bitrix24, sandbox: Sandbox, count: int, known: bool
) -> None:
    hire(sandbox, range(SPARSE, count * SPARSE + 1, SPARSE))
    ids = list(sandbox.portal.users)
    fetch = fetch_users(client, known_ids=ids if known else None)
    assert fetch.users["bitrix24_id"].tolist() == ids
    dense = dict(LATER_FETCH if known else FIRST_FETCH)
    assert sorted(commands_sent(sandbox)) == sorted(dense[count])


@pytest.mark.parametrize("known", [range(1, 11), range(1, 6_001), range(9_000, 9_100), [10**9]])
def test_a_last_fetch_that_tells_nothing_of_today_costs_requests_and_no_users(
    client: Bitrix24, sandbox: Sandbox, known: range
) -> None:
    hire(sandbox, range(1, 3_001))
    assert len(fetch_users(client, known_ids=known).users) == 3_000


def test_r13_active_and_dismissed_users_of_every_type_are_read(client: Bitrix24, sandbox: Sandbox) -> None:
    hire(sandbox, [1, 2])
    hire(sandbox, [3], USER_TYPE="extranet")
    sandbox.portal.dismiss(2)
    users = fetch_users(client, known_ids=None).users
    assert users["active"].tolist() == [True, False, True]
    assert users["user_type"].tolist() == ["employee", "employee", "extranet"]


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("dismissed", [1, 120, 2_600])
def test_r13_dismissed_users_are_read_where_they_are_hidden(
    client: Bitrix24, sandbox: Sandbox, dismissed: int, known: bool
) -> None:
    sandbox.bitrix24 = Bitrix24Behavior(dismissed=DismissedUsers.HIDDEN_BY_DEFAULT)
    hire(sandbox, range(1, 2 * dismissed + 11))
    for number in range(1, 2 * dismissed, 2):
        sandbox.portal.dismiss(number)
    fetch = fetch_users(client, known_ids=list(sandbox.portal.users) if known else None)
    assert len(fetch.users) == fetch.portal_count == 2 * dismissed + 10
    assert fetch.dismissed_hidden
    assert (~fetch.users["active"]).sum() == dismissed


def test_dismissed_users_that_are_listed_are_not_asked_for_again(client: Bitrix24, sandbox: Sandbox) -> None:
    hire(sandbox, range(1, 20))
    sandbox.portal.dismiss(5)
    fetch = fetch_users(client, known_ids=range(1, 20))
    assert (fetch.requests, fetch.dismissed_hidden) == (1, False)


@pytest.mark.parametrize("text", TextInIdFilter)
@pytest.mark.parametrize("reference", UnresolvedReference)
@pytest.mark.parametrize("known", [False, True])
def test_every_fate_of_an_unresolved_reference_is_survived(
    client: Bitrix24, sandbox: Sandbox, reference: UnresolvedReference, text: TextInIdFilter, known: bool
) -> None:
    sandbox.bitrix24 = Bitrix24Behavior(unresolved_reference=reference, text_in_id_filter=text)
    hire(sandbox, range(1, 131))
    fetch = fetch_users(client, known_ids=range(1, 60) if known else None)
    assert fetch.users["bitrix24_id"].tolist() == list(range(1, 131))


VARIANTS = [
    *(Bitrix24Behavior(blanks=style) for style in BlankStyle),
    *(Bitrix24Behavior(timestamps=style) for style in TimestampStyle),
    Bitrix24Behavior(departments_as_text=True),
    Bitrix24Behavior(uncounted_total=None),
    Bitrix24Behavior(uncounted_supported=False),
    Bitrix24Behavior(select_supported=False),
    Bitrix24Behavior(scope=Scope.BASIC),
    Bitrix24Behavior(operating=False),
    Bitrix24Behavior(tariff=None),
    Bitrix24Behavior(dismissed=DismissedUsers.NEVER),
]


@pytest.mark.parametrize("behavior", VARIANTS)
def test_every_documented_spelling_gives_the_same_frame(
    client: Bitrix24, sandbox: Sandbox, behavior: Bitrix24Behavior
) -> None:
    sandbox.bitrix24 = behavior
    hire(sandbox, [1, 2], NAME="Ира", WORK_PHONE="+7 (495) 1", UF_DEPARTMENT=[4, 17])
    hire(sandbox, range(3, 60), NAME="", SECOND_NAME=None, UF_DEPARTMENT=[])
    users = fetch_users(client, known_ids=range(1, 60)).users
    assert users["bitrix24_id"].tolist() == list(range(1, 60))
    assert users["first_name"].isna().sum() == users["departments"].isna().sum() == 57
    assert users["departments"].tolist()[:2] == ["4,17", "4,17"]
    assert users["work_phone"].tolist()[0] == "+7 (495) 1"
    assert users["second_name"].isna().all()


@pytest.mark.parametrize("whole", [False, True])
def test_no_batch_is_too_long_for_the_portal(client: Bitrix24, sandbox: Sandbox, whole: bool) -> None:
    sandbox.bitrix24 = Bitrix24Behavior(refuses_overlong_batch=whole)
    hire(sandbox, range(1, 2_601))
    for known in (None, range(1, 2_301)):
        assert len(fetch_users(client, known_ids=known).users) == 2_600
    assert max(commands_sent(sandbox)) == 50


@pytest.mark.parametrize("count", [60, 2_600, 5_000])
def test_a_portal_that_refuses_pages_after_the_last_one_is_read_as_any_other(
    client: Bitrix24, sandbox: Sandbox, count: int
) -> None:
    sandbox.bitrix24 = Bitrix24Behavior(refuses_start_beyond_total=True)
    hire(sandbox, range(1, count + 1))
    fetch = fetch_users(client, known_ids=None)
    assert len(fetch.users) == fetch.portal_count == count
    assert fetch.requests <= ceil(count / 2_500) + 2


UNKNOWN_TYPES = [
    Bitrix24Behavior(user_type=UserTypeStyle.ABSENT),
    *(Bitrix24Behavior(user_type=UserTypeStyle.BLANK, blanks=style) for style in BlankStyle),
]


@pytest.mark.parametrize("known", [None, [1, 2, 3]])
@pytest.mark.parametrize("behavior", UNKNOWN_TYPES)
def test_where_rows_do_not_tell_the_type_only_employees_are_read(
    client: Bitrix24, sandbox: Sandbox, behavior: Bitrix24Behavior, known: list[int] | None
) -> None:
    sandbox.bitrix24 = behavior
    hire(sandbox, [1, 2])
    hire(sandbox, [3], USER_TYPE="extranet")
    fetch = fetch_users(client, known_ids=known)
    assert fetch.users["bitrix24_id"].tolist() == [1, 2]
    assert fetch.users["user_type"].tolist() == ["employee", "employee"]
    assert fetch.asked_for == EMPLOYEES
    assert fetch.portal_count == 2


def test_fetches_share_the_bucket_with_all_other_requests(client: Bitrix24, sandbox: Sandbox, clock: Clock) -> None:
    hire(sandbox, range(1, 11))
    for _ in range(44):
        client.call("profile")
    fetch_users(client, known_ids=range(1, 11))
    assert clock.waits == []
    fetch_users(client, known_ids=range(1, 11))
    assert clock.waits == [0.5]
    assert len(sandbox.requests) == client.requests_sent == 46
