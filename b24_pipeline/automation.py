"""When the import runs: every 30 minutes, and within a minute of a change (R17). Plus the housekeeping jobs."""

import os
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

import dagster as dg

from b24_pipeline import assets, settings
from b24_pipeline.assets.bitrix24 import POOL
from b24_pipeline.assets.observations import CRON
from b24_pipeline.audit import Paths, StoreError
from b24_pipeline.audit.run_lock import is_held
from b24_pipeline.bitrix24.exceptions import Bitrix24Error
from b24_pipeline.change_detection import look_for_changes
from b24_pipeline.dagster_runs import LOCK_TAG, trigger_of
from b24_pipeline.retention_jobs import purge_dagster_runs, purge_store
from b24_pipeline.rules.models import Trigger
from b24_pipeline.settings.env_precedence import AUTOMATION, OFF

CHAIN = dg.AssetSelection.assets(
    assets.bitrix24_users,
    assets.employees,
    assets.callgear_employees,
    assets.employee_matches,
    assets.callgear_upsert,
    assets.responsible_employees,
    assets.import_report,
    *assets.exporting(),
)
ACTIVE = [
    status
    for status in dg.DagsterRunStatus
    if status not in (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
]
STARTS_OFF = os.environ.get(AUTOMATION) == OFF
"""Whether nothing is imported by itself until somebody switches schedule and sensor on; that choice is kept."""
NO_IMPORT = {"io_manager": dg.mem_io_manager}
"""For jobs that are no import: the project's own store of frames would begin one, and hold its lock."""

employee_import = dg.define_asset_job(
    "employee_import",
    selection=CHAIN,
    description=(
        "One run of the import, from the portal to the account (the article's «Synchronize» button). "
        "Shift-click «Materialize» or open the launchpad for a dry run, for one person, or to approve a held run."
    ),
)


@dg.schedule(
    cron_schedule=CRON,
    job=employee_import,
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED if STARTS_OFF else dg.DefaultScheduleStatus.RUNNING,
    description="The import every 30 minutes (R17). Skips while another run is going on or settings are missing.",
)
def every_30_minutes(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Ask for a run, unless there is a reason not to."""
    reason = why_not_now(context.instance)
    return dg.SkipReason(reason) if reason else dg.RunRequest()


@dg.sensor(
    job=employee_import,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.STOPPED if STARTS_OFF else dg.DefaultSensorStatus.RUNNING,
    description=(
        "Looks at the portal with one request and asks for a run when a user appeared, was dismissed, or one that is "
        "not linked yet has changed (R17)."
    ),
)
def bitrix24_changes(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Compare the portal with what the last import saw."""
    reason = why_not_now(context.instance)
    if reason:
        return dg.SkipReason(reason)
    try:
        seen = look_for_changes(settings.load(), cursor=context.cursor)
    except (Bitrix24Error, StoreError, settings.SettingsError) as error:
        return dg.SkipReason(f"could not look: {error}")
    if not seen.run_wanted:
        return dg.SensorResult(skip_reason=dg.SkipReason(seen.words), cursor=seen.cursor)
    context.log.info(seen.words)
    return dg.SensorResult(run_requests=[dg.RunRequest(tags={"b24_pipeline/change": seen.words})], cursor=seen.cursor)


def why_not_now(instance: dg.DagsterInstance) -> str | None:
    """Why no run is asked for: settings are missing, or a run is queued or going on. None when one may be."""
    reason = missing_settings()
    if reason:
        return reason
    fail_dead(instance, active_runs(instance))
    active = next(iter(active_runs(instance)), None)
    return f"run {active.run_id[:8]} is {active.status.value.lower().replace('_', ' ')}" if active else None


def missing_settings() -> str | None:
    """Which settings are missing or bad; none when there is a connection to work for."""
    try:
        settings.load()
    except settings.SettingsError as error:
        return f"Nothing is read or written: {error}"
    return None


def active_runs(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    """Runs of the chain that are queued or going on, launched as the job or by «Materialize»."""
    return [run for run in instance.get_runs(filters=dg.RunsFilter(statuses=ACTIVE)) if POOL in pools_of(run)]


def fail_dead(instance: dg.DagsterInstance, runs: Sequence[dg.DagsterRun]) -> None:
    """Report the dead among these runs as failed: until then they keep their place in the pool, and no run begins."""
    for run in filter(is_dead, runs):
        now = instance.get_run_by_id(run.run_id)
        if now is not None and not now.is_finished:  # else it ended well meanwhile, and let go of its lock after that
            instance.report_run_failed(run, "The process of this run died: nobody holds its lock any more.")


def is_dead(run: dg.DagsterRun) -> bool:
    """Whether a run of the terminal lost its process; Dagster itself only looks after the runs that it has launched."""
    if trigger_of(run) is not Trigger.TERMINAL:
        return False
    lock = run.tags.get(LOCK_TAG)
    return not is_held(Path(lock) if lock else Paths(settings.load().database).lock)


def pools_of(run: dg.DagsterRun) -> AbstractSet[str]:
    """The pools that a run counts in; «Materialize» runs carry no job name of ours, but they carry these."""
    return (run.run_op_concurrency.all_pools or frozenset()) if run.run_op_concurrency else frozenset()


@dg.job(
    resource_defs=NO_IMPORT,
    description=(
        "Deletes Dagster's own records of this project's runs older than 30 days: about 128 KB a run, 2 GB a year."
    ),
)
def purge_old_runs() -> None:
    """Keep Dagster's run storage from growing without bound."""
    purge_dagster_runs()


@dg.job(
    resource_defs=NO_IMPORT,
    description="Deletes actions and snapshots older than the setting KEEP_DAYS from the audit, and compacts the file.",
)
def purge_old_audit() -> None:
    """Keep the audit as long as the setting says; links never expire."""
    purge_store()


every_night_of_runs = dg.ScheduleDefinition(
    name="every_night_purge_old_runs",
    job=purge_old_runs,
    cron_schedule="17 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Housekeeping of Dagster's run storage, once a night.",
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
    """Ask for a run, unless there is no connection yet whose audit could grow."""
    reason = missing_settings()
    return dg.SkipReason(reason) if reason else dg.RunRequest()
