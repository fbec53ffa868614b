"""What a Dagster run is to the import: who started it, what it is for, and why a step of it failed."""

import logging
from collections.abc import Set as AbstractSet

import dagster as dg
from sqlalchemy.exc import SQLAlchemyError

from b24_pipeline.importing.launch import Launch, RunConfig
from b24_pipeline.importing.run import ImportRun
from b24_pipeline.rules.records import RunKind, RunStatus, Trigger
from b24_pipeline.store import Store

log = logging.getLogger(__name__)

TRIGGER_TAG = "b24_pipeline/trigger"
LOCK_TAG = "b24_pipeline/lock"
"""The lock that the process of a terminal run holds for as long as it lives."""
WRITING = frozenset({"callgear_upsert", "responsible_employees"})
IMPORTING = WRITING | {"bitrix24_users", "employees", "callgear_employees", "employee_matches"}
"""The steps of an import: a run with fewer of them is a partial one."""
REPORTING = IMPORTING | {"import_report"}
REEXECUTED_TAGS = ("dagster/parent_run_id", "dagster/root_run_id")
"""Where Dagster notes which run is executed again."""
TAGS = "b24_pipeline/"
TAGGED = ("created", "linked", "responsible_removed", "rejected", "conflicts", "failed", "held", "deferred")
"""The figures that the list of runs shows."""
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
    """Who started a Dagster run."""
    if "dagster/schedule_name" in run.tags:
        return Trigger.SCHEDULE
    if "dagster/sensor_name" in run.tags:
        return Trigger.SENSOR
    return Trigger(run.tags.get(TRIGGER_TAG, Trigger.UI))


def step_failure(instance: dg.DagsterInstance, run_id: str) -> tuple[RunStatus, str] | None:
    """What Dagster knows of a failed step of this run: also failures outside our own code, like a full disk."""
    try:
        failures = instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    except SQLAlchemyError as unusable:
        return RunStatus.FAILED, f"Dagster's own storage cannot be used: {first_line(unusable)}"
    if not failures:
        return None
    event = failures[0].get_dagster_event()
    error = event.step_failure_data.error
    if error is None:
        return RunStatus.FAILED, f"{event.step_key}: failed"
    if error.cls_name == INTERRUPTED:
        return RunStatus.INTERRUPTED, f"{event.step_key}: interrupted by a person, or by the end of the process"
    return RunStatus.FAILED, f"{event.step_key}: {(error.cause or error).message.strip()}"


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
