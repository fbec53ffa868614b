"""R16b: the account is known by its number; another one is never written to."""

import pytest

from b24_pipeline import audit
from b24_pipeline.audit import Store
from b24_pipeline.audit.metadata import ACCOUNT_NAME, ACCOUNT_NUMBER
from b24_pipeline.sandbox import Fault, FaultKind
from b24_pipeline_tests.harness import HALF_AN_HOUR, World


def asked(world: World) -> int:
    """How often the account was asked which one it is."""
    return sum(request.method == "get.account" for request in world.sandbox.requests)


def in_another_account(world: World, app_id: int = 666) -> None:
    """The token is another account's: nobody of ours is there."""
    world.behave(app_id=app_id)
    world.account.employees.clear()
    world.account.last_employee += 1000


def test_r16b_into_another_account_nobody_is_created_and_no_link_is_overwritten(imported: World) -> None:
    links = imported.links()
    in_another_account(imported)

    result = imported.run()

    assert (result.success, result.status, imported.writes(), imported.account.employees) == (False, "failed", [], {})
    assert imported.links() == links
    assert "belongs to the CallGear account Sandbox (number 31337), but" in (result.reason or "")
    assert "the CallGear account Sandbox (number 666) answered" in (result.reason or "")


def test_r16b_in_another_account_nobody_is_linked_renamed_or_taken_off_the_list(imported: World) -> None:
    imported.portal.dismiss(1)
    imported.list_responsible(1)
    imported.behave(app_id=666)
    imported.account.add_employee(last_name="Snow", email="snow@x.test")
    imported.hire("Snow")
    links = imported.links()

    result = imported.import_people()

    assert (result.status, imported.writes(), imported.links()) == ("failed", [], links)
    assert set(imported.account.responsible) == {"1"}


def test_r16b_the_right_account_is_imported_into_again(imported: World) -> None:
    imported.behave(app_id=666)
    imported.hire("Snow")
    wrong = imported.import_people()
    imported.behave(app_id=31337)

    right = imported.import_people()

    assert (wrong.status, right.status, right.counts.created) == ("failed", "done", 1)


def test_r16b_r18_another_account_says_nothing_of_a_create_in_doubt(imported: World) -> None:
    late = imported.hire("Late")
    lost = [
        Fault(FaultKind.TIMEOUT_AFTER, api="callgear", method="create.employees", times=None, nth=1),
        Fault(FaultKind.TIMEOUT_BEFORE, api="callgear", method="get.employees", times=None, nth=3),
    ]
    imported.set(B24_PIPELINE_HTTP_TIMEOUT_SECONDS="0.3")
    for fault in lost:
        imported.sandbox.faults.add(fault)
    imported.import_people()
    imported.sandbox.faults.clear()
    ours = dict(imported.account.employees)
    in_another_account(imported)
    imported.clock.sleep(HALF_AN_HOUR)
    wrong = imported.import_people()

    imported.account.employees.update(ours)
    imported.behave(app_id=31337)
    imported.portal.edit(late, EMAIL="changed@x.test")
    imported.clock.sleep(HALF_AN_HOUR)
    right = imported.import_people()

    assert (wrong.status, right.status, len(imported.account.employees)) == ("failed", "done", len(ours))
    assert imported.links()[late] in ours


def test_r16b_the_account_is_asked_once_and_only_before_a_write(imported: World) -> None:
    imported.list_responsible(1)
    imported.import_people()
    quiet = asked(imported)
    imported.portal.dismiss(1)
    imported.hire("Snow")

    imported.import_people()

    assert (quiet, asked(imported), len(imported.writes())) == (0, 1, 2)


def test_r16b_a_dry_run_need_not_know_the_account(imported: World) -> None:
    imported.hire("Snow")

    imported.import_people(dry_run=True)

    assert asked(imported) == 0


def test_r16b_a_database_of_an_older_version_learns_its_account_with_its_next_write(imported: World) -> None:
    with Store.open(imported.paths, now=imported.clock.now) as store:
        audit.metadata.put_facts(store.database, {ACCOUNT_NUMBER: "", ACCOUNT_NAME: ""})
    imported.hire("Snow")
    adopted = imported.import_people()
    imported.behave(app_id=666)
    imported.hire("Zimin")

    assert (adopted.status, imported.import_people().status) == ("done", "failed")


@pytest.mark.parametrize("mnemonic", ["forbidden", "method_component_disabled"])
def test_r16b_a_token_that_may_not_ask_is_no_proof_of_the_known_account(imported: World, mnemonic: str) -> None:
    imported.sandbox.faults.add(
        Fault(FaultKind.MNEMONIC, method="get.account", code=-32003, mnemonic=mnemonic, times=None)
    )
    imported.hire("Snow")

    result = imported.import_people()

    assert (result.status, imported.writes()) == ("failed", [])
    assert "CallGear did not report which one answered" in (result.reason or "")


def test_r16b_where_no_account_ever_tells_its_number_the_import_goes_on(world: World) -> None:
    world.sandbox.faults.add(
        Fault(FaultKind.MNEMONIC, method="get.account", code=-32003, mnemonic="forbidden", times=None)
    )
    world.hire("Snow")

    assert world.import_people().status == "done"


def test_r16b_an_agent_is_known_by_the_user_of_its_client(world: World) -> None:
    world.behave(is_agent=True)
    world.set(CALLGEAR_USER_ID="4711")
    world.hire("Snow")
    first = world.import_people()
    world.set(CALLGEAR_USER_ID="4712")
    world.hire("Zimin")

    second = world.import_people()

    assert (first.status, second.status, second.counts.created) == ("done", "failed", 0)
    assert "of user 4711" in (second.reason or "")


def test_r16b_without_a_point_to_ask_everything_is_deferred(imported: World) -> None:
    imported.behave(day_limit=2)
    imported.hire("Snow")

    result = imported.import_people()

    assert (result.status, result.counts.deferred, imported.writes()) == ("partial", 1, [])


def test_r16b_an_account_that_cannot_be_asked_is_not_written_to(imported: World) -> None:
    imported.sandbox.faults.add(Fault(FaultKind.HTTP_500, method="get.account", times=None))
    imported.hire("Snow")

    result = imported.import_people()

    assert (result.status, imported.writes()) == ("failed", [])
