"""R01-R12 through the whole chain: who is created, linked, left alone or in conflict, seen from both systems."""

import json

import pytest

from b24_pipeline import audit
from b24_pipeline.reporting import timeline
from b24_pipeline.sandbox import Phase, RequestSeen
from b24_pipeline_tests.harness import World

IRA = 1
"""One of the nine people of `imported`."""


def test_r10_a_first_import_creates_everybody_and_stores_the_links(world: World) -> None:
    ira = world.hire("Lebedeva", SECOND_NAME="Pavlovna", WORK_PHONE="+7 900 555-02-01", PERSONAL_MOBILE="8 (900) 1")
    jon = world.hire("Snow", NAME="Jon")

    result = world.import_people()

    assert (result.status, result.counts.created) == ("done", 2)
    employee = world.account.employees[world.links()[ira]]
    assert [employee[name] for name in ("first_name", "last_name", "patronymic", "email")] == [
        "Ira",
        "(bitrix24) Lebedeva",
        "Pavlovna",
        "lebedeva@x.test",
    ]
    assert world.employees()["(bitrix24) Lebedeva"] == ["79005550201", "89001"]
    assert set(world.links()) == {ira, jon}
    assert [request.method for request in world.writes()] == ["create.employees"] * 2


def test_r07_whatever_differs_a_linked_employee_is_left_alone(imported: World) -> None:
    imported.portal.edit(IRA, LAST_NAME="Married", EMAIL="other@x.test", WORK_PHONE="79005550201")

    result = imported.import_people()

    assert imported.writes() == []
    assert (result.counts.matched_by_id, result.counts.unchanged, result.counts.created) == (9, 9, 0)


def test_r07_fill_phones_for_one_run_gives_phones_and_no_name_also_not_one_changed_meanwhile(imported: World) -> None:
    imported.portal.edit(IRA, LAST_NAME="Married", WORK_PHONE="79005550201")
    employee = imported.account.employees[imported.links()[IRA]]

    def rename(request: RequestSeen, phase: Phase) -> None:
        if request.method == "get.employees" and phase is Phase.BEFORE and "filter" in request.params:
            employee["last_name"] = "Renamed by a colleague"

    imported.sandbox.on_request = rename

    result = imported.import_people(on_id_match="fill_phones")

    assert imported.employees()["Renamed by a colleague"] == ["79005550201"]
    assert (result.counts.phones_added, result.counts.unchanged) == (1, 8)


def test_r07_refresh_as_a_setting_renames_too(imported: World) -> None:
    imported.portal.edit(IRA, LAST_NAME="Married")
    imported.set(B24_PIPELINE_ON_ID_MATCH="refresh")

    result = imported.import_people()

    assert "(bitrix24) Married" in imported.employees()
    assert (result.outcomes(), result.counts.phones_added) == ({IRA: "update: done"}, 0)


def test_r08_a_stale_link_is_replaced_by_a_new_employee(imported: World) -> None:
    former = imported.links()[IRA]
    imported.account.remove_employee(former)

    result = imported.import_people()

    assert result.outcomes() == {IRA: "create stale_link: done"}
    assert imported.links()[IRA] in imported.account.employees
    assert imported.links()[IRA] != former


def test_r09_an_employee_found_by_email_is_linked_named_and_given_phones(world: World) -> None:
    employee = world.account.add_employee(last_name="Lebedeva", first_name="Irina", email="IRA@x.test")
    ira = world.hire("Lebedeva", EMAIL=" ira@X.test ", WORK_PHONE="79005550201")

    result = world.import_people()

    assert world.links() == {ira: employee}
    assert world.employees() == {"(bitrix24) Lebedeva": ["79005550201"]}
    assert world.account.employees[employee]["first_name"] == "Irina"
    assert (result.counts.linked, result.counts.phones_added, result.counts.created) == (1, 1, 0)


def test_r09_an_employee_that_is_already_right_is_linked_without_a_write(world: World) -> None:
    right = {"last_name": "(bitrix24) Lebedeva", "email": "lebedeva@x.test", "phone_numbers": ["7900"]}
    employee = world.account.add_employee(**right)
    ira = world.hire("Lebedeva", WORK_PHONE="79005550201")

    result = world.import_people()

    assert (world.links(), world.writes()) == ({ira: employee}, [])
    assert (result.counts.linked, result.counts.phones_added) == (1, 0)


def test_r11_existing_numbers_are_never_touched(world: World) -> None:
    world.account.add_employee(last_name="Old", email="lebedeva@x.test", phone_numbers=["7900", "7901"])
    world.hire("Lebedeva", WORK_PHONE="79005550201")
    world.account.add_employee(last_name="Desk", phone_numbers=[{"phone_number": "79005550200", "dial_time": 25}])
    world.hire("Snow", WORK_PHONE="79005550200")
    shared = world.account.number_of("79005550200")
    assert shared is not None

    def edit(request: RequestSeen, phase: Phase) -> None:
        if request.method == "get.employees" and phase is Phase.BEFORE and "filter" in request.params:
            shared["dial_time"] = 40

    world.sandbox.on_request = edit

    world.import_people()

    assert world.employees() == {
        "(bitrix24) Lebedeva": ["7900", "7901"],
        "Desk": ["79005550200"],
        "(bitrix24) Snow": ["79005550200"],
    }
    assert shared["dial_time"] == 40, "what a colleague set meanwhile is not taken back by sharing the number"


def test_r09_two_employees_with_the_address_are_a_conflict_without_a_write(world: World) -> None:
    for _ in range(2):
        world.account.add_employee(last_name="Lebedeva", email="lebedeva@x.test")
    ira = world.hire("Lebedeva")

    result = world.import_people()

    assert (result.outcomes(), world.writes()) == ({ira: "conflict ambiguous_email: conflict"}, [])


def test_r09_an_employee_linked_to_another_active_user_is_a_conflict(imported: World) -> None:
    imported.portal.edit(IRA, EMAIL="moved@x.test")
    newcomer = imported.hire("Other", EMAIL="person1@x.test")

    result = imported.import_people()

    assert (result.outcomes(), imported.writes()) == ({newcomer: "conflict already_linked: conflict"}, [])


def test_r09_a_rehire_takes_the_link_along_to_the_new_id(imported: World) -> None:
    employee = imported.links()[IRA]
    imported.portal.dismiss(IRA)
    rehired = imported.hire("  PERSON1 ", EMAIL="person1@x.test")

    result = imported.import_people()

    assert imported.links()[rehired] == employee
    assert IRA not in imported.links()
    assert result.outcomes()[rehired] == "link rehired: done, update email_link: done"
    assert len(imported.account.employees) == 9


def test_r09_a_rehire_of_a_deleted_user_is_known_by_the_last_name_it_had(imported: World) -> None:
    employee = imported.links()[IRA]
    imported.portal.delete(IRA)
    rehired = imported.hire("Person1")

    imported.import_people()

    assert imported.links()[rehired] == employee


def test_r09_a_mailbox_that_changed_hands_waits_for_a_person(imported: World) -> None:
    imported.portal.dismiss(IRA)
    heir = imported.hire("Other", EMAIL="person1@x.test")

    result = imported.import_people()

    assert result.outcomes()[heir] == "conflict email_reused: conflict"
    assert imported.writes() == []
    assert IRA in imported.links()


def test_r09_a_mailbox_that_changed_hands_within_a_family_name_says_what_the_employee_keeps(imported: World) -> None:
    leaver = imported.portal.users[IRA]
    employee = imported.links()[IRA]
    imported.account.edit_employee(employee, phone_numbers=[{"phone_number": "7900"}])
    imported.portal.dismiss(IRA)
    heir = imported.hire(leaver["LAST_NAME"], NAME="Olga", EMAIL=leaver["EMAIL"])

    result = imported.import_people(dry_run=True)

    assert result.outcomes()[heir] == "conflict email_reused: conflict"
    before = json.loads(result.actions.set_index("bitrix24_id").loc[heir, "before"])
    assert (before["first_name"], before["phone_numbers"]) == (leaver["NAME"], ["7900"])
    kept = f'employee {employee} has and keeps the first name "{leaver["NAME"]}" and the phones 7900'
    with imported.database() as database:
        (explained,) = timeline.explain(database, str(heir))
    assert any(kept in event.text for event in explained.events)


def test_r12_of_two_with_one_address_the_linked_one_keeps_it_else_the_lowest_id(imported: World) -> None:
    first, second = imported.hire("Anna", EMAIL="team@x.test"), imported.hire("Berta", EMAIL="Team@x.test")
    imported.portal.edit(IRA, EMAIL="clara@x.test")
    third = imported.hire("Clara", EMAIL="clara@x.test")

    result = imported.import_people()

    assert result.outcomes() == {
        first: "create: done",
        second: "conflict duplicate_email: conflict",
        third: "conflict duplicate_email: conflict",
    }
    with imported.database() as database:
        others = audit.actions.of_run(database, result.run_id).set_index("bitrix24_id")["before"]
    assert (others[second], others[third]) == (f'{{"other_bitrix24_id": {first}}}', f'{{"other_bitrix24_id": {IRA}}}')


def test_r02_the_rejected_are_listed_by_name_never_sent_and_looked_at_again(world: World) -> None:
    nameless, mailless = world.hire(None, EMAIL="a@x.test"), world.hire("Mailless", EMAIL=None)
    rejected = world.import_people()
    world.portal.edit(mailless, EMAIL="now@x.test")

    mended = world.import_people()

    assert rejected.outcomes() == {
        nameless: "reject missing_last_name: rejected",
        mailless: "reject missing_email: rejected",
    }
    assert rejected.counts.rejected == 2
    assert mended.outcomes()[mailless] == "create: done"


def test_r02_on_premise_a_department_is_required(world: World) -> None:
    homeless = world.hire("Lebedeva", UF_DEPARTMENT=[])
    world.set(BITRIX24_EDITION="on_premise")

    assert world.import_people().outcomes() == {homeless: "reject missing_department: rejected"}


def test_r03_who_is_out_of_scope_is_counted_and_nothing_is_done(world: World) -> None:
    world.hire("Partner", EMAIL="a@partner.example")
    excluded = world.hire("Excluded")
    world.set(B24_PIPELINE_EXCLUDE_EMAILS="*@partner.example", B24_PIPELINE_EXCLUDE_USERS=str(excluded))

    result = world.import_people()

    assert (result.counts.out_of_scope, result.counts.rejected, len(result.actions)) == (2, 0, 0)
    assert world.writes() == []


@pytest.mark.parametrize(("policy", "numbers"), [("all", ["7900", "7901"]), ("first", ["7900"])])
def test_r05_the_phones_policy_of_one_run_decides_which_numbers_are_sent(
    world: World, policy: str, numbers: list[str]
) -> None:
    world.hire("Lebedeva", WORK_PHONE="7900", PERSONAL_MOBILE="7901")

    world.import_people(phones=policy)

    assert world.employees() == {"(bitrix24) Lebedeva": numbers}


def test_only_imports_the_people_asked_for_and_says_so_in_the_audit(world: World) -> None:
    world.hire("Lebedeva")
    jon = world.hire("Snow")

    result = world.import_people(only=[jon])

    assert set(world.links()) == {jon}
    assert (result.audited["only_users"], result.counts.users) == (str(jon), 2)


def test_r01_others_than_employees_are_never_imported(world: World) -> None:
    for user_type in ("extranet", "email", "bot"):
        world.hire(f"Guest {user_type}", USER_TYPE=user_type, EMAIL=f"{user_type}@x.test")
    world.hire("Real")

    result = world.import_people()

    assert (result.counts.candidates, list(world.employees())) == (1, ["(bitrix24) Real"])
