"""Metadata of assets besides figures and tables: how to approve, and the step trace."""

import dagster as dg
import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.reporting import tables
from b24_pipeline.reporting.trace import as_markdown, evidence_of, trace
from b24_pipeline.rules.conflict_approval import DECISIONS, commands, decidable
from b24_pipeline.rules.labels import reason as words_of
from b24_pipeline.sync.run import RunContext
from b24_pipeline.text import MOST_ROWS, markdown_line, numbered


def people_table(rows: list[dict[str, object]], *, rest: str) -> dg.MarkdownMetadataValue:
    """Return a table of people with the reasons; `rest` is the table of the audit that has all of them."""
    return dg.MetadataValue.md(tables.people_markdown(rows, rest=rest))


def approval_metadata(run: RunContext, decided: pd.DataFrame) -> dict[str, dg.MetadataValue]:
    """Return how to approve held changes, and the conflicts of matches or actions, which are approved user by user.

    Of a run for single people only theirs.
    """
    conflicts = decided[decidable(decided)]
    if run.config.only is not None:
        conflicts = conflicts[conflicts["bitrix24_id"].isin(run.config.only)]
    parts = []
    if run.outcome.counts.held:
        words = numbered(run.outcome.counts.held, "action is", "actions are")
        parts.append(
            f"**{words} held** by a safety limit (R16). To approve, within 24 hours: "
            f"`b24-pipeline approve {run.run_id}`, or launch `employee_import` with\n\n{launchpad(approve=run.run_id)}"
        )
    parts += [by_user(run.run_id, str(reason), rows) for reason, rows in conflicts.groupby("reason")]
    return {"approve": dg.MetadataValue.md("\n\n".join(parts))} if parts else {}


def by_user(run_id: str, reason: str, conflicts: pd.DataFrame) -> str:
    """R07a, R09, R14: how to approve conflicts of one reason, person by person."""
    users = conflicts["bitrix24_id"].tolist()
    typed = "`, or, if it does not, end the link: `".join(
        commands(reason, run_id=run_id, users=" ".join(map(str, users)))
    )
    return (
        f"**{numbered(len(users), 'conflict', 'conflicts')}**: {words_of(reason)}. If {DECISIONS[reason]}, approve it "
        f"within 24 hours, naming only the users you mean: `{typed}`, or "
        f"launch `employee_import` with\n\n{launchpad(approve=run_id, approve_users=[*users])}"
    )


def kept_when_approved(actions: DataFrame[schemas.Actions]) -> dict[str, dg.MetadataValue]:
    """R09: the first name and the numbers that employees keep if their conflicts are approved."""
    lines = tables.kept_when_approved(actions)
    listed = "\n".join(f"- {markdown_line(line)}" for line in lines[:MOST_ROWS])
    return {"kept_when_approved": dg.MetadataValue.md(listed)} if lines else {}


def launchpad(**config: str | list[int]) -> str:
    """Return the configuration to paste into the launchpad."""
    chosen = "\n".join(f"      {name}: {value}" for name, value in config.items())
    return f"```yaml\nresources:\n  import_run:\n    config:\n{chosen}\n```"


def sources(run: RunContext) -> dict[str, str]:
    """Return the frames of other runs that the step has used, and their age (R18a)."""
    borrowed = "; ".join(f"{table} of {source}" for table, source in run.outcome.borrowed.items())
    return {"computed_from": borrowed} if borrowed else {}


def step_trace(run: RunContext) -> dict[str, dg.MetadataValue]:
    if run.config.only is None:
        return {}
    found = evidence_of(run.store.database, run.run_id)
    traces = [trace(found, bitrix24_id=user) for user in sorted(run.config.only)]
    return {"trace": dg.MetadataValue.md(as_markdown(traces))}
