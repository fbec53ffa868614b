"""R14-R16: what is done to the responsible list is decided on the list as it is in this run."""

import pytest

from b24_pipeline.sandbox import Fault, FaultKind
from b24_pipeline_tests.harness import World

LEAVER, OTHERS = 1, (2, 3, 4)
DAY, SIX_HOURS = 24 * 3_600.0, 6 * 3_600.0
CLIENT = "Client of CRM 7"
"""Whom another CRM has put under the leaver's id since the list was read."""
DIRECTOR = "Chief Executive Officer"
LEFT_ALONE = "remove_responsible other_name: conflict"


def test_r14_an_entry_that_became_another_sources_is_left_alone_when_tried_again(imported: World) -> None:
    imported.list_responsible(LEAVER)
    imported.account.owners_with_deals.add(str(LEAVER))
    imported.portal.dismiss(LEAVER)
    refused = imported.import_people()
    imported.account.owners_with_deals.clear()
    imported.account.responsible[str(LEAVER)] = CLIENT
    imported.clock.sleep(SIX_HOURS)

    result = imported.import_people()

    assert refused.outcomes() == {LEAVER: "remove_responsible dismissed: failed"}
    assert result.outcomes() == {LEAVER: LEFT_ALONE}
    assert imported.account.responsible == {str(LEAVER): CLIENT}


def test_r14_r16_an_entry_that_became_another_sources_is_left_alone_when_the_run_is_approved(imported: World) -> None:
    imported.list_responsible(LEAVER, *OTHERS)
    for user in (LEAVER, *OTHERS):
        imported.portal.dismiss(user)
    held = imported.import_people()
    imported.account.responsible[str(LEAVER)] = CLIENT

    result = imported.import_people(approve=held.run_id)

    removed = dict.fromkeys(OTHERS, "remove_responsible dismissed: done")
    assert result.outcomes() == {LEAVER: LEFT_ALONE} | removed
    assert imported.account.responsible == {str(LEAVER): CLIENT}


@pytest.mark.parametrize("limited", ["held", "waiting"])
def test_r15_what_is_not_sent_does_not_read_the_list(imported: World, limited: str) -> None:
    leavers = (LEAVER, *OTHERS) if limited == "held" else (LEAVER,)
    imported.list_responsible(*leavers)
    if limited == "waiting":
        imported.account.owners_with_deals.add(str(LEAVER))
    for user in leavers:
        imported.portal.dismiss(user)
    imported.import_people()
    imported.forget_requests()

    result = imported.import_people()

    assert result.outcomes() == dict.fromkeys(leavers, f"remove_responsible dismissed: {limited}")
    assert [request.method for request in imported.sandbox.requests if "deal" in request.method] == []


def test_r14_r18_who_is_listed_again_is_removed_by_the_run_after_one_that_was_stopped(imported: World) -> None:
    imported.list_responsible(LEAVER)
    imported.portal.dismiss(LEAVER)
    imported.import_people()
    imported.list_responsible(LEAVER)
    imported.clock.sleep(DAY)
    imported.sandbox.faults.add(Fault(FaultKind.TOKEN_BLOCKED, method="delete.deal_employees"))
    stopped = imported.import_people()
    imported.sandbox.faults.clear()

    result = imported.import_people()

    assert (stopped.status, stopped.outcomes()) == ("failed", {LEAVER: "remove_responsible dismissed: deferred"})
    assert result.outcomes() == {LEAVER: "remove_responsible dismissed: done"}


def test_r14_r16_the_approval_of_another_name_is_for_that_name_only(imported: World) -> None:
    imported.account.responsible[str(LEAVER)] = CLIENT
    imported.portal.dismiss(LEAVER)
    listed = imported.import_people()
    imported.account.responsible[str(LEAVER)] = DIRECTOR

    result = imported.import_people(approve=listed.run_id, approve_users=[LEAVER])
    decided = imported.import_people(approve=result.run_id, approve_users=[LEAVER])

    assert (result.outcomes(), listed.outcomes()) == ({LEAVER: LEFT_ALONE}, {LEAVER: LEFT_ALONE})
    assert decided.outcomes() == {LEAVER: "remove_responsible other_name_approved: done"}


def test_r14_r16_the_approval_of_a_new_name_is_none_of_a_removal(imported: World) -> None:
    imported.set(B24_PIPELINE_RESPONSIBLE_LIST="mirror")
    imported.list_responsible(*range(1, 10))
    imported.account.responsible[str(LEAVER)] = CLIENT
    listed = imported.import_people()
    imported.portal.dismiss(LEAVER)

    result = imported.import_people(approve=listed.run_id, approve_users=[LEAVER])

    assert listed.outcomes() == {LEAVER: "rename_responsible other_name: conflict"}
    assert result.outcomes() == {LEAVER: LEFT_ALONE}
    assert imported.account.responsible[str(LEAVER)] == CLIENT
