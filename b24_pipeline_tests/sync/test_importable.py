"""R02 through the whole chain: what was emptied at the source is a state of its own until it has recovered."""

from collections.abc import Callable

import pytest

from b24_pipeline.alerts.conditions import State, conditions_of
from b24_pipeline.audit.health import health
from b24_pipeline_tests.harness import HALF_AN_HOUR, World

FALLEN = " of 9 candidates can be imported, at the last import it was 100%"
NOBODY_LEFT = "no candidates are left; at the last import 100% of them could be imported"


def empty_addresses(world: World) -> None:
    for user in range(1, 10):
        world.portal.edit(user, EMAIL="")


def empty_last_names(world: World) -> None:
    for user in range(1, 10):
        world.portal.edit(user, LAST_NAME="")


def make_extranet(world: World) -> None:
    for user in range(1, 10):
        world.portal.edit(user, USER_TYPE="extranet")


def leave_scope(world: World) -> None:
    world.set(B24_PIPELINE_EXCLUDE_EMAILS="*@x.test")


def recover(world: World) -> None:
    world.set(B24_PIPELINE_EXCLUDE_EMAILS="")
    for user in range(1, 10):
        world.portal.edit(user, EMAIL=f"person{user}@x.test", LAST_NAME=f"Person{user}", USER_TYPE="employee")


def states(world: World) -> set[State]:
    now = world.clock.now()
    with world.database() as database:
        return {condition.state for condition in conditions_of(health(database, now=now), now=now)}


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (empty_addresses, FALLEN),
        (empty_last_names, FALLEN),
        (make_extranet, NOBODY_LEFT),
        (leave_scope, NOBODY_LEFT),
    ],
)
def test_r02_a_source_that_was_emptied_is_told_until_it_has_recovered(
    imported: World, damage: Callable[[World], None], told: str
) -> None:
    damage(imported)
    ended = [imported.import_people() for _ in range(3)]
    during = states(imported)
    recover(imported)
    after = imported.import_people()

    assert {run.status for run in ended} == {"partial"}
    assert all(told in str(run.reason) for run in ended)
    assert (during, after.status, states(imported)) == ({State.FEWER_IMPORTABLE}, "done", set())


def test_r02_the_check_of_the_share_warns_as_well(imported: World) -> None:
    empty_addresses(imported)

    result = imported.run()

    found = {check.check_name: check for check in result.dagster.get_asset_check_evaluations()}
    check = found["import_coverage"]
    assert (check.passed, FALLEN in str(check.description)) == (False, True)


def test_r02_only_an_import_is_compared_and_compared_with(imported: World) -> None:
    empty_addresses(imported)
    dry, single = imported.import_people(dry_run=True), imported.import_people(only=[1])
    imported.clock.sleep(HALF_AN_HOUR)

    assert (dry.status, single.status, states(imported)) == ("partial", "done", set())
    assert imported.import_people().status == "partial"


def test_r02_half_of_the_candidates_may_go(imported: World) -> None:
    imported.hire("Newcomer")
    imported.import_people()
    for user in range(1, 6):
        imported.portal.edit(user, EMAIL="")

    assert imported.import_people().status == "done"
