"""What tests and people change directly, without an API."""

import pytest

from b24_pipeline.sandbox import Sandbox
from b24_pipeline_tests.sandbox.clients import Account


def test_an_employee_is_added_edited_and_removed(sandbox: Sandbox, account: Account) -> None:
    employee_id = sandbox.account.add_employee(last_name="A", phone_numbers=["100"])
    line = sandbox.account.add_sip_line(employee_id, "0429117")

    sandbox.account.edit_employee(employee_id, last_name="B", phone_numbers=["100", {"phone_number": "200"}])
    (row,) = account.result("get.employees")["data"]
    assert (row["last_name"], [entry["phone_number"] for entry in row["phone_numbers"]]) == ("B", ["100", "200"])

    sandbox.account.remove_employee(employee_id)
    assert account.result("get.employees")["data"] == []
    assert sandbox.account.sip_lines[line]["employee_id"] is None
    assert account.result("get.sip_lines")["data"][0]["employee_full_name"] is None
    assert sandbox.account.add_employee(last_name="C") == employee_id + 1, "ids are never given again"


def test_a_field_nobody_has_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="surname"):
        sandbox.account.add_employee(surname="A")
    with pytest.raises(ValueError, match="SURNAME"):
        sandbox.portal.edit(sandbox.portal.hire(NAME="A"), SURNAME="B")


def test_employees_added_one_after_another_share_nothing(sandbox: Sandbox) -> None:
    first, second = (sandbox.account.add_employee(last_name=name) for name in "AB")

    sandbox.account.add_sip_line(first, "0429117")
    sandbox.account.employees[first]["groups"].append(3301)

    assert sandbox.account.employees[second]["phone_numbers"] == []
    assert sandbox.account.employees[second]["groups"] == []


def test_a_requests_list_tells_writes_from_reads_and_failures(sandbox: Sandbox, account: Account) -> None:
    account.result("get.employees")
    account.result("create.employees", last_name="A")
    account.error("create.employees")

    assert [request.method for request in sandbox.requests] == ["get.employees", "create.employees", "create.employees"]
    assert [request.number for request in sandbox.writes()] == [2]
