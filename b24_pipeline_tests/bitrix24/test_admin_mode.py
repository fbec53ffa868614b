"""`ADMIN_MODE`: asked for where the portal takes it, decided once, and missed nowhere (contract 2.1)."""

from typing import Any

import httpx
import pytest

from b24_pipeline.bitrix24.client import Bitrix24
from b24_pipeline.bitrix24.exceptions import AccountError
from b24_pipeline.bitrix24.users import fetch_users
from b24_pipeline.sandbox import Bitrix24Behavior, Sandbox
from b24_pipeline.sandbox.bitrix24.behavior import AdminMode, Scope
from b24_pipeline_tests.bitrix24.conftest import Connect, Twister, hire
from b24_pipeline_tests.clock import Clock


@pytest.fixture
def staffed(sandbox: Sandbox) -> Sandbox:
    """60 users, of whom lists show 30 without administrator mode."""
    hire(sandbox, range(1, 31))
    hire(sandbox, range(31, 61), UF_DEPARTMENT=[])
    return sandbox


@pytest.mark.parametrize("known", [None, range(1, 61)], ids=["first", "later"])
@pytest.mark.parametrize("admin", [True, False], ids=["administrator", "other"])
@pytest.mark.parametrize("mode", AdminMode)
def test_every_portal_is_read_as_far_as_it_lists_users(
    client: Bitrix24, staffed: Sandbox, mode: AdminMode, admin: bool, known: range | None
) -> None:
    staffed.bitrix24 = Bitrix24Behavior(lists_without_department=False, admin_mode=mode, owner_is_admin=admin)
    heeded = admin and mode in (AdminMode.HEEDED, AdminMode.ADMINISTRATORS_ONLY)
    assert len(fetch_users(client, known_ids=known).users) == (60 if heeded else 30)


@pytest.mark.parametrize("mode", AdminMode)
def test_a_portal_that_refuses_is_asked_without_it_from_then_on(
    client: Bitrix24, staffed: Sandbox, mode: AdminMode
) -> None:
    staffed.bitrix24 = Bitrix24Behavior(admin_mode=mode, owner_is_admin=False)
    refuses = mode in (AdminMode.UNKNOWN, AdminMode.ADMINISTRATORS_ONLY)
    requests = [fetch_users(client, known_ids=range(1, 61)).requests for _ in range(2)]
    assert requests == ([2, 1] if refuses else [1, 1])


def test_counts_that_are_asked_for_alone_are_in_the_same_mode(client: Bitrix24, staffed: Sandbox) -> None:
    staffed.bitrix24 = Bitrix24Behavior(lists_without_department=False, batch_totals=False)
    assert fetch_users(client, known_ids=range(1, 61)).portal_count == 60


def test_a_fault_that_passes_decides_nothing(twisted: Twister, staffed: Sandbox) -> None:
    failures = iter(["INTERNAL_SERVER_ERROR", "OPERATION_TIME_LIMIT"])

    def fail_twice(result: dict[str, Any]) -> None:
        for failure in failures:
            result["result"].clear()
            result["result_error"]["default"] = {"error": failure}
            return

    staffed.bitrix24 = Bitrix24Behavior(lists_without_department=False)
    assert len(fetch_users(twisted(fail_twice), known_ids=range(1, 61)).users) == 60


def test_an_error_that_has_nothing_to_do_with_it_is_the_portals_own(connect: Connect, staffed: Sandbox) -> None:
    staffed.bitrix24 = Bitrix24Behavior(scope=Scope.MISSING)
    with pytest.raises(AccountError, match="insufficient_scope"):
        fetch_users(connect(), known_ids=range(1, 61))
    assert len(staffed.requests) == 2


def test_a_request_under_way_while_another_finds_the_parameter_refused_is_sent_again_too(clock: Clock) -> None:
    sent: list[bool] = []

    def response(request: httpx.Request) -> httpx.Response:
        asked = b"ADMIN_MODE" in request.content
        sent.append(asked)
        if len(sent) == 1:
            client.batch_once({"u": "user.get?start=0"})
        error = {"error": "ERROR_ARGUMENT", "error_description": "Unknown parameter"}
        result = {"result": {} if asked else {"u": []}, "result_error": {"u": error} if asked else {}}
        return httpx.Response(200, json={"result": result})

    http = httpx.Client(transport=httpx.MockTransport(response))
    client = Bitrix24("https://portal.test/rest/1/code/", http=http, clock=clock, sleep=clock.sleep)

    assert client.batch_once({"u": "user.get?start=0"}).results == {"u": []}
    assert sent == [True, True, False, False]
