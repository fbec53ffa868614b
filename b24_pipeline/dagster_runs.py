"""Dagster runs as the import sees them: trigger, kind, and why a step failed."""

import json
import logging
import sqlite3
import sys
from collections.abc import Set as AbstractSet
from typing import Any

import dagster as dg
from sqlalchemy.exc import SQLAlchemyError

from b24_pipeline import audit, partitions
from b24_pipeline.audit import Store
from b24_pipeline.rules.models import RunKind, RunStatus, Trigger
from b24_pipeline.sync.launch import Launch, RunConfig
from b24_pipeline.sync.run import RunContext

log = logging.getLogger(__name__)

IMPORT_POOL = "callgear"
"""Runs of one connection wait for each other; those of several do by partition (`dagster.yaml`)."""
TRIGGER_TAG = "b24_pipeline/trigger"
FORMER_CLI = "terminal"
"""What the tag of runs of the command line was up to 0.1."""
LOCK_TAG = "b24_pipeline/lock"
"""The lock that the process of a CLI run owns until it ends."""
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
"""The steps of an import; a run with fewer of them is partial."""
REPORTING = IMPORTING | {"import_report"}
CHECKS = frozenset({"employees_checks", "employee_matches_checks", "callgear_upsert_checks"})
STEPS = REPORTING | CHECKS | {"audit_export"}
"""All steps that need the run of an import; others only look at what imports have left."""
PARENT_TAG = "dagster/parent_run_id"
REEXECUTED_TAGS = (PARENT_TAG, "dagster/root_run_id")
"""The tags with which Dagster names the run that is re-executed."""
TAGS = "b24_pipeline/"
OUTCOME_TAG = f"{TAGS}outcome"
REFUSED = "refused"
"""The outcome of a run that could not begin because of its own choices; the audit does not know it."""
TAGGED = ("created", "linked", "responsible_removed", "rejected", "conflicts", "failed", "held", "deferred")
"""The figures that the list of runs shows."""
ERRORS_OF_STORAGE = ("sqlite3.", "sqlalchemy.", "psycopg2.", "dagster_postgres.")
"""The prefixes of errors of Dagster's own storage; ours is DuckDB."""
WORDED = ("dagster", "b24_pipeline.")
"""The prefixes of errors whose text is a sentence for people: Dagster's and ours."""
REPOSITORY = "__repository__"
LOCATION = "b24_pipeline"
"""The name of the code location in `workspace.yaml`."""
REPOSITORY_TAG, LOCATION_TAG = ".dagster/repository", ".dagster/code_location"
"""The tags by which the UI finds the runs of a job and of a code location."""
INTERRUPTED = "DagsterExecutionInterruptedError"
"""Dagster's error when a run ends by Ctrl-C, by "Terminate", or with its process."""


def steps_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> frozenset[str]:
    """Return the names of the steps that a Dagster run executes."""
    plan = instance.get_execution_plan_snapshot(run.execution_plan_snapshot_id or "")
    return frozenset(plan.step_keys_to_execute)


def steps_continued(instance: dg.DagsterInstance, run: dg.DagsterRun) -> frozenset[str]:
    """Return the steps that a run need not do any more: the failed runs that it re-executes have finished them."""
    parent_id = run.tags.get(PARENT_TAG)
    parent = instance.get_run_by_id(parent_id) if parent_id else None
    if parent is None or parent.is_success:
        return frozenset()
    finished = instance.all_logs(parent.run_id, of_type=dg.DagsterEventType.STEP_SUCCESS)
    return frozenset(str(event.step_key) for event in finished) | steps_continued(instance, parent)


def launch_of(
    run: dg.DagsterRun, *, steps: AbstractSet[str], continued: AbstractSet[str], config: RunConfig, store: Store
) -> Launch:
    """Return the launch and kind of a Dagster run (R18a). One that does what a failed import has left is an import.

    It executes `steps`; the failed runs that it re-executes, whose kinds the store knows, have finished `continued`.
    """
    reexecutes = frozenset(filter(None, map(run.tags.get, REEXECUTED_TAGS)))
    repeats_import = RunKind.IMPORT in [audit.runs.kind(store.database, run_id) for run_id in reexecutes]
    is_whole = steps >= IMPORTING or (repeats_import and steps | continued >= IMPORTING)
    if not steps & REPORTING:
        kind = RunKind.CHECK
    elif config.kind is RunKind.IMPORT and not is_whole:
        kind = RunKind.PARTIAL
    else:
        kind = config.kind
    return Launch(run.run_id, trigger_of(run), kind, reexecutes)


def is_import(run: dg.DagsterRun, *, keys: AbstractSet[str] = frozenset()) -> bool:
    """Return whether a run is one of the import: by the job, "Materialize" (which has no job name), or a command.

    `keys` are the connections, where there are several: their runs have no pool.
    """
    pools = run.run_op_concurrency.all_pools if run.run_op_concurrency else None
    return IMPORT_POOL in (pools or ()) or TRIGGER_TAG in run.tags or partitions.key_of(run) in keys


def trigger_of(run: dg.DagsterRun) -> Trigger:
    """Return the trigger of a Dagster run; a re-execution has the tags of the first run, and is started in the UI."""
    if run.parent_run_id:
        return Trigger.UI
    if "dagster/schedule_name" in run.tags:
        return Trigger.SCHEDULE
    if "dagster/sensor_name" in run.tags:
        return Trigger.SENSOR
    tag = run.tags.get(TRIGGER_TAG, Trigger.UI)
    return Trigger.CLI if tag == FORMER_CLI else Trigger(tag)


def job_origin(job_name: str, *, location: str = LOCATION) -> Any:  # noqa: ANN401 - Dagster does not export the type
    """Return the origin of a job, as Dagster stores it for runs of the UI and the daemon."""
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
    except storage_errors() as unusable:
        log.warning("the run does not appear among the runs of its job: %s", first_line(unusable))


def has_ended(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Return whether a run has ended: Dagster opens its resources again to read its outputs."""
    stored = instance.get_run_by_id(run.run_id)
    return stored is not None and stored.is_finished


def failure_of(
    instance: dg.DagsterInstance, run: RunContext, *, steps: AbstractSet[str]
) -> tuple[RunStatus, str] | None:
    """Return why a run has failed outside our own code, for example because of a full disk.

    If Dagster's own storage cannot be used, a run may end without an error. Such a run has not failed if all its steps
    are finished.
    """
    try:
        failures = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    except storage_errors() as error:
        return unfinished_step(run, steps=steps, because=first_line(error))
    if failures:
        return failure_of_step(run, failures[0], steps=steps)
    if run.outcome.deferrals or run.config.is_for_nobody:
        return None
    return unfinished_step(run, steps=steps, because="it could not store what had happened")


def failure_of_step(
    run: RunContext, failed: dg.EventLogEntry, *, steps: AbstractSet[str]
) -> tuple[RunStatus, str] | None:
    """Return why a step has failed; nothing if only Dagster's storage failed after the last step was finished."""
    event = failed.get_dagster_event()
    error = event.step_failure_data.error
    if error is None:
        return RunStatus.FAILED, f"{event.step_key}: failed"
    if error.cls_name == INTERRUPTED:
        return RunStatus.INTERRUPTED, f"{event.step_key}: interrupted"
    text = (error.cause or error).message.strip()
    if text.startswith(ERRORS_OF_STORAGE):
        return unfinished_step(run, steps=steps, because=text.partition("\n")[0])
    return RunStatus.FAILED, f"{event.step_key}: {without_class(text) or 'failed'}"


def without_class(text: str) -> str:
    """Return what an error says, in one line; the class of any other error stays, because its text may say little."""
    name, _, sentence = text.partition(": ")
    return " ".join((sentence if name.startswith(WORDED) else text).split())


def unfinished_step(run: RunContext, *, steps: AbstractSet[str], because: str) -> tuple[RunStatus, str] | None:
    """Return which step of the import Dagster's storage has prevented; nothing if all steps are finished."""
    missing = [step for step in IN_ORDER if step in steps and step not in run.outcome.finished_steps]
    if not missing:
        return None
    return RunStatus.FAILED, f"{missing[0]}: not finished, as Dagster's own storage cannot be used: {because}"


def storage_errors() -> tuple[type[Exception], ...]:
    """Return what Dagster's storage raises where it cannot be used; Postgres has an error of its own, if it is used."""
    postgres = sys.modules.get("dagster_postgres.utils")
    return (SQLAlchemyError, sqlite3.Error, OSError, *([postgres.DagsterPostgresException] if postgres else []))


def first_line(error: Exception) -> str:
    """Return the message of a database error, without the statement; of one that wraps another, that of the other."""
    return str(fault_of(error)).partition("\n")[0]


def fault_of(error: Exception) -> Exception:
    """Return the error of a database or a disk that the error of a storage comes from."""
    cause = error.__cause__
    return cause if isinstance(cause, SQLAlchemyError) and not isinstance(error, SQLAlchemyError) else error


def fail_dead_run(instance: dg.DagsterInstance, run_id: str, message: str) -> None:
    """Report a run as failed that no process executes any more, unless it has ended meanwhile."""
    run = instance.get_run_by_id(run_id)
    if run is not None and not run.is_finished:
        instance.report_run_failed(run, message)


def tag_outcome(instance: dg.DagsterInstance, run: RunContext, status: RunStatus) -> None:
    """Tag a run with its kind, outcome and figures for the list of runs."""
    figures = {f"{TAGS}{name}": str(count) for name in TAGGED if (count := getattr(run.outcome.counts, name))}
    put_tags(instance, run.run_id, {f"{TAGS}kind": str(run.launch.kind), OUTCOME_TAG: str(status), **figures})


def put_tags(instance: dg.DagsterInstance, run_id: str, tags: dict[str, str]) -> None:
    """Tag a run; a full storage never fails it."""
    try:
        instance.add_run_tags(run_id, tags)
    except storage_errors() as unusable:
        log.warning("the run could not be tagged: %s", first_line(unusable))
