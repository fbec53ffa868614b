"""R16 through the whole chain: what is held, what goes on, and what an approval lets pass."""

from datetime import timedelta

import pytest

from b24_pipeline_tests.world import World


def imported(world: World, count: int) -> list[int]:
    """So many people, imported, all on the responsible list."""
    users = world.hire_many(count)
    assert world.run().status == "done"
    world.account.responsible |= {str(user): "Listed" for user in users}
    world.forget_requests()
    return users


def test_r16_more_removals_than_the_limit_are_all_held_while_the_rest_goes_on(world: World) -> None:
    users = imported(world, 6)
    for user in users[:4]:
        world.portal.dismiss(user)
    newcomer = world.hire("Newcomer")

    result = world.run()

    assert (result.status, result.counts.held, result.counts.created) == ("held", 4, 1)
    assert newcomer in world.links()
    assert len(world.account.responsible) == 6
    assert [result.outcomes()[user] for user in users[:4]] == ["remove_responsible dismissed: held"] * 4


def test_r16_what_a_person_approves_is_done_and_not_more(world: World) -> None:
    users = imported(world, 9)
    for user in users[:4]:
        world.portal.dismiss(user)
    held = world.run()
    world.portal.dismiss(users[4])

    result = world.run(approve=held.run_id)

    assert (result.status, result.counts.responsible_removed, result.counts.held) == ("held", 4, 1)
    assert str(users[4]) in world.account.responsible


def test_r16_an_approval_is_used_once(world: World) -> None:
    users = imported(world, 9)
    for user in users[:4]:
        world.portal.dismiss(user)
    world.run(approve=world.run().run_id)
    for user in users[:4]:
        world.account.responsible[str(user)] = "Listed again by hand"
    world.clock.sleep(timedelta(hours=24).total_seconds())

    result = world.run()

    assert (result.status, result.counts.held) == ("held", 4)


def test_r16_a_run_of_yesterday_cannot_be_approved(world: World) -> None:
    for user in imported(world, 6)[:4]:
        world.portal.dismiss(user)
    held = world.run()
    world.clock.sleep(timedelta(hours=24, seconds=1).total_seconds())
    world.forget_requests()

    result = world.run(approve=held.run_id)

    assert not result.success
    assert result.row is None
    assert "began more than 24 hours ago" in result.failures()[0]
    assert world.sandbox.requests == []


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"approve": "nonsense"}, "No run nonsense is known"),
        ({"approve": "nonsense", "dry_run": True}, "approve and dry_run exclude each other"),
        ({"approve_users": [7]}, "approve_users needs approve"),
    ],
)
def test_r16_an_approval_that_means_nothing_is_refused_before_anything_is_asked(
    world: World, config: dict[str, object], text: str
) -> None:
    result = world.run(**config)

    assert (result.success, world.sandbox.requests) == (False, [])
    assert text in result.failures()[0]


def test_r16_the_first_import_may_create_everybody_and_the_second_may_not(world: World) -> None:
    world.hire_many(11)
    first = world.run()
    world.hire_many(11, prefix="Newcomer")

    second = world.run()

    assert (first.status, first.counts.created) == ("done", 11)
    assert (second.status, second.counts.created, second.counts.held) == ("held", 0, 11)


def test_r16_a_first_import_lasts_until_nothing_is_deferred(world: World) -> None:
    world.hire_many(12)
    world.behave(day_limit=6)
    broken_off = world.run()
    world.behave(day_limit=1_000)
    world.clock.sleep(timedelta(hours=24).total_seconds())

    result = world.run()

    assert (broken_off.status, broken_off.counts.deferred > 0) == ("partial", True)
    assert (result.status, len(world.account.employees)) == ("done", 12)


def test_r16_materializing_one_asset_does_not_end_the_first_import(world: World) -> None:
    first, *_ = world.hire_many(12)
    world.run(only=[first])
    world.run(assets=["bitrix24_users"])

    result = world.run()

    assert (result.status, result.counts.created) == ("done", 11)


def test_r16_a_lost_database_is_rebuilt_by_email_without_a_write_and_without_being_held(world: World) -> None:
    users = imported(world, 30)
    links = world.links()
    for file in world.paths.published.parent.glob("b24*"):
        file.unlink()

    result = world.run()

    assert (result.status, result.counts.linked, world.writes()) == ("done", 30, [])
    assert world.links() == links
    assert set(links) == set(users)


def test_r09_an_approved_mailbox_moves_the_link_and_only_that_one(world: World) -> None:
    leavers = [world.hire("Lebedeva"), world.hire("Snow")]
    world.run()
    links = world.links()
    for leaver in leavers:
        world.portal.dismiss(leaver)
    heir, other = world.hire("Heir", EMAIL="lebedeva@x.test"), world.hire("Other", EMAIL="snow@x.test")
    listed = world.run()

    result = world.run(approve=listed.run_id, approve_users=[heir])

    assert world.links() == {heir: links[leavers[0]], leavers[1]: links[leavers[1]]}
    assert result.outcomes()[heir] == "link email_reuse_approved: done"
    assert result.outcomes()[other] == "conflict email_reused: conflict"
    assert "(bitrix24) Heir" in world.employees()


def test_r16_the_limits_are_settings(world: World) -> None:
    users = imported(world, 6)
    world.set(B24_PIPELINE_LIMIT_REMOVALS="0", B24_PIPELINE_LIMIT_REMOVALS_SHARE="0")
    world.portal.dismiss(users[0])

    assert world.run().status == "held"


def test_a_held_run_tells_in_the_ui_how_to_approve_it(world: World) -> None:
    users = imported(world, 6)
    for user in users[:4]:
        world.portal.dismiss(user)

    result = world.run()

    text = result.metadata("responsible_employees")["approve"]
    assert f"b24-pipeline approve {result.run_id}" in text
    assert f"approve: {result.run_id}" in text
