"""`b24-pipeline check-freshness`: the alarm when nothing runs, for cron or a systemd timer beside Dagster."""

import os
from datetime import datetime, timedelta

from b24_pipeline import settings
from b24_pipeline.alerts import grouped
from b24_pipeline.alerts.channels import NotDelivered, channels_of
from b24_pipeline.alerts.conditions import Change, State, of_unknown_age, stale
from b24_pipeline.alerts.messages import Message, message_of
from b24_pipeline.alerts.notify import UNNAMED, StatusReport, connection_name, unreadable
from b24_pipeline.audit import Paths, Store, StoreError
from b24_pipeline.audit.health import Health, health
from b24_pipeline.audit.storage.exceptions import DatabaseBusy, DatabaseMissing
from b24_pipeline.cli.audit import paths_of
from b24_pipeline.cli.connections import folder_of_connections
from b24_pipeline.cli.exit_codes import Exit
from b24_pipeline.cli.options import Place
from b24_pipeline.cli.result import printable_line
from b24_pipeline.cli.sandbox import receivers
from b24_pipeline.connection import utc_now
from b24_pipeline.overview import bad_settings
from b24_pipeline.settings import AlertSettings, SettingsError


def check_freshness(*, after_minutes: float, place: Place, every: bool) -> Exit:
    """Check that an import has succeeded lately; if none has, notify every receiver, each time this is called."""
    if place.sandbox:
        os.environ.update(receivers())
    chosen, now, after = settings.load_alerting(), utc_now(), timedelta(minutes=after_minutes)
    if every:
        keys = folder_of_connections().keys
        reports = {key: freshness_of(key, now=now, after=after) for key in keys}
        wrong = {key: Change(new=report.conditions) for key, report in reports.items() if report.conditions}
        messages = [grouped.message_of(wrong, reports)] if wrong else []
    else:
        report = freshness(paths_of(place), now=now, after=after)
        reports = {"": report}
        messages = [message_of(Change(new=(one,)), connection=report.connection) for one in report.conditions]
    for key, report in reports.items():
        for line in lines_of(report):
            print(f"{key}: {line}" if every else line)
    for message in messages:
        send(chosen, message)
    return max(map(exit_code, reports.values()))


def exit_code(report: StatusReport) -> Exit:
    if not report.conditions:
        return Exit.DONE
    return Exit.STALE if report.conditions[0].state is State.STALE else Exit.FAILED


def lines_of(report: StatusReport) -> list[str]:
    found = [f"{condition.state}: {condition.message} {condition.detail}".rstrip() for condition in report.conditions]
    return [printable_line(line) for line in found] or ["The import is healthy."]


def freshness_of(key: str, *, now: datetime, after: timedelta) -> StatusReport:
    """Return the state of one of several connections; a bad file is one."""
    try:
        paths = settings.load(key).paths
    except SettingsError as error:
        return StatusReport(UNNAMED, (bad_settings(error, now=now),))
    return freshness(paths, now=now, after=after)


def freshness(paths: Paths, *, now: datetime, after: timedelta) -> StatusReport:
    """Return what is wrong: no success lately, or an audit that cannot be read."""
    try:
        with Store.reader(paths, now=lambda: now) as database:
            found = health(database, now=now)
            conditions = of_unknown_age(found, now=now) or stale(found, now=now, after=after)
            return StatusReport(connection_name(database), tuple(conditions))
    except (DatabaseMissing, DatabaseBusy):  # nothing is published yet
        return StatusReport(UNNAMED, tuple(stale(Health(), now=now, after=after)))
    except StoreError as error:
        return StatusReport(UNNAMED, (unreadable(error, now=now),))


def send(chosen: AlertSettings, message: Message) -> None:
    for channel in channels_of(chosen):
        try:
            channel.send(message)
            print(f"alert sent via {channel.name}")
        except NotDelivered as error:
            print(printable_line(f"not delivered: {error}"))
