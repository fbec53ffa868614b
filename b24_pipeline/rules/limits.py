"""R16: the safety limits. A kind of harmful change over its limit is held whole; the other kinds go on."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline.rules import frames
from b24_pipeline.rules.planning import as_actions
from b24_pipeline.rules.records import Harm, MatchReason, Outcome, SafetyLimit
from b24_pipeline.rules.retrying import was_refused

EXEMPT_AT_FIRST = frozenset({Harm.EMAIL_LINK, Harm.CREATE})
"""R16: kinds that a connection's first import, or a rebuilding of lost links, may do without limit."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What R16 looks at besides the plan."""

    people_imported: int
    """Live links when the run began."""
    first_import: bool
    """No run has written yet with nothing deferred, or no link is left and they are being rebuilt."""


def hold(
    plan: DataFrame[frames.Plan],
    *,
    limits: Mapping[Harm, SafetyLimit],
    circumstances: Circumstances,
    approved: DataFrame[frames.Actions],
    dead_letters: DataFrame[frames.DeadLetters],
) -> DataFrame[frames.Plan]:
    """The plan with every row of a kind over its limit `held`, but for what the approved run held exactly so.

    What a person has approved one by one (R09) is neither counted nor held. What was refused before (R14, R18) has
    passed the limit once, and is not counted when it is tried again: those who stay refused must not hold the others.

    Args:
        plan: what shall be done.
        limits: by kind; a kind without one is never held.
        circumstances: what the limits are measured against.
        approved: the actions of the run that a person has approved; none without an approval.
        dead_letters: what failed before.
    """
    if plan.empty:
        return plan
    watched = (plan["outcome"] == Outcome.PLANNED) & (plan["reason"] != MatchReason.EMAIL_REUSE_APPROVED)
    counted = watched & ~was_refused(plan, dead_letters=dead_letters)
    over = [
        harm.value
        for harm, limit in limits.items()
        if is_over(int((counted & (plan["harm"] == harm)).sum()), limit=limit, circumstances=circumstances)
        and not (circumstances.first_import and harm in EXEMPT_AT_FIRST)
    ]
    held = watched & plan["harm"].isin(over)
    if held.any() and len(approved):
        held &= ~is_approved(plan, approved=approved)
    return frames.check(frames.Plan, plan.assign(outcome=plan["outcome"].mask(held, Outcome.HELD.value)))


def is_over(changes: int, *, limit: SafetyLimit, circumstances: Circumstances) -> bool:
    """R16: more than the count *and* more than the share of the people imported."""
    return changes > limit.count and changes > limit.share * circumstances.people_imported


def is_approved(plan: DataFrame[frames.Plan], *, approved: DataFrame[frames.Actions]) -> pd.Series:
    """Whether the approved run held just this: the same person, employee, action and fields."""
    listed = set(content(approved[approved["outcome"] == Outcome.HELD]))
    return pd.Series([row in listed for row in content(as_actions(plan))], index=plan.index, dtype=bool)


def content(actions: DataFrame[frames.Actions]) -> list[tuple[int, int, str, str]]:
    """What each action would change: user, employee (0 for none), kind and what is sent (empty for nothing)."""
    columns = actions[["bitrix24_id", "callgear_id", "action", "after"]]
    return list(columns.fillna({"callgear_id": 0, "after": ""}).itertuples(index=False, name=None))
