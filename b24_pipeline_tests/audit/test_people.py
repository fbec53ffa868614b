"""`audit.people` and `audit.last_import` speak of the last import, whatever kinds of runs came after it (R18a)."""

from collections.abc import Callable
from typing import Any

import pytest

from b24_pipeline.sandbox import Fault, FaultKind
from b24_pipeline_tests.audit.helpers import ask
from b24_pipeline_tests.harness import World

NOT_IMPORTED = """
    SELECT bitrix24_id, display_name, match_type, reason, open_outcome FROM audit.people
    WHERE eligibility IN ('candidate', 'rejected') AND linked_at IS NULL ORDER BY bitrix24_id
"""


def failed(world: World) -> None:
    world.sandbox.faults.add(Fault(FaultKind.WEBHOOK_REVOKED_401, api="bitrix24"))
    assert world.import_people().row["status"] == "failed"


def row_of(world: World, user: int) -> dict[str, Any]:
    columns = [name for (name,) in ask(world.paths, "SELECT column_name FROM (DESCRIBE audit.people)")]
    (row,) = ask(world.paths, f"SELECT * FROM audit.people WHERE bitrix24_id = {user}")
    return dict(zip(columns, row, strict=True))


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "later",
    [
        failed,
        lambda world: world.import_people(dry_run=True),
        lambda world: world.import_people(only=[world.hire("Later")]),
        lambda world: world.run(assets=["bitrix24_users", "employees"]),
    ],
    ids=["failed", "dry", "single", "partial"],
)
def test_r18a_who_is_not_imported_is_asked_of_the_last_import(world: World, later: Callable[[World], object]) -> None:
    world.hire("Present")
    nameless = world.hire(None, EMAIL="nameless@x.test")
    imported = world.import_people().run_id
    before = ask(world.paths, NOT_IMPORTED)
    later(world)
    assert before == [(nameless, "Ira", "rejected", "missing_last_name", "rejected")]
    assert ask(world.paths, NOT_IMPORTED) == before
    assert ask(world.paths, "SELECT run_id FROM audit.last_import") == [(imported,)]


def test_each_person_has_one_row_with_the_link_and_the_last_change(world: World) -> None:
    user = world.hire("Anna")
    world.import_people()
    world.import_people()
    row = row_of(world, user)
    assert row["callgear_id"] == world.links()[user]
    assert (row["display_name"], row["eligibility"], row["match_type"]) == ("Anna Ira", "candidate", "by_id")
    assert (row["last_change"], row["open_outcome"], row["last_error"]) == ("create", None, None)


def test_somebody_deleted_from_the_portal_stays_with_the_link(world: World) -> None:
    world.hire("Stays")
    gone = world.hire("Gone")
    world.import_people()
    world.portal.delete(gone)
    world.import_people()
    assert row_of(world, gone)["eligibility"] == "deleted"


def test_a_failure_that_is_tried_again_is_named(world: World) -> None:
    user = world.hire("Refused")
    world.sandbox.faults.add(Fault(FaultKind.MNEMONIC, api="callgear", method="create.employees", times=1, nth=1))
    world.import_people()
    row = row_of(world, user)
    assert "invalid_parameter_value" in row["last_error"]
    assert row["linked_at"] is None
