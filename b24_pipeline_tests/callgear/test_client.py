"""One call over HTTP: envelope, repeats, sessions, and secrets that appear nowhere."""

import json
import logging
import re
import socket
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

import b24_pipeline.callgear as package
from b24_pipeline.callgear.auth import AccessToken, Login
from b24_pipeline.callgear.client import CallGear
from b24_pipeline.callgear.exceptions import (
    AccountError,
    AccountFault,
    CallGearError,
    MethodError,
    NotSent,
    RequestError,
    UnknownOutcome,
)
from b24_pipeline.callgear.rate_limit import PointsBudget
from b24_pipeline.sandbox import CallGearBehavior, Fault, FaultKind, Sandbox
from b24_pipeline.sandbox.callgear.errors import Mnemonic
from b24_pipeline_tests.callgear.conftest import IMPATIENT, TLS, Connect, answering
from b24_pipeline_tests.clock import Clock
from b24_pipeline_tests.slow_server import IN_ANY_CASE, dripping, in_time

UNKNOWN = [
    FaultKind.CONNECTION_REFUSED,
    FaultKind.RESET_BEFORE,
    FaultKind.RESET_AFTER,
    FaultKind.TIMEOUT_BEFORE,
    FaultKind.TIMEOUT_AFTER,
    FaultKind.HTTP_500,
    FaultKind.HTTP_502_HTML,
    FaultKind.HTTP_502_AFTER,
    FaultKind.OK_HTML,
    FaultKind.EMPTY_BODY,
    FaultKind.TRUNCATED_BODY,
    FaultKind.TRUNCATED_JSON,
    FaultKind.INTERNAL_ERROR_BEFORE,
    FaultKind.INTERNAL_ERROR_AFTER,
    FaultKind.REDIRECT_302,
]
"""What the sandbox calls a refused connection is one closed without an answer: the request may have been read."""
LOST = [
    FaultKind.RESET_BEFORE,
    FaultKind.RESET_AFTER,
    FaultKind.HTTP_500,
    FaultKind.HTTP_502_AFTER,
    FaultKind.TIMEOUT_AFTER,
]
"""Some of them, with and without the request having acted, for callers that see no more than that."""


def methods(sandbox: Sandbox) -> list[str]:
    return [request.method for request in sandbox.requests]


def test_the_envelope_is_the_contract_s(clock: Clock) -> None:
    seen: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"jsonrpc": "2.0", "id": json.loads(request.content)["id"], "result": {}})

    http = httpx.Client(transport=httpx.MockTransport(respond))
    budget = PointsBudget(clock=clock, sleep=clock.sleep)
    client = CallGear("https://x.test/v2.0", credentials=AccessToken("key"), http=http, budget=budget, user_id=9)
    for method in ("get.employees", "get.account"):
        client.call(method, {"limit": 1})

    bodies = [json.loads(request.content) for request in seen]
    assert {(request.method, str(request.url)) for request in seen} == {("POST", "https://x.test/v2.0")}
    assert seen[0].headers["content-type"] == "application/json; charset=UTF-8"
    assert seen[0].headers["content-length"] == str(len(seen[0].content))
    assert [set(body) for body in bodies] == [{"jsonrpc", "id", "method", "params"}] * 2
    assert bodies[0]["id"] != bodies[1]["id"]
    assert [body["params"] for body in bodies] == [
        {"access_token": "key", "limit": 1, "user_id": 9},
        {"access_token": "key", "limit": 1},
    ]


@pytest.mark.parametrize("kind", UNKNOWN)
def test_a_read_is_repeated_after_a_fault(client: CallGear, sandbox: Sandbox, clock: Clock, kind: FaultKind) -> None:
    sandbox.faults.add(Fault(kind=kind, api="callgear", nth=1))

    result = client.call("get.employees")

    assert result.data == []
    assert (client.requests_sent, len(sandbox.requests)) == (2, 2)
    assert client.points_spent == 1
    assert clock.waits == [0.75]


@pytest.mark.parametrize("kind", UNKNOWN)
def test_r18_a_write_of_unknown_outcome_is_never_repeated_by_the_client(
    client: CallGear, sandbox: Sandbox, kind: FaultKind
) -> None:
    sandbox.faults.add(Fault(kind=kind, api="callgear", nth=1))

    with pytest.raises(UnknownOutcome) as caught:
        client.call("create.employees", {"last_name": "Lebedeva"})

    assert caught.value.outcome_unknown
    assert methods(sandbox) == ["create.employees"]
    assert len(sandbox.account.employees) == kind.acts


def test_a_fault_that_stays_ends_the_repeats(client: CallGear, sandbox: Sandbox, clock: Clock) -> None:
    sandbox.faults.add(Fault(kind=FaultKind.HTTP_502_HTML, api="callgear", times=None))

    with pytest.raises(UnknownOutcome, match="HTTP 502"):
        client.call("get.employees")

    assert client.requests_sent == 4
    assert clock.waits == [0.75, 1.5, 3.0]


def test_a_refused_connection_means_nothing_was_sent(http: httpx.Client, clock: Clock) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v2.0"
    budget = PointsBudget(clock=clock, sleep=clock.sleep)
    client = CallGear(url, credentials=AccessToken("key"), http=http, budget=budget, random=lambda: 0.0)

    with pytest.raises(NotSent) as caught:
        client.call("create.employees", {"last_name": "Lebedeva"})

    assert not caught.value.outcome_unknown
    assert client.requests_sent == 4
    assert clock.waits == [0.5, 1.0, 2.0]


def test_an_answer_that_drips_is_waited_for_as_long_as_one_that_does_not_come(clock: Clock) -> None:
    budget = PointsBudget(clock=clock, sleep=clock.sleep)
    with dripping() as drip, in_time(timeout=IMPATIENT, authorities=TLS) as http:
        client = CallGear(drip.url, credentials=AccessToken("key"), http=http, budget=budget)

        with pytest.raises(UnknownOutcome, match=r"create\.employees: CallGear did not answer within"):
            client.call("create.employees", {"last_name": "Lebedeva"})

        assert drip.hung_up.wait(IN_ANY_CASE)


def test_an_untrusted_certificate_stops_and_says_so() -> None:
    def respond(_: Any) -> Any:
        raise httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] unable to get local issuer certificate")

    with pytest.raises(AccountError, match="CA bundle") as caught:
        answering(respond).call("get.employees")

    assert caught.value.fault is AccountFault.CERTIFICATE


def test_a_session_that_the_service_echoes_is_blanked() -> None:
    session = "session-0123456789"

    def respond(envelope: dict[str, Any]) -> dict[str, Any]:
        if envelope["method"] == "login.user":
            return {"result": {"data": {"access_token": session}}}
        reported = f"{session} {envelope['params']['access_token']}"
        return {"error": {"code": -32603, "message": reported, "data": {"mnemonic": "error", "field": reported}}}

    client = answering(respond, credentials=Login("api", "a long password"))

    with pytest.raises(CallGearError) as caught:
        client.call("create.employees", {"last_name": "Lebedeva"})

    assert session not in str(caught.value)


def test_an_answer_to_another_request_is_not_taken() -> None:
    client = answering(lambda _: {"id": "another", "result": {"id": 7}})

    with pytest.raises(UnknownOutcome, match="another request"):
        client.call("create.employees")


@pytest.mark.parametrize("echoes_id", [True, False])
@pytest.mark.parametrize("status", [200, 400, 500])
def test_errors_are_read_with_any_status_and_id(
    client: CallGear, sandbox: Sandbox, echoes_id: bool, status: int
) -> None:
    sandbox.callgear = CallGearBehavior(echoes_error_id=echoes_id, error_http_status=status)

    with pytest.raises(RequestError, match="unexpected_parameters"):
        client.call("create.employees", {"last_name": "Lebedeva", "nickname": "Ira"})

    assert client.requests_sent == 1


@pytest.mark.parametrize(
    ("behavior", "fault"),
    [
        (CallGearBehavior(token_refusal=Mnemonic.ACCESS_TOKEN_INVALID), AccountFault.TOKEN_INVALID),
        (CallGearBehavior(token_refusal=Mnemonic.ACCESS_TOKEN_EXPIRED), AccountFault.TOKEN_EXPIRED),
        (CallGearBehavior(token_refusal=Mnemonic.ACCESS_TOKEN_BLOCKED), AccountFault.TOKEN_BLOCKED),
        (CallGearBehavior(ip_whitelisted=False), AccountFault.IP_NOT_WHITELISTED),
        (CallGearBehavior(account_active=False), AccountFault.INACTIVE),
    ],
)
def test_r18_an_account_error_stops_at_once(
    client: CallGear, sandbox: Sandbox, behavior: CallGearBehavior, fault: AccountFault
) -> None:
    sandbox.callgear = behavior

    with pytest.raises(AccountError) as caught:
        client.call("get.employees")

    assert caught.value.fault is fault
    assert client.requests_sent == 1


def test_a_right_or_component_that_is_missing_is_the_method_s_matter(client: CallGear, sandbox: Sandbox) -> None:
    sandbox.callgear = CallGearBehavior(rights=frozenset(), components=frozenset())

    for method, mnemonic in (("get.employees", "forbidden"), ("get.deal_employees", "method_component_disabled")):
        with pytest.raises(MethodError) as caught:
            client.call(method)
        assert (caught.value.method, caught.value.mnemonic) == (method, mnemonic)


def test_a_login_opens_one_session_for_all_threads(connect: Connect, sandbox: Sandbox, login: Login) -> None:
    client = connect(credentials=login)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: client.call("get.employees"), range(16)))

    assert methods(sandbox).count("login.user") == 1


@pytest.mark.parametrize("word", [Mnemonic.ACCESS_TOKEN_INVALID, Mnemonic.ACCESS_TOKEN_EXPIRED])
def test_an_ended_session_is_renewed_once_for_all_threads(
    connect: Connect, sandbox: Sandbox, login: Login, clock: Clock, word: Mnemonic
) -> None:
    sandbox.callgear = CallGearBehavior(expired_session=word)
    client = connect(credentials=login)
    client.call("get.employees")
    clock.sleep(3601)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: client.call("get.employees"), range(8)))

    assert methods(sandbox).count("login.user") == 2


def test_a_new_session_that_is_refused_too_is_the_end(connect: Connect, sandbox: Sandbox, login: Login) -> None:
    sandbox.faults.add(Fault(kind=FaultKind.TOKEN_INVALID, api="callgear", method="get.employees", times=None))

    with pytest.raises(AccountError):
        connect(credentials=login).call("get.employees")

    assert methods(sandbox) == ["login.user", "get.employees", "login.user", "get.employees"]


def test_a_blocked_account_is_no_reason_to_log_in_again(connect: Connect, sandbox: Sandbox, login: Login) -> None:
    sandbox.faults.add(Fault(kind=FaultKind.TOKEN_BLOCKED, api="callgear", method="get.employees", times=None))

    with pytest.raises(AccountError):
        connect(credentials=login).call("get.employees")

    assert methods(sandbox) == ["login.user", "get.employees"]


def test_a_wrong_password_is_tried_once(connect: Connect, sandbox: Sandbox) -> None:
    client = connect(credentials=Login("sandbox", "wrong-password"))

    for _ in range(3):
        with pytest.raises(AccountError, match="CALLGEAR_LOGIN") as caught:
            client.call("get.employees")

    assert caught.value.fault is AccountFault.WRONG_LOGIN
    assert methods(sandbox) == ["login.user"]


def test_a_login_without_a_token_is_no_login(clock: Clock, login: Login) -> None:
    http = httpx.Client(
        transport=httpx.MockTransport(
            lambda request: httpx.Response(200, json={"id": json.loads(request.content)["id"], "result": {"data": {}}})
        )
    )
    budget = PointsBudget(clock=clock, sleep=clock.sleep)
    client = CallGear("https://x.test/v2.0", credentials=login, http=http, budget=budget)

    with pytest.raises(UnknownOutcome, match="no access token"):
        client.call("get.employees")


def test_a_deprecated_version_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    reported = {"current_version_deprecated": True, "current_version": "v2.0", "latest_version": "v3.0"}
    client = answering(lambda _: {"result": {"data": [], "metadata": {"api_version": reported}}})

    for _ in range(3):
        client.call("get.employees")

    assert [record.levelname for record in caplog.records] == ["WARNING"]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("kind", [*UNKNOWN, FaultKind.TOKEN_INVALID, FaultKind.IP_NOT_WHITELISTED, FaultKind.LIMIT_DAY])
def test_no_secret_is_in_any_text(
    connect: Connect, sandbox: Sandbox, login: Login, caplog: pytest.LogCaptureFixture, kind: FaultKind
) -> None:
    caplog.set_level(logging.DEBUG)
    person = {
        "last_name": "Lebedeva",
        "email": "ira.lebedeva@x.test",
        "phone_numbers": [{"phone_number": "971505550142"}],
    }
    sandbox.faults.add(Fault(kind=kind, api="callgear", method="create.employees", times=None))
    texts = []
    for credentials in (AccessToken("sandbox-access-token-0123456789"), login):
        client = connect(credentials=credentials)
        with pytest.raises(CallGearError) as caught:
            client.call("create.employees", person)
        texts += [*traceback.format_exception(caught.value), repr(caught.value), repr(credentials), repr(client)]

    secrets = ["sandbox-access-token", "sandbox-session", "sandbox-password", "ira.lebedeva", "971505550142"]
    assert not [secret for secret in secrets if secret in "".join(texts) + caplog.text]


def test_the_server_s_own_words_do_not_bring_a_secret_in() -> None:
    error = {
        "code": -32602,
        "message": "secret-key may not give 971505550142 to ira@x.test",
        "data": {"mnemonic": "invalid_parameter_value", "field": "email", "value": "ira@x.test"},
    }

    with pytest.raises(CallGearError) as caught:
        answering(lambda _: {"error": error}).call("create.employees")

    assert str(caught.value) == "create.employees: invalid_parameter_value, field email, value of 10 characters"


def test_r13_the_package_calls_no_method_that_deletes_an_employee() -> None:
    source = "".join(path.read_text("utf-8") for path in Path(package.__file__).parent.glob("*.py"))

    assert set(re.findall(r"\bdelete\.\w+", source)) == {"delete.deal_employees"}
    assert not re.findall(r"(?:def|class) \w*delete\w*", source, re.IGNORECASE)


def test_an_agent_names_its_user(connect: Connect, sandbox: Sandbox) -> None:
    sandbox.callgear = replace(sandbox.callgear, is_agent=True)

    with pytest.raises(RequestError, match="user_id"):
        connect().call("get.employees")

    assert connect(user_id=9).call("get.employees").data == []
