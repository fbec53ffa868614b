"""R16: the safety limits. A kind of harmful change over its limit is held whole; the other kinds go on."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.rules.models import APPROVED_BY_USER, ChangeRisk, Exemption, Outcome, SafetyLimit
from b24_pipeline.rules.retry_schedule import already_attempted, attempted

EXEMPT_ON_FIRST_IMPORT = frozenset({ChangeRisk.EMAIL_LINK, ChangeRisk.CREATE})
"""R16: kinds that a connection's first import, or a rebuilding of lost links, may do without limit."""
WINDOW = timedelta(hours=24)
"""R16: what was done so lately counts together with what is planned: an accident in small portions is an accident."""


@dataclass(frozen=True, slots=True)
class LimitContext:
    """The data that R16 needs besides the plan."""

    people_imported: int
    """Live links when the run began."""
    first_import: bool
    """No run has ended yet with nothing deferred for want of time or points."""
    rebuilding_links: bool = False
    """No link is left."""
    done: Mapping[ChangeRisk, AbstractSet[int]] = field(default_factory=dict)
    """The Bitrix24 ids changed within the `WINDOW` without an exemption, by kind of change."""

    @property
    def exemption(self) -> Exemption | None:
        """Return why the kinds `EXEMPT_ON_FIRST_IMPORT` are not limited now, if they are not."""
        if self.first_import:
            return Exemption.FIRST_IMPORT
        return Exemption.REBUILDING_LINKS if self.rebuilding_links else None


def apply_safety_limits(
    plan: DataFrame[schemas.Actions],
    *,
    limits: Mapping[ChangeRisk, SafetyLimit],
    context: LimitContext,
    approved: DataFrame[schemas.Actions],
    dead_letters: DataFrame[schemas.DeadLetters],
) -> DataFrame[schemas.Actions]:
    """The plan with every row of a kind over its limit `held`, but for what the approved run held exactly so.

    What a person has approved one by one (R09) is neither counted nor held. What was refused before (R14, R18) and
    counts no more is not counted when it is tried again: those who stay refused must not hold the others.
    Each row that may be sent says why the limit will not count it once it is done, where that is so. A kind without a
    limit is never held. `dead_letters` are what failed before and counts no more (`no_longer_counted`).
    """
    if plan.empty:
        return plan
    planned = plan["outcome"] == Outcome.PLANNED
    watched = planned & ~plan["reason"].isin(APPROVED_BY_USER)
    counted = plan[watched & ~already_attempted(plan, dead_letters=dead_letters)]
    listed = is_approved(plan, approved=approved)
    over = [risk.value for risk in limits if is_over(counted, risk=risk, limits=limits, context=context)]
    held = watched & plan["risk"].isin(over) & ~listed
    exempt = exemptions(plan, approved=listed | (planned & ~watched), context=context)
    return plan.assign(outcome=plan["outcome"].mask(held, Outcome.HELD.value), exemption=exempt.where(planned & ~held))


def no_longer_counted(
    dead_letters: DataFrame[schemas.DeadLetters], *, exempt: AbstractSet[tuple[int, str]], now: datetime
) -> DataFrame[schemas.DeadLetters]:
    """The dead letters of what was counted in its own `WINDOW` since it first failed, or failed without a limit.

    What no service has refused yet, because none answered, counts until it was. The `exempt` (user, action) failed
    within the `WINDOW` under an exemption.
    """
    unlimited = [(user, action) in exempt for user, action, _ in attempted(dead_letters)]
    long_ago = (dead_letters["attempts"] > 0) & (dead_letters["first_failed_at"] <= now - WINDOW)
    return dead_letters[long_ago | pd.Series(unlimited, index=dead_letters.index, dtype=bool)]


def is_over(
    counted: pd.DataFrame, *, risk: ChangeRisk, limits: Mapping[ChangeRisk, SafetyLimit], context: LimitContext
) -> bool:
    """R16: more than the count *and* more than the share of the people imported, with those of the last 24 hours.

    `counted` are the rows of the plan that count, of all kinds. A kind of which none is planned is not over.
    """
    planned = set(counted.loc[counted["risk"] == risk, "bitrix24_id"])
    if not planned or (context.exemption and risk in EXEMPT_ON_FIRST_IMPORT):
        return False
    people, limit = len(planned | context.done.get(risk, frozenset())), limits[risk]
    return people > limit.count and people > limit.share * context.people_imported


def exemptions(plan: DataFrame[schemas.Actions], *, approved: pd.Series, context: LimitContext) -> pd.Series:
    """Return why each row does not count toward its limit once it is done; no value where it counts."""
    at_first = plan["risk"].isin(EXEMPT_ON_FIRST_IMPORT) & (context.exemption is not None)
    reason = pd.Series(None, index=plan.index, dtype="str").mask(at_first, context.exemption)
    return reason.mask(approved & plan["risk"].notna(), Exemption.APPROVED.value)


def is_approved(plan: DataFrame[schemas.Actions], *, approved: DataFrame[schemas.Actions]) -> pd.Series:
    """Return whether the approved run held just this: the same person, employee, action and fields."""
    if approved.empty:
        return pd.Series(False, index=plan.index)
    listed = set(action_signatures(approved[approved["outcome"] == Outcome.HELD]))
    return pd.Series([row in listed for row in action_signatures(plan)], index=plan.index, dtype=bool)


def action_signatures(actions: DataFrame[schemas.Actions]) -> list[tuple[int, int, str, str]]:
    """Return what each action would change: user, employee (0 for none), kind and what is sent (empty for nothing)."""
    columns = actions[["bitrix24_id", "callgear_id", "action", "after"]]
    return list(columns.fillna({"callgear_id": 0, "after": ""}).itertuples(index=False, name=None))
