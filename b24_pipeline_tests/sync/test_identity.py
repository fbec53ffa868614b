"""R07a through the whole chain: an id is trusted only while it is the same person."""

import pytest

from b24_pipeline import audit
from b24_pipeline.audit import Approver, Store
from b24_pipeline.audit.erasure import erase_person
from b24_pipeline_tests.harness import World

IRA, JON = 1, 2
"""Two of the nine people of `imported`."""
STRANGER = {"NAME": "Boris", "LAST_NAME": "Stranger", "EMAIL": "boris@x.test", "WORK_PHONE": "79005550201"}
CONFLICT = "conflict identity_changed: conflict"
NOT_REMOVED = "remove_responsible identity_changed: conflict"


def strangers(world: World, *users: int) -> None:
    """Another person under each of these ids."""
    for user in users:
        world.portal.edit(user, NAME=f"Boris{user}", LAST_NAME=f"Stranger{user}", EMAIL=f"boris{user}@x.test")


@pytest.mark.sampled(3)
@pytest.mark.parametrize("mode", ["nothing", "fill_phones", "refresh"])
@pytest.mark.parametrize("config", [{}, {"only": [IRA]}, {"dry_run": True}], ids=["all", "only", "dry run"])
def test_r07a_a_stranger_under_a_linked_id_is_a_conflict_and_nothing_is_written(
    imported: World, mode: str, config: dict[str, object]
) -> None:
    imported.portal.edit(IRA, **STRANGER)

    ended = [imported.import_people(on_id_match=mode, **config) for _ in range(3)]

    assert [run.outcomes() for run in ended] == [{IRA: CONFLICT}] * 3, "also once the stranger was seen before"
    assert (imported.writes(), [run.counts.conflicts for run in ended]) == ([], [1] * 3)


def test_r07a_a_run_for_one_person_does_not_ask_to_approve_others(imported: World) -> None:
    strangers(imported, IRA, JON)

    result = imported.run(only=[IRA])

    assert f"--user {IRA}`" in result.metadata("employee_matches")["approve"]
    assert result.outcomes() == {IRA: CONFLICT}


@pytest.mark.parametrize(
    "change",
    [
        {"NAME": "Irina"},
        {"LAST_NAME": "Married"},
        {"EMAIL": "other@x.test"},
        {"LAST_NAME": "Married", "EMAIL": "other@x.test"},
        {"NAME": "Irina", "EMAIL": "other@x.test"},
        {"NAME": " ira ", "LAST_NAME": "Married", "EMAIL": "other@x.test"},
        {"NAME": None, "LAST_NAME": None, "EMAIL": None},
    ],
    ids=str,
)
def test_r07a_some_changed_fields_are_the_same_person(imported: World, change: dict[str, str]) -> None:
    imported.portal.edit(IRA, **change)

    result = imported.import_people()

    assert CONFLICT not in result.outcomes().values()
    assert imported.links()[IRA]


def test_r07a_one_step_after_the_other_is_the_same_person(imported: World) -> None:
    for change in ({"LAST_NAME": "Married"}, {"EMAIL": "other@x.test"}, {"NAME": "Irina"}):
        imported.portal.edit(IRA, **change)
        assert imported.import_people().counts.conflicts == 0


def test_r07a_a_stranger_whose_fields_are_emptied_first_is_found_all_the_same(imported: World) -> None:
    imported.portal.edit(IRA, NAME=None, LAST_NAME=None, EMAIL=None)
    imported.import_people()
    imported.portal.edit(IRA, **STRANGER)

    assert imported.import_people().outcomes() == {IRA: CONFLICT}


def test_r07a_the_right_person_who_comes_back_needs_nobody(imported: World) -> None:
    before = dict(imported.portal.users[IRA])
    imported.portal.edit(IRA, **STRANGER)
    imported.import_people()
    imported.portal.users[IRA] = before

    result = imported.import_people()

    assert (result.counts.conflicts, result.counts.matched_by_id) == (0, 9)


@pytest.mark.parametrize("policy", ["remove", "off"])
@pytest.mark.parametrize("first_name", ["Ira", "Boris"])
def test_r07a_a_deleted_id_that_comes_back_with_another_name_and_email(
    imported: World, first_name: str, policy: str
) -> None:
    imported.set(B24_PIPELINE_RESPONSIBLE_LIST=policy)
    imported.portal.delete(IRA)
    imported.import_people()
    imported.portal.hire(ID=IRA, **{**STRANGER, "NAME": first_name})

    ended = [imported.import_people(), imported.import_people()]

    assert [run.outcomes() for run in ended] == [{IRA: CONFLICT}] * 2


def test_r07a_a_deleted_id_that_comes_back_with_its_email_is_the_same_person(imported: World) -> None:
    imported.portal.delete(IRA)
    imported.import_people()
    imported.portal.hire(ID=IRA, NAME="Irina", LAST_NAME="Married", EMAIL="person1@x.test")

    assert imported.import_people().outcomes() == {}


@pytest.mark.parametrize(("leave", "listed"), [("dismiss", f"{CONFLICT}, {NOT_REMOVED}"), ("delete", NOT_REMOVED)])
def test_r07a_r14_nothing_is_removed_because_of_a_stranger(imported: World, leave: str, listed: str) -> None:
    imported.list_responsible(IRA)
    imported.portal.edit(IRA, **STRANGER)
    imported.import_people()
    getattr(imported.portal, leave)(IRA)

    ended = [imported.import_people(), imported.import_people()]

    assert [run.outcomes() for run in ended] == [{IRA: listed}] * 2
    assert imported.writes() == []


@pytest.mark.parametrize("seen", [(IRA,), tuple(range(1, 10))], ids=["in doubt", "by an untrusted run"])
def test_r07a_r14_a_strangers_name_is_not_the_persons(imported: World, seen: tuple[int, ...]) -> None:
    right = {user: dict(fields) for user, fields in imported.portal.users.items()}
    strangers(imported, *seen)
    imported.import_people()
    name = f"{imported.portal.users[IRA]['LAST_NAME']} {imported.portal.users[IRA]['NAME']}"
    imported.portal.users.update(right)
    imported.import_people()
    imported.account.responsible[str(IRA)] = name
    imported.portal.dismiss(IRA)

    assert imported.import_people().outcomes() == {IRA: "remove_responsible other_name: conflict"}
    assert imported.account.responsible == {str(IRA): name}


def test_r07a_r14_a_name_from_before_the_link_was_ended_is_another_persons(imported: World) -> None:
    imported.list_responsible(IRA)
    strangers(imported, IRA)
    imported.hire("Person1")
    imported.import_people()
    with Store.open(imported.paths, now=imported.clock.now) as store:
        audit.links.unlink(store.database, [IRA], Approver("clerk", "restored"), at=store.now())
    imported.import_people()
    imported.portal.dismiss(IRA)

    assert imported.import_people().outcomes() == {IRA: "remove_responsible other_name: conflict"}
    assert imported.account.responsible == {str(IRA): "Person1 Ira"}


def test_r07a_r15_nothing_is_listed_or_renamed_because_of_a_stranger(imported: World) -> None:
    imported.list_responsible(IRA)
    imported.set(B24_PIPELINE_RESPONSIBLE_LIST="mirror")
    imported.portal.edit(IRA, **STRANGER)
    imported.portal.edit(JON, LAST_NAME="Renamed")
    imported.list_responsible(*range(2, 10))

    imported.import_people()

    assert imported.account.responsible[str(IRA)] == "Person1 Ira"


def test_r07a_r12_a_stranger_does_not_win_an_email(imported: World) -> None:
    imported.portal.edit(IRA, **STRANGER)
    newcomer = imported.hire("Newcomer", EMAIL=STRANGER["EMAIL"])

    assert imported.import_people().outcomes() == {IRA: CONFLICT, newcomer: "create: done"}


@pytest.mark.parametrize("active", [True, False])
def test_r07a_r09_the_employee_in_doubt_goes_to_nobody_else(imported: World, active: bool) -> None:
    imported.portal.edit(IRA, **STRANGER, ACTIVE=active)
    back = imported.hire("Person1")

    result = imported.import_people()

    assert result.outcomes() == {IRA: CONFLICT, back: "conflict already_linked: conflict"}
    assert imported.writes() == []


def test_r07a_an_approved_stranger_is_the_persons_link_from_then_on(imported: World) -> None:
    imported.portal.edit(IRA, **STRANGER)
    listed = imported.import_people()

    approved = imported.import_people(approve=listed.run_id, approve_users=[IRA], on_id_match="refresh")
    imported.clock.sleep(48 * 3600)
    later = imported.import_people()
    imported.portal.edit(IRA, NAME="Third", LAST_NAME="Person", EMAIL="third@x.test")
    third = imported.import_people()

    assert "(bitrix24) Stranger" in imported.employees()
    assert (approved.counts.conflicts, later.counts.conflicts) == (0, 0)
    assert third.outcomes() == {IRA: CONFLICT}


def test_r07a_an_approval_is_for_the_person_whom_the_run_listed(imported: World) -> None:
    imported.portal.edit(IRA, **STRANGER)
    listed = imported.import_people()
    imported.portal.edit(IRA, NAME="Third", LAST_NAME="Person", EMAIL="third@x.test")

    result = imported.import_people(approve=listed.run_id, approve_users=[IRA])

    assert result.outcomes() == {IRA: CONFLICT}


@pytest.mark.parametrize("on_id_match", ["nothing", "refresh"])
@pytest.mark.parametrize("config", [{}, {"only": [IRA]}, {"dry_run": True}], ids=["all", "only", "dry run"])
def test_r07a_another_portal_behind_the_address_ends_the_run_untrusted(
    imported: World, on_id_match: str, config: dict[str, object]
) -> None:
    imported.hire("Newcomer")
    strangers(imported, 1, 2, 3, 4)

    ended = [imported.import_people(on_id_match=on_id_match, **config) for _ in range(2)]

    assert [run.status for run in ended] == ["untrusted"] * 2
    assert (ended[0].reason or "").startswith("4 of 9 linked users have another first name, last name and e-mail")
    assert imported.writes() == []


def test_r07a_people_whose_first_name_is_the_same_by_chance_are_not_followed_into_another_portal(
    imported: World,
) -> None:
    strangers(imported, 1, 2, 3, 4)
    imported.portal.edit(5, LAST_NAME="Stranger5", EMAIL="boris5@x.test")
    imported.import_people()
    strangers(imported, 5)

    assert (imported.import_people().reason or "").startswith("5 of 9 linked users")


def test_r07a_three_strangers_are_conflicts_and_the_rest_goes_on(imported: World) -> None:
    newcomer = imported.hire("Newcomer")
    strangers(imported, 1, 2, 3)

    result = imported.import_people()

    assert result.outcomes() == {1: CONFLICT, 2: CONFLICT, 3: CONFLICT, newcomer: "create: done"}


def test_r07a_strangers_who_come_one_by_one_count_together(imported: World) -> None:
    for user in (1, 2, 3):
        strangers(imported, user)
        assert imported.import_people().status == "done"
    strangers(imported, 4)

    assert imported.import_people().status == "untrusted"


def test_r07a_a_run_that_was_not_trusted_can_be_approved_by_user(imported: World) -> None:
    strangers(imported, 1, 2, 3, 4)
    listed = imported.import_people()

    result = imported.import_people(approve=listed.run_id, approve_users=[1, 2])

    assert result.outcomes() == {3: CONFLICT, 4: CONFLICT}


@pytest.mark.parametrize("mode", ["nothing", "refresh"])
def test_r07a_a_restored_portal_renames_nobody(world: World, mode: str) -> None:
    """The issue's case: all 30 ids are other people's, who passed as imported; with `refresh` all were renamed."""
    people = world.hire_many(30)
    world.import_people()
    world.forget_requests()
    before = world.employees()
    for user in people:
        world.portal.give_id_to(user, NAME=f"Boris{user}", LAST_NAME=f"Stranger{user}", EMAIL=f"boris{user}@x.test")

    result = world.run(on_id_match=mode)

    assert (result.status, world.writes(), world.employees() == before) == ("untrusted", [], True)
    (line,) = [text for text in result.failures() if "linked users" in text]
    assert f"b24-pipeline approve {result.run_id}" in line
    assert "\n" not in line.strip()


def test_r07a_an_ended_link_lets_both_people_be_matched_afresh(imported: World) -> None:
    """The restored portal has the stranger under the old id, and the person under a new one."""
    employee = imported.links()[IRA]
    imported.portal.give_id_to(IRA, **STRANGER)
    back = imported.hire("Person1")
    in_doubt = imported.import_people()

    with Store.open(imported.paths, now=imported.clock.now) as store:
        audit.links.unlink(store.database, [IRA], Approver("clerk", "restored"), at=store.now())
    result = imported.import_people()

    assert in_doubt.outcomes() == {IRA: CONFLICT, back: "conflict already_linked: conflict"}
    assert result.outcomes() == {IRA: "create: done", back: "link: done"}
    assert imported.links()[back] == employee
    assert "(bitrix24) Stranger" in imported.employees()


def test_r07a_another_portal_is_forgotten_once_the_right_one_answers_again(imported: World) -> None:
    right = {user: dict(fields) for user, fields in imported.portal.users.items()}
    strangers(imported, *range(1, 10))
    untrusted = imported.import_people()
    imported.portal.users.update(right)

    result = imported.import_people()

    assert (untrusted.status, result.status, result.counts.matched_by_id) == ("untrusted", "done", 9)


def test_r07a_a_person_who_was_forgotten_is_followed_again_from_what_is_read_next(imported: World) -> None:
    erase_person(imported.paths, str(IRA), now=imported.clock.now())
    imported.portal.edit(IRA, **STRANGER)
    first = imported.import_people()
    imported.portal.edit(IRA, NAME="Third", LAST_NAME="Person", EMAIL="third@x.test")

    assert (first.outcomes(), imported.import_people().outcomes()) == ({}, {IRA: CONFLICT})


def test_r07a_a_dismissed_stranger_can_be_approved_and_is_then_a_leaver(imported: World) -> None:
    imported.account.responsible[str(IRA)] = "Stranger Boris"
    imported.portal.edit(IRA, **STRANGER, ACTIVE=False)
    listed = imported.import_people()

    result = imported.import_people(approve=listed.run_id, approve_users=[IRA])

    assert listed.outcomes() == {IRA: f"{CONFLICT}, {NOT_REMOVED}"}
    assert result.outcomes() == {IRA: "remove_responsible dismissed: done"}


def delete(world: World, *users: int) -> None:
    for user in users:
        world.portal.delete(user)


def test_r07a_a_portal_from_which_most_linked_people_are_gone_is_another_one(imported: World) -> None:
    imported.list_responsible(*range(1, 10))
    delete(imported, *range(1, 10))
    for number in range(8):
        imported.hire(f"Stranger{number}")

    ended = [imported.import_people() for _ in range(2)]

    assert [run.status for run in ended] == ["untrusted"] * 2
    assert str(ended[1].reason).startswith("9 of 9 linked users are gone from the portal at once")
    assert (imported.writes(), len(imported.links())) == ([], 9)


def test_r07a_a_portal_that_is_the_right_one_after_all_is_trusted_once_the_links_are_ended(imported: World) -> None:
    leavers = (1, 2, 3, 4, 5)
    imported.list_responsible(*range(1, 10))
    delete(imported, *leavers)
    newcomer = imported.hire("Newcomer")
    untrusted = imported.import_people()

    with Store.open(imported.paths, now=imported.clock.now) as store:
        audit.links.unlink(store.database, leavers, Approver("clerk", "they left"), at=store.now())
    held = imported.import_people()
    approved = imported.import_people(approve=held.run_id)

    assert "unlink 1 2 3 4 5" in str(untrusted.reason)
    assert (held.status, held.counts.held, newcomer in imported.links()) == ("held", 5, True)
    assert (approved.status, approved.counts.responsible_removed) == ("done", 5)
    assert set(imported.account.responsible) == {"6", "7", "8", "9"}


def test_r07a_half_of_the_people_may_be_deleted_at_once_and_the_others_later(imported: World) -> None:
    for leavers in ((1, 2, 3, 4), (5, 6), (7,)):
        delete(imported, *leavers)
        assert imported.import_people().status == "done"
