"""The jobs: the import, and two that keep Dagster's run storage and the audit from growing without bound."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
from sqlalchemy import column, delete, select, table

from b24_pipeline import settings
from b24_pipeline.assets.connections import connections
from b24_pipeline.audit import StoreError
from b24_pipeline.audit.retention import apply_retention
from b24_pipeline.audit.storage.advisory_lock import RunInProgress
from b24_pipeline.audit.storage.lock import connection_lock
from b24_pipeline.connection import utc_now
from b24_pipeline.dagster_runs import IN_ORDER, LOCATION, TRIGGER_TAG

NO_IO_MANAGER = {"io_manager": dg.mem_io_manager}
"""For jobs without assets: the project's own IO manager would start an import and take its lock."""
BATCH = 100
JOBS = frozenset({"employee_import", "connections_overview", "purge_old_runs", "purge_old_audit"})
"""The names of our jobs: a run in a process of its own may have no tag that says it is ours."""
CHECKED_ASSETS = ("employees", "employee_matches", "callgear_upsert")
CHECK_RESULTS = table("asset_check_executions", column("run_id"), column("asset_key"), column("check_name"))
"""The results of asset checks in Dagster's own storage: no method of an instance deletes them."""

employee_import = dg.define_asset_job(
    "employee_import",
    selection=dg.AssetSelection.assets(*IN_ORDER, "import_report", "audit_export"),
    description="One run of the import, from the portal to the account. "
    'Shift-click "Materialize" or open the launchpad for a dry run, for one person, or to approve a held run.',
)

overview = dg.define_asset_job(
    "connections_overview",
    selection=dg.AssetSelection.assets(connections),
    description="The state of all connections, where there are several; read from their audits, nothing is imported.",
)


@dg.op(
    description=(
        "Delete the records of this project's finished runs older than the setting KEEP_RUN_DAYS, with their events, "
        "check results and logs. Runs of other code locations stay."
    )
)
def purge_dagster_runs(context: dg.OpExecutionContext) -> int:
    """Return how many runs were deleted.

    Raises:
        dg.Failure: the setting cannot be read.
    """
    instance = context.instance
    try:
        days = settings.keep_run_days()
    except settings.SettingsError as error:
        raise dg.Failure(str(error), allow_retries=False) from None
    old = [run.run_id for run in old_runs(instance, days=days) if is_ours(run, location=location_of(context.run))]
    base = Path(instance.storage_directory()).parent
    for run_id in old:
        instance.delete_run(run_id)  # which leaves the run's own event database and its compute logs
        for database in base.glob(f"history/runs/{run_id}*.db*"):
            database.unlink(missing_ok=True)
        for folder in base.glob(f"**/compute_logs/{run_id}"):
            shutil.rmtree(folder, ignore_errors=True)
    delete_check_results(instance)
    context.log.info("deleted %d runs older than %d days", len(old), days)
    return len(old)


def old_runs(instance: dg.DagsterInstance, *, days: int) -> Iterator[dg.DagsterRun]:
    """Yield the finished runs older than so many days of all code locations, newest first."""
    old = dg.RunsFilter(
        created_before=utc_now() - timedelta(days=days),
        statuses=[dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED],
    )
    last = None
    while runs := instance.get_runs(filters=old, cursor=last, limit=BATCH):
        yield from runs
        last = runs[-1].run_id


def location_of(run: dg.DagsterRun) -> str:
    """Return the code location that launched a run; that of `workspace.yaml` for a run in a process of its own."""
    return run.remote_job_origin.location_name if run.remote_job_origin else LOCATION


def is_ours(run: dg.DagsterRun, *, location: str) -> bool:
    """Return whether this project launched the run; several projects may share one Dagster."""
    if TRIGGER_TAG in run.tags:
        return True
    if run.remote_job_origin:
        return run.remote_job_origin.location_name == location
    return run.job_name in JOBS


def delete_check_results(instance: dg.DagsterInstance) -> None:
    """Delete the check results of deleted runs, which `delete_run` leaves: 13 rows a run, with names.

    Also those of checks that had another name. A result without a run was reported from elsewhere.
    """
    open_database = getattr(instance.event_log_storage, "index_connection", None)
    if open_database is None:  # a storage that is no SQL database
        return
    results = CHECK_RESULTS.c
    ours = results.asset_key.in_(dg.AssetKey(asset).to_string() for asset in CHECKED_ASSETS)
    with open_database() as connection:
        noted = {row[0] for row in connection.execute(select(results.run_id).where(ours).distinct()) if row[0]}
        gone = sorted(noted - set(instance.get_run_ids()))
        for first in range(0, len(gone), BATCH):
            connection.execute(delete(CHECK_RESULTS).where(ours, results.run_id.in_(gone[first : first + BATCH])))


@dg.op(description="Delete actions and snapshots older than the setting KEEP_DAYS, and compact the file.")
def purge_store(context: dg.OpExecutionContext) -> None:
    """Apply the retention of the audit, of each connection where there are several.

    Raises:
        dg.Failure: a run is active, or a database cannot be used; the next night tries again.
    """
    folder = settings.connections()
    problems = []
    for key in folder.keys if folder else [None]:
        try:
            chosen = settings.load(key)
            paths, owner = chosen.paths, f"retention {context.run_id}"
            with connection_lock(paths, owner=owner, now=utc_now(), wait_seconds=60):
                deleted = apply_retention(paths, keep_days=chosen.keep_days, now=utc_now())
        except (settings.SettingsError, RunInProgress, StoreError) as error:
            problems.append(f"{key}: {error}" if key else str(error))
            continue
        named = f"{key}: " if key else ""
        context.log.info("%skept the last %d days, deleted %d runs", named, chosen.keep_days, deleted)
    if problems:
        raise dg.Failure("\n".join(problems), allow_retries=False)


@dg.job(
    resource_defs=NO_IO_MANAGER,
    description="Deletes Dagster's own records of this project's runs older than the setting KEEP_RUN_DAYS (30): 230 "
    "to 530 KiB a run.",
)
def purge_old_runs() -> None:
    purge_dagster_runs()


@dg.job(
    resource_defs=NO_IO_MANAGER,
    description="Deletes actions and snapshots older than the setting KEEP_DAYS from the audit, and compacts the file.",
)
def purge_old_audit() -> None:
    purge_store()
