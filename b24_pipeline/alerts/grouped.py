"""Alerts of many connections: one message a change, however many connections it concerns.

What begins or ends is told once it has settled for a tick, and after a minute at the latest: two hundred runs that fail
because one thing is down end within two minutes.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from b24_pipeline.alerts.channels import Channel
from b24_pipeline.alerts.conditions import Change, Condition, State
from b24_pipeline.alerts.messages import Message, lines_of
from b24_pipeline.alerts.notify import Changes, Memory, NotifyResult, StatusReport, changes_for, notify
from b24_pipeline.text import numbered

SETTLES_WITHIN = timedelta(seconds=60)
KEYS_NAMED = 20
"""So many connections are named; the others are counted."""


def notify_grouped(
    channels: Sequence[Channel], reports: Mapping[str, StatusReport], memory: Memory, *, now: datetime
) -> NotifyResult:
    """Tell the first receiver that does not know of a settled change yet and can be reached; others follow next."""
    by_channel = {channel.name: changes_for(memory.notified.get(channel.name, {}), reports) for channel in channels}
    digest = json.dumps([[name, sorted(map(fingerprint, changes.items()))] for name, changes in by_channel.items()])
    if not any(by_channel.values()):
        return NotifyResult(replace(memory, waiting=None))
    before, since = memory.waiting or ("", now)
    memory = replace(memory, waiting=(digest, since))
    if digest != before and now - since < SETTLES_WITHIN:
        return NotifyResult(memory)
    return notify(channels, reports, memory, write=lambda changes: message_of(changes, reports))


def fingerprint(item: tuple[str, Change]) -> tuple[str, list[str], list[str]]:
    """Return a change without its times and words."""
    key, change = item
    return key, sorted(condition.state.name for condition in change.new), sorted(state.name for state in change.over)


def message_of(changes: Changes, reports: Mapping[str, StatusReport]) -> Message:
    """Write one message for all connections: what is new with an example of each kind, what is over, and what lasts."""
    new: dict[State, dict[str, Condition]] = {}
    over: dict[State, list[str]] = {}
    for key, change in changes.items():
        for condition in change.new:
            new.setdefault(condition.state, {})[key] = condition
        for state in change.over:
            over.setdefault(state, []).append(key)
    failing = [key for key, report in reports.items() if report.conditions]
    subject = f"{len(failing)} of {numbered(len(reports), 'connection needs', 'connections need')} attention"
    told = {key for found in new.values() for key in found}
    before = [key for key in failing if key not in told]
    counted = [f"{state}: {len(found)}" for state, found in new.items()] + [f"over: {state}" for state in over]
    headline = "; ".join([*counted, *([f"as before: {len(before)}"] if before else [])])
    lines: list[str] = []
    for state, found in new.items():
        first, condition = next(iter(found.items()))
        lines.append(f"{state}: {named(list(found))}")
        lines += lines_of(condition) if len(found) == 1 else [f"{first}: {line}" for line in lines_of(condition)]
    lines += [f"Over ({state}): {named(keys)}" for state, keys in over.items()]
    lines += [f"As before: {named(before)}"] if before else []
    return Message(f"{subject}: {headline}", "\n".join([f"{subject}: {headline}", *lines]))


def named(keys: Sequence[str]) -> str:
    """Return the first keys, and the number of the others."""
    rest = len(keys) - KEYS_NAMED
    return ", ".join(keys[:KEYS_NAMED]) + (f" and {rest} more" if rest > 0 else "")
