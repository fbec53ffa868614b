"""R16b: who else imports into the account is found out, and doubles few people."""

import pytest

from b24_pipeline import audit
from b24_pipeline.alerts.conditions import State, duplicated
from b24_pipeline.audit import Store
from b24_pipeline.audit.health import health
from b24_pipeline.sandbox import Fault, FaultKind, Phase, RequestSeen
from b24_pipeline.sandbox.callgear.behavior import OtherImporter
from b24_pipeline_tests.harness import HALF_AN_HOUR, World

DAY = 24 * 60 * 60


def doubled(world: World) -> list[str]:
    """The e-mails that several employees have."""
    emails = [str(employee["email"]) for employee in world.account.employees.values()]
    return sorted({email for email in emails if emails.count(email) > 1})


def read_whole(world: World) -> int:
    """How often the whole account was read."""
    return sum(
        request.method == "get.employees" and "filter" not in request.params for request in world.sandbox.requests
    )


def states(world: World) -> list[State]:
    with world.database() as database:
        return [trouble.state for trouble in duplicated(health(database, now=world.clock.now()))]


def resolve(world: World) -> None:
    with Store.open(world.paths, now=world.clock.now) as store:
        audit.links.resolve_duplicates(store.database, by="ops", now=store.now())


@pytest.mark.parametrize("count", [5, 30])
def test_r16b_whom_somebody_else_creates_after_our_read_is_linked_and_not_doubled(world: World, count: int) -> None:
    world.hire_many(count)
    world.behave(other_importer=OtherImporter.AHEAD)

    first, second = world.import_people(), world.import_people()

    assert (first.status, first.counts.deferred, first.counts.created) == ("partial", count, 0)
    assert (second.status, second.counts.linked) == ("done", count)
    assert (doubled(world), len(world.account.employees), states(world)) == ([], count, [])
    assert "the next run will match it" in set(first.actions["error"]).pop()


def test_r16b_hires_that_somebody_else_creates_as_well_are_noticed_and_stop_all_creates(imported: World) -> None:
    imported.behave(other_importer=OtherImporter.ALONGSIDE)
    imported.hire_many(5, prefix="Newcomer")
    first = imported.import_people()
    imported.behave(other_importer=OtherImporter.NONE)
    imported.hire("Later")

    second = imported.import_people()

    assert (first.status, first.counts.created, len(doubled(imported))) == ("partial", 5, 5)
    assert "another import writes to this account: employee " in (first.reason or "")
    assert (second.status, second.counts.created, second.counts.deferred) == ("partial", 0, 1)
    assert "b24-pipeline resolve-duplicates" in (second.reason or "")
    assert states(imported) == [State.DUPLICATED]


def test_r16b_of_a_first_import_only_the_first_ones_are_doubled(world: World) -> None:
    world.set(B24_PIPELINE_CALLGEAR_IN_FLIGHT="1")
    world.hire_many(30)
    world.behave(other_importer=OtherImporter.ALONGSIDE)

    result = world.import_people()

    assert (result.status, result.counts.created, result.counts.deferred) == ("partial", 10, 20)
    assert len(doubled(world)) == 10


def test_r16b_everything_but_creates_goes_on_while_it_is_not_settled(imported: World) -> None:
    imported.behave(other_importer=OtherImporter.ALONGSIDE)
    imported.hire("Double")
    imported.import_people()
    imported.list_responsible(1)
    imported.portal.dismiss(1)
    imported.account.add_employee(last_name="Snow", email="snow@x.test")
    imported.hire("Snow")
    imported.hire("Later")

    result = imported.import_people()

    assert (result.counts.responsible_removed, result.counts.linked, result.counts.created) == (1, 1, 0)
    assert "(bitrix24) Snow" in imported.employees()


def test_r16b_once_a_person_has_settled_it_creates_go_on(imported: World) -> None:
    imported.behave(other_importer=OtherImporter.ALONGSIDE)
    double = imported.hire("Double")
    imported.import_people()
    imported.behave(other_importer=OtherImporter.NONE)
    imported.hire("Later")
    imported.import_people()

    resolve(imported)
    result = imported.import_people()

    assert (result.status, result.counts.created, states(imported)) == ("done", 1, [])
    assert double in imported.links()


def test_r16b_what_is_settled_is_not_found_again_and_what_is_new_is(imported: World) -> None:
    imported.behave(other_importer=OtherImporter.ALONGSIDE)
    imported.hire("Double")
    imported.import_people()
    resolve(imported)

    quiet = imported.import_people()
    imported.hire("Another")
    again = imported.import_people()

    assert (quiet.status, again.status, states(imported)) == ("done", "partial", [State.DUPLICATED])


def test_r16b_a_slow_importer_is_found_out_by_the_next_run(imported: World) -> None:
    imported.hire("Newcomer")
    first = imported.import_people()
    imported.account.add_employee(last_name="(crm) Newcomer", email="NEWCOMER@x.test")
    imported.clock.sleep(HALF_AN_HOUR)

    second = imported.import_people()

    assert (first.status, second.status, states(imported)) == ("done", "partial", [State.DUPLICATED])


def test_r16b_an_employee_that_is_no_new_one_may_become_double(imported: World) -> None:
    imported.clock.sleep(DAY)
    imported.account.add_employee(last_name="Second", email="person1@x.test")

    assert (imported.import_people().status, states(imported)) == ("done", [])


def test_r16b_a_run_without_creates_reads_the_account_once(imported: World) -> None:
    imported.account.add_employee(last_name="Snow", email="snow@x.test")
    imported.hire("Snow")
    imported.forget_requests()

    imported.import_people()

    assert read_whole(imported) == 1


@pytest.mark.parametrize(("count", "reads"), [(1, 3), (10, 3), (30, 4)])
def test_r16b_the_account_is_read_before_the_first_create_and_after_the_last(
    world: World, count: int, reads: int
) -> None:
    world.hire_many(count)

    result = world.import_people()

    assert (result.counts.created, read_whole(world)) == (count, reads)


def test_r16b_a_read_that_fails_before_the_creates_creates_nobody(imported: World) -> None:
    imported.hire("Newcomer")
    imported.sandbox.faults.add(Fault(FaultKind.HTTP_500, method="get.employees", nth=2, times=None))

    result = imported.import_people()
    imported.sandbox.faults.clear()

    assert (result.counts.created, imported.writes()[9:]) == (0, [])
    assert imported.import_people().counts.created == 1


def test_r16b_a_read_that_fails_after_the_creates_is_made_up_for_by_the_next_run(imported: World) -> None:
    imported.hire("Newcomer")
    imported.behave(other_importer=OtherImporter.ALONGSIDE)
    imported.sandbox.faults.add(Fault(FaultKind.HTTP_500, method="get.employees", nth=3, times=None))
    first = imported.import_people()
    imported.sandbox.faults.clear()

    second = imported.import_people()

    assert (first.status, first.counts.created, second.status) == ("done", 1, "partial")
    assert "the check for another import is deferred to the next run" in (first.reason or "")
    assert states(imported) == [State.DUPLICATED]


def test_r16b_a_dry_run_neither_reads_again_nor_notes_anything(imported: World) -> None:
    imported.hire("Newcomer")
    imported.forget_requests()

    imported.import_people(dry_run=True)

    assert read_whole(imported) == 1


def test_r16b_of_several_only_those_whom_somebody_else_has_created_wait(imported: World) -> None:
    imported.hire("Quick")
    imported.hire("Ours")
    reads = 0

    def meanwhile(request: RequestSeen, phase: Phase) -> None:
        nonlocal reads
        if request.method == "get.employees" and phase is Phase.AFTER:
            reads += 1
            if reads == 1:
                imported.account.add_employee(last_name="Quick", email=" QUICK@x.test")

    imported.sandbox.on_request = meanwhile

    result = imported.import_people()

    assert (result.counts.created, result.counts.deferred, doubled(imported)) == (1, 1, [])
