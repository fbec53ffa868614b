"""The schedules: the import every 30 minutes (R17), and the nightly retention; and when none of them may run."""

import os
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg

from b24_pipeline import settings
from b24_pipeline.audit import Paths
from b24_pipeline.audit.storage.lock import connection_is_locked, is_locked
from b24_pipeline.connection import utc_now
from b24_pipeline.dagster_runs import LOCK_TAG, fail_dead_run, is_import, trigger_of
from b24_pipeline.jobs import employee_import, overview, purge_old_audit, purge_old_runs
from b24_pipeline.partitions import LATER, PRIORITY_TAG, key_of, update_partitions
from b24_pipeline.rules.models import Trigger
from b24_pipeline.settings import Connections
from b24_pipeline.settings.dagster import AUTOMATION, OFF
from b24_pipeline.sync.launch import CRON

SILENT_SECONDS = 120
"""A run that was started, and of which nothing was heard for so long, is looked at."""
ACTIVE = [
    status
    for status in dg.DagsterRunStatus
    if status not in (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
]
STARTS_OFF = os.environ.get(AUTOMATION) == OFF
"""Whether schedule and sensor start switched off; what a person switches in the UI is kept."""


def request_imports(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | list[dg.RunRequest] | dg.SkipReason:
    """Request a run, of each connection where there are several, unless there is a reason to skip."""
    if folder := settings.connections():
        found, problems = round_of_connections(context.instance, folder, at=context.scheduled_execution_time)
        for problem in problems:
            context.log.warning(problem)
        return found
    reason = skip_reason(context.instance)
    return dg.SkipReason(reason) if reason else dg.RunRequest()


def round_of_connections(
    instance: dg.DagsterInstance, folder: Connections, *, at: datetime
) -> tuple[list[dg.RunRequest], tuple[str, ...]]:
    """Request a run of each connection without one, and name the files that cannot be used."""
    loaded, problems = settings.load_all(folder)
    requests = [
        dg.RunRequest(run_key=f"{key} {at.isoformat()}", partition_key=key, tags={PRIORITY_TAG: LATER})
        for key in idle_connections(instance, folder)
        if key in loaded
    ]
    return requests, (*folder.misnamed(), *problems)


def import_schedule(job: Any, *, cron: str, name: str) -> dg.ScheduleDefinition:  # noqa: ANN401 - of no exported type
    interval = "every 30 minutes (R17)" if cron == CRON else f"at {cron}"
    return dg.schedule(
        name=name,
        cron_schedule=cron,
        job=job,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED if STARTS_OFF else dg.DefaultScheduleStatus.RUNNING,
        description=f"The import {interval}. Skips while another run is active or settings are missing.",
    )(request_imports)


every_30_minutes = import_schedule(employee_import, cron=CRON, name="every_30_minutes")

every_night_of_runs = dg.ScheduleDefinition(
    name="every_night_purge_old_runs",
    job=purge_old_runs,
    cron_schedule="17 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Retention of Dagster's run storage, once a night.",
)


@dg.schedule(
    name="every_night_purge_old_audit",
    job=purge_old_audit,
    cron_schedule="47 2 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Retention of the audit, once a night. Skips while settings are missing.",
)
def every_night() -> dg.RunRequest | dg.SkipReason:
    """Request a run, unless settings are missing."""
    reason = missing_settings()
    return dg.SkipReason(reason) if reason else dg.RunRequest()


every_10_minutes = dg.ScheduleDefinition(
    name="every_10_minutes",
    job=overview,
    cron_schedule="*/10 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="The state of all connections, every 10 minutes.",
)


def skip_reason(instance: dg.DagsterInstance) -> str | None:
    """Return why no run is requested: settings are missing, or a run is queued or active; nothing if one may be."""
    reason = missing_settings()
    if reason:
        return reason
    fail_orphaned_runs(instance, active_runs(instance))
    active = next(iter(active_runs(instance)), None)
    return f"run {active.run_id[:8]} is {active.status.value.lower().replace('_', ' ')}" if active else None


def missing_settings() -> str | None:
    """Return which settings are missing or bad; of several connections each is looked at on its own."""
    try:
        if settings.connections() is None:
            settings.load()
    except settings.SettingsError as error:
        return f"Not configured: {error}"
    return None


def idle_connections(instance: dg.DagsterInstance, folder: Connections) -> tuple[str, ...]:
    """Return the connections without a queued or active run; their partitions follow the folder."""
    keys = frozenset(folder.keys)
    update_partitions(instance, keys)
    fail_orphaned_runs(instance, active_runs(instance, keys=keys))
    busy = {key_of(run) for run in active_runs(instance, keys=keys)}
    return tuple(sorted(keys - busy))


def active_runs(instance: dg.DagsterInstance, *, keys: AbstractSet[str] = frozenset()) -> list[dg.DagsterRun]:
    """Return queued and active runs of the import, launched as the job or by "Materialize"."""
    runs = instance.get_runs(filters=dg.RunsFilter(statuses=ACTIVE))
    return [run for run in runs if is_import(run, keys=keys)]


def fail_orphaned_runs(instance: dg.DagsterInstance, runs: Sequence[dg.DagsterRun]) -> None:
    """Report orphaned runs as failed: until then they keep their place in the pool, and no run starts."""
    for run in runs:
        if is_orphaned(run) or is_abandoned(instance, run, now=utc_now()):
            fail_dead_run(instance, run.run_id, "The run's process died (its lock was released).")


def is_orphaned(run: dg.DagsterRun) -> bool:
    """Return whether a run of the CLI lost its process; Dagster only monitors runs that it has launched."""
    if trigger_of(run) is not Trigger.CLI:
        return False
    paths, lock = paths_of(run), run.tags.get(LOCK_TAG)
    return not (is_locked(Path(lock)) if lock and paths.lake is None else connection_is_locked(paths))


def is_abandoned(instance: dg.DagsterInstance, run: dg.DagsterRun, *, now: datetime) -> bool:
    """Return whether a run lost its process, whoever launched it: nobody holds its lock, and it does nothing."""
    if run.status is not dg.DagsterRunStatus.STARTED:
        return False
    last = instance.get_records_for_run(run.run_id, limit=1, ascending=False).records
    is_silent = bool(last) and now.timestamp() - last[0].timestamp > SILENT_SECONDS
    return is_silent and not connection_is_locked(paths_of(run))


def paths_of(run: dg.DagsterRun) -> Paths:
    return settings.database_settings(connection=key_of(run)).paths
