"""The sensors: one requests a run when the portal has changed (R17), the other sends alerts."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

import dagster as dg

from b24_pipeline import settings
from b24_pipeline.alerts.channels import channels_of
from b24_pipeline.alerts.grouped import notify_grouped
from b24_pipeline.alerts.messages import message_of
from b24_pipeline.alerts.notify import LOST_WITHIN, ONLY, Memory, judge, notify
from b24_pipeline.audit import StoreError
from b24_pipeline.audit.health import Failure
from b24_pipeline.bitrix24.exceptions import Bitrix24Error
from b24_pipeline.change_detection import poll_portal
from b24_pipeline.connection import utc_now
from b24_pipeline.connection_health import ConnectionHealth, LostRuns
from b24_pipeline.dagster_runs import IMPORTING, OUTCOME_TAG, REFUSED, is_import, steps_continued, steps_of
from b24_pipeline.jobs import employee_import
from b24_pipeline.partitions import PRIORITY_TAG, URGENT, key_of
from b24_pipeline.portal_polling import Portals
from b24_pipeline.rules.models import RunStatus
from b24_pipeline.schedules import STARTS_OFF, idle_connections, skip_reason
from b24_pipeline.settings import Connections
from b24_pipeline.text import numbered

OURS = "b24_pipeline."
NO_FAILURE = "another run is in progress"
"""How the reason of a run begins that only found the lock held: the other one continues."""
NOT_LAUNCHED = "Dagster could not start it; the run's page in the Dagster UI says why"
MAX_RUNS = 20
"""So many failed runs are looked at in a tick, the newest first."""
MAX_RUNS_OF_ALL = 500
"""As many of several connections."""
portals, connection_health = cache(Portals), cache(ConnectionHealth)
"""What this process keeps between ticks of the portals and of the states of a folder of connections."""


@dg.sensor(
    job=employee_import,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.STOPPED if STARTS_OFF else dg.DefaultSensorStatus.RUNNING,
    description="Polls the portal with one request and requests a run when a user was added, was dismissed, or changed "
    "before being linked (R17).",
)
def bitrix24_changes(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Compare the portal, or each of several, with what the last import read."""
    if folder := settings.connections():
        return changes_of_connections(context, folder)
    reason = skip_reason(context.instance)
    if reason:
        return dg.SkipReason(reason)
    try:
        result = poll_portal(settings.load(), cursor=context.cursor)
    except (Bitrix24Error, StoreError, settings.SettingsError) as error:
        return dg.SkipReason(f"could not poll: {error}")
    if not result.run_wanted:
        return dg.SensorResult(skip_reason=dg.SkipReason(result.message), cursor=result.cursor)
    context.log.info(result.message)
    return dg.SensorResult(
        run_requests=[dg.RunRequest(tags={"b24_pipeline/change": result.message})], cursor=result.cursor
    )


def changes_of_connections(context: dg.SensorEvaluationContext, folder: Connections) -> dg.SensorResult:
    """Request a run of each connection whose portal has changed; it goes before the round of all."""
    result = portals(folder).poll(idle_connections(context.instance, folder), cursor=context.cursor)
    for problem in (*folder.misnamed(), *result.problems):
        context.log.warning(problem)
    requests = []
    for key, found in result.found.items():
        if found.run_wanted:
            context.log.info("%s: %s", key, found.message)
            tags = {"b24_pipeline/change": found.message, PRIORITY_TAG: URGENT}
            requests.append(dg.RunRequest(partition_key=key, tags=tags))
    polled = f"{numbered(len(result.found), 'portal', 'portals')} polled, nothing to import"
    skipped = None if requests else dg.SkipReason("; ".join([polled, *result.problems]))
    return dg.SensorResult(run_requests=requests, skip_reason=skipped, cursor=result.cursor)


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sends an alert when the state of the import changes, for example that it fails, that changes are "
    "held, or that it has recovered. Each receiver hears of a state once when it begins and once when it is over.",
)
def import_health(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Judge the state of the import, and remember in the cursor what each receiver was notified of."""
    try:
        chosen = settings.load_alerting()
    except settings.SettingsError as error:
        return dg.SkipReason(f"no alert sent: {error}")
    channels, now = channels_of(chosen), utc_now()
    if not channels:
        return dg.SkipReason("no alert sent: no receiver is configured")
    memory, folder = Memory.from_json(context.cursor, now=now), settings.connections()
    if folder:
        lost = newest_failures(context.instance, since=now - LOST_WITHIN, keys=frozenset(folder.keys))
        reports, memory = connection_health(folder).reports(memory, now=now, lost=lost)
        result = notify_grouped(channels, reports, memory, now=now)
    else:
        failed_runs = partial(failed_imports, context.instance)
        report, first_seen = judge(chosen.paths, memory.first_seen.get(ONLY), now=now, failed_runs=failed_runs)
        memory = replace(memory, first_seen={ONLY: first_seen} if first_seen else {})
        name = report.connection
        result = notify(channels, {ONLY: report}, memory, write=lambda new: message_of(new[ONLY], connection=name))
    sent = [f"alert sent via {receiver}" for receiver in result.receivers]
    waiting = "waiting up to a minute for more changes" if result.memory.waiting else "no alert needed"
    return dg.SensorResult(
        skip_reason="; ".join([*sent, *result.not_delivered]) or waiting, cursor=result.memory.to_json()
    )


def newest_failures(instance: dg.DagsterInstance, *, since: datetime, keys: AbstractSet[str]) -> LostRuns:
    """Return the newest failed import of each connection that has one; what it says is read when it is asked for."""
    failed = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=since)
    found: dict[str, dg.RunRecord] = {}
    for record in instance.get_run_records(failed, limit=MAX_RUNS_OF_ALL):
        key = key_of(record.dagster_run)
        if key in keys and key not in found and concerns_import(instance, record.dagster_run):
            found[str(key)] = record
    return {key: (record.dagster_run.run_id, partial(failure_of, instance, record)) for key, record in found.items()}


def failed_imports(instance: dg.DagsterInstance, since: datetime) -> Iterator[Failure]:
    """The failed runs of the whole import as Dagster knows them, newest first, of every code location."""
    failed = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=since)
    for record in instance.get_run_records(failed, limit=MAX_RUNS):
        run = record.dagster_run
        if is_import(run) and concerns_import(instance, run) and (failure := failure_of(instance, record)):
            yield failure


def failure_of(instance: dg.DagsterInstance, record: dg.RunRecord) -> Failure | None:
    """Return what a failed run says; nothing for one that only found the lock held."""
    run_id = record.dagster_run.run_id
    reason = failure_reason(instance, run_id) if record.start_time else NOT_LAUNCHED
    began = record.start_time or record.create_timestamp.timestamp()
    if reason.startswith(NO_FAILURE):
        return None
    return Failure(run_id, datetime.fromtimestamp(began, tz=UTC), RunStatus.FAILED, reason)


def concerns_import(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Return whether a failed run says something about the import (R18a).

    A dry run, one for single people or of some of the steps, and one that was refused for its own choices do not:
    somebody is looking at them.
    """
    given: Any = run.run_config
    config = given.get("resources", {}).get("import_run", {}).get("config", {})
    is_trial = config.get("dry_run") or config.get("only") or config.get("only_failed")
    if is_trial or run.tags.get(OUTCOME_TAG) == REFUSED:
        return False
    was_planned = run.execution_plan_snapshot_id is not None
    return not was_planned or steps_of(instance, run) | steps_continued(instance, run) >= IMPORTING


def failure_reason(instance: dg.DagsterInstance, run_id: str) -> str:
    """Return why a run failed. Only our own errors are known to name no secret; of others the kind is reported."""
    failures = instance.all_logs(run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    found = failures[-1].get_dagster_event().event_specific_data if failures else None
    error = getattr(found, "error", None)  # there is none where somebody else reports the run as failed
    while error is not None and error.cause is not None:
        error = error.cause
    if error is None:
        return "it ended without an error: the process was killed or the host went down"
    if error.message.startswith(OURS):
        return str(error.message).partition(": ")[2].strip()
    return f"{error.cls_name or 'an error'}; see the run's page in the Dagster UI"
