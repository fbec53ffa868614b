"""`b24-pipeline check-freshness`: the alarm when nothing runs, for cron or a systemd timer beside Dagster."""

import os
from collections.abc import Iterator
from datetime import datetime, timedelta

from b24_pipeline import settings
from b24_pipeline.alerts.channels import NotDelivered, channels_of
from b24_pipeline.alerts.conditions import Change, Condition, State, of_unknown_age, stale
from b24_pipeline.alerts.messages import message_of
from b24_pipeline.alerts.notify import UNNAMED, connection_name, unreadable
from b24_pipeline.audit import Paths, Store, StoreError
from b24_pipeline.audit.exceptions import DatabaseBusy, DatabaseMissing
from b24_pipeline.audit.health import Health, health
from b24_pipeline.cli.audit import paths_of
from b24_pipeline.cli.connections import for_each_connection
from b24_pipeline.cli.exit_codes import Exit
from b24_pipeline.cli.result import printable_line
from b24_pipeline.cli.sandbox import receivers
from b24_pipeline.connection import utc_now
from b24_pipeline.settings import AlertSettings


def check_freshness(*, after_minutes: float, sandbox: bool, connection: str | None, every: bool) -> Exit:
    """Check that an import has succeeded lately; if none has, notify every receiver, each time this is called."""
    if every:
        return for_each_connection(
            lambda key: check_freshness(after_minutes=after_minutes, sandbox=False, connection=key, every=False)
        )
    if sandbox:
        os.environ.update(receivers())
    chosen, after = settings.load_alerting(), timedelta(minutes=after_minutes)
    paths = paths_of(sandbox=sandbox, connection=connection)
    named, conditions = freshness(paths, now=utc_now(), after=after)
    if not conditions:
        print("The import is healthy.")
        return Exit.DONE
    (condition,) = conditions
    for line in (f"{condition.state}: {condition.message}", *alert(chosen, condition, connection=named)):
        print(printable_line(line))
    return Exit.STALE if condition.state is State.STALE else Exit.FAILED


def freshness(paths: Paths, *, now: datetime, after: timedelta) -> tuple[str, list[Condition]]:
    """Return the connection, and what is wrong: no success lately, or an audit that cannot be read."""
    try:
        with Store.reader(paths, now=lambda: now) as reader:
            found = health(reader, now=now)
            return connection_name(reader), of_unknown_age(found, now=now) or stale(found, now=now, after=after)
    except (DatabaseMissing, DatabaseBusy):  # nothing is published yet
        return UNNAMED, stale(Health(), now=now, after=after)
    except StoreError as error:
        return UNNAMED, [unreadable(error, now=now)]


def alert(chosen: AlertSettings, condition: Condition, *, connection: str) -> Iterator[str]:
    """Notify every receiver; yields what became of it, line by line."""
    message = message_of(Change(new=(condition,)), connection=connection)
    for channel in channels_of(chosen):
        try:
            channel.send(message)
            yield f"alert sent via {channel.name}"
        except NotDelivered as error:
            yield f"not delivered: {error}"
