from typing import Any

import pytest

from b24_pipeline.sandbox import Sandbox
from b24_pipeline.sandbox.callgear.behavior import PhonesOmitted
from b24_pipeline.sandbox.callgear.errors import Mnemonic
from b24_pipeline_tests.sandbox.clients import Account, Turn

EXTENSION = {
    "extension_phone_number": "117",
    "extension_voice_mail_enabled": False,
    "extension_queue_enabled": False,
}


def phone(digits: str, **settings: Any) -> dict[str, Any]:
    return {"phone_number": digits, **settings}


def numbers(sandbox: Sandbox, employee_id: int) -> list[str]:
    return [number["phone_number"] for number in sandbox.account.employees[employee_id]["phone_numbers"]]


def test_creating_answers_with_the_id_alone(account: Account, sandbox: Sandbox) -> None:
    result = account.result(
        "create.employees",
        first_name="Sara",
        last_name="Khalil",
        email="Sara@x.test",
        phone_numbers=[phone("971505550199", dial_time=30), phone("971505550198")],
        extension=EXTENSION,
        groups=[3301],
    )

    assert set(result) == {"id"}
    employee = sandbox.account.employees[result["id"]]
    assert (employee["email"], employee["groups"]) == ("Sara@x.test", [3301])
    assert [number["dial_time"] for number in employee["phone_numbers"]] == [30, 60]
    assert employee["extension"] == EXTENSION


def test_an_update_changes_what_is_sent_and_replaces_whole_arrays(account: Account, sandbox: Sandbox) -> None:
    employee_id = sandbox.account.add_employee(
        first_name="A", last_name="Old", phone_numbers=["100", "200"], groups=[3301, 3302]
    )

    assert account.result("update.employees", id=employee_id, last_name="New", email=None, groups=[3302]) == {}

    employee = sandbox.account.employees[employee_id]
    assert (employee["first_name"], employee["last_name"], employee["groups"]) == ("A", "New", [3302])
    assert numbers(sandbox, employee_id) == ["100", "200"]
    account.result("update.employees", id=employee_id, last_name="New", phone_numbers=[phone("300")])
    assert numbers(sandbox, employee_id) == ["300"]


@pytest.mark.parametrize(
    ("method", "params", "expected"),
    [
        ("create.employees", {}, (-32602, "required_parameter_missed", "last_name")),
        ("create.employees", {"last_name": ""}, (-32602, "required_parameter_missed", "last_name")),
        ("create.employees", {"last_name": 5}, (-32602, "data_type_error", "last_name")),
        ("create.employees", {"last_name": None}, (-32602, "data_type_error", "last_name")),
        ("create.employees", {"last_name": "A", "status_id": 1}, (-32602, "unexpected_parameters", "status_id")),
        ("create.employees", {"last_name": "A", "ext_id": "1"}, (-32602, "unexpected_parameters", "ext_id")),
        ("create.employees", {"last_name": "A", "groups": ["9"]}, (-32602, "data_type_error", "groups")),
        (
            "create.employees",
            {"last_name": "A", "phone_numbers": [phone("1", phone_id=1)]},
            (-32602, "unexpected_parameters", "phone_numbers.phone_id"),
        ),
        (
            "create.employees",
            {"last_name": "A", "phone_numbers": [{}]},
            (-32602, "required_parameter_missed", "phone_numbers.phone_number"),
        ),
        (
            "create.employees",
            {"last_name": "A", "phone_numbers": ["123"]},
            (-32602, "data_type_error", "phone_numbers"),
        ),
        (
            "create.employees",
            {"last_name": "A", "phone_numbers": [phone("+971 50 abc")]},
            (-32602, "invalid_parameter_value", "phone_numbers.phone_number"),
        ),
        (
            "create.employees",
            {"last_name": "A", "phone_numbers": [phone("٠١٢٣")]},
            (-32602, "invalid_parameter_value", "phone_numbers.phone_number"),
        ),
        ("update.employees", {"last_name": "A"}, (-32602, "required_parameter_missed", "id")),
        ("update.employees", {"id": "1", "last_name": "A"}, (-32602, "data_type_error", "id")),
        ("update.employees", {"id": 1, "last_name": "A"}, (-32602, "entity_not_found", "id")),
        ("update.employees", {"id": 1}, (-32602, "required_parameter_missed", "last_name")),
        (
            "update.employees",
            {"id": 1, "last_name": "A", "extension": {}},
            (-32602, "required_parameter_missed", "extension.extension_phone_number"),
        ),
        ("delete.employees", {"id": 1}, (-32601, "method_not_found", None)),
    ],
)
def test_a_malformed_write_is_refused_and_changes_nothing(
    account: Account, sandbox: Sandbox, method: str, params: dict[str, Any], expected: Any
) -> None:
    assert account.refusal(method, **params) == expected
    assert sandbox.account.employees == {}
    assert sandbox.writes() == []


def test_deleting_an_employee_is_a_violation_that_is_remembered(account: Account, sandbox: Sandbox) -> None:
    employee_id = sandbox.account.add_employee(last_name="A")

    account.error("delete.employees", id=employee_id)

    assert employee_id in sandbox.account.employees
    assert [request.method for request in sandbox.violations()] == ["delete.employees"]


def test_a_number_is_one_object_shared_by_its_holders(account: Account, sandbox: Sandbox) -> None:
    first = sandbox.account.add_employee(last_name="A", phone_numbers=["100"])

    second = account.result("create.employees", last_name="B", phone_numbers=[phone("100", dial_time=15)])["id"]

    shared = [sandbox.account.employees[holder]["phone_numbers"][0] for holder in (first, second)]
    assert shared[0] is shared[1]
    assert shared[0]["dial_time"] == 15


def test_a_number_sent_twice_is_held_once(account: Account, sandbox: Sandbox) -> None:
    employee_id = account.result("create.employees", last_name="A", phone_numbers=[phone("1"), phone("1")])["id"]

    assert numbers(sandbox, employee_id) == ["1"]


def test_a_phone_id_names_the_number_and_may_renumber_it(account: Account, sandbox: Sandbox) -> None:
    employee_id = sandbox.account.add_employee(last_name="A", phone_numbers=["100"])
    phone_id = sandbox.account.employees[employee_id]["phone_numbers"][0]["phone_id"]
    update = {"id": employee_id, "last_name": "A"}

    account.result("update.employees", **update, phone_numbers=[phone("200", phone_id=phone_id)])

    assert numbers(sandbox, employee_id) == ["200"]
    assert sandbox.account.number_of("100") is None
    refused = account.refusal("update.employees", **update, phone_numbers=[phone("200", phone_id=5)])
    assert refused == (-32602, "entity_not_found", "phone_numbers.phone_id")


def test_an_update_without_phones_may_be_accepted_refused_or_clear_them(
    account: Account, sandbox: Sandbox, set_account: Turn
) -> None:
    employee_id = sandbox.account.add_employee(last_name="A", phone_numbers=["100"])
    update = {"id": employee_id, "last_name": "B"}

    account.result("update.employees", **update)
    assert numbers(sandbox, employee_id) == ["100"]
    set_account(phones_omitted=PhonesOmitted.REQUIRED)
    assert account.refusal("update.employees", **update) == (-32602, "required_parameter_missed", "phone_numbers")
    set_account(phones_omitted=PhonesOmitted.CLEARING)
    account.result("update.employees", **update)
    assert numbers(sandbox, employee_id) == []


def test_an_update_without_last_name_may_be_accepted(account: Account, sandbox: Sandbox, set_account: Turn) -> None:
    employee_id = sandbox.account.add_employee(last_name="A")
    set_account(requires_last_name=False)

    account.result("update.employees", id=employee_id, first_name="Ira")

    assert sandbox.account.employees[employee_id]["first_name"] == "Ira"


def test_phone_settings_that_are_not_sent_may_be_reset(account: Account, sandbox: Sandbox, set_account: Turn) -> None:
    busy = {"phone_number": "100", "dial_time": 5, "channels_count": 9, "status": "inactive"}
    employee_id = sandbox.account.add_employee(last_name="A", phone_numbers=[busy])
    update = {"id": employee_id, "last_name": "A", "phone_numbers": [phone("100", dial_time=7)]}

    def settings() -> tuple[int, int, str]:
        number = sandbox.account.employees[employee_id]["phone_numbers"][0]
        return number["dial_time"], number["channels_count"], number["status"]

    account.result("update.employees", **update)
    assert settings() == (7, 9, "inactive")
    set_account(resets_phone_settings=True)
    account.result("update.employees", **update)
    assert settings() == (7, 1, "active")


@pytest.mark.parametrize(
    ("loses", "sends_phone_id", "stays_linked"), [(False, True, True), (False, False, False), (True, True, False)]
)
def test_a_sip_entry_written_back_may_lose_its_line(
    account: Account, sandbox: Sandbox, set_account: Turn, loses: bool, sends_phone_id: bool, stays_linked: bool
) -> None:
    employee_id = sandbox.account.add_employee(last_name="A", phone_numbers=["100"])
    line = sandbox.account.add_sip_line(employee_id, "0429117")
    set_account(loses_sip_entries=loses)
    read = account.result("get.employees")["data"][0]["phone_numbers"]
    assert [entry["phone_number"] for entry in read] == ["0429117", "100"]

    echoed = [{key: entry[key] for key in entry if sends_phone_id or key != "phone_id"} for entry in read]
    account.result("update.employees", id=employee_id, last_name="A", phone_numbers=echoed)

    assert numbers(sandbox, employee_id) == ["0429117", "100"]
    assert (sandbox.account.sip_lines[line]["employee_id"] == employee_id) is stays_linked


@pytest.mark.parametrize("mode", [Mnemonic.DUPLICATE_ENTITY, Mnemonic.ALREADY_IN_USE])
def test_a_second_employee_with_an_address_may_be_refused(
    account: Account, sandbox: Sandbox, set_account: Turn, mode: Any
) -> None:
    first = sandbox.account.add_employee(last_name="A", email="a@x.test")
    account.result("create.employees", last_name="B", email="a@x.test")
    set_account(duplicate_email=mode)

    assert account.refusal("create.employees", last_name="C", email="A@x.test") == (-32602, mode.word, "email")
    other = account.result("create.employees", last_name="D", email="d@x.test")["id"]
    assert account.refusal("update.employees", id=other, last_name="D", email="a@x.test")[1] == mode.word
    sandbox.account.remove_employee(704_002)
    account.result("update.employees", id=first, last_name="A", email="a@x.test")


def test_addresses_may_be_stored_in_lower_case(account: Account, sandbox: Sandbox, set_account: Turn) -> None:
    set_account(lowers_emails=True)

    employee_id = account.result("create.employees", last_name="A", email="Ira@X.Test")["id"]

    assert sandbox.account.employees[employee_id]["email"] == "ira@x.test"


@pytest.mark.parametrize("mode", [Mnemonic.INVALID_PARAMETER_VALUE, Mnemonic.DATA_LIMIT_EXCEEDED])
def test_more_than_ten_phones_are_refused(account: Account, set_account: Turn, mode: Any) -> None:
    set_account(too_many_phones=mode)
    eleven = [phone(str(100 + number)) for number in range(11)]

    assert account.refusal("create.employees", last_name="A", phone_numbers=eleven)[1:] == (mode.word, "phone_numbers")
    account.result("create.employees", last_name="A", phone_numbers=eleven[:10])


def test_a_plus_may_be_accepted_and_stripped(account: Account, sandbox: Sandbox, set_account: Turn) -> None:
    set_account(strips_plus=True)

    employee_id = account.result("create.employees", last_name="A", phone_numbers=[phone("+971505550100")])["id"]

    assert numbers(sandbox, employee_id) == ["971505550100"]
    assert sandbox.requests[-1].params["phone_numbers"] == [phone("+971505550100")], "recorded as sent"


def test_write_results_may_be_wrapped(account: Account, set_account: Turn) -> None:
    set_account(wraps_write_result=True)

    result = account.result("create.employees", last_name="A")

    assert result["data"] == {"id": 704_001}
    assert result["metadata"]["limits"]["minute_remaining"] == 59
    assert account.result("update.employees", id=704_001, last_name="B")["data"] == {}


def test_the_whole_employee_can_be_echoed_on_update_only_in_write_shape(account: Account, sandbox: Sandbox) -> None:
    employee_id = sandbox.account.add_employee(last_name="A", groups=[3301])
    read = account.result("get.employees")["data"][0]

    assert account.refusal("update.employees", id=employee_id, last_name="A", groups=read["groups"]) == (
        -32602,
        "data_type_error",
        "groups",
    )
