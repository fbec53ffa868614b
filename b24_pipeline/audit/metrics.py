"""The figures of one connection for monitoring: the newest import, what is open, the points."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from b24_pipeline.audit import metadata, runs
from b24_pipeline.audit.report_queries import POINTS_A_DAY
from b24_pipeline.audit.storage.database import Database
from b24_pipeline.rules.models import RunStatus

PEOPLE = ("users", "candidates", "out_of_scope", "rejected", "conflicts", "matched_by_id", "matched_by_email")
ACTIONS = (
    "created",
    "linked",
    "unchanged",
    "phones_added",
    "responsible_removed",
    "failed",
    "deferred",
    "held",
    "backing_off",
)
ENDED = tuple(status for status in RunStatus if status is not RunStatus.RUNNING)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure, with its meaning for people; `label` names what it is divided by besides the connection."""

    meaning: str
    label: str | None = None


METRICS = {
    "last_import_timestamp_seconds": Metric("When the newest import began, in Unix seconds."),
    "last_import_duration_seconds": Metric("How long it took; missing where nobody saw its end."),
    "last_import_status": Metric("1 for the status of the newest import, 0 for the others.", "status"),
    "last_import_people": Metric("Whom the newest import read and matched.", "group"),
    "last_import_actions": Metric("What the newest import did, held or put off.", "action"),
    "last_import_bitrix24_requests": Metric("Requests to Bitrix24 of the newest import."),
    "last_import_callgear_points": Metric("Points of CallGear that the newest import spent."),
    "last_success_timestamp_seconds": Metric("When the last import that did its work ended, in Unix seconds."),
    "failures_since_success": Metric("Imports that failed since then."),
    "linked_people": Metric("People who are linked with an employee in CallGear."),
    "pending_retries": Metric("Failed actions that are tried again."),
    "duplicated_people": Metric("People whom another importer has doubled, not resolved yet."),
    "callgear_points_per_day": Metric("Points of CallGear that the import may spend a day; missing until reported."),
    "callgear_points_spent": Metric("Points of CallGear that the import has spent in the last 24 hours."),
    "callgear_points_left": Metric("The difference of the two."),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """The value of one metric, for one value of its label if it has one."""

    metric: str
    value: float
    label: str | None = None


def samples(database: Database, *, now: datetime) -> Iterator[Sample]:
    """Yield the figures of a connection; those of an import are missing before the first."""
    for run in database.records("newest_import", {"now": now}, counts=", ".join(runs.COUNTS)):
        yield Sample("last_import_timestamp_seconds", run["started_at"].timestamp())
        if run["seconds"] is not None:
            yield Sample("last_import_duration_seconds", run["seconds"])
        for metric in ("bitrix24_requests", "callgear_points"):
            yield Sample(f"last_import_{metric}", run[metric] or 0)
        for status in ENDED:
            yield Sample("last_import_status", run["status"] == status, status)
        for metric, names in (("last_import_people", PEOPLE), ("last_import_actions", ACTIONS)):
            yield from (Sample(metric, run[name] or 0, name) for name in names)
    number = 0
    for success in database.records("last_success", {"now": now}):
        yield Sample("last_success_timestamp_seconds", success["ended_at"].timestamp())
        number = success["number"]
    yield Sample("failures_since_success", len(database.records("failures_since", {"number": number})))
    (work,) = database.records("open_work")
    yield from (Sample(metric, count) for metric, count in work.items())
    yield from points(database, now=now)


def points(database: Database, *, now: datetime) -> Iterator[Sample]:
    """Yield what is spent of the day's points, and what is left as far as CallGear has told how many there are."""
    spent, share = runs.points_since(database, now - DAY), metadata.fact(database, POINTS_A_DAY)
    yield Sample("callgear_points_spent", spent)
    if share:
        yield Sample("callgear_points_per_day", int(share))
        yield Sample("callgear_points_left", max(0, int(share) - spent))
