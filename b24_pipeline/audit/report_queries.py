"""The figures of the report, as the audit tells them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from b24_pipeline.audit import metadata
from b24_pipeline.audit.check_queries import WHO
from b24_pipeline.audit.health import Health, health
from b24_pipeline.audit.metadata import CALLGEAR_HOST, PORTAL_HOST
from b24_pipeline.audit.storage.database import Database
from b24_pipeline.rules.models import RunKind, RunStatus

RUNS_SHOWN = timedelta(days=7)
PEOPLE_SHOWN = timedelta(days=90)
MOMENTS = 120
"""So many points a line has at most."""
POINTS_A_DAY = "callgear_points_a_day"
"""The fact: how many points the import may spend a day, as last told."""
POINTS_LEFT = "callgear_points_left"
"""The fact: how many of these the last import has left, after what the account's other integrations have spent."""


@dataclass(frozen=True, slots=True)
class RunFigure:
    """One run that has ended; `seconds` is None where it was interrupted, so that nobody saw its end."""

    run_id: str
    started_at: datetime
    seconds: float | None
    status: RunStatus
    trigger: str
    kind: RunKind
    reason: str | None
    created: int
    linked: int
    phones_added: int
    responsible_removed: int
    failed: int
    deferred: int
    held: int
    backing_off: int
    points: int


@dataclass(frozen=True, slots=True)
class PeopleFigure:
    """Both sides at one moment: who should be imported, who is, and who CallGear has in all."""

    at: datetime
    candidates: int
    imported: int
    employees: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Those who are rejected or in conflict for one reason: names and Bitrix24 ids."""

    reason: str
    people: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Figures:
    at: datetime
    portal: str
    account: str
    runs: tuple[RunFigure, ...]
    """Of the last seven days, oldest first."""
    people: tuple[PeopleFigure, ...]
    """Of the last ninety days, oldest first."""
    matches: Mapping[str, int]
    refused: tuple[Refused, ...]
    """The most frequent reason first."""
    links_by_week: Mapping[tuple[date, str], int]
    """By the week's Monday and what made the links, of the last ninety days."""
    points_by_day: Mapping[date, int]
    points_a_day: int | None
    """The import's daily budget; None where CallGear has not reported it yet."""
    health: Health
    everybody: tuple[Mapping[str, Any], ...]
    """The rows of `audit.people`, by name."""

    @property
    def last_run(self) -> RunFigure | None:
        """The newest run for everybody and for real, if there is one."""
        return next((run for run in reversed(self.runs) if run.kind is RunKind.IMPORT), None)

    @property
    def last_success(self) -> RunFigure | None:
        """The newest run that did the work of the whole import, if it is among the runs shown."""
        success = self.health.success
        return next((run for run in self.runs if success is not None and run.run_id == success.run_id), None)


def figures(database: Database, *, now: datetime) -> Figures:
    long_ago = {"since": now - PEOPLE_SHOWN, "now": now}
    points = metadata.fact(database, POINTS_A_DAY)
    return Figures(
        at=now,
        portal=metadata.fact(database, PORTAL_HOST) or "Bitrix24",
        account=metadata.fact(database, CALLGEAR_HOST) or "CallGear",
        runs=runs(database, since=now - RUNS_SHOWN, now=now),
        people=people(database, now=now),
        matches={row["match_type"]: row["people"] for row in database.records("report_matches")},
        refused=refused(database),
        links_by_week={
            (row["week"], row["linked_by"]): row["links"] for row in database.records("report_links_by_week", long_ago)
        },
        points_by_day={
            row["day"]: int(row["points"] or 0) for row in database.records("report_points_by_day", long_ago)
        },
        points_a_day=int(points) if points else None,
        health=health(database, now=now),
        everybody=tuple(database.records("report_everybody")),
    )


def runs(database: Database, *, since: datetime, now: datetime) -> tuple[RunFigure, ...]:
    """The runs that have ended since then, oldest first."""
    counted = ("created", "linked", "phones_added", "responsible_removed", "failed", "deferred", "held", "backing_off")
    numbers = ", ".join(f"coalesce({name}, 0) AS {name}" for name in counted)
    return tuple(
        RunFigure(**row | {"status": RunStatus(row["status"]), "kind": RunKind(row["kind"])})
        for row in database.records("report_runs", {"since": since, "now": now}, counts=numbers)
    )


def people(database: Database, *, now: datetime, moments: int = MOMENTS) -> tuple[PeopleFigure, ...]:
    """Both sides over time: each run while there are few, else the last one of each of so many stretches of time."""
    first = database.value("report_first_run", {"since": now - PEOPLE_SHOWN})
    seconds = max(1.0, (now - first).total_seconds() / moments) if first is not None else 1.0
    shown = {"since": now - PEOPLE_SHOWN, "now": now, "seconds": seconds}
    return tuple(PeopleFigure(**row) for row in database.records("report_people", shown))


def refused(database: Database) -> tuple[Refused, ...]:
    """Those who are rejected or in conflict now, by reason."""
    by_reason: dict[str, list[tuple[str, int]]] = {}
    for row in database.records("report_refused", who=WHO):
        by_reason.setdefault(row["reason"], []).append((row["who"], row["user"]))
    found = [Refused(reason, tuple(listed)) for reason, listed in by_reason.items()]
    return tuple(sorted(found, key=lambda group: -len(group.people)))
