"""R14, R18: what failed is a dead letter, tried again at growing distance and listed until it is mended."""

from datetime import datetime, timedelta

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline.rules import frames
from b24_pipeline.rules.planning import as_json, fields_after
from b24_pipeline.rules.records import ActionKind, Outcome

EVERY_RUN = 3
DISTANCES = (timedelta(hours=1), timedelta(hours=6), timedelta(hours=24))
"""After three tries at every run: 1 hour, 6 hours, then every 24 hours."""
ALWAYS_AT_A_DISTANCE = frozenset({ActionKind.REMOVE_RESPONSIBLE})
"""R14: a person who owns deals stays so for long; the first distance comes at once."""


def next_try(*, action: ActionKind, attempts: int, failed_at: datetime) -> datetime:
    """When an action that failed `attempts` times in a row is tried again."""
    patience = 0 if action in ALWAYS_AT_A_DISTANCE else EVERY_RUN
    if attempts < patience:
        return failed_at
    return failed_at + DISTANCES[min(attempts - patience, len(DISTANCES) - 1)]


def hold_back(
    plan: DataFrame[frames.Plan], *, dead_letters: DataFrame[frames.DeadLetters], now: datetime
) -> DataFrame[frames.Plan]:
    """The plan with the rows `waiting` whose dead letter is not due yet and would send the same again."""
    resting = {
        (row["bitrix24_id"], row["action"]): row["after"]
        for row in dead_letters[dead_letters["next_try_at"] > now].to_dict("records")
    }
    if not resting:
        return plan
    waits = [
        row["outcome"] == Outcome.PLANNED
        and (row["bitrix24_id"], row["action"]) in resting
        and same_text(resting[row["bitrix24_id"], row["action"]], as_json(fields_after(row)))
        for row in plan.to_dict("records")
    ]
    outcome = plan["outcome"].mask(pd.Series(waits, index=plan.index, dtype=bool), Outcome.WAITING.value)
    return frames.check(frames.Plan, plan.assign(outcome=outcome))


def settle(
    dead_letters: DataFrame[frames.DeadLetters], *, actions: DataFrame[frames.Actions], now: datetime
) -> DataFrame[frames.DeadLetters]:
    """The dead letters after a step: failures added or counted on, what was done or is no longer planned taken out.

    Args:
        dead_letters: those of the step's own actions before it.
        actions: every action of the step, with its outcome. Deferred, held and waiting ones keep their dead letter.
        now: when they failed.
    """
    known = {(row["bitrix24_id"], row["action"]): row for row in dead_letters.to_dict("records")}
    kept = []
    for row in actions.to_dict("records"):
        former = known.get((row["bitrix24_id"], row["action"]))
        if row["outcome"] == Outcome.FAILED:
            kept.append(counted_on(row, former=former, now=now))
        elif former is not None and row["outcome"] in (Outcome.DEFERRED, Outcome.HELD, Outcome.WAITING):
            kept.append(former)
    return frames.of(frames.DeadLetters, kept)


def counted_on(row: dict, *, former: dict | None, now: datetime) -> dict:  # type: ignore[type-arg]
    """The dead letter of a failed action; another content than before begins the count anew."""
    same = former is not None and same_text(former["after"], row["after"])
    attempts = int(former["attempts"]) + 1 if former is not None and same else 1
    return {
        "bitrix24_id": row["bitrix24_id"],
        "action": row["action"],
        "attempts": attempts,
        "first_failed_at": former["first_failed_at"] if former is not None and same else now,
        "last_failed_at": now,
        "next_try_at": next_try(action=ActionKind(row["action"]), attempts=attempts, failed_at=now),
        "error": row["error"],
        "after": row["after"],
    }


def same_text(one: object, other: object) -> bool:
    """Whether both are the same text, or both no value."""
    return one == other or (pd.isna(one) and pd.isna(other))  # type: ignore[call-overload,no-any-return]
