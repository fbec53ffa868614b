"""The checks as Dagster runs them: in the same run, the blocking ones before the first write."""

from typing import Any

import dagster as dg
import pandas as pd
import pytest

from b24_pipeline import audit, schemas
from b24_pipeline.checks import ALL_CHECKS
from b24_pipeline.definitions import all_assets, defs
from b24_pipeline.io_manager import IO_MANAGER, StoreIOManager, frame_of
from b24_pipeline_tests.harness import JOB, QUIET, RunInTestTime, World

BLOCKING = {"every_user_evaluated", "schemas_valid", "unique_employee_per_user", "matches_reference_known_people"}


def specs() -> list[dg.AssetCheckSpec]:
    """Every check."""
    return [spec for checks in ALL_CHECKS for spec in checks.check_specs]


def test_every_check_says_what_it_looks_for_in_sentences() -> None:
    assert [spec.name for spec in specs() if not spec.description or not spec.description.endswith(".")] == []


def test_only_the_checks_of_integrity_block() -> None:
    assert {spec.name for spec in specs() if spec.blocking} == BLOCKING


def test_blocking_checks_come_before_the_first_write() -> None:
    graph = defs.resolve_asset_graph()
    before_the_write = graph.get(dg.AssetKey("callgear_upsert")).parent_keys
    assert {spec.asset_key for spec in specs() if spec.blocking} <= before_the_write


def test_the_job_runs_every_check() -> None:
    job = defs.resolve_job_def(JOB)
    assert {key.name for key in job.asset_layer.asset_graph.asset_check_keys} == {spec.name for spec in specs()}


def test_warnings_name_people_and_stop_nothing(world: World) -> None:
    world.hire_many(2)
    world.hire(None, EMAIL="nameless@x.test")
    world.hire("<b>Pipe|Cell", EMAIL="pipe@x.test", WORK_PHONE="ask *me*")
    result = world.run()
    assert (result.success, result.counts.created) == (True, 3)
    found = {evaluation.check_name: evaluation for evaluation in result.dagster.get_asset_check_evaluations()}
    assert {name for name, evaluation in found.items() if not evaluation.passed} == {
        "required_fields",
        "valid_phone_numbers",
        "import_coverage",
    }
    assert {found[name].severity for name in found if name not in BLOCKING} == {dg.AssetCheckSeverity.WARN}
    names = found["valid_phone_numbers"].metadata["who"].value
    assert r"\<b\>Pipe\|Cell Ira" in names
    assert r"left out\: ask \*me\*" in names
    assert found["required_fields"].metadata["violations"].value == 1


@pytest.mark.parametrize("config", [{"dry_run": True}, {"only": [1]}], ids=["dry", "single"])
def test_r18a_runs_that_import_nothing_leave_the_checks_of_the_last_import(
    imported: World, config: dict[str, Any]
) -> None:
    imported.hire_many(40)
    held = imported.run().counts.held

    imported.run(**config)

    newest = newest_evaluation(imported, "no_held_changes")
    assert (newest.passed, newest.metadata["violations"].value) == (False, held)
    assert held > 0


@pytest.mark.parametrize("config", [{"dry_run": True}, {"dry_run": True, "only": [1]}], ids=["dry", "single"])
def test_r18a_who_is_hired_after_the_last_import_is_no_difference_between_the_sides(
    imported: World, config: dict[str, Any]
) -> None:
    hired = len(imported.links())
    imported.hire_many(15, prefix="Late")

    imported.run(**config)

    coverage = newest_evaluation(imported, "import_coverage")
    assert newest_evaluation(imported, "reconciliation").passed
    assert (coverage.passed, coverage.metadata["candidates"].value) == (True, hired)


def newest_evaluation(world: World, check: str) -> dg.AssetCheckEvaluation:
    """What the page of a check of `callgear_upsert` shows."""
    key = dg.AssetCheckKey(dg.AssetKey("callgear_upsert"), check)
    record = world.instance.get_latest_asset_check_evaluation_record(key)
    assert record is not None
    assert record.event is not None
    newest = record.event.get_dagster_event().event_specific_data
    assert isinstance(newest, dg.AssetCheckEvaluation)
    return newest


class BrokenStore(StoreIOManager):
    """A store that spoils one table: it loses a person, or matches everybody with one employee."""

    table: str

    def handle_output(self, context: dg.OutputContext, obj: pd.DataFrame) -> None:
        if context.asset_key.to_user_string() == self.table:
            model = frame_of(context)
            spoiled = obj.iloc[:-1] if self.table == "employees" else obj.assign(callgear_id=obj["callgear_id"].min())
            self.import_run.run.store.record_snapshot(model, schemas.check(model, spoiled))


@pytest.mark.parametrize(
    ("table", "check"), [("employees", "every_user_evaluated"), ("employee_matches", "unique_employee_per_user")]
)
def test_a_blocking_check_stops_the_run_before_anything_is_written(imported: World, table: str, check: str) -> None:
    imported.hire("Lebedeva")
    imported.forget_requests()
    run = RunInTestTime.configure_at_launch()
    broken = dg.Definitions(
        assets=all_assets,
        asset_checks=ALL_CHECKS,
        resources={
            "import_run": run,
            **dict.fromkeys((IO_MANAGER, "io_manager"), BrokenStore(import_run=run, table=table)),
        },
        executor=dg.in_process_executor,
    )
    ended = broken.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=imported.instance, raise_on_error=False, run_config={"loggers": QUIET}
    )
    (row,) = [row for row in imported_history(imported) if row["run_id"] == ended.run_id]
    assert (ended.success, imported.writes(), row["status"]) == (False, [], "failed")
    assert row["reason"].startswith(f"{check}: ")
    assert row["reason"].endswith("; nothing was written")


def imported_history(world: World) -> list[dict[str, object]]:
    """The last runs of the audit."""
    with world.database() as database:
        return list(audit.runs.history(database, limit=3).to_dict("records"))
