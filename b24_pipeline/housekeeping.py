"""Housekeeping: Dagster's run storage and the audit must not grow without bound."""

import shutil
from datetime import timedelta
from pathlib import Path

import dagster as dg
from dagster._core.storage.event_log import SqlEventLogStorage
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from sqlalchemy import select

from b24_pipeline import settings
from b24_pipeline.connection import utc_now
from b24_pipeline.importing.lock import RunInProgress, run_lock
from b24_pipeline.store import Paths, StoreError
from b24_pipeline.store.retention import apply_retention

KEEP_RUNS = timedelta(days=30)
BATCH = 100


@dg.op(description="Delete the records of finished runs older than 30 days, with their events, check results and logs.")
def purge_dagster_runs(context: dg.OpExecutionContext) -> int:
    """Gives how many runs were deleted."""
    instance = context.instance
    old = dg.RunsFilter(
        created_before=utc_now() - KEEP_RUNS,
        statuses=[dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED],
    )
    deleted = 0
    while runs := instance.get_runs(filters=old, limit=BATCH):
        for run in runs:
            instance.delete_run(run.run_id)
            unlink_leftovers(instance, run.run_id)
        deleted += len(runs)
    delete_check_results(instance)
    context.log.info("deleted %d runs older than %d days", deleted, KEEP_RUNS.days)
    return deleted


def unlink_leftovers(instance: dg.DagsterInstance, run_id: str) -> None:
    """`delete_run` leaves the run's own event database and its compute logs."""
    base = Path(instance.storage_directory()).parent
    for database in base.glob(f"history/runs/{run_id}*.db*"):
        database.unlink(missing_ok=True)
    for folder in base.glob(f"**/compute_logs/{run_id}"):
        shutil.rmtree(folder, ignore_errors=True)


def delete_check_results(instance: dg.DagsterInstance) -> None:
    """`delete_run`, the UI's too, leaves what the checks of the run have found: 13 rows, with names."""
    storage = instance.event_log_storage
    if not isinstance(storage, SqlEventLogStorage):
        return
    run_id = AssetCheckExecutionsTable.c.run_id
    with storage.index_connection() as connection:
        noted = {row[0] for row in connection.execute(select(run_id).distinct())}
        gone = sorted(noted - set(instance.get_run_ids()))
        for first in range(0, len(gone), BATCH):
            connection.execute(AssetCheckExecutionsTable.delete().where(run_id.in_(gone[first : first + BATCH])))


@dg.op(description="Delete actions and snapshots older than the setting KEEP_DAYS, and compact the file.")
def purge_store(context: dg.OpExecutionContext) -> None:
    """Links never expire.

    Raises:
        dg.Failure: a run is going on, or the database cannot be used; the next night tries again.
    """
    try:
        chosen = settings.load()
        paths = Paths(chosen.database)
        with run_lock(paths.lock, holder=f"retention {context.run_id}", now=utc_now(), wait_seconds=60):
            deleted = apply_retention(paths, keep_days=chosen.keep_days, now=utc_now())
    except (settings.SettingsError, RunInProgress, StoreError) as error:
        raise dg.Failure(str(error), allow_retries=False) from None
    context.log.info("kept the last %d days, deleted %d runs", chosen.keep_days, deleted)
