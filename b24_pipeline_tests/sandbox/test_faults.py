import threading
from typing import Any

import httpx
import pytest

from b24_pipeline.sandbox import (
    Bitrix24Behavior,
    DropRequest,
    Fault,
    FaultKind,
    Latency,
    Phase,
    RequestSeen,
    Sandbox,
    serve,
)
from b24_pipeline_tests.clock import Clock
from b24_pipeline_tests.sandbox.clients import NOON, Account, Portal

CREATE = "create.employees"


def outcome(account: Account, timeout: float = 5) -> str:
    """The name of the transport error, or the status and the start of the body."""
    params = {"access_token": account.token, "last_name": "A"}
    call = {"jsonrpc": "2.0", "id": 1, "method": CREATE, "params": params}
    try:
        answer = account.http.post(account.url, json=call, timeout=timeout)
    except httpx.HTTPError as error:
        return type(error).__name__
    return f"{answer.status_code} {answer.text[:6]}"


@pytest.mark.parametrize(
    ("kind", "seen_by_client", "acted"),
    [
        (FaultKind.CONNECTION_REFUSED, "RemoteProtocolError", False),
        (FaultKind.RESET_BEFORE, "ReadError", False),
        (FaultKind.RESET_AFTER, "ReadError", True),
        (FaultKind.TIMEOUT_BEFORE, "ReadTimeout", False),
        (FaultKind.TIMEOUT_AFTER, "ReadTimeout", True),
        (FaultKind.HTTP_500, "500 <html>", False),
        (FaultKind.HTTP_502_HTML, "502 <html>", False),
        (FaultKind.HTTP_502_AFTER, "502 <html>", True),
        (FaultKind.OK_HTML, "200 <html>", False),
        (FaultKind.EMPTY_BODY, "200 ", True),
        (FaultKind.TRUNCATED_BODY, "RemoteProtocolError", True),
        (FaultKind.TRUNCATED_JSON, '200 {"json', True),
        (FaultKind.REDIRECT_302, "302 ", False),
    ],
)
def test_each_broken_transport(
    account: Account, sandbox: Sandbox, kind: FaultKind, seen_by_client: str, acted: bool
) -> None:
    sandbox.faults.add(Fault(kind=kind, api="callgear", method=CREATE, nth=1))

    assert outcome(account, timeout=0.05 if "TIMEOUT" in kind.name else 5) == seen_by_client
    assert (len(sandbox.account.employees), sandbox.requests[0].acted) == (int(acted), acted)
    assert (sandbox.requests[0].fault, len(sandbox.writes())) == (kind.name, int(acted))
    assert outcome(account).startswith('200 {"'), "the next request is served"


def test_a_request_may_be_carried_out_long_after_it_has_failed(
    account: Account, sandbox: Sandbox, clock: Clock
) -> None:
    sandbox.faults.add(Fault(kind=FaultKind.HTTP_504_LATER, api="callgear", method=CREATE, nth=1, seconds=10))

    assert outcome(account) == "504 <html>"
    clock.sleep(9.5)
    account.error("get.nothing")
    assert (len(sandbox.account.employees), sandbox.requests[0].acted) == (0, False)
    clock.sleep(0.5)
    account.error("get.nothing")
    assert (len(sandbox.account.employees), sandbox.requests[0].acted) == (1, True)


@pytest.mark.parametrize(
    ("kind", "code", "mnemonic"),
    [
        (FaultKind.INTERNAL_ERROR_BEFORE, -32603, "internal_error"),
        (FaultKind.INTERNAL_ERROR_AFTER, -32603, "internal_error"),
        (FaultKind.LIMIT_MINUTE, -32029, "limit_exceeded"),
        (FaultKind.LIMIT_DAY, -32029, "limit_exceeded"),
        (FaultKind.TOKEN_INVALID, -32001, "access_token_invalid"),
        (FaultKind.TOKEN_EXPIRED, -32001, "access_token_expired"),
        (FaultKind.TOKEN_BLOCKED, -32001, "access_token_blocked"),
        (FaultKind.IP_NOT_WHITELISTED, -32003, "ip_not_whitelisted"),
        (FaultKind.ACCOUNT_INACTIVE, -32009, "account_inactive"),
    ],
)
def test_each_refusal_of_the_account(
    account: Account, sandbox: Sandbox, kind: FaultKind, code: Any, mnemonic: str
) -> None:
    sandbox.faults.add(Fault(kind=kind, api="callgear"))

    assert account.refusal(CREATE, last_name="A")[:2] == (code, mnemonic)
    assert len(sandbox.account.employees) == int(kind is FaultKind.INTERNAL_ERROR_AFTER)


@pytest.mark.parametrize("limit", ["minute", "day"])
def test_a_limit_fault_says_which_budget_is_empty(account: Account, sandbox: Sandbox, limit: str) -> None:
    sandbox.faults.add(Fault(kind=FaultKind[f"LIMIT_{limit.upper()}"]))

    data = account.error("get.employees")["data"]

    assert data["params"]["limit_type"] == limit
    assert data["metadata"]["limits"][f"{limit}_remaining"] == 0


def test_any_record_error_can_be_made(account: Account, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(kind=FaultKind.MNEMONIC, mnemonic="tariff_restrictions", code=-32602, field="email"))

    assert account.refusal(CREATE, last_name="A") == (-32602, "tariff_restrictions", "email")
    assert sandbox.account.employees == {}


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (FaultKind.QUERY_LIMIT_EXCEEDED, 503, "QUERY_LIMIT_EXCEEDED"),
        (FaultKind.OVERLOAD_LIMIT, 503, "OVERLOAD_LIMIT"),
        (FaultKind.OPERATION_TIME_LIMIT, 429, "OPERATION_TIME_LIMIT"),
        (FaultKind.INTERNAL_ERROR_BEFORE, 500, "INTERNAL_SERVER_ERROR"),
        (FaultKind.INTERNAL_ERROR_AFTER, 500, "INTERNAL_SERVER_ERROR"),
        (FaultKind.WEBHOOK_REVOKED_401, 401, "NO_AUTH_FOUND"),
        (FaultKind.WEBHOOK_REVOKED_403, 403, "INVALID_CREDENTIALS"),
        (FaultKind.WEBHOOK_MISTYPED, 401, "INVALID_CREDENTIALS"),
        (FaultKind.PAYMENT_REQUIRED, 402, "PAYMENT_REQUIRED"),
        (FaultKind.PORTAL_DELETED, 403, "PORTAL_DELETED"),
        (FaultKind.PORTAL_CLOSED, 500, "PORTAL_DELETED"),
        (FaultKind.OWNER_IN_EXTRANET, 403, "allowed_only_intranet_user"),
        (FaultKind.PLAN_WITHOUT_REST, 403, "ACCESS_DENIED"),
        (FaultKind.WRONG_ENCODING, 200, "WRONG_ENCODING"),
        (FaultKind.EMPTY_CODE, 403, ""),
    ],
)
def test_each_refusal_of_the_portal(portal: Portal, sandbox: Sandbox, kind: FaultKind, status: int, code: Any) -> None:
    sandbox.faults.add(Fault(kind=kind, api="bitrix24", nth=1))

    answer = portal.raw("user.get")

    assert (answer.status_code, answer.json()["error"]) == (status, code)
    assert portal.raw("user.get").status_code == 200


@pytest.mark.parametrize(
    ("kind", "status", "begins", "ends"),
    [
        (FaultKind.LOGIN_REQUIRED, 401, "<html>", "</html>"),
        (FaultKind.FORBIDDEN_PAGE, 403, "<html>", "</html>"),
        (FaultKind.NOT_FOUND_PAGE, 404, "<html>", "</html>"),
        (FaultKind.LOGIN_PAGE, 200, "<html>", "</form>"),
        (FaultKind.OTHER_JSON, 403, '{"message"', "}"),
        (FaultKind.WARNING_BEFORE, 200, "<br />", "}"),
        (FaultKind.PAGE_AFTER, 200, '{"result"', "</html>"),
        (FaultKind.ANSWER_TWICE, 200, '{"result"', "}"),
    ],
)
def test_each_answer_that_is_not_only_the_portals(
    portal: Portal, sandbox: Sandbox, kind: FaultKind, status: int, begins: str, ends: str
) -> None:
    sandbox.faults.add(Fault(kind=kind, api="bitrix24", nth=1))

    answer = portal.raw("user.get")

    assert (answer.status_code, answer.text.startswith(begins), answer.text.endswith(ends)) == (status, True, True)
    assert sandbox.requests[0].acted is kind.acts
    assert ("www-authenticate" in answer.headers) is (kind is FaultKind.LOGIN_REQUIRED)


def test_a_refusal_for_operating_time_may_say_when_to_go_on(portal: Portal, sandbox: Sandbox) -> None:
    sandbox.bitrix24 = Bitrix24Behavior(operating_error_has_time=True)
    sandbox.faults.add(Fault(kind=FaultKind.OPERATION_TIME_LIMIT, api="bitrix24"))

    assert portal.json("user.get")["time"]["operating_reset_at"] == NOON + 600


def test_a_fault_of_the_other_system_is_a_plain_500(portal: Portal, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(kind=FaultKind.TOKEN_BLOCKED))

    assert portal.raw("user.get").status_code == 500


def test_a_moved_portal_answers_under_its_new_name(portal: Portal, sandbox: Sandbox, http: httpx.Client) -> None:
    sandbox.portal.hire(NAME="A")
    sandbox.faults.add(Fault(kind=FaultKind.REDIRECT_302, nth=1))

    location = portal.raw("user.get", {"filter": {"ID": 1}}).headers["location"]

    assert location == portal.url.replace("127.0.0.1", "localhost") + "user.get"
    assert http.post(location, json={"filter": {"ID": 1}}).json()["total"] == 1


def test_a_redirect_can_lead_anywhere(portal: Portal, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(kind=FaultKind.REDIRECT_302, location="https://elsewhere.test/"))

    assert portal.raw("user.get").headers["location"] == "https://elsewhere.test/"


@pytest.mark.parametrize(
    ("nth", "times", "expected"),
    [
        (1, 1, "x...."),
        (2, 2, ".xx.."),
        (3, None, "..xxx"),
        (None, 1, "xxxxx"),
        (None, 2, "xx..."),
    ],
)
def test_a_fault_is_met_by_the_nth_request_of_its_method_and_as_often_as_said(
    account: Account, sandbox: Sandbox, nth: int | None, times: int | None, expected: Any
) -> None:
    account.raw("get.employees")
    sandbox.faults.add(Fault(kind=FaultKind.HTTP_500, api="callgear", method="get.employees", nth=nth, times=times))

    statuses = []
    for _ in range(5):
        account.raw("get.statuses")
        statuses.append(account.raw("get.employees").status_code)

    assert "".join("x" if status == 500 else "." for status in statuses) == expected


def test_faults_can_be_cleared(portal: Portal, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(kind=FaultKind.HTTP_500))
    sandbox.faults.clear()

    assert portal.raw("user.get").status_code == 200


def test_the_hook_sees_each_request_before_and_after_the_server_acts(account: Account, sandbox: Sandbox) -> None:
    seen: list[tuple[int, str, Phase, int]] = []

    def note(request: RequestSeen, phase: Phase) -> None:
        seen.append((request.number, request.method, phase, len(sandbox.account.employees)))

    sandbox.on_request = note
    account.result(CREATE, last_name="A")

    assert seen == [(1, CREATE, Phase.BEFORE, 0), (1, CREATE, Phase.AFTER, 1)]


def test_the_hook_may_drop_a_request_before_the_server_acts(account: Account, sandbox: Sandbox) -> None:
    def drop(_: RequestSeen, phase: Phase) -> None:
        if phase is Phase.BEFORE:
            raise DropRequest

    sandbox.on_request = drop

    assert outcome(account) == "ReadError"
    assert (sandbox.account.employees, sandbox.writes()) == ({}, [])


def test_a_server_stops_at_once_while_a_client_still_waits() -> None:
    sandbox = Sandbox(latency=Latency(request=30))
    errors: list[str] = []
    sandbox.faults.add(Fault(kind=FaultKind.TIMEOUT_AFTER, api="bitrix24"))

    def wait(url: str) -> None:
        try:
            httpx.post(url, json={}, timeout=30, verify=False)
        except httpx.HTTPError as error:
            errors.append(type(error).__name__)

    with serve(sandbox) as server:
        waiting = [
            threading.Thread(target=wait, args=(url,))
            for url in (server.webhook_url + "user.get", server.webhook_url + "scope")
        ]
        for thread in waiting:
            thread.start()
        while len(sandbox.requests) < 2:
            threading.Event().wait(0.005)
    for thread in waiting:
        thread.join(timeout=10)

    assert len(errors) == 2


def test_simulated_latency_lets_requests_overlap() -> None:
    sandbox = Sandbox(latency=Latency(request=0.2))
    order: list[tuple[int, Phase]] = []
    sandbox.on_request = lambda _, phase: order.append((len(sandbox.requests), phase))

    with serve(sandbox) as server, httpx.Client(verify=False) as http:
        threads = [
            threading.Thread(target=http.post, args=(server.webhook_url + "scope",), kwargs={"json": {}})
            for _ in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(order) == 40
    assert order[0][0] > 1, "others had arrived before the first was carried out"
