"""R16c through the whole chain: the clock was ahead for a while, and nothing of that lasts longer than it should."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from b24_pipeline import audit
from b24_pipeline.audit.storage.exceptions import NotApprovable
from b24_pipeline.sandbox import Fault, FaultKind
from b24_pipeline.sandbox.callgear.behavior import Metadata
from b24_pipeline_tests.audit.helpers import ask
from b24_pipeline_tests.harness import HALF_AN_HOUR, World

DAY = timedelta(hours=24).total_seconds()
YEAR = 365 * DAY


@contextmanager
def ahead(world: World) -> Iterator[None]:
    """The clock is a year ahead for the block; time that passes in it passes for everybody."""
    world.clock.seconds += YEAR
    try:
        yield
    finally:
        world.clock.seconds -= YEAR


def refuse_creates(world: World) -> None:
    world.sandbox.faults.add(Fault(FaultKind.MNEMONIC, api="callgear", method="create.employees", times=None))


def test_r16c_what_failed_in_the_future_is_tried_again_now_and_counted_from_now(imported: World) -> None:
    imported.hire("Refused")
    refuse_creates(imported)
    with ahead(imported):
        for _ in range(4):
            imported.import_people()
    again = imported.import_people()
    (letter,) = ask(imported.paths, "SELECT first_failed_at, last_failed_at, next_try_at FROM audit.dead_letters")
    imported.clock.sleep(7 * 3600)
    imported.sandbox.faults.clear()

    assert (again.counts.failed, again.counts.backing_off) == (1, 0)
    assert max(letter) <= imported.clock.now()
    assert imported.import_people().counts.created == 1


def test_r16c_a_create_left_in_doubt_in_the_future_is_waited_for_no_longer_than_any_other(imported: World) -> None:
    imported.hire("Doubtful")
    imported.sandbox.faults.add(Fault(FaultKind.TIMEOUT_AFTER, api="callgear", method="create.employees", times=None))
    imported.sandbox.faults.add(Fault(FaultKind.HTTP_500, api="callgear", method="get.employees", nth=2, times=None))
    with ahead(imported):
        imported.import_people()
    imported.sandbox.faults.clear()

    result = imported.import_people()

    assert (result.status, imported.employees().keys() >= {"(bitrix24) Doubtful"}) == ("done", True)
    assert len(imported.account.employees) == 10


def test_r16c_points_spent_in_the_future_put_off_no_run_for_longer_than_a_day(imported: World) -> None:
    imported.behave(metadata=Metadata.MISSING)
    with ahead(imported):
        imported.hire("Expensive")
        spent = imported.import_people().counts.callgear_points
    imported.import_people()
    soon = points_of_a_day(imported)
    imported.clock.sleep(DAY + 1)
    imported.import_people()

    assert soon >= spent
    assert points_of_a_day(imported) < spent


def points_of_a_day(world: World) -> int:
    with world.database() as database:
        return audit.runs.points_since(database, world.clock.now() - timedelta(days=1))


def test_r16c_what_was_done_in_the_future_counts_for_a_day_from_now_and_no_longer(imported: World) -> None:
    imported.list_responsible(*range(1, 10))
    with ahead(imported):
        for user in (1, 2, 3):
            imported.portal.dismiss(user)
        imported.import_people()
    imported.portal.dismiss(4)
    soon = imported.import_people()
    imported.clock.sleep(DAY + 1)

    assert (soon.status, soon.counts.held) == ("held", 1)
    assert imported.import_people().counts.responsible_removed == 1


def test_r16c_an_approval_given_in_the_future_is_valid_for_a_day_from_now(imported: World) -> None:
    imported.list_responsible(*range(1, 10))
    for user in (1, 2, 3, 4):
        imported.portal.dismiss(user)
    with ahead(imported):
        held = imported.import_people()
        imported.run(approve=held.run_id, assets=["bitrix24_users"])
    imported.run(assets=["bitrix24_users"])
    (given,) = ask(imported.paths, "SELECT approved_at FROM audit.approvals")
    done = imported.import_people()

    assert given == (imported.clock.now(),)
    assert (done.status, done.counts.responsible_removed) == ("done", 4)


def test_r16c_an_approval_given_in_the_future_does_not_last_for_ever(imported: World) -> None:
    imported.list_responsible(*range(1, 10))
    for user in (1, 2, 3, 4):
        imported.portal.dismiss(user)
    with ahead(imported):
        held = imported.import_people()
        imported.run(approve=held.run_id, assets=["bitrix24_users"])
    imported.run(assets=["bitrix24_users"])
    imported.clock.sleep(DAY + 1)

    assert imported.import_people().counts.held == 4
    with pytest.raises(NotApprovable, match="began more than 24 hours ago"):
        imported.import_people(approve=held.run_id)


def test_r16c_the_responsible_list_is_read_again_although_it_seems_to_have_been_read_in_the_future(
    imported: World,
) -> None:
    imported.list_responsible(1, 2)
    with ahead(imported):
        imported.portal.dismiss(1)
        imported.import_people()
    imported.list_responsible(1)

    assert imported.import_people().counts.responsible_removed == 1


def test_r16c_a_run_in_the_future_overlaps_nothing_and_everybody_goes_on(imported: World) -> None:
    with ahead(imported):
        imported.hire("First")
        imported.import_people()
    imported.hire("Second")
    imported.clock.sleep(HALF_AN_HOUR)

    result = imported.import_people()

    assert (result.status, result.counts.created) == ("done", 1)
