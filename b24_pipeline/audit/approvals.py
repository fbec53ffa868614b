"""Approvals: for 24 hours a person lets runs do at most what one run listed, each of it once (R07a, R09, R14, R16).

No run takes an approval away by beginning: what is left of it follows from what later runs did, so that a run that ends
early, or dies, leaves it to the next one.
"""

from collections import defaultdict
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.audit.actions import of_run
from b24_pipeline.audit.links import Approver, accept_identities, identities_of_run
from b24_pipeline.audit.runs import CurrentRun
from b24_pipeline.audit.storage.column_types import column_list, from_arrow, sql_columns
from b24_pipeline.audit.storage.database import Database
from b24_pipeline.audit.storage.exceptions import NotApprovable
from b24_pipeline.rules.conflict_approval import decidable
from b24_pipeline.rules.models import APPROVABLE, ActionKind, ApprovedConflict, ListReason, MatchReason, Outcome

VALIDITY = timedelta(hours=24)
"""A run can be approved for so long after it began, and an approval can be used for so long (R16)."""


@dataclass(frozen=True, slots=True)
class Approval:
    """Approved actions that no run has done yet.

    Attributes:
        run_id: the run whose list was approved; of several the one approved last.
        actions: what the approved runs held; at most these may be done now.
        conflicts: those that were approved user by user (R09, R14). A changed identity (R07a) is not among them: its
            approval takes effect when it is given.
    """

    run_id: str
    actions: DataFrame[schemas.Actions]
    conflicts: frozenset[ApprovedConflict]


def approve(
    database: Database, run_id: str, bitrix24_ids: Sequence[int] | None, *, approver: Approver, now: datetime
) -> DataFrame[schemas.Actions]:
    """Approve all that the run held, or the conflicts of these users in it, as `Store.approve` says; return them.

    Raises:
        NotApprovable: it began more than 24 hours ago, or lists nothing of the kind.
    """
    _refuse_old(database, run_id, now=now)
    listed, changed = of_run(database, run_id), identities_of_run(database, run_id)
    if bitrix24_ids is None:
        approved = listed[listed["outcome"] == Outcome.HELD]
        if approved.empty:
            raise NotApprovable(f"Run {run_id} held nothing back, so there is nothing to approve.")
    else:
        approved = _conflicts_of(bitrix24_ids, listed, changed, run_id=run_id)
    given = {"approved_at": now, "approved_by": approver.name, "comment": approver.comment or None}
    with database.transaction():
        for user in [None] if bitrix24_ids is None else bitrix24_ids:
            which = {"run_id": run_id, "bitrix24_id": user}
            database.execute("drop_approval", which)
            database.execute("add_approval", which | given)
        accept_identities(database, run_id, sorted(changed & set(bitrix24_ids or ())))
    return approved


def open_approval(database: Database, now: datetime) -> Approval | None:
    """Return what is approved and may still be done; none where nothing is left."""
    lists = [(approval["run_id"], left) for approval, left in _in_force(database, now=now) if len(left)]
    if not lists:
        return None
    left = schemas.concat(schemas.Actions, *(left for _, left in lists))
    held = left["outcome"] == Outcome.HELD
    by_user = left[~held][["reason", "bitrix24_id", "callgear_id", "action", "before"]].fillna({"before": ""})
    return Approval(
        run_id=lists[0][0],
        actions=left[held],
        conflicts=frozenset(
            ApprovedConflict(
                reason,
                user,
                None if pd.isna(employee) else employee,
                shown=(action, before) if reason == ListReason.OTHER_NAME else None,
            )
            for reason, user, employee, action, before in by_user.itertuples(index=False, name=None)
        ),
    )


def close_approvals(database: Database, run: CurrentRun) -> None:
    """Note of the approvals of which this run has left nothing that it has used them."""
    used_up = [approval for approval, left in _in_force(database, now=run.started_at) if left.empty]
    if not used_up:
        return
    with database.transaction():
        for approval in used_up:
            which = {"run_id": approval["run_id"], "bitrix24_id": approval["bitrix24_id"]}
            database.execute("use_approval", {"run": run.number, **which})


def correct_future_times(database: Database, *, now: datetime) -> None:
    """Count approvals that lie in the future as made now: the clock was ahead (R16c)."""
    database.execute("correct_future_approvals", {"now": now})


def _in_force(database: Database, *, now: datetime) -> list[tuple[dict[str, Any], DataFrame[schemas.Actions]]]:
    """Return each approval with what may still be done of it: what the run held, or one user's conflicts."""
    found = []
    columns = column_list(sql_columns(schemas.Actions))
    for approval in database.records("approvals_in_force", {"now": now, "expired": now - VALIDITY}):
        which = {"run_id": approval["run_id"], "approved_at": approval["approved_at"]}
        left = from_arrow(schemas.Actions, database.table("left_of_approved", which, columns=columns))
        if approval["bitrix24_id"] is None:
            meant = left["outcome"] == Outcome.HELD
        else:
            used_by_runs = APPROVABLE - {MatchReason.IDENTITY_CHANGED}  # the approval of which takes effect at once
            meant = left["reason"].isin(used_by_runs) & (left["bitrix24_id"] == approval["bitrix24_id"])
        found.append((approval, left[meant]))
    return found


def _refuse_old(database: Database, run_id: str, *, now: datetime) -> None:
    if now - database.value("run_began_at", {"run_id": run_id, "now": now}) > VALIDITY:
        newer = next(iter(database.records("newest_held_run", {"since": now - VALIDITY})), None)
        instead = f"Look at run {newer['run_id']}, the newest that is held," if newer else "Start a new run"
        raise NotApprovable(
            f"Run {run_id} began more than 24 hours ago: much may have changed. {instead} and approve that one."
        )


def _conflicts_of(
    users: Sequence[int], listed: DataFrame[schemas.Actions], changed: AbstractSet[int], *, run_id: str
) -> DataFrame[schemas.Actions]:
    """Return the conflicts of these users that a person may decide; of whom there is none, say whose there are.

    A run that was not trusted has listed none of the changed identities (R07a).
    """
    rows = listed[decidable(listed)]
    found = defaultdict[int, set[str]](set)
    for user, reason in zip(rows["bitrix24_id"].tolist(), rows["reason"], strict=True):
        found[user].add(reason)
    for user in changed:
        found[user].add(MatchReason.IDENTITY_CHANGED.value)
    others = [str(user) for user in users if user not in found]
    if others:
        listing = ", ".join(f"{user} ({' and '.join(sorted(reasons))})" for user, reasons in sorted(found.items()))
        raise NotApprovable(
            f"Run {run_id} lists no conflict that can be approved for {', '.join(others)};"
            f" it does for {listing or 'nobody'}."
        )
    meant = rows[rows["bitrix24_id"].isin(users)]
    conflict = {"action": ActionKind.CONFLICT, "reason": MatchReason.IDENTITY_CHANGED, "outcome": Outcome.CONFLICT}
    unlisted = [{"bitrix24_id": user, **conflict} for user in sorted((changed & {*users}) - {*meant["bitrix24_id"]})]
    return schemas.concat(schemas.Actions, meant, schemas.from_records(schemas.Actions, unlisted))
