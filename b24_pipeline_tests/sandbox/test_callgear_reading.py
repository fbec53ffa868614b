from typing import Any

import pytest

from b24_pipeline.sandbox import Sandbox
from b24_pipeline.sandbox.callgear.behavior import Metadata
from b24_pipeline_tests.sandbox.clients import Account, Turn


@pytest.fixture
def people(sandbox: Sandbox) -> list[int]:
    return [
        sandbox.account.add_employee(first_name="Maryam", last_name="Haddad", email="m@x.test", groups=[3301]),
        sandbox.account.add_employee(first_name="Omar", last_name="Nasser", email="O@x.test"),
        sandbox.account.add_employee(last_name="Petrova", patronymic="Igorevna"),
    ]


def found(account: Account, **params: Any) -> list[str]:
    return [row["last_name"] for row in account.result("get.employees", **params)["data"]]


def test_rows_have_every_column_and_read_shapes(account: Account, sandbox: Sandbox, people: list[int]) -> None:
    sandbox.account.edit_employee(people[0], phone_numbers=["971505550142", "97145550100...204"])

    row = account.result("get.employees", limit=1)["data"][0]

    assert row["full_name"] == "Haddad Maryam"
    assert row["groups"] == [{"group_id": 3301, "group_name": "Sales"}]
    assert row["phone_numbers"][1]["phone_number"] == "97145550100...204"
    assert row["phone_numbers"][0]["channels_count"] == 1
    assert (row["extension"], row["patronymic"]) == ({}, None)


def test_fields_choose_columns(account: Account, people: list[int]) -> None:
    rows = account.result("get.employees", fields=["id", "first_name"])["data"]

    assert rows[1] == {"id": people[1], "first_name": "Omar"}


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (("email", "=", "m@x.test"), ["Haddad"]),
        (("email", "=", "M@x.test"), []),
        (("id", ">", 704_002), ["Petrova"]),
        (("id", "<=", 704_002), ["Haddad", "Nasser"]),
    ],
)
def test_simple_filters(account: Account, condition: Any, expected: Any) -> None:
    field, operator, value = condition

    assert found(account, filter={"field": field, "operator": operator, "value": value}) == expected


@pytest.mark.usefixtures("people")
def test_filter_trees_nest(account: Account) -> None:
    def same(field: str, value: Any) -> dict[str, Any]:
        return {"field": field, "operator": "=", "value": value}

    either = {"condition": "or", "filters": [same("first_name", "Maryam"), same("first_name", "Omar")]}
    both = {"condition": "and", "filters": [either, same("email", "O@x.test")]}

    assert found(account, filter=either) == ["Haddad", "Nasser"]
    assert found(account, filter=both) == ["Nasser"]


@pytest.mark.usefixtures("people")
def test_paging_counts_all_matches(account: Account) -> None:
    assert found(account) == ["Haddad", "Nasser", "Petrova"]
    page = account.result("get.employees", limit=1, offset=1)
    assert [row["last_name"] for row in page["data"]] == ["Nasser"]
    assert page["metadata"]["total_items"] == 3
    assert found(account, offset=100) == []


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"limit": 10_001}, (-32602, "invalid_parameter_value", "limit")),
        ({"offset": 100_001}, (-32602, "invalid_parameter_value", "offset")),
        ({"limit": -1}, (-32602, "invalid_parameter_value", "limit")),
        ({"limit": "5"}, (-32602, "data_type_error", "limit")),
        ({"limits": 5}, (-32602, "unexpected_parameters", "limits")),
        ({"fields": [1]}, (-32602, "data_type_error", "fields")),
        ({"sort": [{"field": "id"}]}, (-32602, "sort_prohibited", "sort.field")),
    ],
)
def test_a_malformed_read_is_refused(account: Account, params: dict[str, Any], expected: Any) -> None:
    assert account.refusal("get.employees", **params) == expected


@pytest.mark.usefixtures("people")
def test_rows_may_come_in_another_order_each_time(account: Account, sandbox: Sandbox, set_account: Turn) -> None:
    for number in range(20):
        sandbox.account.add_employee(last_name=f"L{number:02}")
    set_account(shuffles_rows=True)

    orders = {tuple(found(account)) for _ in range(5)}

    assert len(orders) > 1
    assert len({tuple(sorted(order)) for order in orders}) == 1


@pytest.mark.usefixtures("people")
def test_metadata_may_be_missing_empty_or_wrong(account: Account, set_account: Turn) -> None:
    set_account(total_items_error=-1)
    assert account.result("get.employees")["metadata"]["total_items"] == 2
    set_account(metadata=Metadata.EMPTY_LIMITS)
    assert account.result("get.employees")["metadata"]["limits"] == {}
    set_account(metadata=Metadata.MISSING)
    assert set(account.result("get.employees")) == {"data"}


@pytest.mark.usefixtures("people")
def test_sip_lines_name_their_employee(account: Account, sandbox: Sandbox, people: list[int]) -> None:
    sandbox.account.add_sip_line(people[0], "0429117")

    (line,) = account.result("get.sip_lines", fields=["id", "phone_number", "employee_id", "employee_full_name"])[
        "data"
    ]
    assert line == {
        "id": 52_001,
        "phone_number": "0429117",
        "employee_id": people[0],
        "employee_full_name": "Haddad Maryam",
    }


def test_owners_may_be_sorted(account: Account, sandbox: Sandbox) -> None:
    sandbox.account.responsible = {"9": "A", "17": "B", "5": "C"}
    rising, falling = ([{"field": "ext_id", "order": order}] for order in ("asc", "desc"))

    for order, sorted_ids in ((rising, ["17", "5", "9"]), (falling, ["9", "5", "17"])):
        rows = account.result("get.deal_employees", sort=order)["data"]
        assert [row["ext_id"] for row in rows] == sorted_ids


def test_the_account_answers_in_its_own_shapes(account: Account) -> None:
    assert account.result("get.account") == {
        "meta_data": {},
        "data": [{"app_id": 31_337, "name": "Sandbox", "timezone": "Asia/Dubai"}],
    }
    data = account.result("getobj.account")["data"]
    assert "sales_funnel" in data["components"]
    assert data["permissions"][0]["is_insert"] is True
