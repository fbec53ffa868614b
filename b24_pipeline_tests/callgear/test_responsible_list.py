"""R14 and R15: the responsible list is read whole, and each change can be sent again."""

from typing import Any

import pytest

from b24_pipeline.callgear.client import CallGear
from b24_pipeline.callgear.exceptions import IncompleteReadError, MethodError, RecordError, RecordFault, UnknownOutcome
from b24_pipeline.callgear.responsible_list import (
    MAX_ROWS,
    add_responsible,
    fetch_responsible,
    remove_responsible,
    rename_responsible,
)
from b24_pipeline.sandbox import CallGearBehavior, Fault, FaultKind, Sandbox
from b24_pipeline.sandbox.callgear.behavior import Metadata
from b24_pipeline_tests.callgear.conftest import answering
from b24_pipeline_tests.callgear.test_client import LOST, methods


def test_r15_the_whole_list_is_read_in_one_request(client: CallGear, sandbox: Sandbox) -> None:
    sandbox.callgear = CallGearBehavior(shuffles_rows=True)
    sandbox.account.responsible = {str(number): f"Person {number}" for number in range(2_000)}

    assert fetch_responsible(client) == sandbox.account.responsible
    assert client.points_spent == 1


@pytest.mark.parametrize("metadata", list(Metadata))
def test_r15_a_list_of_several_pages_is_read_whole(client: CallGear, sandbox: Sandbox, metadata: Metadata) -> None:
    sandbox.callgear = CallGearBehavior(metadata=metadata)
    sandbox.account.responsible = {str(number): "Somebody" for number in range(12_000)}

    assert len(fetch_responsible(client)) == 12_000
    assert client.points_spent == 2


def test_an_empty_list_is_a_list(client: CallGear) -> None:
    assert fetch_responsible(client) == {}


@pytest.mark.parametrize("error", [1, -1])
def test_r15_a_list_that_differs_from_its_total_is_not_trusted(client: CallGear, sandbox: Sandbox, error: int) -> None:
    sandbox.callgear = CallGearBehavior(total_items_error=error)
    sandbox.account.responsible = {"17": "Ira Lebedeva", "18": "Omar Nasser"}

    with pytest.raises(IncompleteReadError):
        fetch_responsible(client)


def test_r15_the_same_person_twice_is_not_trusted() -> None:
    rows = [{"ext_id": "17", "name": "Ira"}] * 2

    with pytest.raises(IncompleteReadError, match="1 different owners in 2 rows"):
        fetch_responsible(answering(lambda _: {"result": {"data": rows, "metadata": {"total_items": 2}}}))


def test_r15_a_list_that_is_whole_the_second_time_is_taken() -> None:
    answers: Any = iter([[], [{"ext_id": "17", "name": None}]])

    def response(_: Any) -> dict[str, Any]:
        return {"result": {"data": next(answers), "metadata": {"total_items": 1}}}

    assert fetch_responsible(answering(response)) == {"17": ""}


def test_r15_a_list_longer_than_can_be_read_is_not_trusted() -> None:
    def response(envelope: Any) -> dict[str, Any]:
        first = envelope["params"]["offset"]
        rows = [{"ext_id": str(number), "name": "Somebody"} for number in range(first, first + MAX_ROWS)]
        return {"result": {"data": rows, "metadata": {}}}

    with pytest.raises(IncompleteReadError, match="110000 different owners in 110000 rows, expected more"):
        fetch_responsible(answering(response))


def test_r15_without_the_component_the_step_can_be_skipped(client: CallGear, sandbox: Sandbox) -> None:
    sandbox.callgear = CallGearBehavior(components=frozenset())

    for step in (lambda: fetch_responsible(client), lambda: remove_responsible(client, ext_id="17")):
        with pytest.raises(MethodError) as caught:
            step()
        assert caught.value.mnemonic == "method_component_disabled"


def test_r15_people_are_added_renamed_and_removed(client: CallGear, sandbox: Sandbox) -> None:
    add_responsible(client, ext_id="17", name="Ira Lebedeva")
    rename_responsible(client, ext_id="17", name="Ira Sokolova")
    assert sandbox.account.responsible == {"17": "Ira Sokolova"}

    remove_responsible(client, ext_id="17")

    assert sandbox.account.responsible == {}
    assert [request.params for request in sandbox.requests] == [
        {"ext_id": "17", "name": "Ira Lebedeva"},
        {"ext_id": "17", "name": "Ira Sokolova"},
        {"ext_id": "17"},
    ]


@pytest.mark.parametrize("accepted", [False, True])
def test_r15_one_who_is_listed_already_counts_as_added(client: CallGear, sandbox: Sandbox, accepted: bool) -> None:
    sandbox.callgear = CallGearBehavior(accepts_known_owner=accepted)
    sandbox.account.responsible = {"17": "Ira Lebedeva"}

    add_responsible(client, ext_id="17", name="Ira")

    assert sandbox.account.responsible == {"17": "Ira Lebedeva"}


def test_r14_one_who_is_not_listed_counts_as_removed(client: CallGear, sandbox: Sandbox) -> None:
    remove_responsible(client, ext_id="17")

    assert methods(sandbox) == ["delete.deal_employees"]


def test_r14_an_owner_of_deals_stays_and_is_told(client: CallGear, sandbox: Sandbox) -> None:
    sandbox.account.responsible = {"17": "Ira Lebedeva"}
    sandbox.account.owners_with_deals = {"17"}

    with pytest.raises(RecordError) as caught:
        remove_responsible(client, ext_id="17")

    assert caught.value.fault is RecordFault.DEPENDENCY_ERROR
    assert methods(sandbox) == ["delete.deal_employees"]


def test_r15_renaming_one_who_is_not_listed_is_told(client: CallGear) -> None:
    with pytest.raises(RecordError) as caught:
        rename_responsible(client, ext_id="17", name="Ira")

    assert caught.value.fault is RecordFault.ENTITY_NOT_FOUND


@pytest.mark.parametrize("kind", LOST)
def test_r18_a_change_of_unknown_outcome_is_sent_again(client: CallGear, sandbox: Sandbox, kind: FaultKind) -> None:
    for method in ("create.deal_employees", "update.deal_employees", "delete.deal_employees"):
        sandbox.faults.add(Fault(kind=kind, api="callgear", method=method, nth=1))

    add_responsible(client, ext_id="17", name="Ira Lebedeva")
    rename_responsible(client, ext_id="17", name="Ira Sokolova")
    assert sandbox.account.responsible == {"17": "Ira Sokolova"}
    remove_responsible(client, ext_id="17")

    assert sandbox.account.responsible == {}


def test_r18_repeats_of_a_removal_are_bounded(client: CallGear, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(kind=FaultKind.HTTP_502_HTML, api="callgear", times=None))

    with pytest.raises(UnknownOutcome):
        remove_responsible(client, ext_id="17")

    assert len(sandbox.requests) == 3
