"""What the contract leaves open, and the client does not mind either way: one switch of the sandbox each."""

import pytest

from b24_pipeline.callgear.auth import Login
from b24_pipeline.callgear.client import CallGear
from b24_pipeline.callgear.create import NewEmployee, create_employee, create_or_adopt
from b24_pipeline.callgear.exceptions import AccountError, RecordError
from b24_pipeline.callgear.phones import PhoneEntry
from b24_pipeline.callgear.responsible_list import remove_responsible
from b24_pipeline.callgear.update import EmployeeUpdater
from b24_pipeline.sandbox import CallGearBehavior, Sandbox
from b24_pipeline.sandbox.callgear.errors import Mnemonic
from b24_pipeline_tests.callgear.conftest import Connect
from b24_pipeline_tests.callgear.test_client import methods
from b24_pipeline_tests.clock import Clock

SESSION_SECONDS = 100


def person(name: str, *phones: str) -> NewEmployee:
    return NewEmployee(
        last_name=f"(bitrix24) {name}",
        email=f"{name}@x.test",
        first_name="Ira",
        phone_numbers=tuple(PhoneEntry(phone) for phone in phones),
    )


def numbers(sandbox: Sandbox, callgear_id: int) -> list[str]:
    return [phone["phone_number"] for phone in sandbox.account.employees[callgear_id]["phone_numbers"]]


def test_r18_a_session_that_ends_in_mid_import_is_renewed_once_each_time_and_nobody_is_doubled(
    connect: Connect, sandbox: Sandbox, login: Login, clock: Clock
) -> None:
    sandbox.callgear = CallGearBehavior(session_seconds=SESSION_SECONDS)
    client = connect(credentials=login)

    for name in ("Adams", "Baker", "Clark"):
        create_or_adopt(client, person(name))
        clock.sleep(SESSION_SECONDS)
    client.call("get.employees")

    assert methods(sandbox).count("login.user") == 4
    assert [employee["last_name"] for employee in sandbox.account.employees.values()] == [
        "(bitrix24) Adams",
        "(bitrix24) Baker",
        "(bitrix24) Clark",
    ]


@pytest.mark.parametrize(
    ("ip_first", "reported"),
    [(False, "set a valid CALLGEAR_ACCESS_TOKEN"), (True, "add it under Account")],
)
def test_r18_whichever_check_of_the_account_comes_first_its_error_stops_and_says_what_to_do(
    client: CallGear, sandbox: Sandbox, ip_first: bool, reported: str
) -> None:
    sandbox.callgear = CallGearBehavior(
        checks_ip_first=ip_first, ip_whitelisted=False, token_refusal=Mnemonic.ACCESS_TOKEN_INVALID
    )

    with pytest.raises(AccountError, match=reported):
        client.call("get.employees")

    assert client.requests_sent == 1


def test_a_refused_ip_is_no_reason_to_log_in_again_though_the_session_has_ended_too(
    connect: Connect, sandbox: Sandbox, login: Login, clock: Clock
) -> None:
    client = connect(credentials=login)
    client.call("get.employees")
    clock.sleep(3601)
    sandbox.callgear = CallGearBehavior(checks_ip_first=True, ip_whitelisted=False)

    with pytest.raises(AccountError, match="add it under Account"):
        client.call("get.employees")

    assert methods(sandbox) == ["login.user", "get.employees", "get.employees"]


@pytest.mark.parametrize("required", [True, False])
def test_r11_phones_are_filled_whether_or_not_an_update_may_lack_the_last_name(
    client: CallGear, sandbox: Sandbox, required: bool
) -> None:
    sandbox.callgear = CallGearBehavior(requires_last_name=required)
    callgear_id = sandbox.account.add_employee(first_name="Ira", last_name="(bitrix24) Adams", email="a@x.test")

    EmployeeUpdater(client).update(
        callgear_id, last_name="(bitrix24) Adams", phone_numbers=(PhoneEntry("971505550142"),)
    )

    assert sandbox.account.employees[callgear_id]["last_name"] == "(bitrix24) Adams"
    assert numbers(sandbox, callgear_id) == ["971505550142"]


@pytest.mark.parametrize("stripped", [False, True])
def test_r05_phones_are_stored_as_sent_whatever_the_account_does_with_other_characters_than_digits(
    client: CallGear, sandbox: Sandbox, stripped: bool
) -> None:
    sandbox.callgear = CallGearBehavior(strips_plus=stripped)

    assert numbers(sandbox, create_employee(client, person("Adams", "971505550142"))) == ["971505550142"]


@pytest.mark.parametrize("refusal", [Mnemonic.INVALID_PARAMETER_VALUE, Mnemonic.DATA_LIMIT_EXCEEDED])
def test_r18_a_person_with_more_phones_than_the_account_takes_fails_alone(
    client: CallGear, sandbox: Sandbox, refusal: Mnemonic
) -> None:
    sandbox.callgear = CallGearBehavior(too_many_phones=refusal)

    with pytest.raises(RecordError) as caught:
        create_or_adopt(client, person("Adams", *(f"97150555{number:04}" for number in range(11))))

    assert caught.value.mnemonic == refusal.word
    assert methods(sandbox) == ["create.employees"]
    assert create_or_adopt(client, person("Baker")) in sandbox.account.employees


def test_r14_an_owner_of_deals_whom_the_account_lets_go_is_removed(client: CallGear, sandbox: Sandbox) -> None:
    sandbox.callgear = CallGearBehavior(deletes_owners_with_deals=True)
    sandbox.account.responsible = {"17": "Ira Lebedeva", "18": "Omar Nasser"}
    sandbox.account.owners_with_deals = {"17"}

    remove_responsible(client, ext_id="17")

    assert sandbox.account.responsible == {"18": "Omar Nasser"}
