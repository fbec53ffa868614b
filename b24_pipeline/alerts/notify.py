"""Looks at the import's state and tells each receiver what has changed since it was last told.

Whoever calls this, and however often: a receiver hears of a state once when it begins and once when it is over. One
that is down hears of it at the next occasion, if it still holds then.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from b24_pipeline.alerts import conditions
from b24_pipeline.alerts.channels import Channel, NotDelivered, channels_of
from b24_pipeline.alerts.conditions import State, Trouble, compare
from b24_pipeline.alerts.messages import message_of
from b24_pipeline.alerts.state import Memory, first_seen, memory_beside
from b24_pipeline.audit import Paths, Reader, Store, StoreError
from b24_pipeline.audit.exceptions import DatabaseMissing
from b24_pipeline.audit.health import Failure, Health, health, is_unnoticed
from b24_pipeline.audit.metadata import CALLGEAR_HOST, PORTAL_HOST
from b24_pipeline.settings import AlertSettings

log = logging.getLogger(__name__)

UNNAMED = "Bitrix24 import"


@dataclass(frozen=True, slots=True)
class Watch:
    """What was seen of the import at one moment."""

    connection: str
    conditions: tuple[Trouble, ...]
    success_at: datetime | None
    """When the last successful run ended."""
    judged: frozenset[State]


@dataclass(frozen=True, slots=True)
class Told:
    """What came of it: the troubles that hold, who was told of a change, who could not be, and who must not be told.

    Attributes:
        not_noted: why what is told cannot be noted. Then nobody is told, because each would be told at every look.
    """

    conditions: tuple[Trouble, ...]
    receivers: tuple[str, ...] = ()
    not_delivered: tuple[str, ...] = ()
    not_noted: str = ""


def tell_changes(
    settings: AlertSettings, *, now: datetime, stale_after: timedelta | None = None, lost: Failure | None = None
) -> Told:
    """Look at the state, and tell what has changed.

    Args:
        settings: the receivers, and the database.
        now: when.
        stale_after: say so when no import has succeeded for longer; None: do not look at this.
        lost: a failed run that the audit may not know of, because it died or failed before it could be noted.
    """
    try:
        seen = watch(Paths(settings.database), now=now, stale_after=stale_after, lost=lost)
    except StoreError as error:
        return Told((), not_noted=str(error))
    channels = channels_of(settings)
    if not channels:
        return Told(seen.conditions)
    return tell(channels, seen, settings=settings, now=now)


def tell(channels: Sequence[Channel], seen: Watch, *, settings: AlertSettings, now: datetime) -> Told:
    """Send each receiver the change since it was last told, if there is one."""
    told: list[str] = []
    not_delivered: list[str] = []
    not_noted = ""
    try:
        with memory_beside(settings.database, now=now) as memory:
            for channel in channels:
                try:
                    if tell_one(channel, seen, memory=memory):
                        told.append(channel.name)
                except NotDelivered as error:
                    log.warning("an alert could not be delivered: %s; it is tried again at the next occasion", error)
                    not_delivered.append(str(error))
    except StoreError as error:
        not_noted = str(error)
    return Told(seen.conditions, receivers=tuple(told), not_delivered=tuple(not_delivered), not_noted=not_noted)


def tell_one(channel: Channel, seen: Watch, *, memory: Memory) -> bool:
    """Send one receiver what is new to it; whether there was something."""
    change = compare(seen.conditions, told=memory.of(channel.name), success_at=seen.success_at, judged=seen.judged)
    if change:
        with memory.told_of(channel.name, change):
            channel.send(message_of(change, connection=seen.connection))
    return bool(change)


def watch(paths: Paths, *, now: datetime, stale_after: timedelta | None, lost: Failure | None) -> Watch:
    """What the audit tells; that it cannot be read is a trouble, too.

    Raises:
        StoreError: when a success in the future was first seen cannot be noted.
    """
    try:
        with Store.reader(paths, now=lambda: now) as reader:
            found = health(reader, now=now)
            connection = named_connection(reader)
            failures = failures_of(found, lost=lost if lost and is_unnoticed(reader, lost.run_id) else None)
    except DatabaseMissing:
        found, connection, failures = Health(), UNNAMED, [lost] if lost else []
    except StoreError as error:
        unreadable = Trouble(State.FAILED, since=now, words="The audit cannot be read.", said=str(error))
        return Watch(UNNAMED, (unreadable,), success_at=None, judged=frozenset())
    found = with_time_first_seen(found, database=paths.published, now=now)
    seen = [
        *conditions.failed(failures),
        *(conditions.stale(found, now=now, after=stale_after) if stale_after is not None else []),
        *conditions.held(found),
        *conditions.duplicated(found),
        *conditions.fewer_importable(found),
        *conditions.records_failing(found),
    ]
    success_at = found.success.finished_at if found.success else None
    known = tuple(replace(trouble, since=min(trouble.since, now)) for trouble in seen)
    return Watch(connection, known, success_at=success_at, judged=frozenset(State))


def with_time_first_seen(found: Health, *, database: Path, now: datetime) -> Health:
    """R16c: let a success in the future have ended when it was first seen here, or it would pass for new for ever.

    Raises:
        StoreError: that it was seen cannot be noted.
    """
    if found.success is None or not found.success.in_future:
        return found
    seen_at = first_seen(database, found.success.run_id, now=now)
    return replace(found, success=replace(found.success, finished_at=seen_at))


def named_connection(reader: Reader) -> str:
    """The portal and the account that the audit belongs to."""
    hosts = (reader.fact(PORTAL_HOST), reader.fact(CALLGEAR_HOST))
    return f"{hosts[0]} → {hosts[1]}" if all(hosts) else UNNAMED


def failures_of(found: Health, *, lost: Failure | None) -> list[Failure]:
    """The failures since the last success, with the one that only Dagster knows of."""
    if lost is None or (found.success is not None and found.success.finished_at > lost.started_at):
        return list(found.failures)
    return [*found.failures, lost]
