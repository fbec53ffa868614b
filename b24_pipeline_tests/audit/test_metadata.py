"""What is remembered from run to run, and whom the database belongs to."""

import pytest

from b24_pipeline import audit
from b24_pipeline.audit import Store
from b24_pipeline.audit.storage.exceptions import DatabaseOfAnotherConnection


def test_a_fact_is_remembered_and_replaced(store: Store) -> None:
    assert audit.metadata.fact(store.database, "update_mode") is None
    audit.metadata.put_facts(store.database, {"update_mode": "minimal"})
    audit.metadata.put_facts(store.database, {"update_mode": "echo"})
    assert audit.metadata.fact(store.database, "update_mode") == "echo"


def test_a_database_belongs_to_the_pair_that_used_it_first(store: Store) -> None:
    audit.metadata.bind(store.database, portal_host="acme.bitrix24.com", callgear_host="callapi.callgear.com")
    audit.metadata.bind(store.database, portal_host="acme.bitrix24.com", callgear_host="callapi.callgear.com")
    with pytest.raises(DatabaseOfAnotherConnection, match=r"belongs to acme\.bitrix24\.com"):
        audit.metadata.bind(store.database, portal_host="other.bitrix24.com", callgear_host="callapi.callgear.com")


def test_a_person_can_accept_a_new_address(store: Store) -> None:
    audit.metadata.bind(store.database, portal_host="acme.bitrix24.com", callgear_host="callapi.callgear.com")
    audit.metadata.rebind(store.database, portal_host="crm.acme.com", callgear_host="callapi.callgear.com")
    audit.metadata.bind(store.database, portal_host="crm.acme.com", callgear_host="callapi.callgear.com")
    assert audit.metadata.fact(store.database, "portal_host") == "crm.acme.com"
