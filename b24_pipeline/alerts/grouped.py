"""Alerts of many connections: one message a change, however many connections it concerns.

What begins or ends is told once it has settled for a tick, and after a minute at the latest: two hundred runs that fail
because one thing is down end within two minutes.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from b24_pipeline.alerts.channels import Channel, NotDelivered
from b24_pipeline.alerts.conditions import Change, Condition, State, compare
from b24_pipeline.alerts.messages import Message, lines_of
from b24_pipeline.alerts.notify import StatusReport
from b24_pipeline.text import numbered

SETTLES_WITHIN = timedelta(seconds=60)
KEYS_NAMED = 20
"""So many connections are named; the others are counted."""
Notified = Mapping[str, Mapping[State, datetime]]
"""The states that a receiver knows to last, by connection, and since when."""
Changes = Mapping[str, Change]
"""What has changed, by connection."""


@dataclass(frozen=True, slots=True)
class GroupMemory:
    """The state of the sensor between ticks, stored as its cursor.

    Attributes:
        notified: by receiver.
        first_seen: by connection, the run whose success lies in the future, and when it was first seen (R16c).
        waiting: what has changed and was not told yet, as a digest, and since when something waits.
    """

    notified: Mapping[str, Notified] = field(default_factory=dict)
    first_seen: Mapping[str, tuple[str, datetime]] = field(default_factory=dict)
    waiting: tuple[str, datetime] | None = None

    @classmethod
    def from_json(cls, text: str | None, *, now: datetime) -> "GroupMemory":
        """Read the cursor; from a damaged one, or one of a single connection, nothing."""

        def time(noted: str) -> datetime:
            return min(datetime.fromisoformat(noted).astimezone(UTC), now)

        try:
            kept = json.loads(text or "{}")
            notified = {
                receiver: {
                    key: {State[name]: time(since) for name, since in states.items()} for key, states in known.items()
                }
                for receiver, known in kept.get("connections", {}).items()
            }
            seen = {key: (str(run), time(at)) for key, (run, at) in kept.get("seen", {}).items()}
            waiting = kept.get("waiting")
            return cls(notified, seen, (str(waiting[0]), time(waiting[1])) if waiting else None)
        except (ValueError, KeyError, IndexError, AttributeError, TypeError):
            return cls()

    def to_json(self) -> str:
        """Write the cursor."""
        notified = {
            receiver: {
                key: {state.name: since.isoformat() for state, since in states.items()} for key, states in known.items()
            }
            for receiver, known in self.notified.items()
        }
        seen = {key: (run, at.isoformat()) for key, (run, at) in self.first_seen.items()}
        waiting = (self.waiting[0], self.waiting[1].isoformat()) if self.waiting else None
        return json.dumps({"connections": notified, "seen": seen, "waiting": waiting})


@dataclass(frozen=True, slots=True)
class GroupResult:
    """The receivers that were notified or could not be, and the memory for the next tick."""

    memory: GroupMemory
    receivers: tuple[str, ...] = ()
    not_delivered: tuple[str, ...] = ()


def notify_grouped(
    channels: Sequence[Channel], reports: Mapping[str, StatusReport], memory: GroupMemory, *, now: datetime
) -> GroupResult:
    """Tell the first receiver that does not know of a settled change yet and can be reached; others follow next."""
    by_channel = {channel.name: changes_for(memory.notified.get(channel.name, {}), reports) for channel in channels}
    digest = json.dumps([[name, sorted(map(fingerprint, changes.items()))] for name, changes in by_channel.items()])
    if not any(by_channel.values()):
        return GroupResult(replace(memory, waiting=None))
    before, since = memory.waiting or ("", now)
    if digest != before and now - since < SETTLES_WITHIN:
        return GroupResult(replace(memory, waiting=(digest, since)))
    not_delivered: list[str] = []
    for channel in channels:
        changes = by_channel[channel.name]
        if not changes:
            continue
        try:
            channel.send(message_of(changes, reports))
        except NotDelivered as error:
            not_delivered.append(str(error))
            continue
        told = told_to(memory.notified.get(channel.name, {}), changes)
        after = replace(memory, notified={**memory.notified, channel.name: told}, waiting=None)
        return GroupResult(after, (channel.name,), tuple(not_delivered))
    return GroupResult(replace(memory, waiting=(digest, since)), not_delivered=tuple(not_delivered))


def changes_for(known: Notified, reports: Mapping[str, StatusReport]) -> Changes:
    """Return what a receiver does not know yet; what a removed connection had is over without a word."""
    changes = {
        key: compare(report.conditions, notified=known.get(key, {}), success_at=report.success_at, judged=report.judged)
        for key, report in reports.items()
    }
    return {key: change for key, change in changes.items() if change}


def fingerprint(item: tuple[str, Change]) -> tuple[str, list[str], list[str]]:
    """Return a change without its times and words."""
    key, change = item
    return key, sorted(condition.state.name for condition in change.new), sorted(state.name for state in change.over)


def told_to(known: Notified, changes: Changes) -> Notified:
    """Return what a receiver knows after it was told of the changes."""
    after = dict(known)
    for key, change in changes.items():
        lasting = {state: since for state, since in known.get(key, {}).items() if state in change.still}
        after[key] = lasting | {condition.state: condition.since for condition in change.new}
    return {key: states for key, states in after.items() if states}


def message_of(changes: Changes, reports: Mapping[str, StatusReport]) -> Message:
    """Write one message for all connections: what is new with an example of each kind, then what is over."""
    new: dict[State, dict[str, Condition]] = {}
    over: dict[State, list[str]] = {}
    for key, change in changes.items():
        for condition in change.new:
            new.setdefault(condition.state, {})[key] = condition
        for state in change.over:
            over.setdefault(state, []).append(key)
    failing = [key for key, report in reports.items() if report.conditions]
    subject = f"{len(failing)} of {numbered(len(reports), 'connection needs', 'connections need')} attention"
    headline = "; ".join(
        [*(f"{state}: {len(found)}" for state, found in new.items()), *(f"over: {state}" for state in over)]
    )
    lines = [line for state, found in new.items() for line in lines_of_state(state, found)]
    lines += [f"Over ({state}): {named(keys)}" for state, keys in over.items()]
    return Message(f"{subject}: {headline}", "\n".join([f"{subject}: {headline}", *lines]))


def lines_of_state(state: State, found: Mapping[str, Condition]) -> list[str]:
    """Return which connections have a state, and what it means by the example of the first."""
    first, condition = next(iter(found.items()))
    of_first = lines_of(condition) if len(found) == 1 else [f"{first}: {line}" for line in lines_of(condition)]
    return [f"{state}: {named(list(found))}", *of_first]


def named(keys: Sequence[str]) -> str:
    """Return the first keys, and the number of the others."""
    rest = len(keys) - KEYS_NAMED
    return ", ".join(keys[:KEYS_NAMED]) + (f" and {rest} more" if rest > 0 else "")
