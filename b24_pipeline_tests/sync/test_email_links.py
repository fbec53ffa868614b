"""R09a: a link by e-mail is stored at once; the employee's last name and phones are carried out on their own."""

from b24_pipeline import audit
from b24_pipeline.sandbox import Fault, FaultKind
from b24_pipeline_tests.harness import HALF_AN_HOUR, World


def in_callgear(world: World, *names: str, sip: bool = False) -> dict[int, int]:
    """These people on both sides, with a SIP line or none: the link that each is to get."""
    links = {}
    for number, name in enumerate(names):
        employee = world.account.add_employee(last_name=name, email=f"{name.lower()}@x.test")
        if sip:
            world.account.add_sip_line(employee, f"04291{number:02}")
        links[world.hire(name, WORK_PHONE=f"790055502{number:02}")] = employee
    return links


def errors(result: object) -> str:
    return " ".join(result.actions["error"].dropna())  # type: ignore[attr-defined]


def test_r09a_employees_with_sip_lines_are_linked_and_wait_with_their_last_name(world: World) -> None:
    links = in_callgear(world, "Lebedeva", "Zimin", sip=True)

    result = world.import_people()

    assert (world.links(), world.writes()) == (links, [])
    assert (result.status, result.counts.linked, result.counts.failed) == ("partial", 2, 2)
    assert set(result.outcomes().values()) == {"link: done, update email_link: failed"}
    assert all(f"b24-pipeline check --prove-update {employee}" in errors(result) for employee in links.values())


def test_r09a_who_waits_is_updated_once_an_update_has_shown_that_it_is_safe(world: World) -> None:
    links = in_callgear(world, "Lebedeva", sip=True)
    world.import_people()
    ordinary = world.account.add_employee(last_name="Snow", email="snow@x.test", phone_numbers=["79005550299"])
    snow = world.hire("Snow")
    world.clock.sleep(HALF_AN_HOUR)

    results = [world.import_people(), world.import_people()]

    assert world.links() == links | {snow: ordinary}
    assert world.employees() == {"(bitrix24) Lebedeva": ["0429100"], "(bitrix24) Snow": ["79005550299"]}
    assert results[-1].counts.failed == 0


def test_r09a_what_failed_is_tried_again_although_the_link_is_known_by_now(world: World) -> None:
    links = in_callgear(world, "Lebedeva", "Zimin")
    world.sandbox.faults.add(Fault(FaultKind.MNEMONIC, method="update.employees", nth=1))
    first = world.import_people()
    world.clock.sleep(HALF_AN_HOUR)

    second = world.import_people()
    world.forget_requests()
    third = world.import_people()

    assert (first.status, first.counts.linked, first.counts.failed) == ("partial", 2, 1)
    assert (second.status, second.counts.failed, second.counts.phones_added) == ("done", 0, 1)
    assert world.links() == links
    assert world.employees() == {"(bitrix24) Lebedeva": ["79005550200"], "(bitrix24) Zimin": ["79005550201"]}
    assert (third.status, third.outcomes(), world.writes()) == ("done", {}, [])


def test_r09a_without_points_the_links_are_stored_and_the_rest_is_deferred(world: World) -> None:
    links = in_callgear(world, "Lebedeva", "Zimin")
    world.behave(day_limit=3)
    first = world.import_people()
    stored = world.links()
    world.behave(day_limit=1_000_000)

    second = world.import_people()

    assert (stored, first.status, first.counts.linked) == (links, "partial", 2)
    assert second.status == "done"
    assert set(world.employees()) == {"(bitrix24) Lebedeva", "(bitrix24) Zimin"}


def test_r09a_what_a_person_has_put_right_by_hand_is_finished(world: World) -> None:
    ((_, employee),) = in_callgear(world, "Lebedeva", sip=True).items()
    world.import_people()
    world.account.edit_employee(employee, last_name="(bitrix24) Lebedeva")
    world.clock.sleep(HALF_AN_HOUR)

    result = world.import_people()
    world.account.edit_employee(employee, last_name="By hand")
    again = world.import_people()

    with world.database() as database:
        assert audit.actions.dead_letters(database).empty
    assert (result.status, again.status, world.writes()) == ("done", "done", [])


def test_r09a_the_next_name_of_a_link_that_waits_is_the_one_that_is_sent(world: World) -> None:
    ((user, employee),) = in_callgear(world, "Lebedeva").items()
    world.sandbox.faults.add(Fault(FaultKind.MNEMONIC, method="update.employees", nth=1))
    world.import_people()
    world.portal.edit(user, LAST_NAME="Zimina")

    result = world.import_people()

    assert result.outcomes() == {user: "update email_link: done"}
    assert world.account.employees[employee]["last_name"] == "(bitrix24) Zimina"


def test_r09a_what_a_limit_holds_is_not_linked_and_what_waits_is_not_held(imported: World) -> None:
    imported.behave(day_limit=3)
    waiting = in_callgear(imported, *(f"Early{number}" for number in range(20)))
    imported.import_people()
    imported.behave(day_limit=1_000_000)
    held = in_callgear(imported, *(f"Late{number}" for number in range(30)))

    result = imported.import_people()

    assert waiting.items() <= imported.links().items()
    assert not held.keys() & imported.links().keys()
    assert (result.status, result.counts.held) == ("held", 30)
    assert {f"(bitrix24) Early{number}" for number in range(20)} <= imported.employees().keys()
