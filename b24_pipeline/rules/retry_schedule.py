"""R14, R18: what failed is a dead letter, tried again at growing distance and listed until it is mended."""

from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.rules.models import ActionKind, Outcome

EVERY_RUN = 3
BACKOFF = (timedelta(hours=1), timedelta(hours=6), timedelta(hours=24))
"""After three tries at every run: 1 hour, 6 hours, then every 24 hours."""
NO_IMMEDIATE_RETRY = frozenset({ActionKind.REMOVE_RESPONSIBLE})
"""R14: a person who owns deals stays so for long, so the second try is after 6 hours, the others after 24."""


def next_try(*, action: ActionKind, attempts: int, failed_at: datetime) -> datetime:
    """Return when an action that was refused `attempts` times in a row is due; at once where none was."""
    immediate = 0 if action in NO_IMMEDIATE_RETRY else EVERY_RUN
    if attempts < max(immediate, 1):
        return failed_at
    return failed_at + BACKOFF[min(attempts - immediate, len(BACKOFF) - 1)]


def correct_future_times(
    dead_letters: DataFrame[schemas.DeadLetters], *, now: datetime
) -> DataFrame[schemas.DeadLetters]:
    """R16c: the dead letters with every failure that lies in the future at `now`, and due at once.

    The clock was ahead when they failed; without this they would not be tried before it comes to be that late.
    """
    ahead = {name: dead_letters[name] > now for name in ("first_failed_at", "last_failed_at")}
    if not any(rows.any() for rows in ahead.values()):
        return dead_letters
    corrected = {name: dead_letters[name].mask(rows, pd.Timestamp(now)) for name, rows in ahead.items()}
    due = dead_letters["next_try_at"].mask(ahead["last_failed_at"], pd.Timestamp(now))
    return dead_letters.assign(**corrected, next_try_at=due)


def defer_backing_off(
    plan: DataFrame[schemas.Actions], *, dead_letters: DataFrame[schemas.DeadLetters], now: datetime
) -> DataFrame[schemas.Actions]:
    """The plan with the rows `waiting` whose dead letter is not due yet and would send the same again.

    A link never waits: it is stored, and only what its employee gets can fail (R09a).
    """
    backing_off = dead_letters[dead_letters["next_try_at"] > now]
    if backing_off.empty:
        return plan
    waits = (
        already_attempted(plan, dead_letters=backing_off)
        & (plan["outcome"] == Outcome.PLANNED)
        & (plan["action"] != ActionKind.LINK)
    )
    return plan.assign(outcome=plan["outcome"].mask(waits, Outcome.WAITING.value))


def already_attempted(plan: DataFrame[schemas.Actions], *, dead_letters: pd.DataFrame) -> pd.Series:
    """Return whether one of the dead letters has tried just what the row would send."""
    if dead_letters.empty:
        return pd.Series(False, index=plan.index)
    tried = set(attempted(dead_letters))
    return pd.Series([attempt in tried for attempt in attempted(plan)], index=plan.index, dtype=bool)


def update_dead_letters(
    dead_letters: DataFrame[schemas.DeadLetters],
    *,
    actions: DataFrame[schemas.Actions],
    now: datetime,
    unanswered: AbstractSet[tuple[int, str]] = frozenset(),
) -> DataFrame[schemas.DeadLetters]:
    """The dead letters after a step: failures added or counted on, what was done or is no longer planned taken out.

    An action that was not tried keeps its dead letter. The `unanswered` (user, action) failed for want of a usable
    answer: they are listed like the others, but an outage is not the record's fault and does not count against it.
    """
    same_attempt = dict(zip(attempted(dead_letters), dead_letters.to_dict("records"), strict=True))
    same_action = {(user, action): letter for (user, action, _), letter in same_attempt.items()}
    kept = []
    for attempt, row in zip(attempted(actions), actions.to_dict("records"), strict=True):
        user, action, _ = attempt
        if row["outcome"] == Outcome.FAILED:
            former = same_attempt.get(attempt, {"attempts": 0, "first_failed_at": now})
            attempts = former["attempts"] + (0 if (user, action) in unanswered else 1)
            counted = {"attempts": attempts, "first_failed_at": former["first_failed_at"], "last_failed_at": now}
            due = next_try(action=ActionKind(action), attempts=attempts, failed_at=now)
            kept.append(row | counted | {"next_try_at": due})
        elif row["outcome"] != Outcome.DONE and (user, action) in same_action:
            kept.append(same_action[user, action])
    return schemas.from_records(schemas.DeadLetters, kept)


def attempted(rows: pd.DataFrame) -> list[tuple[int, str, str]]:
    """Return what each dead letter or action tries: user, action and what is sent (empty for nothing)."""
    return list(rows[["bitrix24_id", "action", "after"]].fillna({"after": ""}).itertuples(index=False, name=None))
