from typing import Any

import httpx
import pytest

from b24_pipeline.sandbox import Sandbox, Server
from b24_pipeline.sandbox.callgear.behavior import Component, Right
from b24_pipeline.sandbox.callgear.errors import Mnemonic
from b24_pipeline_tests.clock import Clock
from b24_pipeline_tests.sandbox.clients import Account, Turn

GOOD = {"jsonrpc": "2.0", "id": 7, "method": "get.account", "params": {}}


@pytest.mark.parametrize("body", [b"{", b"", b"[]", b"5", b'{"id": 1, "method": "get.account"}'])
def test_a_broken_envelope_is_refused_with_a_null_id(account: Account, http: httpx.Client, body: bytes) -> None:
    answer = http.post(account.url, content=body).json()

    assert (answer["id"], answer["error"]["code"], answer["error"]["data"]["mnemonic"]) == (
        None,
        -32600,
        "invalid_request",
    )


def test_the_id_is_echoed_in_results_and_record_errors_and_null_for_the_account_s_own(
    account: Account, set_account: Turn
) -> None:
    assert account.raw("get.account").json()["id"] == "r1"
    assert account.raw("create.employees").json()["id"] == "r1"
    assert account.raw("get.nothing").json()["id"] == "r1"
    set_account(echoes_error_id=False)
    assert account.raw("create.employees").json()["id"] is None
    set_account(echoes_error_id=True, token_refusal=Mnemonic.ACCESS_TOKEN_INVALID)
    assert account.raw("get.account").json()["id"] is None


def test_an_unknown_method_is_refused_before_the_token_is_looked_at(account: Account) -> None:
    assert account.refusal("get.nothing", access_token="wrong")[:2] == (-32601, "method_not_found")


@pytest.mark.parametrize(
    "refusal", [Mnemonic.ACCESS_TOKEN_INVALID, Mnemonic.ACCESS_TOKEN_EXPIRED, Mnemonic.ACCESS_TOKEN_BLOCKED]
)
def test_a_dead_key_is_refused(account: Account, set_account: Turn, refusal: Mnemonic) -> None:
    set_account(token_refusal=refusal)

    assert account.refusal("get.employees") == (-32001, refusal.word, "access_token")


def test_a_wrong_or_missing_token_is_invalid(account: Account, http: httpx.Client) -> None:
    assert account.refusal("get.employees", access_token="wrong")[1] == "access_token_invalid"
    assert http.post(account.url, json=GOOD).json()["error"]["data"]["mnemonic"] == "access_token_invalid"


def test_the_ip_error_names_the_address_and_may_come_before_the_token(account: Account, set_account: Turn) -> None:
    set_account(ip_whitelisted=False)
    error = account.error("get.employees")
    assert (error["code"], error["data"]["mnemonic"]) == (-32003, "ip_not_whitelisted")
    assert error["message"] == "Your IP 127.0.0.1 is not whitelisted"

    set_account(token_refusal=Mnemonic.ACCESS_TOKEN_BLOCKED)
    assert account.refusal("get.employees")[1] == "access_token_blocked"
    set_account(checks_ip_first=True)
    assert account.refusal("get.employees")[1] == "ip_not_whitelisted"


@pytest.mark.parametrize(
    ("switches", "method", "expected"),
    [
        ({"account_active": False}, "get.account", (-32009, "account_inactive")),
        ({"rights": frozenset()}, "get.employees", (-32003, "forbidden")),
        ({"rights": frozenset({Right.SELECT_EMPLOYEES})}, "create.employees", (-32003, "forbidden")),
        ({"rights": frozenset({Right.SELECT_EMPLOYEES})}, "update.employees", (-32003, "forbidden")),
        ({"components": frozenset()}, "getobj.account", (-32008, "method_component_disabled")),
        ({"components": frozenset({Component.SALES_FUNNEL})}, "get.sip_lines", (-32008, "method_component_disabled")),
    ],
)
def test_what_the_account_or_key_lacks_is_refused(
    account: Account, set_account: Turn, switches: dict[str, Any], method: str, expected: Any
) -> None:
    set_account(**switches)

    assert account.refusal(method)[:2] == expected


def test_an_agent_must_say_for_whom_and_a_client_may(account: Account, set_account: Turn) -> None:
    account.result("get.employees", user_id=5)
    set_account(is_agent=True)

    assert account.refusal("get.employees") == (-32602, "required_parameter_missed", "user_id")
    account.result("get.employees", user_id=5)


def test_errors_may_come_with_another_http_status(account: Account, set_account: Turn) -> None:
    set_account(error_http_status=400)

    answer = account.raw("create.employees")

    assert (answer.status_code, "error" in answer.json()) == (400, True)
    assert account.raw("get.account").status_code == 200


def test_a_session_lives_for_an_hour(account: Account, server: Server, clock: Clock, set_account: Turn) -> None:
    params = {"login": server.login, "password": server.password}
    data = account.http.post(account.url, json={**GOOD, "method": "login.user", "params": params}).json()["result"][
        "data"
    ]
    assert (data["expire_at"], data["app_id"]) == (clock.seconds + 3600, 31_337)
    account.token = session = data["access_token"]
    account.result("get.employees")
    clock.sleep(3600)
    assert account.refusal("get.employees")[1] == "access_token_invalid"
    set_account(expired_session=Mnemonic.ACCESS_TOKEN_EXPIRED)
    assert account.refusal("get.employees", access_token=session)[1] == "access_token_expired"


def test_a_wrong_password_is_an_auth_error(account: Account, http: httpx.Client) -> None:
    params = {"login": "sandbox", "password": "wrong"}

    error = http.post(account.url, json={**GOOD, "method": "login.user", "params": params}).json()["error"]

    assert (error["code"], error["data"]["mnemonic"]) == (-32001, "auth_error")


def test_secrets_are_not_remembered(account: Account, sandbox: Sandbox, http: httpx.Client) -> None:
    account.raw("get.account")
    http.post(account.url, json={**GOOD, "method": "login.user", "params": {"login": "a", "password": "b"}})

    assert [request.params for request in sandbox.requests] == [{}, {"login": "a"}]
    assert account.token not in repr(sandbox.requests)


def spend(account: Account, times: int) -> list[str]:
    outcomes = []
    for _ in range(times):
        answer = account.raw("get.employees").json()
        outcomes.append("ok" if "result" in answer else answer["error"]["data"]["params"]["limit_type"])
    return outcomes


def test_a_success_costs_one_point_and_a_failure_none(account: Account, sandbox: Sandbox) -> None:
    account.raw("create.employees")
    account.raw("get.nothing")
    assert sandbox.account.points.spent == 0

    limits = account.result("get.employees")["metadata"]["limits"]

    assert sandbox.account.points.spent == 1
    assert limits == {
        "day_limit": 3000,
        "day_remaining": 2999,
        "day_reset": 50_400,
        "minute_limit": 60,
        "minute_remaining": 59,
        "minute_reset": 60,
    }


def test_the_minute_refuses_and_comes_back(account: Account, clock: Clock, set_account: Turn) -> None:
    set_account(minute_limit=3)
    clock.sleep(10)

    assert spend(account, 5) == ["ok"] * 3 + ["minute"] * 2
    error = account.error("get.employees")
    assert error["code"] == -32029
    assert error["data"]["params"] == {"limit_type": "minute", "limit_max_value": 3}
    assert error["data"]["metadata"]["limits"]["minute_reset"] == 50
    clock.sleep(50)
    assert spend(account, 1) == ["ok"]


def test_the_day_refuses_until_midnight(account: Account, clock: Clock, set_account: Turn) -> None:
    set_account(day_limit=2)

    assert spend(account, 3) == ["ok", "ok", "day"]
    clock.sleep(account.error("get.employees")["data"]["metadata"]["limits"]["day_reset"] - 1)
    assert spend(account, 1) == ["day"]
    clock.sleep(1)
    assert spend(account, 1) == ["ok"]


def test_a_sliding_window_gives_points_back_one_by_one(account: Account, clock: Clock, set_account: Turn) -> None:
    set_account(minute_limit=2, sliding_window=True)
    assert spend(account, 1) == ["ok"]
    clock.sleep(20)
    assert spend(account, 2) == ["ok", "minute"]
    assert account.error("get.employees")["data"]["metadata"]["limits"]["minute_reset"] == 40

    clock.sleep(41)

    assert spend(account, 2) == ["ok", "minute"]


def test_other_integrations_spend_the_same_points(account: Account, sandbox: Sandbox, set_account: Turn) -> None:
    set_account(minute_limit=5)

    sandbox.account.points.use_elsewhere(4)

    assert spend(account, 2) == ["ok", "minute"]


def test_the_budget_is_checked_before_the_parameters(account: Account, set_account: Turn) -> None:
    set_account(minute_limit=0)

    assert account.refusal("create.employees")[1] == "limit_exceeded"
