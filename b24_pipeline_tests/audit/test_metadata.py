"""What is remembered from run to run, and whom the database belongs to."""

import pytest

from b24_pipeline.audit import Store
from b24_pipeline.audit.exceptions import DatabaseOfAnotherConnection


def test_a_fact_is_remembered_and_replaced(store: Store) -> None:
    assert store.fact("update_mode") is None
    store.put_facts({"update_mode": "minimal"})
    store.put_facts({"update_mode": "echo"})
    assert store.fact("update_mode") == "echo"


def test_a_database_belongs_to_the_pair_that_used_it_first(store: Store) -> None:
    store.bind(portal_host="acme.bitrix24.com", callgear_host="callapi.callgear.com")
    store.bind(portal_host="acme.bitrix24.com", callgear_host="callapi.callgear.com")
    with pytest.raises(DatabaseOfAnotherConnection, match=r"belongs to acme\.bitrix24\.com"):
        store.bind(portal_host="other.bitrix24.com", callgear_host="callapi.callgear.com")


def test_a_person_can_accept_a_new_address(store: Store) -> None:
    store.bind(portal_host="acme.bitrix24.com", callgear_host="callapi.callgear.com")
    store.rebind(portal_host="crm.acme.com", callgear_host="callapi.callgear.com")
    store.bind(portal_host="crm.acme.com", callgear_host="callapi.callgear.com")
    assert store.fact("portal_host") == "crm.acme.com"
