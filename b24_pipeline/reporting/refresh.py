"""The report beside the database: redrawn when something is new, else at most once an hour, for drawing takes a second.

A quiet run shows the picture that is there; its figures are of the run all the same.
"""

import logging
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from b24_pipeline import audit
from b24_pipeline.audit import Reader, Store
from b24_pipeline.audit.report_queries import figures
from b24_pipeline.audit.storage.files import write_private
from b24_pipeline.reporting.report import make_report
from b24_pipeline.rules.models import RunKind

log = logging.getLogger(__name__)

REDRAWN_EVERY = timedelta(hours=1)
DRAWN_AT = "report_drawn_at"
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
class ReportFiles:
    """The files of a report: the page for people, and the picture alone."""

    html: Path
    svg: Path

    @classmethod
    def beside(cls, database: Path) -> "ReportFiles":
        """In the database's folder."""
        return cls(html=database.with_name("report.html"), svg=database.with_name("report.svg"))


@dataclass(frozen=True, slots=True)
class CurrentReport:
    """The report as it lies there now."""

    files: ReportFiles
    svg: str
    drawn_at: datetime


def refresh_report(
    store: Store, files: ReportFiles, *, now: datetime, seen: AbstractContextManager[None] | None = None
) -> CurrentReport:
    """The report, redrawn where that is due.

    Args:
        store: what it tells of.
        files: where it lies.
        now: when it is looked at.
        seen: how the audit is seen while it is read; as it is, if left out.

    Raises:
        OSError: it cannot be written or read.
    """
    with seen or nullcontext():
        drawn_at = last_drawn(store)
        if drawn_at is not None and not is_due(store, files, drawn_at=drawn_at, now=now):
            return CurrentReport(files, files.svg.read_text(encoding="utf-8"), drawn_at)
        found = figures(store, now=now)
    report = make_report(found)
    write_private(files.html, report.html)
    write_private(files.svg, report.svg)
    audit.metadata.put_facts(store.database, {DRAWN_AT: now.isoformat()})
    return CurrentReport(files, report.svg, now)


def last_drawn(reader: Reader) -> datetime | None:
    """Return when the report was drawn last."""
    noted = audit.metadata.fact(reader.database, DRAWN_AT)
    return datetime.fromisoformat(noted) if noted else None


def is_due(reader: Reader, files: ReportFiles, *, drawn_at: datetime, now: datetime) -> bool:
    """Return whether the report is missing or an hour old, or the newest run has something new to show.

    So it is where it seems to have been drawn in the future (R16c): the clock was ahead.
    A trial before it, which is never drawn, hides what the report shows; so it is compared with nothing.
    """
    fresh = timedelta(0) <= now - drawn_at < REDRAWN_EVERY
    if not (fresh and files.html.exists() and files.svg.exists()):
        return True
    runs = audit.runs.history(reader.database, limit=2).to_dict("records")
    if len(runs) < 2:
        return True
    newest, before = runs
    if before["kind"] != RunKind.IMPORT:
        return True
    return any(newest[name] != before[name] for name in SAME) or any(newest[name] for name in NONE)
