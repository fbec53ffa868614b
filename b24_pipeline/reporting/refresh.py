"""The report beside the database: redrawn when something is new, else at most once an hour, for drawing takes a second.

A quiet run shows the findings of the page that is there; its figures are of the run all the same.
"""

import logging
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from b24_pipeline import audit
from b24_pipeline.audit import Database, Store
from b24_pipeline.audit.report_queries import figures
from b24_pipeline.audit.storage.files import write_private
from b24_pipeline.reporting.report import make_report
from b24_pipeline.rules.models import RunKind

log = logging.getLogger(__name__)

REDRAWN_EVERY = timedelta(hours=1)
DRAWN_AT, FINDINGS = "report_drawn_at", "report_findings"
SAME = (
    "status",
    "users",
    "candidates",
    "out_of_scope",
    "rejected",
    "matched_by_id",
    "conflicts",
    "failed",
    "deferred",
    "held",
    "backing_off",
)
NONE = ("created", "linked", "phones_added", "responsible_removed")


@dataclass(frozen=True, slots=True)
class CurrentReport:
    """The report as it lies there now, and what its pictures show in words."""

    file: Path
    findings: tuple[str, ...]
    drawn_at: datetime


def report_beside(database: Path) -> Path:
    """Return where the report of a database lies."""
    return database.with_name("report.html")


def refresh_report(
    store: Store, file: Path, *, now: datetime, seen: AbstractContextManager[None] | None = None
) -> CurrentReport:
    """The report, redrawn where that is due.

    Args:
        store: what it tells of.
        file: where it lies.
        now: when it is looked at.
        seen: how the audit is seen while it is read; as it is, if left out.

    Raises:
        OSError: it cannot be written.
    """
    with seen or nullcontext():
        last = last_report(store.database, file)
        if last is not None and not is_due(store.database, last, now=now):
            return last
        found = figures(store.database, now=now)
    report = make_report(found)
    write_private(file, report.html)
    audit.metadata.put_facts(store.database, {DRAWN_AT: now.isoformat(), FINDINGS: "\n".join(report.findings)})
    return CurrentReport(file, report.findings, now)


def last_report(database: Database, file: Path) -> CurrentReport | None:
    """Return the report as it was drawn last; nothing where it is missing."""
    noted = audit.metadata.facts(database)
    if not (file.exists() and {DRAWN_AT, FINDINGS} <= noted.keys()):
        return None
    return CurrentReport(file, tuple(noted[FINDINGS].splitlines()), datetime.fromisoformat(noted[DRAWN_AT]))


def is_due(database: Database, last: CurrentReport, *, now: datetime) -> bool:
    """Return whether the report is an hour old, or the newest run has something new to show.

    So it is where it seems to have been drawn in the future (R16c): the clock was ahead.
    A trial before it, which is never drawn, hides what the report shows; so it is compared with nothing.
    """
    if not timedelta(0) <= now - last.drawn_at < REDRAWN_EVERY:
        return True
    runs = audit.runs.history(database, limit=2).to_dict("records")
    if len(runs) < 2:
        return True
    newest, before = runs
    if before["kind"] != RunKind.IMPORT:
        return True
    return any(newest[name] != before[name] for name in SAME) or any(newest[name] for name in NONE)
