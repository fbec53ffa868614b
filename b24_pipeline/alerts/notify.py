"""Judges the import's state and notifies each receiver of what has changed since its last message.

A receiver hears of a state once when it begins and once when it is over. One that is down is tried again at the next
occasion, if the state still lasts then.
"""

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from b24_pipeline import audit
from b24_pipeline.alerts.channels import Channel, NotDelivered
from b24_pipeline.alerts.conditions import Change, Condition, State, compare, conditions_of
from b24_pipeline.alerts.messages import Message
from b24_pipeline.audit import Database, Paths, Store, StoreError
from b24_pipeline.audit.health import Failure, Health, health, is_unrecorded
from b24_pipeline.audit.metadata import CALLGEAR_HOST, PORTAL_HOST
from b24_pipeline.audit.storage.exceptions import DatabaseBusy, DatabaseMissing

log = logging.getLogger(__name__)

UNNAMED = "Bitrix24 import"
LOST_WITHIN = timedelta(days=1)
"""Failed runs that the audit does not know matter for so long."""
FailedRuns = Callable[[datetime], Iterable[Failure]]
"""The failed runs that Dagster knows since a time, newest first."""


@dataclass(frozen=True, slots=True)
class StatusReport:
    connection: str
    conditions: tuple[Condition, ...]
    success_at: datetime | None = None
    """The end of the last successful run."""
    judged: frozenset[State] = frozenset(State)


ONLY = ""
"""Stands for the key of the connection where there is only one."""
Notified = Mapping[str, Mapping[State, datetime]]
"""The states that a receiver knows to last, by connection, and since when."""
Changes = Mapping[str, Change]
"""What has changed, by connection."""
FirstSeen = tuple[str, datetime] | None
"""The run whose success lies in the future, and when it was first seen (R16c)."""


@dataclass(frozen=True, slots=True)
class Memory:
    """The state of the sensor between ticks, stored as its cursor.

    Attributes:
        notified: by receiver.
        first_seen: by connection.
        waiting: what has changed and was not told yet, as a digest, and since when something waits.
    """

    notified: Mapping[str, Notified] = field(default_factory=dict)
    first_seen: Mapping[str, tuple[str, datetime]] = field(default_factory=dict)
    waiting: tuple[str, datetime] | None = None

    @classmethod
    def from_json(cls, text: str | None, *, now: datetime) -> "Memory":
        """Read the cursor; from a damaged one nothing. What was noted in the future was noted now (R16c)."""

        def time(noted: str) -> datetime:
            return min(datetime.fromisoformat(noted).astimezone(UTC), now)

        try:
            kept = json.loads(text or "{}")
            notified = {
                receiver: {
                    key: {State[name]: time(since) for name, since in states.items()} for key, states in known.items()
                }
                for receiver, known in kept.get("notified", {}).items()
            }
            seen = {key: (str(run), time(at)) for key, (run, at) in kept.get("first_seen", {}).items()}
            waiting = kept.get("waiting")
            return cls(notified, seen, (str(waiting[0]), time(waiting[1])) if waiting else None)
        except (ValueError, KeyError, IndexError, AttributeError, TypeError):
            log.warning("the cursor of the sensor cannot be read; receivers are notified of what lasts once more")
            return cls()

    def to_json(self) -> str:
        notified = {
            receiver: {
                key: {state.name: since.isoformat() for state, since in states.items()} for key, states in known.items()
            }
            for receiver, known in self.notified.items()
        }
        seen = {key: (run, at.isoformat()) for key, (run, at) in self.first_seen.items()}
        waiting = (self.waiting[0], self.waiting[1].isoformat()) if self.waiting else None
        return json.dumps({"notified": notified, "first_seen": seen, "waiting": waiting})


@dataclass(frozen=True, slots=True)
class NotifyResult:
    """The receivers that were notified or could not be, and the memory for the next tick."""

    memory: Memory
    receivers: tuple[str, ...] = ()
    not_delivered: tuple[str, ...] = ()


def notify(
    channels: Sequence[Channel],
    reports: Mapping[str, StatusReport],
    memory: Memory,
    *,
    write: Callable[[Changes], Message],
) -> NotifyResult:
    """Notify the first receiver that does not know of a change yet and can be reached.

    The others follow at the next ticks: what was delivered is remembered before another receiver can hang.
    """
    not_delivered: list[str] = []
    for channel in channels:
        known = memory.notified.get(channel.name, {})
        changes = changes_for(known, reports)
        if not changes:
            continue
        try:
            channel.send(write(changes))
        except NotDelivered as error:
            log.warning("an alert could not be delivered: %s; it is tried again at the next tick", error)
            not_delivered.append(str(error))
            continue
        after = dict(known)
        for key, change in changes.items():
            lasting = {state: since for state, since in known.get(key, {}).items() if state in change.still}
            after[key] = lasting | {condition.state: condition.since for condition in change.new}
        notified = {**memory.notified, channel.name: {key: states for key, states in after.items() if states}}
        return NotifyResult(replace(memory, notified=notified, waiting=None), (channel.name,), tuple(not_delivered))
    return NotifyResult(memory, not_delivered=tuple(not_delivered))


def changes_for(known: Notified, reports: Mapping[str, StatusReport]) -> Changes:
    """Return what a receiver does not know yet; what a removed connection had is over without a word."""
    changes = {
        key: compare(report.conditions, notified=known.get(key, {}), success_at=report.success_at, judged=report.judged)
        for key, report in reports.items()
    }
    return {key: change for key, change in changes.items() if change}


def judge(
    paths: Paths, first_seen: FirstSeen, *, now: datetime, failed_runs: FailedRuns
) -> tuple[StatusReport, FirstSeen]:
    """Judge the state of the import; that the audit cannot be read is a condition, too.

    Before the first success nothing is stale: there may be no import yet.
    """
    try:
        with Store.reader(paths, now=lambda: now) as database:
            connection, found = connection_name(database), health(database, now=now)
            first_seen, found = with_time_first_seen(first_seen, found, now=now)
            lost = lost_run(found, failed_runs, now=now, is_lost=lambda run: is_unrecorded(database, run.run_id))
    except (DatabaseMissing, DatabaseBusy):  # nothing is published yet
        connection, found = UNNAMED, Health()
        lost = lost_run(found, failed_runs, now=now, is_lost=lambda _: True)
    except StoreError as error:
        return StatusReport(UNNAMED, (unreadable(error, now=now),), judged=frozenset()), first_seen
    found = replace(found, failures=(*found.failures, *lost))
    conditions = tuple(
        replace(condition, since=min(condition.since, now))
        for condition in conditions_of(found, now=now)
        if condition.state is not State.STALE or found.success is not None
    )
    return StatusReport(connection, conditions, found.success.finished_at if found.success else None), first_seen


def with_time_first_seen(first_seen: FirstSeen, found: Health, *, now: datetime) -> tuple[FirstSeen, Health]:
    """R16c: let a success in the future have ended when it was first seen, or it would pass for new for ever."""
    success = found.success
    if success is None or not success.in_future:
        return None, found
    run_id, seen_at = first_seen or ("", now)
    if run_id != success.run_id:
        seen_at = now
    return (success.run_id, seen_at), replace(found, success=replace(success, finished_at=seen_at, in_future=False))


def unreadable(error: StoreError, *, now: datetime) -> Condition:
    return Condition(State.FAILED, since=now, message="The audit cannot be read.", detail=str(error))


def lost_run(
    found: Health, failed_runs: FailedRuns, *, now: datetime, is_lost: Callable[[Failure], bool]
) -> tuple[Failure, ...]:
    """The newest failure since the last success that only Dagster knows of; at most one."""
    since = max(now - LOST_WITHIN, found.success.finished_at) if found.success else now - LOST_WITHIN
    return tuple(next(([run] for run in failed_runs(since) if run.started_at >= since and is_lost(run)), []))


def connection_name(database: Database) -> str:
    hosts = [audit.metadata.fact(database, name) for name in (PORTAL_HOST, CALLGEAR_HOST)]
    return f"{hosts[0]} → {hosts[1]}" if all(hosts) else UNNAMED
