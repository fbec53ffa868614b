"""The report beside the database: redrawn when something is new, else at most once an hour, for drawing takes a second.

A quiet run shows the findings of the page that is there; its figures are of the run all the same.
"""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from b24_pipeline import audit
from b24_pipeline.audit import Database, Store
from b24_pipeline.audit.report_queries import figures
from b24_pipeline.audit.runs import COUNTS
from b24_pipeline.audit.storage.files import write_private
from b24_pipeline.reporting.report import make_report
from b24_pipeline.rules.models import RunKind

REDRAWN_EVERY = timedelta(hours=1)
DRAWN_AT, FINDINGS = "report_drawn_at", "report_findings"
NONE = ("created", "linked", "phones_added", "responsible_removed")
NO_NEWS = ("matched_by_email", "unchanged", "bitrix24_requests", "callgear_points")
SAME = ("status", *(name for name in COUNTS if name not in (*NONE, *NO_NEWS)))


@dataclass(frozen=True, slots=True)
class CurrentReport:
    """What the pictures of the report that lies there show in words."""

    findings: tuple[str, ...]
    drawn_at: datetime


def report_beside(database: Path) -> Path:
    return database.with_name("report.html")


def refresh_report(
    store: Store, file: Path, *, now: datetime, seen: AbstractContextManager[None] | None = None
) -> CurrentReport:
    """The report, redrawn where that is due; `seen` is how the audit is seen while it is read.

    Raises:
        OSError: it cannot be written.
    """
    with seen or nullcontext():
        noted = audit.metadata.facts(store.database)
        if file.exists() and {DRAWN_AT, FINDINGS} <= noted.keys():
            drawn_at = datetime.fromisoformat(noted[DRAWN_AT])
            if not is_due(store.database, drawn_at, now=now):
                return CurrentReport(tuple(noted[FINDINGS].splitlines()), drawn_at)
        found = figures(store.database, now=now)
    report = make_report(found)
    write_private(file, report.html)
    audit.metadata.put_facts(store.database, {DRAWN_AT: now.isoformat(), FINDINGS: "\n".join(report.findings)})
    return CurrentReport(report.findings, now)


def is_due(database: Database, drawn_at: datetime, *, now: datetime) -> bool:
    """Return whether the report is an hour old, or the newest run has something new to show.

    So it is where it seems to have been drawn in the future (R16c): the clock was ahead.
    A trial before it, which is never drawn, hides what the report shows; so it is compared with nothing.
    """
    if not timedelta(0) <= now - drawn_at < REDRAWN_EVERY:
        return True
    runs = audit.runs.history(database, limit=2).to_dict("records")
    if len(runs) < 2 or runs[1]["kind"] != RunKind.IMPORT:
        return True
    newest, before = runs
    return any(newest[name] != before[name] for name in SAME) or any(newest[name] for name in NONE)
