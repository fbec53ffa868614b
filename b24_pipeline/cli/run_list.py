"""The list of runs that `b24-pipeline history` prints: it fits a terminal of 100 columns."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pandas as pd
from rich.console import Console
from rich.text import Text

from b24_pipeline.audit.runs import SHORT_RUN_ID
from b24_pipeline.rules.models import RunKind
from b24_pipeline.text import one_line, printable

COLUMNS = {
    "run": -SHORT_RUN_ID,
    "started (UTC)": -19,
    "trigger": -8,
    "for": -7,
    "users": 5,
    "created": 7,
    "linked": 6,
    "conflicts": 9,
    "failed": 6,
    "held": 4,
    "status": -11,
}
"""The columns with their widths; a negative one is left-aligned."""
COUNTS = ("users", "created", "linked", "conflicts", "failed", "held")
MARKS = {kind: str(kind).replace("_", " ") for kind in RunKind if kind is not RunKind.IMPORT}
"""The marks of runs that are not imports of everybody."""
WIDTH = 100
INDENT = " " * (SHORT_RUN_ID + 1)
"""The indent of the reason below its run."""


def print_runs(runs: pd.DataFrame, *, since: datetime | None, console: Console) -> None:
    """Print one line a run, and below it the reason."""
    if runs.empty:
        console.print("no runs yet" if since is None else f"no runs since {since.astimezone(UTC):%Y-%m-%d %H:%M} UTC")
        return
    keys = [printable(key) for key in runs["connection"]] if "connection" in runs else [""] * len(runs)
    width = max(map(len, (*keys, "connection" if any(keys) else "")))
    named = "connection".ljust(width + 1) if width else ""
    console.print(Text(named + line(COLUMNS), style="bold"), no_wrap=True, overflow="ignore", crop=False)
    for key, row in zip(keys, runs.to_dict("records"), strict=True):
        text = (key.ljust(width + 1) if width else "") + line(cells(row))
        console.print(Text(text), no_wrap=True, overflow="ignore", crop=False)
        reasons = textwrap.wrap(one_line(row["reason"]), WIDTH, initial_indent=INDENT, subsequent_indent=INDENT)
        for reason in reasons:
            console.print(Text(reason, style="dim"), no_wrap=True, overflow="ignore", crop=False)


def line(texts: Iterable[str]) -> str:
    aligned = (
        text.ljust(-width) if width < 0 else text.rjust(width)
        for text, width in zip(texts, COLUMNS.values(), strict=True)
    )
    return " ".join(aligned).rstrip()


def cells(row: Mapping[Any, Any]) -> Iterator[str]:
    yield str(row["run_id"])[:SHORT_RUN_ID]
    yield f"{row['started_at'].astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    yield printable(row["trigger"])
    yield MARKS.get(row["kind"], "")
    yield from (printable(row[name]) for name in COUNTS)
    yield printable(row["status"])
