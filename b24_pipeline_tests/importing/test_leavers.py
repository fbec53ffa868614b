"""R13-R15 through the whole chain: dismissed and deleted people, and the responsible list."""

from datetime import timedelta

import pytest

from b24_pipeline.sandbox.callgear.behaviour import Component
from b24_pipeline_tests.world import World


def imported(world: World, *last_names: str) -> list[int]:
    """These people, imported and on the responsible list."""
    users = [world.hire(name) for name in last_names]
    assert world.run().status == "done"
    for user in users:
        world.account.responsible[str(user)] = f"Owner {user}"
    world.forget_requests()
    return users


def test_r14_who_was_imported_and_is_dismissed_leaves_the_list_and_nobody_else_does(world: World) -> None:
    leaver, stays = imported(world, "Leaver", "Stays")
    world.account.responsible["other-crm-7"] = "Not ours"
    world.portal.dismiss(leaver)

    result = world.run()

    assert set(world.account.responsible) == {str(stays), "other-crm-7"}
    assert [request.method for request in world.writes()] == ["delete.deal_employees"]
    assert (result.counts.responsible_removed, result.outcomes()) == (1, {leaver: "remove_responsible dismissed: done"})


def test_r14_who_was_never_imported_stays_on_the_list(world: World) -> None:
    stranger = world.hire("Stranger", EMAIL=None)
    world.account.responsible[str(stranger)] = "Stranger"
    world.hire("Somebody")
    world.run()
    world.portal.dismiss(stranger)

    world.run()

    assert str(stranger) in world.account.responsible


def test_r14_a_leaver_who_is_gone_from_the_list_costs_no_further_call(world: World) -> None:
    (leaver,) = imported(world, "Leaver")
    world.portal.dismiss(leaver)
    world.run()
    world.forget_requests()

    result = world.run()

    assert [request.method for request in world.sandbox.requests if "deal" in request.method] == []
    assert result.counts.responsible_removed == 0


def test_r13_a_deleted_user_is_looked_up_once_more_and_then_removed(world: World) -> None:
    leaver, _ = imported(world, "Leaver", "Stays")
    world.portal.delete(leaver)

    result = world.run()

    assert str(leaver) not in world.account.responsible
    assert result.outcomes() == {leaver: "remove_responsible deleted: done"}


def test_r13_employees_of_leavers_stay_in_the_account(world: World) -> None:
    leaver, _ = imported(world, "Leaver", "Stays")
    world.portal.delete(leaver)

    world.run()

    assert len(world.account.employees) == 2
    assert world.sandbox.violations() == []


def test_r14_who_owns_deals_waits_and_is_tried_again_ever_more_rarely(world: World) -> None:
    owner, other = imported(world, "Owner", "Other")
    world.account.owners_with_deals.add(str(owner))
    for user in (owner, other):
        world.portal.dismiss(user)

    refused = world.run()
    waiting = world.run()
    world.clock.sleep(timedelta(hours=6).total_seconds())
    refused_again = world.run()
    world.clock.sleep(timedelta(hours=6).total_seconds())
    waiting_longer = world.run()

    assert (refused.status, refused.counts.failed, refused.counts.responsible_removed) == ("partial", 1, 1)
    assert (waiting.status, waiting.outcomes()) == ("done", {owner: "remove_responsible dismissed: waiting"})
    assert refused_again.outcomes() == {owner: "remove_responsible dismissed: failed"}
    assert waiting_longer.counts.waiting == 1
    assert world.account.responsible == {str(owner): f"Owner {owner}"}


def test_r14_a_waiting_person_asked_for_by_name_is_tried_at_once(world: World) -> None:
    (owner,) = imported(world, "Owner")
    world.account.owners_with_deals.add(str(owner))
    world.portal.dismiss(owner)
    world.run()
    world.account.owners_with_deals.clear()

    result = world.run(only=[owner])

    assert result.outcomes() == {owner: "remove_responsible dismissed: done"}
    with world.store() as store:
        assert len(store.dead_letters()) == 0


def test_r15_mirror_lists_imported_people_and_renames_them(world: World) -> None:
    ira = world.hire("Lebedeva", SECOND_NAME="Pavlovna")
    world.set(B24_PIPELINE_RESPONSIBLE_LIST="mirror")
    world.run()
    world.run()
    listed = dict(world.account.responsible)
    world.portal.edit(ira, LAST_NAME="Married")

    result = world.run()

    assert listed == {str(ira): "Lebedeva Ira Pavlovna"}
    assert world.account.responsible == {str(ira): "Married Ira Pavlovna"}
    assert result.outcomes() == {ira: "rename_responsible active: done"}


def test_r15_off_for_one_run_asks_nothing_about_the_list(world: World) -> None:
    (leaver,) = imported(world, "Leaver")
    world.portal.dismiss(leaver)

    result = world.run(responsible_list="OFF")

    assert str(leaver) in world.account.responsible
    assert [request.method for request in world.sandbox.requests if "deal" in request.method] == []
    assert "off" in result.metadata("responsible_employees")["skipped"]


@pytest.mark.parametrize("policy", ["REMOVE", "MIRROR"])
def test_r15_an_account_without_the_component_skips_the_step_and_says_so(world: World, policy: str) -> None:
    (leaver, _) = imported(world, "Leaver", "Stays")
    world.behave(components=frozenset(Component) - {Component.SALES_FUNNEL})
    world.portal.dismiss(leaver)

    result = world.run(responsible_list=policy)

    assert result.status == "done"
    assert "no responsible list" in result.metadata("responsible_employees")["skipped"]


def test_r03_a_leaver_who_is_out_of_scope_is_left_on_the_list(world: World) -> None:
    (leaver,) = imported(world, "Leaver")
    world.portal.dismiss(leaver)
    world.set(B24_PIPELINE_EXCLUDE_USERS=str(leaver))

    world.run()

    assert str(leaver) in world.account.responsible


def test_r03_a_deleted_user_who_is_excluded_is_left_on_the_list(world: World) -> None:
    leaver, _ = imported(world, "Leaver", "Stays")
    world.portal.delete(leaver)
    world.set(B24_PIPELINE_EXCLUDE_USERS=str(leaver))

    world.run()

    assert str(leaver) in world.account.responsible
