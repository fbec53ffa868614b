"""Judges the import's state and notifies each receiver of what has changed since its last message.

A receiver hears of a state once when it begins and once when it is over. One that is down is tried again at the next
occasion, if the state still lasts then.
"""

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from b24_pipeline import audit
from b24_pipeline.alerts.channels import Channel, NotDelivered
from b24_pipeline.alerts.conditions import STALE_AFTER, Change, Condition, State, compare, conditions_of
from b24_pipeline.alerts.messages import message_of
from b24_pipeline.audit import Paths, Reader, Store, StoreError
from b24_pipeline.audit.exceptions import DatabaseBusy, DatabaseMissing
from b24_pipeline.audit.health import Failure, Health, health, is_unrecorded
from b24_pipeline.audit.metadata import CALLGEAR_HOST, PORTAL_HOST

log = logging.getLogger(__name__)

UNNAMED = "Bitrix24 import"
LOST_WITHIN = timedelta(days=1)
"""Failed runs that the audit does not know matter for so long."""
FailedRuns = Callable[[datetime], Iterable[Failure]]
"""The failed runs that Dagster knows since a time, newest first."""


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The state of the import at one moment."""

    connection: str
    conditions: tuple[Condition, ...]
    success_at: datetime | None = None
    """The end of the last successful run."""
    judged: frozenset[State] = frozenset(State)


@dataclass(frozen=True, slots=True)
class Memory:
    """The state of the sensor between ticks, stored as its cursor.

    Attributes:
        notified: the states that each receiver knows to last, and since when.
        first_seen: the run whose success lies in the future, and when it was first seen (R16c).
    """

    notified: dict[str, dict[State, datetime]] = field(default_factory=dict)
    first_seen: tuple[str, datetime] | None = None

    @classmethod
    def from_json(cls, text: str | None, *, now: datetime) -> "Memory":
        """Read the cursor; from a damaged one nothing. What was noted in the future was noted now (R16c)."""

        def time(noted: str) -> datetime:
            return min(datetime.fromisoformat(noted).astimezone(UTC), now)

        try:
            kept = json.loads(text or "{}")
            seen = kept.get("first_seen")
            return cls(
                {
                    receiver: {State[name]: time(since) for name, since in states.items()}
                    for receiver, states in kept.get("notified", {}).items()
                },
                (str(seen[0]), time(seen[1])) if seen else None,
            )
        except (ValueError, KeyError, IndexError, AttributeError, TypeError):
            log.warning("the cursor of the sensor cannot be read; receivers are notified of what lasts once more")
            return cls()

    def to_json(self) -> str:
        """Write the cursor."""
        notified = {
            receiver: {state.name: since.isoformat() for state, since in states.items()}
            for receiver, states in self.notified.items()
        }
        seen = (self.first_seen[0], self.first_seen[1].isoformat()) if self.first_seen else None
        return json.dumps({"notified": notified, "first_seen": seen})

    def after(self, receiver: str, change: Change) -> "Memory":
        """Note that a receiver was notified of a change."""
        lasting = {state: since for state, since in self.notified.get(receiver, {}).items() if state in change.still}
        new = {condition.state: condition.since for condition in change.new}
        return replace(self, notified=self.notified | {receiver: lasting | new})


@dataclass(frozen=True, slots=True)
class NotifyResult:
    """The receivers that were notified or could not be, and the memory for the next tick."""

    memory: Memory
    receivers: tuple[str, ...] = ()
    not_delivered: tuple[str, ...] = ()


def notify(channels: Sequence[Channel], report: StatusReport, memory: Memory) -> NotifyResult:
    """Notify the first receiver that does not know of a change yet and can be reached.

    The others follow at the next ticks: what was delivered is remembered before another receiver can hang.
    """
    not_delivered: list[str] = []
    for channel in channels:
        known = memory.notified.get(channel.name, {})
        change = compare(report.conditions, notified=known, success_at=report.success_at, judged=report.judged)
        if not change:
            continue
        try:
            channel.send(message_of(change, connection=report.connection))
        except NotDelivered as error:
            log.warning("an alert could not be delivered: %s; it is tried again at the next tick", error)
            not_delivered.append(str(error))
            continue
        return NotifyResult(memory.after(channel.name, change), (channel.name,), tuple(not_delivered))
    return NotifyResult(memory, not_delivered=tuple(not_delivered))


def judge(paths: Paths, memory: Memory, *, now: datetime, failed_runs: FailedRuns) -> tuple[StatusReport, Memory]:
    """Judge the state of the import; that the audit cannot be read is a condition, too.

    Before the first success nothing is stale: there may be no import yet.
    """
    try:
        with Store.reader(paths, now=lambda: now) as reader:
            connection, found = connection_name(reader), health(reader, now=now)
            memory, found = with_time_first_seen(memory, found, now=now)
            lost = lost_run(found, failed_runs, now=now, is_lost=lambda run: is_unrecorded(reader, run.run_id))
    except (DatabaseMissing, DatabaseBusy):  # nothing is published yet
        connection, found = UNNAMED, Health()
        lost = lost_run(found, failed_runs, now=now, is_lost=lambda _: True)
    except StoreError as error:
        return StatusReport(UNNAMED, (unreadable(error, now=now),), judged=frozenset()), memory
    found = replace(found, failures=(*found.failures, *lost))
    conditions = tuple(
        replace(condition, since=min(condition.since, now))
        for condition in conditions_of(found, now=now, stale_after=STALE_AFTER)
        if condition.state is not State.STALE or found.success is not None
    )
    return StatusReport(connection, conditions, found.success.finished_at if found.success else None), memory


def with_time_first_seen(memory: Memory, found: Health, *, now: datetime) -> tuple[Memory, Health]:
    """R16c: let a success in the future have ended when it was first seen, or it would pass for new for ever."""
    success = found.success
    if success is None or not success.in_future:
        return replace(memory, first_seen=None), found
    run_id, seen_at = memory.first_seen or ("", now)
    if run_id != success.run_id:
        seen_at = now
    memory = replace(memory, first_seen=(success.run_id, seen_at))
    return memory, replace(found, success=replace(success, finished_at=seen_at, in_future=False))


def unreadable(error: StoreError, *, now: datetime) -> Condition:
    """The condition of an audit that cannot be read."""
    return Condition(State.FAILED, since=now, message="The audit cannot be read.", detail=str(error))


def lost_run(
    found: Health, failed_runs: FailedRuns, *, now: datetime, is_lost: Callable[[Failure], bool]
) -> tuple[Failure, ...]:
    """The newest failure since the last success that only Dagster knows of; at most one."""
    since = max(now - LOST_WITHIN, found.success.finished_at) if found.success else now - LOST_WITHIN
    return tuple(next(([run] for run in failed_runs(since) if run.started_at >= since and is_lost(run)), []))


def connection_name(reader: Reader) -> str:
    """The portal and the account that the audit belongs to."""
    hosts = [audit.metadata.fact(reader.database, name) for name in (PORTAL_HOST, CALLGEAR_HOST)]
    return f"{hosts[0]} → {hosts[1]}" if all(hosts) else UNNAMED
