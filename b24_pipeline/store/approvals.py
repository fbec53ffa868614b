"""Approvals: a person lets the next run do at most what one run listed, for 24 hours (R09, R16)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pandera.typing import DataFrame

from b24_pipeline.rules import frames
from b24_pipeline.rules.records import MatchReason, Outcome
from b24_pipeline.store.actions import actions
from b24_pipeline.store.database import Database
from b24_pipeline.store.errors import NotApprovable, UnknownRun
from b24_pipeline.store.runs import CurrentRun

VALIDITY = timedelta(hours=24)
"""A run can be approved for so long after it began, and an approval can be used for so long (R16)."""


@dataclass(frozen=True, slots=True)
class Approval:
    """What a person has let the next run do.

    Attributes:
        run_id: the run whose list was approved; the newest of them where there are several.
        actions: what the run held; at most these may be done now.
        reuse: the (user, employee) pairs whose reused e-mail address is approved (R09).
    """

    run_id: str
    actions: DataFrame[frames.Actions]
    reuse: frozenset[tuple[int, int]]


def approve(database: Database, run_id: str, bitrix24_ids: Sequence[int] | None, *, now: datetime) -> None:
    """Approve all that the run held, or the reused e-mail addresses of these users in it.

    Raises:
        UnknownRun: there is no such run.
        NotApprovable: it began more than 24 hours ago, or lists nothing of the kind.
    """
    _refuse_unknown_or_old(database, run_id, now=now)
    listed = actions(database, run_id)
    if bitrix24_ids is None:
        if not (listed["outcome"] == Outcome.HELD).any():
            raise NotApprovable(f"Run {run_id} held nothing back, so there is nothing to approve.")
    else:
        reused = set(listed.loc[listed["reason"] == MatchReason.EMAIL_REUSED, "bitrix24_id"])
        strangers = [str(user) for user in bitrix24_ids if user not in reused]
        if strangers:
            raise NotApprovable(
                f"Run {run_id} lists no reused e-mail address for {', '.join(strangers)};"
                f" it does for {', '.join(map(str, sorted(reused))) or 'nobody'}."
            )
    with database.transaction():
        for user in [None] if bitrix24_ids is None else bitrix24_ids:
            database.execute("drop_approval", {"run_id": run_id, "bitrix24_id": user})
            database.execute("add_approval", {"run_id": run_id, "bitrix24_id": user, "approved_at": now})


def open_approval(database: Database, *, now: datetime) -> Approval | None:
    """What is approved and not used yet; of several runs approved as a whole, the one approved last."""
    rows = database.records("open_approvals", {"now": now, "expired": now - VALIDITY})
    if not rows:
        return None
    whole = next((row["run_id"] for row in rows if row["bitrix24_id"] is None), None)
    reuse = frozenset(
        pair
        for run_id in {row["run_id"] for row in rows}
        for pair in _reused(database, run_id, {row["bitrix24_id"] for row in rows if row["run_id"] == run_id})
    )
    return Approval(whole or rows[0]["run_id"], _held(database, whole), reuse)


def use_approval(database: Database, run: CurrentRun) -> None:
    """Let this run be the one that uses what is approved; the next one finds nothing."""
    with database.transaction():
        database.execute("use_approvals", {"run": run.number, "expired": run.started_at - VALIDITY})


def _held(database: Database, run_id: str | None) -> DataFrame[frames.Actions]:
    if run_id is None:
        return frames.empty(frames.Actions)
    listed = actions(database, run_id)
    return frames.check(frames.Actions, listed[listed["outcome"] == Outcome.HELD].reset_index(drop=True))


def _reused(database: Database, run_id: str, users: set[int | None]) -> list[tuple[int, int]]:
    listed = actions(database, run_id)
    approved = listed[(listed["reason"] == MatchReason.EMAIL_REUSED) & listed["bitrix24_id"].isin(users - {None})]
    pairs = approved.dropna(subset=["callgear_id"])
    return [
        (int(user), int(employee)) for user, employee in zip(pairs["bitrix24_id"], pairs["callgear_id"], strict=True)
    ]


def _refuse_unknown_or_old(database: Database, run_id: str, *, now: datetime) -> None:
    rows = database.records("run_row", {"run_id": run_id})
    if not rows:
        raise UnknownRun(f"No run {run_id} is known; `b24-pipeline history` lists the runs.")
    if now - rows[0]["started_at"] > VALIDITY:
        newer = next(iter(database.records("newest_held_run", {"since": now - VALIDITY})), None)
        instead = f"Look at run {newer['run_id']}, the newest that is held," if newer else "Start a new run"
        raise NotApprovable(
            f"Run {run_id} began more than 24 hours ago: much may have changed. {instead} and approve that one."
        )
