"""R13: the second, direct look-up of users whom a complete fetch does not hold."""

import json
from typing import Any

import httpx
import pytest

from b24_pipeline.bitrix24.client import Bitrix24
from b24_pipeline.bitrix24.exceptions import AccountError, IncompleteFetchError, TransportError
from b24_pipeline.bitrix24.lookup import look_up
from b24_pipeline.bitrix24.pagination import EMPLOYEES
from b24_pipeline.bitrix24.rate_limit import LeakyBucket
from b24_pipeline.sandbox import Bitrix24Behavior, Fault, FaultKind, Sandbox
from b24_pipeline.sandbox.bitrix24.behavior import DismissedUsers, UserTypeStyle
from b24_pipeline_tests.bitrix24.conftest import TLS, Connect, Twister, commands_sent, hire


@pytest.mark.parametrize("dismissed", [DismissedUsers.INCLUDED, DismissedUsers.HIDDEN_BY_DEFAULT])
def test_r13_only_who_is_nowhere_is_deleted(client: Bitrix24, sandbox: Sandbox, dismissed: DismissedUsers) -> None:
    sandbox.bitrix24 = Bitrix24Behavior(dismissed=dismissed)
    hire(sandbox, [1, 2, 3])
    sandbox.portal.dismiss(2)
    sandbox.portal.delete(3)
    assert look_up(client, [3, 2, 1, 999, 2]).deleted == {3, 999}


def test_r13_users_found_by_the_look_up_come_as_they_are(client: Bitrix24, sandbox: Sandbox) -> None:
    hire(sandbox, [1, 2, 3], NAME="Ira", USER_TYPE="extranet")
    sandbox.portal.dismiss(2)
    users = look_up(client, [2, 7, 3], asked_for=EMPLOYEES).unlisted
    assert users["bitrix24_id"].tolist() == [2, 3]
    assert users["active"].tolist() == [False, True]
    assert users["first_name"].tolist() == ["Ira", "Ira"]


@pytest.mark.parametrize("dismissed", [DismissedUsers.INCLUDED, DismissedUsers.HIDDEN_BY_DEFAULT])
def test_r13_who_is_there_but_is_no_employee_any_more_is_told_from_an_employee_where_rows_do_not_say(
    client: Bitrix24, sandbox: Sandbox, dismissed: DismissedUsers
) -> None:
    sandbox.bitrix24 = Bitrix24Behavior(dismissed=dismissed, user_type=UserTypeStyle.ABSENT)
    hire(sandbox, [1, 2, 3, 4])
    hire(sandbox, [5, 6], USER_TYPE="extranet")
    sandbox.portal.dismiss(2)
    sandbox.portal.dismiss(6)
    sandbox.portal.delete(4)
    missing = look_up(client, [2, 3, 4, 5, 6], asked_for=EMPLOYEES, control_user_id=1)
    assert missing.deleted == {4}
    assert missing.unlisted["bitrix24_id"].tolist() == [2, 3, 5, 6]
    assert missing.unlisted["active"].tolist() == [False, True, True, False]
    assert missing.unlisted["user_type"].fillna("").tolist() == ["employee", "employee", "", ""]
    assert commands_sent(sandbox) == [4]


def test_r13_a_portal_that_finds_nobody_by_type_proves_nobody_deleted(twisted: Twister, sandbox: Sandbox) -> None:
    def empty(result: dict[str, Any]) -> None:
        result["result"] |= {name: [] for name in result["result"] if name.startswith("fetched")}

    hire(sandbox, [1, 2])
    with pytest.raises(IncompleteFetchError, match="did not return the known user 1"):
        look_up(twisted(empty), [2, 3], asked_for=EMPLOYEES, control_user_id=1)


@pytest.mark.parametrize(
    ("count", "commands"), [(0, []), (1, [2]), (50, [2]), (51, [4]), (1_250, [50]), (1_251, [50, 2])]
)
def test_r13_looking_up_takes_a_request_for_1_250_users(
    client: Bitrix24, sandbox: Sandbox, count: int, commands: list[int]
) -> None:
    assert look_up(client, range(1, count + 1)).deleted == set(range(1, count + 1))
    assert commands_sent(sandbox) == commands


def test_r13_a_witness_who_is_not_found_proves_nobody_deleted(client: Bitrix24) -> None:
    with pytest.raises(IncompleteFetchError, match="did not return the known user 5"):
        look_up(client, [1, 2], control_user_id=5)


def test_r13_a_witness_who_is_found_is_not_in_the_result(client: Bitrix24, sandbox: Sandbox) -> None:
    hire(sandbox, [5, 6])
    missing = look_up(client, [6, 7], control_user_id=5)
    assert (missing.deleted, missing.unlisted["bitrix24_id"].tolist()) == ({7}, [6])
    assert look_up(client, [5, 6, 7], control_user_id=5).unlisted["bitrix24_id"].tolist() == [5, 6]
    assert look_up(client, [5, 6, *range(100, 200)], control_user_id=5).deleted == set(range(100, 200))
    assert commands_sent(sandbox) == [2, 2, 6]


@pytest.mark.parametrize("kind", [FaultKind.RESET_BEFORE, FaultKind.HTTP_502_HTML, FaultKind.TRUNCATED_JSON])
def test_r13_a_look_up_is_repeated_and_never_takes_a_fault_for_an_absence(
    connect: Connect, sandbox: Sandbox, kind: FaultKind
) -> None:
    hire(sandbox, [1])
    sandbox.faults.add(Fault(kind=kind, api="bitrix24", nth=1, times=2))
    assert look_up(connect(), [1, 2]).deleted == {2}
    sandbox.faults.clear()
    sandbox.faults.add(Fault(kind=FaultKind.RESET_BEFORE, api="bitrix24", times=None))
    with pytest.raises(TransportError):
        look_up(connect(), [1, 2])


def test_r13_a_dead_webhook_proves_nobody_deleted(client: Bitrix24, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(kind=FaultKind.WEBHOOK_REVOKED_403, api="bitrix24", times=None))
    with pytest.raises(AccountError):
        look_up(client, [1, 2])


def test_r13_a_portal_that_does_not_heed_the_ids_proves_nobody_deleted() -> None:
    def response(request: httpx.Request) -> httpx.Response:
        rows = {name: [{"ID": "99", "ACTIVE": True}] for name in json.loads(request.content)["cmd"]}
        return httpx.Response(200, json={"result": {"result": rows}})

    http = httpx.Client(transport=httpx.MockTransport(response), verify=TLS)
    client = Bitrix24("https://x.bitrix24.com/rest/1/abc/", http=http, bucket=LeakyBucket())
    with pytest.raises(IncompleteFetchError, match="returned users that were not requested"):
        look_up(client, [1, 2])
