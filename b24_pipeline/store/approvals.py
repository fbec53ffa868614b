"""Approvals: for 24 hours a person lets runs do at most what one run listed, each of it once (R09, R16).

No run takes an approval away by beginning: what is left of it follows from what later runs did, so that a run that ends
early, or dies, leaves it to the next one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline.rules import frames
from b24_pipeline.rules.records import MatchReason, Outcome
from b24_pipeline.store.actions import actions
from b24_pipeline.store.columns import column_list, from_arrow, sql_columns
from b24_pipeline.store.database import Database
from b24_pipeline.store.errors import NotApprovable, UnknownRun
from b24_pipeline.store.runs import CurrentRun

VALIDITY = timedelta(hours=24)
"""A run can be approved for so long after it began, and an approval can be used for so long (R16)."""


@dataclass(frozen=True, slots=True)
class Approval:
    """What people have let runs do, and no run has done yet.

    Attributes:
        run_id: the run whose list was approved; of several the one approved last.
        actions: what the approved runs held; at most these may be done now.
        reuse: the (user, employee) pairs whose reused e-mail address is approved (R09).
    """

    run_id: str
    actions: DataFrame[frames.Actions]
    reuse: frozenset[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Approver:
    """Who approves, and why; a name of None is not known."""

    name: str | None = None
    comment: str | None = None


def approve(
    database: Database, run_id: str, bitrix24_ids: Sequence[int] | None, *, approver: Approver, now: datetime
) -> DataFrame[frames.Actions]:
    """Approve all that the run held, or the reused e-mail addresses of these users in it; return what that is.

    Raises:
        UnknownRun: there is no such run.
        NotApprovable: it began more than 24 hours ago, or lists nothing of the kind.
    """
    _refuse_unknown_or_old(database, run_id, now=now)
    listed = actions(database, run_id)
    if bitrix24_ids is None:
        meant = listed["outcome"] == Outcome.HELD
        if not meant.any():
            raise NotApprovable(f"Run {run_id} held nothing back, so there is nothing to approve.")
    else:
        is_reused = listed["reason"] == MatchReason.EMAIL_REUSED
        reused = set(listed.loc[is_reused, "bitrix24_id"])
        meant = is_reused & listed["bitrix24_id"].isin(bitrix24_ids)
        strangers = [str(user) for user in bitrix24_ids if user not in reused]
        if strangers:
            raise NotApprovable(
                f"Run {run_id} lists no reused e-mail address for {', '.join(strangers)};"
                f" it does for {', '.join(map(str, sorted(reused))) or 'nobody'}."
            )
    with database.transaction():
        for user in [None] if bitrix24_ids is None else bitrix24_ids:
            which = {"run_id": run_id, "bitrix24_id": user}
            given = {"approved_at": now, "approved_by": approver.name, "comment": approver.comment or None}
            database.execute("drop_approval", which)
            database.execute("add_approval", which | given)
    return frames.check(frames.Actions, listed[meant])


def open_approval(database: Database, *, now: datetime) -> Approval | None:
    """What is approved and may still be done; none where nothing is left."""
    lists = [(approval["run_id"], _left(database, approval)) for approval in _in_force(database, now=now)]
    lists = [(run_id, left) for run_id, left in lists if len(left)]
    if not lists:
        return None
    left = pd.concat([left for _, left in lists], ignore_index=True)
    held = left["outcome"] == Outcome.HELD
    reused = left[~held].dropna(subset=["callgear_id"])
    return Approval(
        run_id=lists[0][0],
        actions=frames.check(frames.Actions, left[held].reset_index(drop=True)),
        reuse=frozenset(zip(reused["bitrix24_id"].tolist(), reused["callgear_id"].tolist(), strict=True)),
    )


def settle_approvals(database: Database, run: CurrentRun) -> None:
    """Note of the approvals of which this run has left nothing that it has used them."""
    used_up = [given for given in _in_force(database, now=run.started_at) if _left(database, given).empty]
    if not used_up:
        return
    with database.transaction():
        for approval in used_up:
            which = {"run_id": approval["run_id"], "bitrix24_id": approval["bitrix24_id"]}
            database.execute("use_approval", {"run": run.number, **which})


def correct_future_times(database: Database, *, now: datetime) -> None:
    """R16c: let approvals that were given in the future have been given now."""
    database.execute("correct_future_approvals", {"now": now})


def _in_force(database: Database, *, now: datetime) -> list[dict[str, Any]]:
    return database.records("approvals_in_force", {"now": now, "expired": now - VALIDITY})


def _left(database: Database, approval: dict[str, Any]) -> DataFrame[frames.Actions]:
    """What may still be done of one approval: what the run held, or one user's reused e-mail address."""
    which = {"run_id": approval["run_id"], "approved_at": approval["approved_at"]}
    columns = column_list(sql_columns(frames.Actions))
    left = from_arrow(frames.Actions, database.table("left_of_approved", which, columns=columns))
    if approval["bitrix24_id"] is None:
        meant = left["outcome"] == Outcome.HELD
    else:
        meant = (left["reason"] == MatchReason.EMAIL_REUSED) & (left["bitrix24_id"] == approval["bitrix24_id"])
    return frames.check(frames.Actions, left[meant])


def _refuse_unknown_or_old(database: Database, run_id: str, *, now: datetime) -> None:
    began_at: datetime | None = database.value("run_began_at", {"run_id": run_id, "now": now})
    if began_at is None:
        raise UnknownRun(f"No run {run_id} is known; `b24-pipeline history` lists the runs.")
    if now - began_at > VALIDITY:
        newer = next(iter(database.records("newest_held_run", {"since": now - VALIDITY})), None)
        instead = f"Look at run {newer['run_id']}, the newest that is held," if newer else "Start a new run"
        raise NotApprovable(
            f"Run {run_id} began more than 24 hours ago: much may have changed. {instead} and approve that one."
        )
