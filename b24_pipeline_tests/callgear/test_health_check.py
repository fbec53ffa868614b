"""The health check says of each thing whether it is right or what to do, and changes nothing."""

from dataclasses import replace

import pytest

from b24_pipeline.callgear.client import CallGear
from b24_pipeline.callgear.health_check import check_callgear
from b24_pipeline.check_result import CheckResult
from b24_pipeline.sandbox import CallGearBehavior, Fault, FaultKind, Sandbox
from b24_pipeline.sandbox.callgear.behavior import Component, Metadata, Right
from b24_pipeline.sandbox.callgear.errors import Mnemonic


def failed(checks: list[CheckResult]) -> dict[str, str]:
    return {check.name: check.text for check in checks if not check.passed}


def test_a_good_account_passes_and_is_named(client: CallGear, sandbox: Sandbox) -> None:
    sandbox.account.add_employee(last_name="Sokolova")
    sandbox.account.responsible = {"17": "Ira Lebedeva"}

    checks = check_callgear(client)

    assert failed(checks) == {}
    assert [check.text for check in checks] == [
        "the access token and the IP address are accepted",
        "Sandbox (number 31337)",
        "employees can be seen, added and changed; there are 1",
        "it can be read; it has 1 people",
        "2,999 of 3,000 are left today",
    ]
    assert sandbox.writes() == []
    assert client.points_spent == 4


@pytest.mark.parametrize(
    ("behavior", "text"),
    [
        (CallGearBehavior(token_refusal=Mnemonic.ACCESS_TOKEN_INVALID), "CALLGEAR_ACCESS_TOKEN"),
        (CallGearBehavior(token_refusal=Mnemonic.ACCESS_TOKEN_BLOCKED), "blocked"),
        (CallGearBehavior(ip_whitelisted=False), "127.0.0.1"),
        (CallGearBehavior(account_active=False), "account is blocked"),
    ],
)
def test_without_access_that_is_the_only_line(
    client: CallGear, sandbox: Sandbox, behavior: CallGearBehavior, text: str
) -> None:
    sandbox.callgear = behavior

    (check,) = check_callgear(client)

    assert not check.passed
    assert text in check.text


def test_an_unreachable_callgear_is_a_line_too(client: CallGear, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(kind=FaultKind.HTTP_502_HTML, api="callgear", times=None))

    assert failed(check_callgear(client)) == {
        "CallGear access": "get.employees: HTTP 502, something other than CallGear's API answered, an HTML page"
        ' "Bad Gateway": check CALLGEAR_API_URL, the proxy and the firewall'
    }


def test_missing_rights_are_named(client: CallGear, sandbox: Sandbox) -> None:
    sandbox.callgear = CallGearBehavior(rights=frozenset({Right.SELECT_EMPLOYEES}))

    assert failed(check_callgear(client)) == {
        "CallGear employee rights": "give the token's user the right to add and change employees"
    }


def test_without_the_right_to_see_employees_there_is_no_import(client: CallGear, sandbox: Sandbox) -> None:
    sandbox.callgear = CallGearBehavior(rights=frozenset())

    assert "forbidden" in failed(check_callgear(client))["CallGear employees"]


def test_a_missing_component_says_what_to_do(client: CallGear, sandbox: Sandbox) -> None:
    sandbox.callgear = CallGearBehavior(components=frozenset(Component) - {Component.SALES_FUNNEL})

    assert "enable the component sales_funnel" in failed(check_callgear(client))["CallGear responsible list"]


def test_rights_that_are_not_told_are_no_failure(client: CallGear, sandbox: Sandbox) -> None:
    sandbox.callgear = CallGearBehavior(components=frozenset({Component.SALES_FUNNEL}))

    checks = check_callgear(client)

    assert failed(checks) == {}
    assert "not visible" in checks[2].text


def test_an_account_that_may_not_be_named_is_no_failure(client: CallGear, sandbox: Sandbox) -> None:
    sandbox.faults.add(
        Fault(kind=FaultKind.MNEMONIC, api="callgear", method="get.account", code=-32003, mnemonic="forbidden")
    )

    assert failed(check_callgear(client)) == {}


def test_few_points_are_a_failure(client: CallGear, sandbox: Sandbox) -> None:
    sandbox.account.points.use_elsewhere(0)
    sandbox.callgear = CallGearBehavior(minute_limit=5000)
    sandbox.account.points.use_elsewhere(2695)

    assert failed(check_callgear(client)) == {}
    sandbox.account.points.use_elsewhere(10)
    assert "wait for the next day" in failed(check_callgear(client))["CallGear points"]


def test_points_that_are_not_told_are_no_failure(client: CallGear, sandbox: Sandbox) -> None:
    sandbox.callgear = replace(sandbox.callgear, metadata=Metadata.MISSING)

    assert failed(check_callgear(client)) == {}


def test_a_fault_in_one_check_does_not_hide_the_others(client: CallGear, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(kind=FaultKind.HTTP_500, api="callgear", method="get.account", times=None))

    checks = check_callgear(client)

    assert list(failed(checks)) == ["CallGear account"]
    assert len(checks) == 5
