"""`build_definitions`: the import as a part of somebody else's Dagster project."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from b24_pipeline import audit, build_definitions, settings
from b24_pipeline.dagster_runs import STEPS
from b24_pipeline.definitions import defs as own
from b24_pipeline.io_manager import IO_MANAGER
from b24_pipeline.resources import ONE_PROCESS
from b24_pipeline_tests.dagster_project.test_dg import DG
from b24_pipeline_tests.harness import QUIET, World
from b24_pipeline_tests.processes import PROJECT

EXAMPLE = PROJECT / "docs/examples/company"
UPSERT = dg.AssetKey(["crm", "callgear_upsert"])


class Untouched(dg.IOManager):
    """An IO manager of the project that nothing of ours may use."""

    def handle_output(self, context: dg.OutputContext, obj: object) -> None:
        raise AssertionError(f"{context.asset_key} was given to the IO manager of the project: {obj!r}")

    def load_input(self, context: dg.InputContext) -> object:
        raise AssertionError(f"{context.asset_key} was asked from the IO manager of the project")


@dg.asset(deps=[UPSERT], ins={"employees": dg.AssetIn(dg.AssetKey(["crm", "employees"]))}, output_required=False)
def headcount(employees: pd.DataFrame) -> Iterator[dg.MaterializeResult[None]]:
    """An asset of the project that follows the import, and is made of one of its frames."""
    yield dg.MaterializeResult(metadata={"people": len(employees)})


def merged(**choices: Any) -> dg.Definitions:
    theirs = dg.Definitions(
        assets=[headcount],
        resources={"io_manager": dg.IOManagerDefinition.hardcoded_io_manager(Untouched())},
        executor=dg.multiprocess_executor,
    )
    return dg.Definitions.merge(theirs, build_definitions(key_prefix="crm", **choices))


def test_every_key_has_the_prefix_and_every_group_too() -> None:
    specs = {spec.key: spec for spec in merged(group_prefix="crm_").resolve_all_asset_specs()}
    ours = {spec.key.with_prefix("crm"): spec for spec in own.resolve_all_asset_specs()}

    assert specs.keys() == {*ours, headcount.key}
    assert {key: specs[key].group_name for key in ours} == {key: f"crm_{spec.group_name}" for key, spec in ours.items()}
    for key, spec in ours.items():
        assert {dep.asset_key for dep in specs[key].deps} == {dep.asset_key.with_prefix("crm") for dep in spec.deps}


def test_columns_are_made_of_columns_under_the_new_keys() -> None:
    (upsert,) = [spec for spec in merged().resolve_all_asset_specs() if spec.key == UPSERT]
    lineage = upsert.metadata["dagster/column_lineage"].deps_by_column
    assert {dep.asset_key.path[0] for deps in lineage.values() for dep in deps} == {"crm"}


def test_the_schedule_is_as_asked_for_and_starts_the_job() -> None:
    repository = merged(schedule="0 * * * *").get_repository_def()
    schedule = repository.get_schedule_def("employee_import_schedule")
    assert (schedule.cron_schedule, schedule.job_name) == ("0 * * * *", "employee_import")
    assert not merged(schedule=None).get_repository_def().has_schedule_def("employee_import_schedule")
    assert repository.get_sensor_def("bitrix24_changes").job_name == "employee_import"


def test_the_retention_of_dagsters_runs_is_left_to_the_project() -> None:
    names = merged().get_repository_def().job_names
    assert {"employee_import", "purge_old_audit"} <= set(names)
    assert "purge_old_runs" not in names


def test_the_project_keeps_its_executor_and_its_io_manager() -> None:
    added = build_definitions(key_prefix="crm")
    assert added.executor is None
    assert set(added.resources or {}) == {"import_run", IO_MANAGER}


def test_a_folder_of_connections_gives_each_a_partition(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("B24_PIPELINE_CONNECTIONS", "")
    (tmp_path / "pairs").mkdir()

    found = merged(connections=tmp_path / "pairs")

    (upsert,) = [spec for spec in found.resolve_all_asset_specs() if spec.key == UPSERT]
    assert upsert.partitions_def == dg.DynamicPartitionsDefinition(name="connection")
    assert dg.AssetKey(["crm", "connections"]) in {spec.key for spec in found.resolve_all_asset_specs()}


def test_a_folder_of_connections_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("B24_PIPELINE_CONNECTIONS", "")
    with pytest.raises(settings.SettingsError, match=r"connections: /nowhere is not a folder\. Example: connections/"):
        build_definitions(connections="/nowhere")


def test_the_job_imports_within_the_project_and_reports_under_the_new_keys(world: World) -> None:
    world.hire_many(3)
    world.list_responsible(1)

    ended = (
        merged()
        .resolve_job_def("employee_import")
        .execute_in_process(instance=world.instance, run_config={"loggers": QUIET}, raise_on_error=False)
    )

    assert ended.success
    assert len(world.links()) == 3
    materialized = {event.asset_key for event in ended.get_asset_materialization_events()}
    assert materialized >= {UPSERT, dg.AssetKey(["crm", "import_report"])}
    observed = {event.asset_key for event in ended.get_asset_observation_events()}
    assert observed == {
        dg.AssetKey(["crm", name]) for name in ("bitrix24_portal", "callgear_account", "callgear_account_after_import")
    }
    (event,) = ended.asset_materializations_for_node("callgear_upsert")
    lineage = event.metadata["dagster/column_lineage"].value.deps_by_column
    assert {dep.asset_key.path[0] for deps in lineage.values() for dep in deps} == {"crm"}


def test_an_asset_of_the_project_is_made_of_what_the_last_import_left_and_starts_none(imported: World) -> None:
    with imported.database() as database:
        runs_before = len(audit.runs.history(database, limit=10))

    ended = (
        merged(schedule=None)
        .resolve_implicit_global_asset_job_def()
        .execute_in_process(instance=imported.instance, asset_selection=[headcount.key], run_config={"loggers": QUIET})
    )

    (event,) = ended.asset_materializations_for_node("headcount")
    assert event.metadata["people"].value == 9
    with imported.database() as database:
        assert len(audit.runs.history(database, limit=10)) == runs_before


def test_an_asset_of_the_project_before_the_first_import_is_told_so(world: World) -> None:
    ended = (
        merged()
        .resolve_implicit_global_asset_job_def()
        .execute_in_process(
            instance=world.instance,
            asset_selection=[headcount.key],
            run_config={"loggers": QUIET},
            raise_on_error=False,
        )
    )
    (failed,) = [event for event in ended.all_events if event.is_step_failure]
    assert "run an import first" in str(failed.step_failure_data.error)


def test_every_step_of_the_import_is_known_as_one() -> None:
    plan = own.resolve_implicit_global_asset_job_def().all_node_defs
    assert {node.name for node in plan} == STEPS


@pytest.fixture
def company(tmp_path: Path, world: World) -> dict[str, Any]:
    """The example project in a folder of its own, with the settings of the sandbox, and a Dagster home."""
    world.hire_many(3)
    folder = tmp_path / "company"
    shutil.copytree(EXAMPLE, folder)
    (folder / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    given = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "DAGSTER_HOME": str(folder), **world.environment()}
    return {"cwd": folder, "env": {**given, "PYTHONPATH": f"{folder}:{PROJECT}"}, "capture_output": True, "text": True}


@pytest.mark.long
def test_dg_finds_the_example_project_good(company: dict[str, Any]) -> None:
    said = subprocess.run([*DG, "check", "defs"], **company, check=False)
    assert (said.returncode, "All definitions loaded successfully." in said.stdout) == (0, True), said.stdout
    assert "Warning" not in said.stderr


@pytest.mark.long
def test_the_example_project_imports_with_an_executor_of_several_processes_around_it(
    company: dict[str, Any], world: World
) -> None:
    dagster = [sys.executable, "-m", "dagster"]
    module = ["-m", "company_dagster.definitions"]

    split = subprocess.run(
        [*dagster, "asset", "materialize", *module, "--select", 'key:"crm/bitrix24_users" or key:"crm/employees"'],
        **company,
        check=False,
    )
    started = world.paths.working.exists()
    imported = subprocess.run([*dagster, "job", "execute", *module, "-j", "employee_import"], **company, check=False)
    theirs = subprocess.run(
        [*dagster, "asset", "materialize", *module, "--select", "people_by_department"], **company, check=False
    )

    assert split.returncode != 0
    assert ONE_PROCESS in split.stderr
    assert not started
    assert (imported.returncode, len(world.links())) == (0, 3), imported.stderr
    assert (theirs.returncode, [file.name for file in (company["cwd"] / "warehouse").iterdir()]) == (
        0,
        ["people_by_department"],
    ), theirs.stderr
