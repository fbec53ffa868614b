"""What a run did, read from the audit and printed for people."""

from dataclasses import dataclass, fields
from pathlib import Path

import pandas as pd
from pandera.typing import DataFrame
from rich.console import Console
from rich.table import Table
from rich.text import Text

from b24_pipeline import schemas
from b24_pipeline.audit import Paths, Reader, RunCounts, Store
from b24_pipeline.audit.evidence import evidence_of
from b24_pipeline.audit.exceptions import UnknownRun
from b24_pipeline.connection import utc_now
from b24_pipeline.reporting import tables
from b24_pipeline.reporting.trace import Trace, named, trace
from b24_pipeline.rules.conflict_approval import DECISIONS, commands, decidable
from b24_pipeline.rules.labels import BY_ID
from b24_pipeline.rules.models import Outcome, RunStatus
from b24_pipeline.text import one_line, printable

MOST_PEOPLE = 40
MOST_DONE = 12
"""Of what was done a glance is enough, the audit has it all."""
COUNTED = {
    "users": "users read from Bitrix24",
    "candidates": "candidates",
    "out_of_scope": "out of scope",
    "created": "created in CallGear",
    "linked": "linked by e-mail",
    "matched_by_id": BY_ID,
    "phones_added": "given phone numbers",
    "rejected": "rejected",
    "conflicts": "in conflict",
    "responsible_removed": "removed from the responsible list",
    "failed": "failed",
    "waiting": "failed before, waiting for the next try",
    "deferred": "deferred to the next run",
    "held": "held by a safety limit",
}
ALWAYS_SHOWN = (
    "users",
    "created",
    "linked",
    "matched_by_id",
    "phones_added",
    "rejected",
    "conflicts",
    "responsible_removed",
)
HEADLINE = {
    RunStatus.DONE: "The import is done.",
    RunStatus.PARTIAL: "The import is done, but some records failed or were deferred.",
    RunStatus.HELD: "A safety limit holds some changes; the others are done.",
    RunStatus.UNTRUSTED: "The source could not be trusted; nothing was written.",
    RunStatus.FAILED: "The import failed.",
}


@dataclass(frozen=True, slots=True)
class RunResult:
    """One run as the audit has it."""

    run_id: str
    status: RunStatus
    dry_run: bool
    reason: str | None
    counts: RunCounts
    actions: DataFrame[schemas.Actions]
    database: Path
    traces: tuple[Trace, ...] = ()
    """Of the people whom the run was for; none where it was for everybody."""
    warnings: tuple[str, ...] = ()
    """What went wrong around the run, and changes nothing in how it ended."""

    @property
    def chosen(self) -> list[int]:
        """The users whom the run was for, as far as there are such people; none where it was for everybody."""
        return [found.bitrix24_id for found in self.traces if found.known]

    @property
    def decidable(self) -> dict[str, list[int]]:
        """The users by reason whose conflicts a person may decide, among those whom the run was for."""
        rows = self.actions[decidable(self.actions)]
        mine = rows if not self.traces else rows[rows["bitrix24_id"].isin(self.chosen)]
        return {str(reason): found["bitrix24_id"].tolist() for reason, found in mine.groupby("reason")}

    @property
    def planned(self) -> dict[str, int]:
        """What a dry run would do: how many actions of each kind."""
        planned = self.actions[self.actions["outcome"] == Outcome.PLANNED]
        return {str(kind): int(number) for kind, number in planned["action"].value_counts().items()}


def read_result(paths: Paths, *, run_id: str) -> RunResult:
    """The run's row and actions.

    Raises:
        StoreError: the database cannot be read, or holds nothing of this run.
    """
    with Store.reader(paths, now=utc_now) as store:
        row = next((row for row in store.history(limit=5).to_dict("records") if row["run_id"] == run_id), None)
        if row is None:
            raise UnknownRun(f"No run {run_id} is known; `b24-pipeline history` lists the runs.")
        counts = RunCounts(**{field.name: int(row[field.name] or 0) for field in fields(RunCounts)})
        return RunResult(
            run_id=run_id,
            status=RunStatus(row["status"]),
            dry_run=bool(row["dry_run"]),
            reason=None if pd.isna(row["reason"]) else str(row["reason"]),
            counts=counts,
            actions=store.actions(run_id),
            database=paths.published,
            traces=traces_of(store, run_id, only=row["only_users"]),
        )


def traces_of(store: Reader, run_id: str, *, only: object) -> tuple[Trace, ...]:
    """The step trace of each user whom the run was for: `only` as `audit.runs` has it."""
    if not isinstance(only, str):
        return ()
    found = evidence_of(store, run_id)
    return tuple(trace(found, bitrix24_id=int(user)) for user in only.split(","))


def print_result(result: RunResult, *, console: Console, sandbox: bool) -> None:
    """A screen that a person reads at a glance."""
    console.print(Text(headline(result), style="bold"))
    if result.reason:
        console.print(Text(f"  {printable_line(result.reason)}"))
    for found in result.traces:
        console.print(Text(f"\n{one_line(named(found))}", style="bold"))
        console.print(steps_table(found))
    if not result.traces:
        print_everybody(result, console=console)
    console.print(Text(f"\nRun {result.run_id}, database {result.database}", style="dim"))
    print_next_steps(result, console=console, sandbox=sandbox)


def headline(result: RunResult) -> str:
    """How it went, in a line; also for whom, where it was not for everybody."""
    if result.traces and not result.chosen and result.status is RunStatus.DONE:
        return "Nothing was done: Bitrix24 has no such user."
    words = "A dry run: nothing was changed." if result.dry_run else HEADLINE.get(result.status, str(result.status))
    return f"{words} It was for single people only." if result.traces else words


def steps_table(found: Trace) -> Table:
    """The steps of one person, with the rules that decided."""
    table = plain_table("step", "rules", "what")
    for number, step in enumerate(found.steps, start=1):
        table.add_row(str(number), step.rules, Text(one_line(step.text)))
    return table


def print_everybody(result: RunResult, *, console: Console) -> None:
    """What was done, who was refused, and the figures of the whole import."""
    for table in changes_tables(result):
        console.print(table)
    for title, rows in listed(result):
        console.print(people_table(title, rows))
    for line in tables.kept_when_approved(result.actions)[:MOST_PEOPLE]:
        console.print(Text(f"  {one_line(line)}"))
    console.print("", counts_table(result), sep="\n")


def changes_tables(result: RunResult) -> list[Table]:
    """What is held, what would be done, what was done or tried; that on which a person decides in full."""
    outcome = result.actions["outcome"]
    parts = (
        ("Held until a person approves", outcome == Outcome.HELD, tables.MOST_TO_BE_READ),
        ("What would be done", outcome == Outcome.PLANNED, tables.MOST_TO_BE_READ),
        ("What waits" if result.dry_run else "What was done", ~outcome.isin(tables.TO_BE_READ), MOST_DONE),
    )
    return [
        changes_table(title, changes, most=most)
        for title, rows, most in parts
        if (changes := tables.changes(schemas.check(schemas.Actions, result.actions[rows])))
    ]


def counts_table(result: RunResult) -> Table:
    """The figures."""
    table = Table(show_header=False, box=None, padding=(0, 1, 0, 2))
    table.add_column(justify="right", style="bold")
    table.add_column()
    for name, words in COUNTED.items():
        value = getattr(result.counts, name)
        if value or name in ALWAYS_SHOWN:
            table.add_row(str(value), words)
    for kind, number in result.planned.items():
        table.add_row(str(number), f"planned: {kind.replace('_', ' ')}")
    table.add_row(str(result.counts.bitrix24_requests), "requests to Bitrix24")
    table.add_row(str(result.counts.callgear_points), "CallGear points spent")
    return table


def listed(result: RunResult) -> list[tuple[str, list[dict[str, object]]]]:
    """Who was not imported, by name and reason."""
    return [
        (title, rows)
        for title, outcome in (("Rejected", Outcome.REJECTED), ("In conflict", Outcome.CONFLICT))
        if (rows := tables.refused(result.actions, outcome=outcome))
    ]


def people_table(title: str, rows: list[dict[str, object]]) -> Table:
    """People and why they are listed."""
    return table_of(f"{title} ({len(rows)})", columns=tables.PERSON_COLUMNS, rows=rows, most=MOST_PEOPLE)


def changes_table(title: str, changes: list[tables.Change], *, most: int) -> Table:
    """Outcome, who, what, old → new, why."""
    return table_of(
        f"{title} ({len(changes)})",
        columns=tables.CHANGE_COLUMNS,
        rows=[change.cells() for change in changes],
        most=most,
    )


def table_of(title: str, *, columns: tuple[str, ...], rows: list[dict[str, object]], most: int) -> Table:
    """A table of the first rows; texts of people are shown to the letter."""
    table = plain_table(*columns)
    table.title, table.title_justify, table.title_style = f"\n{title}", "left", "bold"
    for row in rows[:most]:
        table.add_row(*(Text(printable(row[column])) for column in columns))
    if len(rows) > most:
        table.caption = f"… and {len(rows) - most} more: see audit.actions"
        table.caption_justify = "left"
    return table


def plain_table(*columns: str) -> Table:
    """A table without lines and without rows."""
    table = Table(pad_edge=False, box=None)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def print_next_steps(result: RunResult, *, console: Console, sandbox: bool) -> None:
    """What a person may do next."""
    option = " --sandbox" if sandbox else ""
    steps = []
    if result.status is RunStatus.HELD:
        steps.append(f"b24-pipeline approve {result.run_id}{option}   lets the next run do what is held")
    for reason, users in result.decidable.items():
        typed = commands(reason, run_id=result.run_id, users=str(users[0]) if len(users) == 1 else "ID")
        steps.append(f"{typed.replace(', or ', f'{option}, or ')}{option}   if {DECISIONS[reason]}")
    if result.dry_run and (result.chosen or not result.traces):
        only = f" --only {' '.join(map(str, result.chosen))}" if result.chosen else ""
        steps.append(f"b24-pipeline sync{only}{option}   does it")
    steps.append(f"b24-pipeline explain ID{option}   tells the life of one person")
    if sandbox:
        steps.append("make dev SANDBOX=1   opens the Dagster UI, with schedule and sensor")
    else:
        steps.append("make dev   opens the Dagster UI, where schedule and sensor are switched on")
    if sandbox:
        steps.append("cp .env.example .env   and fill it in, to import from your own portal")
    console.print(Text("\nNext:\n  " + "\n  ".join(steps)))


def printable_line(text: str) -> str:
    """A longer text, made safe line by line."""
    return "\n  ".join(one_line(line) for line in text.splitlines())
