"""What a Dagster run is to the import: who started it, what it is for, and why a step of it failed."""

import json
import logging
from collections.abc import Set as AbstractSet
from typing import Any

import dagster as dg
from sqlalchemy.exc import SQLAlchemyError

from b24_pipeline.audit import Store
from b24_pipeline.rules.models import RunKind, RunStatus, Trigger
from b24_pipeline.sync.launch import Launch, RunConfig
from b24_pipeline.sync.run import ImportRun

log = logging.getLogger(__name__)

TRIGGER_TAG = "b24_pipeline/trigger"
FORMER_CLI = "terminal"
"""What the tag of runs of the command line was up to 0.1."""
LOCK_TAG = "b24_pipeline/lock"
"""The lock that the process of a terminal run holds for as long as it lives."""
WRITING = frozenset({"callgear_upsert", "responsible_employees"})
IN_ORDER = (
    "bitrix24_users",
    "employees",
    "callgear_employees",
    "employee_matches",
    "callgear_upsert",
    "responsible_employees",
)
"""The steps of an import, one after the other."""
IMPORTING = frozenset(IN_ORDER)
"""The steps of an import: a run with fewer of them is a partial one."""
REPORTING = IMPORTING | {"import_report"}
REEXECUTED_TAGS = ("dagster/parent_run_id", "dagster/root_run_id")
"""Where Dagster notes which run is executed again."""
TAGS = "b24_pipeline/"
TAGGED = ("created", "linked", "responsible_removed", "rejected", "conflicts", "failed", "held", "deferred")
"""The figures that the list of runs shows."""
ERRORS_OF_STORAGE = ("sqlite3.", "sqlalchemy.", "psycopg2.")
"""What the errors of Dagster's own storage begin with; ours is DuckDB."""
REPOSITORY = "__repository__"
LOCATION = "b24_pipeline"
"""The name of the code location in `workspace.yaml`."""
REPOSITORY_TAG, LOCATION_TAG = ".dagster/repository", ".dagster/code_location"
"""By these the UI finds the runs of a job, and those of a code location."""
INTERRUPTED = "DagsterExecutionInterruptedError"
"""What Dagster calls the end of a run by Ctrl-C, by «Terminate», or by the end of its process."""


def steps_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> frozenset[str]:
    """The names of the steps that a Dagster run executes, however it was launched and whatever was selected."""
    plan = instance.get_execution_plan_snapshot(run.execution_plan_snapshot_id or "")
    return frozenset(plan.step_keys_to_execute)


def kind_of(steps: AbstractSet[str], *, config: RunConfig, reexecuted: AbstractSet[str]) -> RunKind:
    """What a Dagster run is for (R18a).

    Args:
        steps: what it executes.
        config: what was chosen for it.
        reexecuted: the kinds of the runs that it executes again; one that goes on with an import is an import.
    """
    if not steps & REPORTING:
        return RunKind.CHECK
    if config.kind is not RunKind.IMPORT or steps >= IMPORTING or RunKind.IMPORT in reexecuted:
        return config.kind
    return RunKind.PARTIAL


def launch_of(run: dg.DagsterRun, *, steps: AbstractSet[str], config: RunConfig, store: Store) -> Launch:
    """How a Dagster run came about; the audit knows what the runs were for that it executes again."""
    reexecutes = frozenset(filter(None, map(run.tags.get, REEXECUTED_TAGS)))
    kinds = frozenset(filter(None, map(store.run_kind, reexecutes)))
    return Launch(run.run_id, trigger_of(run), kind_of(steps, config=config, reexecuted=kinds), reexecutes)


def trigger_of(run: dg.DagsterRun) -> Trigger:
    """Who started a Dagster run; one that executes another again has that one's tags, and is started in the UI."""
    if run.parent_run_id:
        return Trigger.UI
    if "dagster/schedule_name" in run.tags:
        return Trigger.SCHEDULE
    if "dagster/sensor_name" in run.tags:
        return Trigger.SENSOR
    tag = run.tags.get(TRIGGER_TAG, Trigger.UI)
    return Trigger.CLI if tag == FORMER_CLI else Trigger(tag)


def job_origin(job_name: str, *, location: str = LOCATION) -> Any:  # noqa: ANN401 - Dagster does not export the type
    """Where a job comes from, as Dagster stores it for the runs that the UI or the daemon launches."""
    repository = {
        "__class__": "ExternalRepositoryOrigin",
        "repository_location_origin": {"__class__": "RegisteredRepositoryLocationOrigin", "location_name": location},
        "repository_name": REPOSITORY,
    }
    origin = {
        "__class__": "ExternalPipelineOrigin",
        "external_repository_origin": repository,
        "pipeline_name": job_name,
    }
    return dg.deserialize_value(json.dumps(origin))


def place_in_code_location(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """Let the UI show a run of the terminal among the runs of its job, and in the timeline.

    Dagster gives a code location only to the runs that it launches itself.
    """
    if run.remote_job_origin is not None:
        return
    try:
        instance.add_run_tags(run.run_id, {REPOSITORY_TAG: f"{REPOSITORY}@{LOCATION}", LOCATION_TAG: LOCATION})
        stored = instance.get_run_by_id(run.run_id) or run
        instance.run_storage.replace_job_origin(stored, job_origin(run.job_name))
    except (SQLAlchemyError, OSError) as unusable:
        log.warning("the run does not appear among the runs of its job: %s", first_line(unusable))


def has_ended(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether a run has ended already: Dagster opens the resources of such a run again to look at its outputs."""
    stored = instance.get_run_by_id(run.run_id)
    return stored is not None and stored.is_finished


def failure_of(
    instance: dg.DagsterInstance, run: ImportRun, *, steps: AbstractSet[str]
) -> tuple[RunStatus, str] | None:
    """Why a run has failed outside our own code, for example because of a full disk.

    Dagster cannot always say so: where its own storage cannot be used, it may end a run without a word. Such a run has
    not failed if all its steps are finished.

    Args:
        instance: knows of failed steps.
        run: knows which steps are finished.
        steps: what was to be executed.
    """
    try:
        failures = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    except (SQLAlchemyError, OSError) as error:
        return broken_off(run, steps=steps, because=first_line(error))
    if failures:
        return failure_of_step(run, failures[0], steps=steps)
    return (
        None
        if run.deferrals or run.config.is_for_nobody
        else broken_off(run, steps=steps, because="it could not store what had happened")
    )


def failure_of_step(
    run: ImportRun, failed: dg.EventLogEntry, *, steps: AbstractSet[str]
) -> tuple[RunStatus, str] | None:
    """Why a step has failed; nothing where only Dagster's storage did, after the last one was finished."""
    event = failed.get_dagster_event()
    error = event.step_failure_data.error
    if error is None:
        return RunStatus.FAILED, f"{event.step_key}: failed"
    if error.cls_name == INTERRUPTED:
        return RunStatus.INTERRUPTED, f"{event.step_key}: interrupted by a person, or by the end of the process"
    text = (error.cause or error).message.strip()
    if text.startswith(ERRORS_OF_STORAGE):
        return broken_off(run, steps=steps, because=text.partition("\n")[0])
    return RunStatus.FAILED, f"{event.step_key}: {text}"


def broken_off(run: ImportRun, *, steps: AbstractSet[str], because: str) -> tuple[RunStatus, str] | None:
    """Which step of the import Dagster's own storage has kept from being finished; none where all are."""
    missing = [step for step in IN_ORDER if step in steps and step not in run.finished_steps]
    if not missing:
        return None
    return RunStatus.FAILED, f"{missing[0]}: not finished, as Dagster's own storage cannot be used: {because}"


def first_line(error: Exception) -> str:
    """What an error of a database says, without the statement."""
    return str(error).partition("\n")[0]


def fail_interrupted(instance: dg.DagsterInstance, run_ids: list[str]) -> None:
    """Runs that died with their process: we hold the lock now, so nobody is carrying them on."""
    for run_id in run_ids:
        run = instance.get_run_by_id(run_id)
        if run is not None and not run.is_finished:
            instance.report_run_failed(run, "The process of this run died; the next run found it interrupted.")


def tag_outcome(instance: dg.DagsterInstance, run: ImportRun, status: RunStatus) -> None:
    """Let the list of runs show what a run was for, how it ended, and its figures; a full storage never fails a run."""
    figures = {f"{TAGS}{name}": str(count) for name in TAGGED if (count := getattr(run.counts, name))}
    tags = {f"{TAGS}kind": str(run.launch.kind), f"{TAGS}outcome": str(status), **figures}
    try:
        instance.add_run_tags(run.run_id, tags)
    except SQLAlchemyError as unusable:
        log.warning("the run could not be tagged: %s", first_line(unusable))
