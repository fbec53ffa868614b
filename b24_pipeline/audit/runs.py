"""Runs: one row each, with rising numbers that every history refers to."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

import pandas as pd

from b24_pipeline.audit.metadata import fact, put_facts
from b24_pipeline.audit.storage.column_types import to_pandas
from b24_pipeline.audit.storage.database import Database
from b24_pipeline.audit.storage.exceptions import RunNotBegun, UnknownRun
from b24_pipeline.rules.importable import Importable
from b24_pipeline.rules.models import RunKind, Trigger

SHORT_RUN_ID = 8
"""So many characters of a run's id are enough where it is alone with them."""

FIRST_IMPORT_OVER = "first_import_over"
IMPORTABLE_SHARE = "importable_share"
"""The fact: which share of the candidates could be imported at the last import that was no fall (R02)."""


@dataclass(frozen=True, slots=True)
class RunStart:
    """The start of a run, with the ids of users that it is limited to, if it is, and its settings as JSON text."""

    run_id: str
    started_at: datetime
    trigger: Trigger
    kind: RunKind = RunKind.IMPORT
    only: Sequence[int] = ()
    policy: str | None = None


@dataclass(frozen=True, slots=True)
class RunCounts:
    """The figures of one run; each is a column of `audit.runs`."""

    users: int = 0
    candidates: int = 0
    out_of_scope: int = 0
    rejected: int = 0
    matched_by_id: int = 0
    matched_by_email: int = 0
    created: int = 0
    linked: int = 0
    unchanged: int = 0
    phones_added: int = 0
    conflicts: int = 0
    failed: int = 0
    deferred: int = 0
    held: int = 0
    backing_off: int = 0
    responsible_removed: int = 0
    bitrix24_requests: int = 0
    callgear_points: int = 0

    @property
    def importable(self) -> Importable:
        """Return how many of the candidates can be imported (R02)."""
        importable = self.candidates - self.rejected - self.conflicts
        return Importable(self.candidates, importable, evaluated=self.users > 0)


COUNTS = tuple(field.name for field in fields(RunCounts))


@dataclass(frozen=True, slots=True)
class CurrentRun:
    number: int
    run_id: str
    started_at: datetime


def begin(database: Database, start: RunStart) -> tuple[CurrentRun, list[str]]:
    """Store that a run has begun, and return it; with the ids of those that died `running`, now `interrupted`.

    Raises:
        RunNotBegun: a run of that id was begun before.
    """
    with database.transaction():
        (so_far,) = database.records("runs_so_far", {"run_id": start.run_id})
        if so_far["begun"]:
            raise RunNotBegun(f"Run {start.run_id} was begun before; start a new one.")
        interrupted: list[str] = so_far["running"]
        if interrupted:
            database.execute("interrupt_runs")
        number = int(so_far["last"]) + 1
        begun = {
            "run_id": start.run_id,
            "number": number,
            "started_at": start.started_at,
            "trigger": str(start.trigger),
            "kind": str(start.kind),
            "dry_run": start.kind is RunKind.DRY_RUN,
            "only_users": ",".join(map(str, start.only)) or None,
            "policy": start.policy,
        }
        database.execute("begin_run", begun)
    return CurrentRun(number, start.run_id, start.started_at), interrupted


def record_policy(database: Database, run: CurrentRun, policy: str) -> None:
    """Store the settings that the run follows, now that more is known of them."""
    database.execute("record_policy", {"number": run.number, "policy": policy})


def run_named(database: Database, text: str) -> str:
    """The id of the run that has this id, or whose id alone begins with it; as many characters as `explain` prints.

    Raises:
        UnknownRun: there is none, or there are several.
    """
    found = database.column("run_ids_that_begin", {"text": text})
    if text in found:
        return text
    if not found or len(text) < SHORT_RUN_ID:
        raise UnknownRun(f"No run {text} is known; `b24-pipeline history` lists the runs.")
    if len(found) > 1:
        raise UnknownRun(f"Several runs begin with {text}: {', '.join(found)}.")
    return str(found[0])


def history(database: Database, *, limit: int = 20, since: datetime | None = None) -> pd.DataFrame:
    """The last runs, newest first, with the columns of `audit.runs`."""
    return to_pandas(database.table("run_history", {"limit": limit, "since": since}))


def kind(database: Database, run_id: str) -> str | None:
    """Return what a run was for; None where there is no such run."""
    found: str | None = database.value("run_as_noted", {"run_id": run_id})
    return found


@dataclass(frozen=True, slots=True)
class PastRun:
    run_id: str
    started_at: datetime


def last_import(database: Database) -> PastRun | None:
    """The last import that got as far as writing; none before there is one (R18a)."""
    row = next(iter(database.records("last_import")), None)
    return PastRun(row["run_id"], row["started_at"]) if row else None


def importable_before(database: Database) -> float | None:
    """Return the share of candidates that could be imported at the last import that was no fall; None before the first.

    Older versions did not note it, so the last import counts.
    """
    noted = fact(database, IMPORTABLE_SHARE)
    if noted is not None:
        return float(noted)
    row = next(iter(database.records("last_import_counts")), None)
    return RunCounts(**row).importable.share if row else None


def remember_importable(database: Database, run: CurrentRun, counts: RunCounts) -> None:
    """Note which share of the candidates can be imported, where this run is an import (R18a)."""
    share, past = counts.importable.share, last_import(database)
    if share is not None and past is not None and past.run_id == run.run_id:
        put_facts(database, {IMPORTABLE_SHARE: repr(share)})


def points_since(database: Database, since: datetime) -> int:
    """The points of CallGear that runs have spent, as far as they ended since then; of those that died at least."""
    (told,) = database.records("points_since", {"since": since})
    dead = database.value("points_of_interrupted_runs", {"since": since}) if told["some_died"] else 0
    return int(told["points"]) + int(dead)


def requests_between(database: Database, since: datetime, now: datetime) -> tuple[int, datetime]:
    """The requests to the portal of runs that ended in this time, and when the last of them ended."""
    (told,) = database.records("requests_between", {"since": since, "now": now})
    return int(told["requests"]), told["last_at"]


def first_import(database: Database) -> bool:
    """Return whether no run, for real and for all, has written with nothing put off for want of time or points (R16).

    The writing step notes it, whatever stops its run afterward; a run that ended well proves it, too. A run of single
    assets that never reached that step imported nobody.
    """
    return fact(database, FIRST_IMPORT_OVER) is None and int(database.value("complete_runs")) == 0


def end_first_import(database: Database) -> None:
    put_facts(database, {FIRST_IMPORT_OVER: "yes"})
