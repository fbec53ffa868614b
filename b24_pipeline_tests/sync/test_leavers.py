"""R13-R15 through the whole chain: dismissed and deleted people, and the responsible list."""

from datetime import timedelta

import pytest

from b24_pipeline import audit
from b24_pipeline.audit.erasure import erase_person
from b24_pipeline.sandbox.callgear.behavior import Component
from b24_pipeline_tests.harness import World

LEAVER, STAYS = 1, 2
"""Two of the nine people of `imported`."""


def asked_about_the_list(world: World) -> list[str]:
    """The calls about the responsible list."""
    return [request.method for request in world.sandbox.requests if "deal" in request.method]


def test_r14_who_was_imported_and_is_dismissed_leaves_the_list_and_nobody_else_does(imported: World) -> None:
    stranger = imported.hire("Stranger", EMAIL=None, ACTIVE=False)
    imported.list_responsible(LEAVER, STAYS, stranger)
    imported.account.responsible["other-crm-7"] = "Not ours"
    imported.portal.dismiss(LEAVER)

    result = imported.import_people()

    assert set(imported.account.responsible) == {str(STAYS), str(stranger), "other-crm-7"}
    assert [request.method for request in imported.writes()] == ["delete.deal_employees"]
    assert (result.counts.responsible_removed, result.outcomes()) == (1, {LEAVER: "remove_responsible dismissed: done"})


def test_r14_once_a_leaver_is_off_the_list_nothing_more_is_asked_about_it(imported: World) -> None:
    imported.list_responsible(LEAVER)
    imported.portal.dismiss(LEAVER)
    imported.import_people()
    imported.forget_requests()

    result = imported.import_people()

    assert (asked_about_the_list(imported), result.counts.responsible_removed) == ([], 0)


def test_r14_a_leaver_listed_again_by_the_accounts_own_integration_is_found_a_day_later(imported: World) -> None:
    imported.behave(owners_reappear=True)
    imported.list_responsible(LEAVER)
    imported.portal.dismiss(LEAVER)
    imported.import_people()
    imported.list_responsible(LEAVER)
    imported.clock.sleep(timedelta(hours=24).total_seconds())

    assert imported.import_people().counts.responsible_removed == 1


def test_r13_a_deleted_user_is_looked_up_once_more_and_then_removed_but_the_employee_stays(imported: World) -> None:
    imported.list_responsible(LEAVER)
    imported.portal.delete(LEAVER)

    result = imported.import_people()

    assert imported.account.responsible == {}
    assert result.outcomes() == {LEAVER: "remove_responsible deleted: done"}
    assert (len(imported.account.employees), imported.sandbox.violations()) == (9, [])


def test_r14_who_owns_deals_waits_and_is_tried_again_ever_more_rarely(imported: World) -> None:
    owner, other = LEAVER, STAYS
    imported.list_responsible(owner, other)
    imported.account.owners_with_deals.add(str(owner))
    for user in (owner, other):
        imported.portal.dismiss(user)

    refused = imported.import_people()
    waiting = imported.import_people()
    imported.clock.sleep(timedelta(hours=6).total_seconds())
    refused_again = imported.import_people()

    assert (refused.status, refused.counts.failed, refused.counts.responsible_removed) == ("partial", 1, 1)
    assert (waiting.status, waiting.outcomes()) == ("done", {owner: "remove_responsible dismissed: waiting"})
    assert refused_again.outcomes() == {owner: "remove_responsible dismissed: failed"}
    assert imported.account.responsible == {str(owner): "Person1 Ira"}


def test_r14_owners_of_deals_who_are_due_together_hold_nobody_else(imported: World) -> None:
    owners, other = (1, 2, 3, 4), 5
    imported.list_responsible(*owners, other)
    imported.account.owners_with_deals |= {str(owner) for owner in owners}
    for owner in owners:
        imported.portal.dismiss(owner)
        imported.import_people()
    imported.clock.sleep(timedelta(days=2).total_seconds())
    imported.portal.dismiss(other)

    result = imported.import_people()

    refused = dict.fromkeys(owners, "remove_responsible dismissed: failed")
    assert result.outcomes() == refused | {other: "remove_responsible dismissed: done"}


def test_r14_a_waiting_person_asked_for_by_name_is_tried_at_once(imported: World) -> None:
    imported.list_responsible(LEAVER)
    imported.account.owners_with_deals.add(str(LEAVER))
    imported.portal.dismiss(LEAVER)
    imported.import_people()
    imported.account.owners_with_deals.clear()

    result = imported.import_people(only=[LEAVER])

    assert result.outcomes() == {LEAVER: "remove_responsible dismissed: done"}
    with imported.database() as database:
        assert len(audit.actions.dead_letters(database)) == 0


def test_r15_mirror_lists_imported_people_and_renames_them(world: World) -> None:
    ira = world.hire("Lebedeva", SECOND_NAME="Pavlovna")
    world.set(B24_PIPELINE_RESPONSIBLE_LIST="mirror")
    world.import_people()
    listed = dict(world.account.responsible)
    world.portal.edit(ira, LAST_NAME="Married")

    result = world.import_people()

    assert listed == {str(ira): "Lebedeva Ira Pavlovna"}
    assert world.account.responsible == {str(ira): "Married Ira Pavlovna"}
    assert result.outcomes() == {ira: "rename_responsible active: done"}


def test_r15_mirror_lists_nobody_whose_link_has_passed_on(imported: World) -> None:
    imported.set(B24_PIPELINE_RESPONSIBLE_LIST="mirror")
    imported.import_people()
    imported.portal.dismiss(LEAVER)
    rehired = imported.hire("Person1")
    imported.import_people()
    imported.portal.reinstate(LEAVER)

    result = imported.import_people()

    assert result.outcomes() == {LEAVER: "conflict duplicate_email: conflict"}
    assert str(LEAVER) not in imported.account.responsible
    assert imported.account.responsible[str(rehired)] == "Person1 Ira"


def test_r15_off_for_one_run_asks_nothing_about_the_list(imported: World) -> None:
    imported.list_responsible(LEAVER)
    imported.portal.dismiss(LEAVER)

    result = imported.run(responsible_list="off")

    assert str(LEAVER) in imported.account.responsible
    assert asked_about_the_list(imported) == []
    assert "off" in result.metadata("responsible_employees")["skipped"]


@pytest.mark.parametrize("policy", ["remove", "mirror"])
def test_r15_an_account_without_the_component_skips_the_step_and_says_so(imported: World, policy: str) -> None:
    imported.behave(components=frozenset(Component) - {Component.SALES_FUNNEL})
    imported.portal.dismiss(LEAVER)

    result = imported.run(responsible_list=policy)

    assert result.status == "done"
    assert "no responsible list" in result.metadata("responsible_employees")["skipped"]


@pytest.mark.parametrize(
    ("leave", "excluded"),
    [
        ("dismiss", {"B24_PIPELINE_EXCLUDE_USERS": str(LEAVER)}),
        ("delete", {"B24_PIPELINE_EXCLUDE_USERS": str(LEAVER)}),
        ("delete", {"B24_PIPELINE_EXCLUDE_EMAILS": "person1@*"}),
    ],
    ids=["dismissed", "deleted", "deleted, excluded by e-mail"],
)
def test_r03_a_leaver_who_is_excluded_is_left_on_the_list(
    imported: World, leave: str, excluded: dict[str, str]
) -> None:
    imported.list_responsible(LEAVER)
    getattr(imported.portal, leave)(LEAVER)
    imported.set(**excluded)

    ended = [imported.import_people().status, imported.import_people().status]

    assert (ended, str(LEAVER) in imported.account.responsible) == (["done", "done"], True)


def other_source(world: World, *users: int) -> None:
    """Another CRM's people under these users' ids."""
    world.account.responsible |= {str(user): f"Client of CRM {user}" for user in users}


OTHER_NAME = "remove_responsible other_name: conflict"


@pytest.mark.parametrize("leave", ["dismiss", "delete"])
def test_r14_an_entry_of_another_source_stays_until_a_person_approves(imported: World, leave: str) -> None:
    other_source(imported, LEAVER, STAYS)
    for user in (LEAVER, STAYS):
        getattr(imported.portal, leave)(user)

    ended = [imported.run(), imported.import_people()]
    approved = imported.import_people(approve=ended[-1].run_id, approve_users=[LEAVER])

    assert [run.outcomes() for run in ended] == [{LEAVER: OTHER_NAME, STAYS: OTHER_NAME}] * 2
    assert approved.outcomes() == {LEAVER: "remove_responsible other_name_approved: done", STAYS: OTHER_NAME}
    assert set(imported.account.responsible) == {str(STAYS)}
    page = ended[0].metadata("responsible_employees")
    assert "another name under this id" in page["people_in_conflict"]
    assert f"approve_users: [{LEAVER}, {STAYS}]" in page["approve"]


def test_r14_all_of_another_sources_entries_may_stay(imported: World) -> None:
    """The issue's case: every leaver's id happens to be somebody else's in the other CRM."""
    other_source(imported, *range(1, 10))
    for user in range(1, 9):
        imported.portal.dismiss(user)

    result = imported.import_people()

    assert (result.status, result.reason, result.counts.held) == ("done", None, 0)
    assert (imported.writes(), len(imported.account.responsible)) == ([], 9)


def test_r02_entries_of_another_source_are_no_candidates_that_cannot_be_imported(imported: World) -> None:
    imported.import_people()
    other_source(imported, *range(1, 7))
    for user in range(1, 7):
        imported.portal.dismiss(user)

    result = imported.import_people()

    assert (result.status, result.reason, result.counts.conflicts) == ("done", None, 0)
    assert sorted(set(result.outcomes().values())) == [OTHER_NAME]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("listed", ["Person1", "IRA  person1", "(bitrix24) Person1 Ira", "Maiden, Ira", "Ira Person1"])
def test_r14_a_leaver_is_known_by_every_name_that_was_seen(imported: World, listed: str) -> None:
    imported.portal.edit(LEAVER, LAST_NAME="Maiden")
    imported.import_people()
    imported.portal.edit(LEAVER, LAST_NAME="Married")
    imported.import_people()
    imported.account.responsible[str(LEAVER)] = listed
    imported.portal.dismiss(LEAVER)

    assert imported.import_people().outcomes() == {LEAVER: "remove_responsible dismissed: done"}


def test_r14_more_entries_than_the_limit_are_removed_when_each_was_approved(imported: World) -> None:
    other_source(imported, 1, 2, 3, 4)
    for user in (1, 2, 3, 4):
        imported.portal.dismiss(user)
    listed = imported.import_people()

    result = imported.import_people(approve=listed.run_id, approve_users=[1, 2, 3, 4])

    assert (result.status, result.counts.responsible_removed, imported.account.responsible) == ("done", 4, {})


def test_r14_r15_mirror_does_not_rename_another_sources_entry(imported: World) -> None:
    imported.set(B24_PIPELINE_RESPONSIBLE_LIST="mirror")
    imported.list_responsible(*range(1, 10))
    other_source(imported, STAYS)

    listed = imported.import_people()
    renamed = imported.import_people(approve=listed.run_id, approve_users=[STAYS])

    assert listed.outcomes() == {STAYS: "rename_responsible other_name: conflict"}
    assert renamed.outcomes() == {STAYS: "rename_responsible other_name_approved: done"}
    assert imported.account.responsible[str(STAYS)] == "Person2 Ira"


@pytest.mark.parametrize(("leave", "outcome"), [("dismiss", "dismissed: done"), ("delete", "other_name: conflict")])
def test_r14_whose_names_were_erased_is_known_only_while_bitrix24_has_them(
    imported: World, leave: str, outcome: str
) -> None:
    imported.list_responsible(LEAVER)
    erase_person(imported.paths, str(LEAVER), now=imported.clock.now())
    getattr(imported.portal, leave)(LEAVER)

    assert imported.import_people().outcomes() == {LEAVER: f"remove_responsible {outcome}"}
