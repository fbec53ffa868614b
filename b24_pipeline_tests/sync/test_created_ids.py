"""R18: a create that answers with somebody else's id gives no link away."""

import pytest

from b24_pipeline import audit
from b24_pipeline.sandbox.callgear.behavior import CreatedId
from b24_pipeline_tests.harness import World


@pytest.mark.parametrize("answer", [CreatedId.WRONG, CreatedId.EXISTING])
def test_r18_a_create_that_answers_with_a_linked_id_fails_and_names_both(world: World, answer: CreatedId) -> None:
    ira = world.hire("Lebedeva")
    world.import_people()
    links = world.links()
    jon = world.hire("Snow")
    world.behave(created_id=answer)

    result = world.import_people()

    assert (result.status, world.links()) == ("partial", links)
    error = result.actions.query("outcome == 'failed'")["error"].item()
    assert f"Bitrix24 user {jon} answered with employee {links[ira]}" in error
    assert f"linked with Bitrix24 user {ira}" in error
    with world.database() as database:
        assert audit.actions.dead_letters(database)["bitrix24_id"].tolist() == [jon]
        assert audit.links.pending_creates(database)["bitrix24_id"].tolist() == [jon]


@pytest.mark.parametrize("answer", [CreatedId.WRONG, CreatedId.EXISTING])
def test_r18_the_next_run_finds_the_created_employee_or_creates_it(world: World, answer: CreatedId) -> None:
    world.hire("Lebedeva")
    world.import_people()
    jon = world.hire("Snow")
    world.behave(created_id=answer)
    world.import_people()
    world.behave(created_id=CreatedId.OWN)

    world.import_people()

    assert world.account.employees[world.links()[jon]]["last_name"] == "(bitrix24) Snow"
    assert len(world.account.employees) == len(set(world.links().values())) == 2
    with world.database() as database:
        assert (len(audit.actions.dead_letters(database)), len(audit.links.pending_creates(database))) == (
            0,
            0,
        )


@pytest.mark.parametrize("answer", [CreatedId.WRONG, CreatedId.EXISTING])
def test_r10_a_create_that_answers_with_an_employee_who_was_there_before_fails(world: World, answer: CreatedId) -> None:
    desk = world.account.add_employee(last_name="Desk", phone_numbers=["79990001122"])
    jon = world.hire("Snow")
    world.behave(created_id=answer)

    failed = world.import_people()
    world.behave(created_id=CreatedId.OWN)
    world.import_people()

    error = failed.actions.query("outcome == 'failed'")["error"].item()
    assert f"Bitrix24 user {jon} answered with employee {desk}, which was in the account before" in error
    assert set(world.account.employees) == {desk, world.links()[jon]}
    assert world.account.employees[world.links()[jon]]["last_name"] == "(bitrix24) Snow"


def test_r18_a_create_that_answers_with_an_employee_who_was_there_before_stays_announced(world: World) -> None:
    world.account.add_employee(last_name="Desk")
    jon = world.hire("Snow")
    world.behave(created_id=CreatedId.WRONG)

    world.import_people()

    with world.database() as database:
        assert audit.links.pending_creates(database)["bitrix24_id"].tolist() == [jon]
    assert world.links() == {}


def test_r18_of_two_creates_that_answer_with_one_id_one_is_linked(world: World) -> None:
    users = {world.hire("Lebedeva"), world.hire("Snow")}
    world.behave(created_id=CreatedId.EXISTING)

    result = world.import_people()

    assert (len(world.links()), result.counts.failed) == (1, 1)
    assert set(world.links()) < users


def test_r18_people_who_swap_addresses_while_their_creates_are_in_doubt_get_their_own_employees(
    imported: World,
) -> None:
    anna, bob = imported.hire("Alpha", NAME="Anna"), imported.hire("Beta", NAME="Bob")
    imported.behave(created_id=CreatedId.WRONG)
    imported.import_people()
    imported.behave(created_id=CreatedId.OWN)
    imported.portal.edit(anna, EMAIL="beta@x.test")
    imported.portal.edit(bob, EMAIL="alpha@x.test")

    imported.import_people()

    names = {user: imported.account.employees[imported.links()[user]]["first_name"] for user in (anna, bob)}
    assert names == {anna: "Anna", bob: "Bob"}
    assert len(imported.account.employees) == len(imported.links()) == 11
