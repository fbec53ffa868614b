"""The report: one HTML file that needs nothing but itself, and its findings in words for the asset's page."""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from b24_pipeline.alerts.conditions import conditions_of
from b24_pipeline.audit.report_queries import Figures, Refused, RunFigure
from b24_pipeline.reporting.charts import charts_of
from b24_pipeline.reporting.drawing import draw
from b24_pipeline.reporting.theme import stylesheet
from b24_pipeline.rules.conflict_approval import DECISIONS, OTHERWISE, commands
from b24_pipeline.rules.labels import reason
from b24_pipeline.rules.models import APPROVABLE, Outcome, RunKind
from b24_pipeline.text import numbered, printable

if TYPE_CHECKING:
    from jinja2 import Environment

SCRIPT = Path(__file__).with_name("templates") / "people.js"
RUNS_LISTED = 12
NAMES_LISTED = 200
CHANGES = {
    "created": "created",
    "linked": "linked by e-mail",
    "phones_added": "given phone numbers",
    "responsible_removed": "off the responsible list",
    "failed": "failed",
    "held": "held",
    "deferred": "deferred",
    "backing_off": "pending retry",
}
TITLES = ("user", "employee", "name", "eligibility", "match", "reason", "link", "last change", "last error")
"""Of the table of people: one row a person, found by any of its texts, also without a network."""


@dataclass(frozen=True, slots=True)
class Report:
    """The finished report: the page, and the heading of each of its pictures."""

    html: str
    findings: tuple[str, ...]


def make_report(figures: Figures) -> Report:
    """Draw and write everything; takes a second or two."""
    charts = charts_of(figures)
    return Report(page(figures, list(map(draw, charts))), findings=tuple(chart.heading for chart in charts))


def environment() -> "Environment":
    """Return the template engine: it escapes every text."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    found = Environment(
        loader=PackageLoader("b24_pipeline.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":")}
    found.filters |= {"printable": printable, "sentence": lambda text: text[:1].upper() + text[1:]}
    return found


def page(figures: Figures, pictures: Sequence[str]) -> str:
    """The HTML file. Every text is escaped by the template engine; only our own pictures and styles are not."""
    from markupsafe import Markup  # noqa: PLC0415

    script = SCRIPT.read_text(encoding="utf-8")
    return (
        environment()
        .get_template("report.html")
        .render(
            figures=figures,
            conditions=conditions_of(figures.health, now=figures.at),
            last_import=last_import(figures),
            pictures=[Markup(picture) for picture in pictures],  # noqa: S704 - drawn here, its texts escaped
            groups=[
                (
                    reason(group.reason),
                    how_to_approve(group, figures),
                    DECISIONS.get(group.reason),
                    group.people[:NAMES_LISTED],
                    len(group.people),
                )
                for group in figures.refused
            ],
            runs=[(run, changes_of(run)) for run in reversed(figures.runs[-RUNS_LISTED:])],
            titles=TITLES,
            everybody=person_rows(figures.everybody),
            script=Markup(script),  # noqa: S704 - a file of ours
            script_hash=Markup(script_hash(script)),  # noqa: S704 - of the same
            colors=Markup(stylesheet()),  # noqa: S704 - constants
        )
    )


def how_to_approve(group: Refused, figures: Figures) -> str:
    """Return how a conflict that a person may decide is approved (R07a, R09); empty for every other reason."""
    if group.reason not in APPROVABLE or figures.health.success is None:
        return ""
    return OTHERWISE.join(commands(group.reason, run_id=figures.health.success.run_id, users="ID"))


def last_import(figures: Figures) -> str:
    """Return when the last successful import was and how it ended; empty where there is none among the runs shown."""
    run = figures.last_success
    if run is None:
        return ""
    minutes = int((figures.at - run.started_at).total_seconds() // 60)
    before = numbered(minutes, "minute", "minutes") if minutes else "less than a minute"
    seconds = f", in {run.seconds:.1f} s" if run.seconds is not None else ""
    return f"The last one began on {run.started_at:%d %B %Y, %H:%M} UTC, {before} before this: {run.status}{seconds}."


def changes_of(run: RunFigure) -> str:
    done = [f"{number:,} {words}" for name, words in CHANGES.items() if (number := getattr(run, name))]
    nothing = "showed its plan, sent nothing" if run.kind is RunKind.DRY_RUN else "nothing to do"
    return ", ".join(done) or run.reason or nothing


def person_rows(people: Iterable[Mapping[str, Any]]) -> list[list[int | str | None]]:
    """Return the cells of the table, in the order of `TITLES`; the e-mail address stands last, it has no column."""
    rows = []
    for person in people:
        why = [reason(person["reason"])] if person["reason"] else []
        if person["open_outcome"] in (Outcome.HELD, Outcome.WAITING):
            why.append(f"{plain(person['open_action'])}: {person['open_outcome']}")
        cells = [
            person["bitrix24_id"],
            person["callgear_id"],
            printable(person["display_name"]),
            plain(person["eligibility"]),
            plain(person["match_type"]),
            "; ".join(why),
            dated(person["linked_by"], person["linked_at"]),
            dated(person["last_change"], person["last_change_at"]),
            printable(person["last_error"]),
            printable(person["email"]),
        ]
        rows.append(cells)
    return rows


def dated(word: str | None, at: datetime | None) -> str:
    """Return what was done and, on a line of its own, on which day; nothing where nothing was."""
    return f"{plain(word)}\n{at:%Y-%m-%d}" if at is not None else ""


def plain(word: str | None) -> str:
    return (word or "").replace("_", " ")


def script_hash(script: str) -> str:
    """Return what the page's Content-Security-Policy calls its only script."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"
