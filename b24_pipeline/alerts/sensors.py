"""Tells people when a run has changed the import's state. A receiver that is down never breaks the import."""

import logging
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from b24_pipeline import settings
from b24_pipeline.alerts.notify import tell_changes
from b24_pipeline.assets.bitrix24 import POOL
from b24_pipeline.audit.health import Failure
from b24_pipeline.connection import utc_now
from b24_pipeline.dagster_runs import TRIGGER_TAG
from b24_pipeline.rules.models import RunStatus

log = logging.getLogger(__name__)

OURS = "b24_pipeline."
NO_FAILURE = "another run is in progress"
"""What a run says that only found the lock held: the other one goes on."""


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitor_all_code_locations=True,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "After a run that went through, however it was started: tells the receivers of alerts when the state has "
        "changed, for example that something is held, that records fail, or that the import has recovered."
    ),
)
def alert_after_success(context: dg.RunStatusSensorContext) -> dg.SkipReason:
    """Runs of other code locations count, too, if they are imports: theirs may have another name."""
    if not is_import(context.dagster_run):
        return dg.SkipReason("not a run of the import")
    return dg.SkipReason(told_in_words(lost=None))


@dg.run_failure_sensor(
    monitor_all_code_locations=True,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "After a run that failed, however it was started, also when it died or could not begin: tells the receivers "
        "of alerts once, and not again before the import has recovered."
    ),
)
def alert_after_failure(context: dg.RunFailureSensorContext) -> dg.SkipReason:
    """The audit knows why, except of runs that died or failed before they could be noted in it."""
    if not is_import(context.dagster_run) or is_trial(context.dagster_run):
        return dg.SkipReason("not a run of the whole import")
    return dg.SkipReason(told_in_words(lost=lost_run(context)))


def told_in_words(*, lost: Failure | None) -> str:
    """Tell what has changed; gives what became of it, for the sensor's page."""
    try:
        told = tell_changes(settings.load_alerting(), now=utc_now(), lost=lost)
    except settings.SettingsError as error:
        return f"Nobody can be told: {error}"
    words = [f"told by {', '.join(told.receivers)}"] if told.receivers else []
    words += told.not_delivered
    if told.not_noted:
        log.warning("nobody is told: %s", told.not_noted)
        words.append(f"nobody is told: {told.not_noted}")
    return "; ".join(words) or "nobody had to be told"


def is_import(run: dg.DagsterRun) -> bool:
    """Whether a run worked on the chain: the job, «Materialize», or the terminal."""
    pools = (run.run_op_concurrency.all_pools or frozenset()) if run.run_op_concurrency else frozenset()
    return POOL in pools or TRIGGER_TAG in run.tags


def is_trial(run: dg.DagsterRun) -> bool:
    """Whether a run was dry or for single people: somebody looks at it, and it says nothing about the import."""
    given: Any = run.run_config
    config = given.get("resources", {}).get("import_run", {}).get("config", {})
    return bool(config.get("dry_run") or config.get("only") or config.get("only_failed"))


def lost_run(context: dg.RunFailureSensorContext) -> Failure | None:
    """The failed run as Dagster knows it; None when it only found another run going on."""
    reason = reason_of(context.failure_event)
    records = context.instance.get_run_records(dg.RunsFilter(run_ids=[context.dagster_run.run_id]))
    if reason.startswith(NO_FAILURE) or not records:
        return None
    began = records[0].start_time or records[0].create_timestamp.timestamp()
    return Failure(context.dagster_run.run_id, datetime.fromtimestamp(began, tz=UTC), RunStatus.FAILED, reason)


def reason_of(failure: dg.DagsterEvent) -> str:
    """Why, in words. Only our own errors are known to name no secret; of others the kind is told."""
    error = failure.job_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    if error is None:
        return "it ended without a word: it was killed, or its machine stopped"
    if error.message.startswith(OURS):
        return error.message.partition(": ")[2].strip()
    return f"{error.cls_name or 'an error'}; the run's page in the Dagster UI says more"
