"""Runs that nobody starts in the UI: Dagster's own commands import once and end well, and the UI shows them all."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from b24_pipeline import audit
from b24_pipeline.dagster_runs import LOCK_TAG, TRIGGER_TAG, trigger_of
from b24_pipeline.definitions import defs
from b24_pipeline.rules.models import Trigger
from b24_pipeline_tests.cli.conftest import Terminal
from b24_pipeline_tests.cli.test_sync import result_of
from b24_pipeline_tests.harness import QUIET, World

COMMANDS = {
    "job": ("job", "execute", "-j", "employee_import"),
    "assets": ("asset", "materialize", "--select", "*"),
}
RUNS_OF_THE_JOB = """{ runsOrError(filter: {
    pipelineName: "employee_import", tags: [{ key: ".dagster/repository", value: "__repository__@b24_pipeline" }]
}) { ... on Runs { results { runId status repositoryOrigin { repositoryName repositoryLocationName } } } } }"""
"""What the page of a job asks; the timeline leaves out runs without `repositoryOrigin`."""


def dagster_command(name: str, *arguments: str, world: World, home: Path) -> subprocess.CompletedProcess[str]:
    """One of Dagster's own programs, as a process of its own."""
    environment = {**world.environment(), "PATH": os.environ["PATH"], "DAGSTER_HOME": str(home)}
    program = str(Path(sys.executable).with_name(name))
    return subprocess.run([program, *arguments], cwd=home, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.long
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_dagster_imports_once_and_ends_with_0(portal: World, tmp_path: Path, command: str) -> None:
    newcomer = portal.hire("Newcomer")

    said = dagster_command("dagster", *COMMANDS[command], "-m", "b24_pipeline.definitions", world=portal, home=tmp_path)

    assert said.returncode == 0, said.stderr
    assert newcomer in portal.links()
    with portal.database() as database:
        newest, *_ = audit.runs.history(database, limit=2).to_dict("records")
        assert (newest["kind"], newest["status"], len(audit.runs.history(database))) == ("import", "done", 2)


def test_somebodys_own_test_imports_by_execute_in_process(imported: World) -> None:
    newcomer = imported.hire("Newcomer")
    result = defs.resolve_job_def("employee_import").execute_in_process(run_config={"loggers": QUIET})
    assert (result.success, newcomer in imported.links()) == (True, True)


def test_a_result_that_is_opened_after_the_run_begins_no_other_one(imported: World) -> None:
    job, chosen = dg.reconstructable(the_job), {"loggers": QUIET}
    with dg.execute_job(job, instance=imported.instance, run_config=chosen) as result:
        assert result.success
        with pytest.raises(dg.DagsterError, match=r"this run has ended; see the audit"):
            result.output_for_node("employees")
    with imported.database() as database:
        assert len(audit.runs.history(database)) == 2


def the_job() -> dg.JobDefinition:
    """For another process, or for a result that is opened again."""
    return defs.resolve_job_def("employee_import")


def runs_of_the_job(*, world: World, home: Path) -> list[dict[str, Any]]:
    """What the UI shows on the page of the job."""
    (home / "workspace.yaml").write_text("load_from: []")
    said = dagster_command("dagster-graphql", "-w", "workspace.yaml", "-t", RUNS_OF_THE_JOB, world=world, home=home)
    found: list[dict[str, Any]] = json.loads(said.stdout)["data"]["runsOrError"]["results"]
    return found


@pytest.mark.long
def test_a_run_of_the_terminal_is_among_the_runs_of_the_job(portal: World, terminal: Terminal, tmp_path: Path) -> None:
    run_id = result_of(terminal("sync", "--json"))["run_id"]

    found = {run["runId"]: run for run in runs_of_the_job(world=portal, home=tmp_path)}

    origin = {"repositoryName": "__repository__", "repositoryLocationName": "b24_pipeline"}
    assert found[run_id] == {"runId": run_id, "status": "SUCCESS", "repositoryOrigin": origin}


def test_a_run_that_executes_one_of_the_terminal_again_is_started_in_the_ui() -> None:
    tags = {TRIGGER_TAG: Trigger.CLI.value, LOCK_TAG: "b24.lock"}
    parent = dg.DagsterRun(job_name="employee_import", tags=tags)
    again = dg.DagsterRun(job_name="employee_import", tags=tags, parent_run_id=parent.run_id, root_run_id=parent.run_id)
    assert (trigger_of(parent), trigger_of(again)) == (Trigger.CLI, Trigger.UI)
