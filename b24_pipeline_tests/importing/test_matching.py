"""R07-R12 through the whole chain: who is created, linked, left alone or in conflict, seen from both systems."""

import pytest

from b24_pipeline_tests.world import World


def test_r10_a_first_import_creates_everybody_and_stores_the_links(world: World) -> None:
    ira = world.hire("Lebedeva", SECOND_NAME="Pavlovna", WORK_PHONE="+7 900 555-02-01", PERSONAL_MOBILE="8 (900) 1")
    jon = world.hire("Snow", NAME="Jon")

    result = world.run()

    assert (result.status, result.counts.created) == ("done", 2)
    employee = world.account.employees[world.links()[ira]]
    assert [employee[name] for name in ("first_name", "last_name", "patronymic", "email")] == [
        "Ira",
        "(bitrix24) Lebedeva",
        "Pavlovna",
        "lebedeva@x.test",
    ]
    assert world.employees()["(bitrix24) Lebedeva"] == ["79005550201", "89001"]
    assert [request.method for request in world.writes()] == ["create.employees"] * 2
    assert set(world.links()) == {ira, jon}
    assert set(world.links().values()) == set(world.account.employees)


def test_r07_a_second_import_writes_nothing(world: World) -> None:
    world.hire_many(3)
    world.run()
    world.forget_requests()

    result = world.run()

    assert world.writes() == []
    assert (result.counts.matched_by_id, result.counts.left_alone, result.counts.created) == (3, 3, 0)


def test_r07_whatever_differs_a_linked_employee_is_left_alone(world: World) -> None:
    ira = world.hire("Lebedeva")
    world.run()
    world.forget_requests()
    world.portal.edit(ira, LAST_NAME="Married", EMAIL="other@x.test", WORK_PHONE="79005550201")

    result = world.run()

    assert (world.writes(), result.counts.left_alone) == ([], 1)
    assert world.employees() == {"(bitrix24) Lebedeva": []}


def test_r07_fill_phones_for_one_run_gives_phones_and_no_name(world: World) -> None:
    ira = world.hire("Lebedeva")
    world.run()
    world.portal.edit(ira, LAST_NAME="Married", WORK_PHONE="79005550201")

    result = world.run(on_id_match="FILL_PHONES")

    assert world.employees() == {"(bitrix24) Lebedeva": ["79005550201"]}
    assert (result.counts.phones_added, result.counts.left_alone) == (1, 0)


def test_r07_refresh_as_a_setting_renames_too(world: World) -> None:
    ira = world.hire("Lebedeva")
    world.run()
    world.portal.edit(ira, LAST_NAME="Married")
    world.set(B24_PIPELINE_ON_ID_MATCH="refresh")

    result = world.run()

    assert list(world.employees()) == ["(bitrix24) Married"]
    assert (result.outcomes(), result.counts.phones_added) == ({ira: "update: done"}, 0)


def test_r08_a_stale_link_is_replaced_by_a_new_employee(world: World) -> None:
    ira = world.hire("Lebedeva")
    world.run()
    former = world.links()[ira]
    world.account.remove_employee(former)

    result = world.run()

    assert result.outcomes() == {ira: "create stale_link: done"}
    assert world.links()[ira] in world.account.employees
    assert world.links()[ira] != former


def test_r09_an_employee_found_by_email_is_linked_named_and_given_phones(world: World) -> None:
    employee = world.account.add_employee(last_name="Lebedeva", first_name="Irina", email="IRA@x.test")
    ira = world.hire("Lebedeva", EMAIL=" ira@X.test ", WORK_PHONE="79005550201")

    result = world.run()

    assert world.links() == {ira: employee}
    assert world.employees() == {"(bitrix24) Lebedeva": ["79005550201"]}
    assert world.account.employees[employee]["first_name"] == "Irina"
    assert (result.counts.linked, result.counts.phones_added, result.counts.created) == (1, 1, 0)


def test_r09_an_employee_that_is_already_right_is_linked_without_a_write(world: World) -> None:
    employee = world.account.add_employee(
        last_name="(bitrix24) Lebedeva", email="lebedeva@x.test", phone_numbers=["7900"]
    )
    ira = world.hire("Lebedeva", WORK_PHONE="79005550201")

    result = world.run()

    assert (world.links(), world.writes()) == ({ira: employee}, [])
    assert (result.counts.linked, result.counts.phones_added) == (1, 0)


def test_r11_existing_numbers_are_never_touched(world: World) -> None:
    world.account.add_employee(last_name="Old", email="lebedeva@x.test", phone_numbers=["7900", "7901"])
    world.hire("Lebedeva", WORK_PHONE="79005550201")

    world.run()

    assert world.employees() == {"(bitrix24) Lebedeva": ["7900", "7901"]}


def test_r09_two_employees_with_the_address_are_a_conflict_without_a_write(world: World) -> None:
    for _ in range(2):
        world.account.add_employee(last_name="Lebedeva", email="lebedeva@x.test")
    ira = world.hire("Lebedeva")

    result = world.run()

    assert (result.outcomes(), world.writes()) == ({ira: "conflict ambiguous_email: conflict"}, [])


def test_r09_an_employee_linked_to_another_active_user_is_a_conflict(world: World) -> None:
    ira = world.hire("Lebedeva")
    world.run()
    world.portal.edit(ira, EMAIL="moved@x.test")
    newcomer = world.hire("Other", EMAIL="lebedeva@x.test")
    world.forget_requests()

    result = world.run()

    assert (result.outcomes(), world.writes()) == ({newcomer: "conflict already_linked: conflict"}, [])


def test_r09_a_rehire_takes_the_link_along_to_the_new_id(world: World) -> None:
    former = world.hire("Lebedeva")
    world.run()
    employee = world.links()[former]
    world.portal.dismiss(former)
    rehired = world.hire("  LEBEDEVA ", EMAIL="lebedeva@x.test")

    result = world.run()

    assert world.links() == {rehired: employee}
    assert result.outcomes()[rehired] == "link rehired: done"
    assert len(world.account.employees) == 1


def test_r09_a_rehire_of_a_deleted_user_is_known_by_the_last_name_it_had(world: World) -> None:
    former = world.hire("Lebedeva")
    world.run()
    employee = world.links()[former]
    world.portal.delete(former)
    rehired = world.hire("Lebedeva")

    world.run()

    assert world.links() == {rehired: employee}


def test_r09_a_mailbox_that_changed_hands_waits_for_a_person(world: World) -> None:
    leaver = world.hire("Lebedeva")
    world.run()
    world.portal.dismiss(leaver)
    heir = world.hire("Other", EMAIL="lebedeva@x.test")
    world.forget_requests()

    result = world.run()

    assert result.outcomes()[heir] == "conflict email_reused: conflict"
    assert (world.writes(), set(world.links())) == ([], {leaver})


def test_r12_of_two_with_one_address_the_linked_one_keeps_it_else_the_lowest_id(world: World) -> None:
    first, second = world.hire("Anna", EMAIL="team@x.test"), world.hire("Berta", EMAIL="Team@x.test")
    linked = world.hire("Clara")
    at_first = world.run()
    world.portal.edit(second, EMAIL="clara@x.test")

    result = world.run()

    assert at_first.outcomes() == {
        first: "create: done",
        second: "conflict duplicate_email: conflict",
        linked: "create: done",
    }
    assert result.outcomes() == {second: "conflict duplicate_email: conflict"}


def test_r02_the_rejected_are_listed_by_name_never_sent_and_looked_at_again(world: World) -> None:
    nameless, mailless = world.hire(None, EMAIL="a@x.test"), world.hire("Mailless", EMAIL=None)
    rejected = world.run()
    world.portal.edit(mailless, EMAIL="now@x.test")

    mended = world.run()

    assert rejected.outcomes() == {
        nameless: "reject missing_last_name: rejected",
        mailless: "reject missing_email: rejected",
    }
    assert rejected.counts.rejected == 2
    assert mended.outcomes()[mailless] == "create: done"


def test_r02_on_premise_a_department_is_required(world: World) -> None:
    homeless = world.hire("Lebedeva", UF_DEPARTMENT=[])
    world.set(BITRIX24_EDITION="on_premise")

    assert world.run().outcomes() == {homeless: "reject missing_department: rejected"}


def test_r03_who_is_out_of_scope_is_counted_and_nothing_is_done(world: World) -> None:
    world.hire("Partner", EMAIL="a@partner.example")
    excluded = world.hire("Excluded")
    world.set(B24_PIPELINE_EXCLUDE_EMAILS="*@partner.example", B24_PIPELINE_EXCLUDE_USERS=str(excluded))

    result = world.run()

    assert (result.counts.out_of_scope, result.counts.rejected, len(result.actions)) == (2, 0, 0)
    assert world.writes() == []


@pytest.mark.parametrize(("policy", "numbers"), [("ALL", ["7900", "7901"]), ("FIRST", ["7900"])])
def test_r05_the_phones_policy_of_one_run_decides_which_numbers_are_sent(
    world: World, policy: str, numbers: list[str]
) -> None:
    world.hire("Lebedeva", WORK_PHONE="7900", PERSONAL_MOBILE="7901")

    world.run(phones=policy)

    assert world.employees() == {"(bitrix24) Lebedeva": numbers}


def test_only_imports_the_people_asked_for_and_says_so_in_the_audit(world: World) -> None:
    ira, jon = world.hire("Lebedeva"), world.hire("Snow")

    result = world.run(only=[jon])

    assert set(world.links()) == {jon}
    assert (result.audited["only_users"], result.counts.users) == (str(jon), 2)
    assert ira not in world.links()


@pytest.mark.parametrize("user_type", ["extranet", "email", "bot"])
def test_r01_others_than_employees_are_never_imported(world: World, user_type: str) -> None:
    world.hire("Guest", USER_TYPE=user_type)
    world.hire("Real")

    result = world.run()

    assert (result.counts.candidates, list(world.employees())) == (1, ["(bitrix24) Real"])
