from typing import Any

import pytest

from b24_pipeline.sandbox import Sandbox
from b24_pipeline.sandbox.callgear.behavior import Component
from b24_pipeline_tests.sandbox.clients import Account, Turn


def test_owners_are_created_renamed_listed_and_deleted(account: Account, sandbox: Sandbox) -> None:
    assert account.result("create.deal_employees", ext_id="17", name="Ira")["data"] == {"ext_id": "17"}
    assert account.result("update.deal_employees", ext_id="17", name="Irina")["data"] == {}
    assert account.result("update.deal_employees", ext_id="17")["data"] == {}
    assert account.result("get.deal_employees")["data"] == [{"ext_id": "17", "name": "Irina"}]
    assert account.result("delete.deal_employees", ext_id="17")["data"] == {}
    assert sandbox.account.responsible == {}
    assert [write.method for write in sandbox.writes()] == [
        "create.deal_employees",
        "update.deal_employees",
        "update.deal_employees",
        "delete.deal_employees",
    ]


@pytest.mark.parametrize(
    ("method", "params", "expected"),
    [
        ("create.deal_employees", {"ext_id": "17", "name": "Ira"}, "duplicate_entity"),
        ("update.deal_employees", {"ext_id": "18", "name": "Ira"}, "entity_not_found"),
        ("delete.deal_employees", {"ext_id": "18"}, "entity_not_found"),
        ("delete.deal_employees", {"ext_id": "17"}, "dependency_error"),
        ("delete.deal_employees", {"ext_id": 17}, "data_type_error"),
    ],
)
def test_refusals_name_the_ext_id(
    account: Account, sandbox: Sandbox, method: str, params: dict[str, Any], expected: Any
) -> None:
    sandbox.account.responsible["17"] = "Ira"
    sandbox.account.owners_with_deals.add("17")

    error = account.error(method, **params)

    assert (error["code"], error["data"]["mnemonic"], error["data"]["field"]) == (-32602, expected, "ext_id")
    assert error["data"]["value"] == params["ext_id"]
    assert sandbox.account.responsible == {"17": "Ira"}


def test_creating_a_listed_owner_may_pass_in_silence(account: Account, sandbox: Sandbox, set_account: Turn) -> None:
    sandbox.account.responsible["17"] = "Ira"
    set_account(accepts_known_owner=True)

    account.result("create.deal_employees", ext_id="17", name="Other")

    assert sandbox.account.responsible == {"17": "Ira"}


def test_an_owner_of_deals_may_be_deletable(account: Account, sandbox: Sandbox, set_account: Turn) -> None:
    sandbox.account.responsible["17"] = "Ira"
    sandbox.account.owners_with_deals.add("17")
    set_account(deletes_owners_with_deals=True)

    account.result("delete.deal_employees", ext_id="17")

    assert sandbox.account.responsible == {}


def test_deleted_owners_may_come_back_by_the_built_in_sync(
    account: Account, sandbox: Sandbox, set_account: Turn
) -> None:
    sandbox.account.responsible["17"] = "Ira"
    set_account(owners_reappear=True)

    account.result("delete.deal_employees", ext_id="17")

    assert account.result("get.deal_employees")["data"] == [{"ext_id": "17", "name": "Ira"}]


def test_without_the_component_every_method_of_the_list_is_refused(account: Account, set_account: Turn) -> None:
    set_account(components=frozenset(Component) - {Component.SALES_FUNNEL})

    for method in ("get.deal_employees", "delete.deal_employees"):
        error = account.error(method)
        assert (error["code"], error["data"]["mnemonic"]) == (-32008, "method_component_disabled")
        assert error["data"]["params"] == {"components": ["sales_funnel"]}
    account.result("get.employees")
