"""What the tests of this folder rest on: a run without Dagster leaves what the same run through Dagster leaves."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from b24_pipeline import audit
from b24_pipeline.audit.schema import HISTORIES
from b24_pipeline.sandbox.bitrix24.behavior import Scope
from b24_pipeline_tests.harness import World, world_like
from b24_pipeline_tests.results import Audited

SCENARIOS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "everything": ({}, {}),
    "dry run for two": ({}, {"dry_run": True, "only": [1, 12]}),
    "used-up day": ({"day_limit": 0}, {}),
    "untrusted": ({"scope": Scope.BRIEF}, {}),
}
"""How both systems behave, and what is chosen for the run."""


def something_of_everything(world: World) -> None:
    """People to be created, linked, rejected, in conflict, held, and to be taken off the list."""
    world.set(B24_PIPELINE_LIMIT_CREATES="1", B24_PIPELINE_LIMIT_CREATES_SHARE="0", B24_PIPELINE_CALLGEAR_IN_FLIGHT="1")
    world.hire_many(2, prefix="Newcomer")
    world.account.add_employee(last_name="Known", email="known@x.test")
    world.hire("Known", WORK_PHONE="79005550201")
    world.hire(None, EMAIL="nameless@x.test")
    world.portal.dismiss(2)
    world.hire("Heir", EMAIL="person2@x.test")
    world.list_responsible(1, 3)
    world.portal.dismiss(1)


def left(world: World, ended: Audited) -> dict[str, Any]:
    """What a run leaves, in the audit and in both systems."""
    with world.database() as database:
        snapshots = {
            table: audit.history.snapshot(database, model).to_dict("records") for model, table in HISTORIES.items()
        }
    return {
        "run": {**ended.audited, "run_id": None},
        "actions": ended.actions.sort_values("bitrix24_id").to_dict("records"),
        "links": world.links(),
        "snapshots": snapshots,
        "requests": [request.method for request in world.sandbox.requests],
        "employees": world.account.employees,
        "list": world.account.responsible,
    }


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_run_without_dagster_leaves_what_one_through_dagster_leaves(
    after_an_import: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scenario: str
) -> None:
    switches, config = SCENARIOS[scenario]

    def after(run: Callable[..., Audited], folder: str) -> dict[str, Any]:
        with world_like(after_an_import, tmp_path / folder, environment=monkeypatch) as world:
            something_of_everything(world)
            world.behave(**switches)
            return left(world, run(world, **config))

    assert after(World.import_people, "without") == after(World.run, "through")
