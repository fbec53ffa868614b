"""The result of a run, read from the audit and printed for people."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import pandas as pd
from pandera.typing import DataFrame
from rich.console import Console
from rich.table import Table
from rich.text import Text

from b24_pipeline import audit, schemas
from b24_pipeline.audit import Paths, RunCounts, Store
from b24_pipeline.audit.storage.exceptions import UnknownRun
from b24_pipeline.cli.options import Place
from b24_pipeline.connection import utc_now
from b24_pipeline.project_folder import in_checkout, in_project
from b24_pipeline.reporting import tables
from b24_pipeline.reporting.trace import Trace, evidence_of, named, trace
from b24_pipeline.rules.conflict_approval import DECISIONS, commands, decidable
from b24_pipeline.rules.labels import BY_ID
from b24_pipeline.rules.models import Outcome, RunStatus
from b24_pipeline.text import one_line, printable

MAX_PEOPLE = 40
MAX_DONE = 12
"""How many finished changes are shown; the audit has them all."""
COUNTED = {
    "users": "users read from Bitrix24",
    "candidates": "candidates",
    "out_of_scope": "out of scope",
    "created": "created in CallGear",
    "linked": "linked by e-mail",
    "matched_by_id": BY_ID,
    "phones_added": "phone numbers added",
    "rejected": "rejected",
    "conflicts": "candidates in conflict",
    "responsible_removed": "removed from the responsible list",
    "failed": "failed",
    "backing_off": "backing off after a failure",
    "deferred": "deferred to the next run",
    "held": "held by a safety limit",
}
ALWAYS_SHOWN = frozenset(
    {"users", "created", "linked", "matched_by_id", "phones_added", "rejected", "conflicts", "responsible_removed"}
)
HEADLINE = {
    RunStatus.DONE: "Import finished.",
    RunStatus.PARTIAL: "Import finished, but some records failed or were deferred.",
    RunStatus.HELD: "Some changes are held by a safety limit; the rest were applied.",
    RunStatus.UNTRUSTED: "The source is incomplete; nothing was written.",
    RunStatus.FAILED: "Import failed.",
}


@dataclass(frozen=True, slots=True)
class RunResult:
    run_id: str
    status: RunStatus
    dry_run: bool
    reason: str | None
    counts: RunCounts | None
    """None where the audit cannot be read."""
    actions: DataFrame[schemas.Actions]
    database: Path
    traces: tuple[Trace, ...] = ()
    """The steps of the people in the scope of a single-person run."""
    warnings: tuple[str, ...] = ()
    """Problems around the run that do not change its result."""

    @property
    def single_users(self) -> list[int]:
        """The existing users in the scope of a single-person run."""
        return [found.bitrix24_id for found in self.traces if found.known]

    @property
    def decidable(self) -> dict[str, list[int]]:
        """The users in the scope of the run whose conflicts a person may decide, by reason."""
        rows = self.actions[decidable(self.actions)]
        mine = rows if not self.traces else rows[rows["bitrix24_id"].isin(self.single_users)]
        return {str(reason): found["bitrix24_id"].tolist() for reason, found in mine.groupby("reason")}

    @property
    def planned(self) -> dict[str, int]:
        planned = self.actions[self.actions["outcome"] == Outcome.PLANNED]
        return {str(kind): int(number) for kind, number in planned["action"].value_counts().items()}


def read_result(paths: Paths, *, run_id: str) -> RunResult:
    """Read the run.

    Raises:
        StoreError: the database cannot be read, or holds nothing of this run.
    """
    with Store.reader(paths, now=utc_now) as database:
        rows = audit.runs.history(database, limit=5).to_dict("records")
        row = next((row for row in rows if row["run_id"] == run_id), None)
        if row is None:
            raise UnknownRun(f"No run {run_id} is known; `b24-pipeline history` lists the runs.")
        traces: tuple[Trace, ...] = ()
        if isinstance(row["only_users"], str):
            found = evidence_of(database, run_id)
            traces = tuple(trace(found, bitrix24_id=int(user)) for user in row["only_users"].split(","))
        counts = RunCounts(**{field.name: int(row[field.name] or 0) for field in fields(RunCounts)})
        return RunResult(
            run_id=run_id,
            status=RunStatus(row["status"]),
            dry_run=bool(row["dry_run"]),
            reason=None if pd.isna(row["reason"]) else str(row["reason"]),
            counts=counts,
            actions=audit.actions.of_run(database, run_id),
            database=paths.published,
            traces=traces,
        )


def print_result(result: RunResult, *, console: Console, place: Place) -> None:
    console.print(Text(headline(result), style="bold"))
    if result.reason:
        console.print(Text(f"  {printable_line(result.reason)}"))
    for found in result.traces:
        console.print(Text(f"\n{one_line(named(found))}", style="bold"))
        table = plain_table("step", "rules", "what")
        for number, step in enumerate(found.steps, start=1):
            table.add_row(str(number), step.rules, Text(one_line(step.text)))
        console.print(table)
    if not result.traces:
        print_everybody(result, console=console)
    console.print(Text(f"\nRun {result.run_id}, database {result.database}", style="dim"))
    print_next_steps(result, console=console, place=place)


def headline(result: RunResult) -> str:
    if result.traces and not result.single_users and result.status is RunStatus.DONE:
        return "No such user in Bitrix24; nothing done."
    words = HEADLINE.get(result.status, str(result.status))
    if result.dry_run:
        has_failed = result.status in (RunStatus.FAILED, RunStatus.UNTRUSTED, RunStatus.INTERRUPTED)
        words = "Dry run failed; nothing was changed." if has_failed else "Dry run: nothing was changed."
    return f"{words} (single-person run)" if result.traces else words


def print_everybody(result: RunResult, *, console: Console) -> None:
    """Print the changes, of which those that a person decides on are complete, who was refused, and the figures."""
    outcome = result.actions["outcome"]
    for title, chosen, most in (
        ("Held for approval", outcome == Outcome.HELD, tables.MOST_TO_BE_READ),
        ("Planned", outcome == Outcome.PLANNED, tables.MOST_TO_BE_READ),
        ("Pending retry" if result.dry_run else "Done", ~outcome.isin(tables.TO_BE_READ), MAX_DONE),
    ):
        if changes := tables.changes(result.actions[chosen]):
            rows = [change.cells() for change in changes]
            console.print(table_of(title, columns=tables.CHANGE_COLUMNS, rows=rows, most=most))
    for title, refused in (("Rejected", Outcome.REJECTED), ("In conflict", Outcome.CONFLICT)):
        if rows := tables.refused(result.actions, outcome=refused):
            console.print(table_of(title, columns=tables.PERSON_COLUMNS, rows=rows, most=MAX_PEOPLE))
    for line in tables.kept_when_approved(result.actions)[:MAX_PEOPLE]:
        console.print(Text(f"  {one_line(line)}"))
    if result.counts is not None:
        console.print("", counts_table(result.counts, result.planned), sep="\n")


def counts_table(counts: RunCounts, planned: Mapping[str, int]) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 1, 0, 2))
    table.add_column(justify="right", style="bold")
    table.add_column()
    for name, words in COUNTED.items():
        value = getattr(counts, name)
        if value or name in ALWAYS_SHOWN:
            table.add_row(str(value), words)
    for kind, number in planned.items():
        table.add_row(str(number), f"planned: {kind.replace('_', ' ')}")
    requests, points = counts.bitrix24_requests, counts.callgear_points
    table.add_row(f"{requests:,}", "request to Bitrix24" if requests == 1 else "requests to Bitrix24")
    table.add_row(f"{points:,}", "CallGear point spent" if points == 1 else "CallGear points spent")
    return table


def table_of(title: str, *, columns: tuple[str, ...], rows: list[dict[str, object]], most: int) -> Table:
    """Return a table of the first rows, with the number of all; no text in it is taken as markup."""
    table = plain_table(*columns)
    table.title, table.title_justify, table.title_style = f"\n{title} ({len(rows)})", "left", "bold"
    for row in rows[:most]:
        table.add_row(*(Text(printable(row[column])) for column in columns))
    if len(rows) > most:
        table.caption = f"… and {len(rows) - most} more: see audit.actions"
        table.caption_justify = "left"
    return table


def plain_table(*columns: str) -> Table:
    table = Table(pad_edge=False, box=None)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def print_next_steps(result: RunResult, *, console: Console, place: Place) -> None:
    sandbox = place.sandbox
    option = " --sandbox" if sandbox else f" --connection {place.connection}" if place.connection else ""
    steps = []
    if result.status is RunStatus.HELD:
        steps.append(f"b24-pipeline approve {result.run_id}{option}   approves the held changes")
    for reason, users in result.decidable.items():
        typed = commands(reason, run_id=result.run_id, users=str(users[0]) if len(users) == 1 else "ID")
        steps += (
            f"{one}{option}   if {when}" for one, when in zip(typed, (DECISIONS[reason], "it does not"), strict=False)
        )
    if result.dry_run and result.planned and (result.single_users or not result.traces):
        only = f" --only {' '.join(map(str, result.single_users))}" if result.single_users else ""
        steps.append(f"b24-pipeline sync{only}{option}   applies the plan")
    steps.append(f"b24-pipeline explain ID{option}   shows one person's history")
    dev = ("make dev", " SANDBOX=1") if in_checkout() else ("b24-pipeline dev", " --sandbox")
    if sandbox:
        steps.append(f"{''.join(dev)}   opens the Dagster UI, with schedule and sensor")
    else:
        steps.append(f"{dev[0]}   opens the Dagster UI, where schedule and sensor are switched on")
    if sandbox and in_project():
        steps.append("cp .env.example .env   and fill it in, to import from your own portal")
    elif sandbox:
        steps.append("b24-pipeline init FOLDER   makes a project folder, to import from your own portal")
    console.print(Text("\nNext:\n  " + "\n  ".join(steps)))


def printable_line(text: str) -> str:
    """Return a longer text, made safe line by line."""
    return "\n  ".join(one_line(line) for line in text.splitlines())
