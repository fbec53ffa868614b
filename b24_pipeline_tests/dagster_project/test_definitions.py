"""What Dagster shows: keys, lineage, columns, job, schedule, sensor, and the files that Dagster starts from."""

import importlib
import json
import os
import subprocess
import sys
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import get_args

import dagster as dg
import pytest
import yaml

from b24_pipeline.definitions import defs
from b24_pipeline.resources import ImportRunResource
from b24_pipeline.rules.models import IdMatchPolicy, PhonesPolicy, ResponsibleListPolicy
from b24_pipeline_tests.harness import JOB, MATERIALIZE, QUIET

PROJECT = Path(__file__).parents[2]
CHAIN = {
    "bitrix24_users": {"bitrix24_portal"},
    "employees": {"bitrix24_users"},
    "callgear_employees": {"callgear_account"},
    "employee_matches": {"employees", "callgear_employees"},
    "callgear_upsert": {"employees", "employee_matches", "callgear_employees"},
    "responsible_employees": {"employees", "callgear_upsert"},
}
REPORT = {"import_report": {"callgear_upsert", "responsible_employees"}, "audit_export": {"import_report"}}
EXTERNAL = {
    "bitrix24_portal": set(),
    "callgear_account": set(),
    "callgear_account_after_import": {"callgear_upsert", "responsible_employees"},
}


def specs() -> dict[str, dg.AssetSpec]:
    """Every asset by its key."""
    return {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}


def test_definitions_load_without_any_setting(tmp_path: Path) -> None:
    script = "import dagster as dg; from b24_pipeline.definitions import defs; dg.Definitions.validate_loadable(defs)"
    bare = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT)}
    loaded = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=bare, capture_output=True, text=True, check=False
    )
    assert (loaded.returncode, loaded.stdout, loaded.stderr) == (0, "", "")


def test_the_lineage_reads_from_the_portal_to_the_account() -> None:
    assert {key: {dep.asset_key.to_user_string() for dep in spec.deps} for key, spec in specs().items()} == {
        **CHAIN,
        **REPORT,
        **EXTERNAL,
    }


def test_the_ends_of_the_lineage_are_external() -> None:
    graph = defs.resolve_asset_graph()
    assert {key.to_user_string() for key in graph.get_all_asset_keys() if graph.get(key).is_external} == set(EXTERNAL)


@pytest.mark.parametrize("key", [*CHAIN, *REPORT, *EXTERNAL])
def test_every_asset_says_what_it_is_and_whose(key: str) -> None:
    spec = specs()[key]
    assert spec.description
    assert spec.group_name != "default"
    assert spec.owners
    assert spec.kinds


@pytest.mark.parametrize("key", CHAIN)
def test_every_asset_of_the_chain_shows_its_columns(key: str) -> None:
    columns = specs()[key].metadata["dagster/column_schema"].columns
    assert columns[0].name == "bitrix24_id" if key != "callgear_employees" else "callgear_id"
    assert all(column.description for column in columns)


def test_columns_with_personal_data_are_marked() -> None:
    columns = specs()["employees"].metadata["dagster/column_schema"].columns
    marked = {column.name for column in columns if "personal" in column.tags}
    assert {"email", "last_name", "phones"} <= marked
    assert "eligibility" not in marked


def test_the_job_is_the_chain() -> None:
    job = defs.resolve_job_def(JOB)
    assert {key.to_user_string() for key in job.asset_layer.executable_asset_keys} == {*CHAIN, *REPORT}


@pytest.mark.parametrize("job", [JOB, MATERIALIZE])
def test_all_steps_run_in_one_process_also_when_materialized(job: str) -> None:
    assert defs.resolve_job_def(job).executor_def is dg.in_process_executor


@pytest.mark.parametrize("job", [JOB, MATERIALIZE])
def test_every_step_is_in_the_pool_that_keeps_runs_apart(job: str) -> None:
    nodes = defs.resolve_job_def(job).nodes
    assert {node.definition.pool for node in nodes if node.name in CHAIN} == {"callgear"}


def test_r17_schedule_and_sensor_are_on_by_default() -> None:
    schedule, sensor = defs.resolve_schedule_def("every_30_minutes"), defs.resolve_sensor_def("bitrix24_changes")
    assert (schedule.cron_schedule, schedule.job_name) == ("*/30 * * * *", JOB)
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    assert sensor.job_name == JOB
    assert sensor.minimum_interval_seconds is not None
    assert sensor.minimum_interval_seconds <= 60


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"dry_run": True, "only": [7, 8]},
        {"phones": "first", "on_id_match": "fill_phones", "responsible_list": "mirror"},
        {"phones": "as_set", "on_id_match": "as_set", "responsible_list": "as_set"},
        {"approve": "4711", "approve_users": [7], "comment": "agreed with Ira"},
    ],
)
def test_the_launchpad_takes_what_may_be_chosen_for_one_run(config: dict[str, object]) -> None:
    job = defs.resolve_job_def(JOB)
    assert dg.validate_run_config(job, {"resources": {"import_run": {"config": config}}, "loggers": QUIET})


@pytest.mark.parametrize(
    "config", [{"dryrun": True}, {"only": ["Ira"]}, {"phones": "some"}, {"on_id_match": "FILL_PHONES"}]
)
def test_the_launchpad_refuses_what_means_nothing(config: dict[str, object]) -> None:
    with pytest.raises(dg.DagsterInvalidConfigError):
        dg.validate_run_config(defs.resolve_job_def(JOB), {"resources": {"import_run": {"config": config}}})


LAUNCHPAD = """{ runConfigSchemaOrError(selector: {
    pipelineName: "employee_import",
    repositoryName: "__repository__",
    repositoryLocationName: "b24_pipeline.definitions"
}) { ... on RunConfigSchema { rootDefaultYaml } } }"""
"""What the launchpad asks when it is opened."""


@pytest.mark.long
def test_the_launchpad_is_scaffolded_with_every_choice_and_its_default(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("dagster-graphql")
    said = subprocess.run(
        [str(program), "-m", "b24_pipeline.definitions", "-t", LAUNCHPAD],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "DAGSTER_HOME": str(tmp_path), "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=True,
    )

    (answer,) = [line for line in said.stdout.splitlines() if line.startswith("{")]  # the others are log lines
    scaffold = yaml.safe_load(json.loads(answer)["data"]["runConfigSchemaOrError"]["rootDefaultYaml"])

    assert scaffold == {
        "resources": {
            "import_run": {
                "config": {
                    "dry_run": False,
                    "only": [],
                    "only_failed": False,
                    "approve": "",
                    "approve_users": [],
                    "comment": "",
                    "phones": "as_set",
                    "on_id_match": "as_set",
                    "responsible_list": "as_set",
                }
            }
        }
    }
    assert dg.validate_run_config(defs.resolve_job_def(JOB), scaffold)


@pytest.mark.parametrize(
    ("name", "policy"),
    [("phones", PhonesPolicy), ("on_id_match", IdMatchPolicy), ("responsible_list", ResponsibleListPolicy)],
)
def test_the_launchpad_spells_choices_as_the_settings_do(name: str, policy: type[StrEnum]) -> None:
    choices = get_args(ImportRunResource.model_fields[name].annotation)
    assert choices == ("as_set", *policy)
    assert [getattr(ImportRunResource(**{name: one}).config, name) for one in choices] == [None, *policy]


def test_the_launchpad_says_in_one_sentence_what_each_choice_does() -> None:
    config = defs.resolve_job_def(JOB).resource_defs["import_run"].config_schema.config_type
    fields = config.fields["config"].config_type.fields if "config" in config.fields else config.fields
    texts = {name: field.description or "" for name, field in fields.items()}
    assert len(texts) == 9
    assert [name for name, text in texts.items() if text.count(". ") or not text.endswith(".")] == []


def test_the_workspace_names_these_definitions() -> None:
    (entry,) = yaml.safe_load((PROJECT / "workspace.yaml").read_text())["load_from"]
    module = entry["python_module"]
    assert importlib.import_module(module["module_name"]).defs is defs
    assert module["location_name"] == "b24_pipeline"


def test_dagster_accepts_the_instance_file_and_keeps_its_promises() -> None:
    config = yaml.safe_load((PROJECT / "dagster.yaml").read_text(encoding="utf-8"))
    assert config["telemetry"] == {"enabled": False}
    assert config["concurrency"]["pools"] == {"granularity": "run", "default_limit": 1}
    assert timedelta(seconds=config["run_monitoring"]["max_runtime_seconds"]) < timedelta(minutes=30)
    assert config["run_monitoring"]["enabled"]
    assert config["python_logs"]["managed_python_loggers"] == ["b24_pipeline"]


def test_the_instance_keeps_everything_below_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dagster.yaml").write_text((PROJECT / "dagster.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert instance.storage_directory() == "data/dagster/storage"
    assert {path.name for path in tmp_path.iterdir()} == {"dagster.yaml", "data"}
