"""R14: whether an entry of the responsible list is this person's, or another source's under the same `ext_id`."""

from collections import Counter

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.rules.models import (
    ERASED,
    NOTHING_REVIEWED,
    ActionKind,
    ApprovedConflict,
    LinkReview,
    ListReason,
    MatchReason,
    Outcome,
)
from b24_pipeline.rules.normalization import name_key
from b24_pipeline.rules.planning import fields_of

NAMES = ["bitrix24_id", "last_name", "first_name", "patronymic"]
"""The columns of known names: one row for each set of names that a person has or had."""
Spelling = tuple[int | str, ...]
"""A user's id, and the words of a name in alphabetical order."""
CHANGES_OF_ENTRIES = (ActionKind.REMOVE_RESPONSIBLE, ActionKind.RENAME_RESPONSIBLE)


def review_list_plan(
    plan: DataFrame[schemas.Actions],
    *,
    names: pd.DataFrame,
    prefix: str,
    review: LinkReview = NOTHING_REVIEWED,
) -> DataFrame[schemas.Actions]:
    """The plan with the entries of others in conflict (R14), and of those whose identity is in doubt (R07a).

    The plan is what would be done if every entry were the user's own (`plan_responsible_list`), `names` are those of
    its people now and before (`NAMES`). An entry may carry the prefix of CallGear last names (R06).
    """
    if plan.empty:
        return plan
    in_doubt = plan["bitrix24_id"].isin(review.unconfirmed)
    foreign = plan["action"].isin(CHANGES_OF_ENTRIES) & ~is_own_name(plan, names=names, prefix=prefix)
    accepted = foreign & is_approved(plan, review=review)
    conflict = in_doubt | (foreign & ~accepted)
    reviewed = plan.assign(
        reason=plan["reason"]
        .mask(foreign, ListReason.OTHER_NAME.value)
        .mask(accepted, ListReason.OTHER_NAME_APPROVED.value)
        .mask(in_doubt, MatchReason.IDENTITY_CHANGED.value),
        outcome=plan["outcome"].mask(conflict, Outcome.CONFLICT.value),
        risk=plan["risk"].mask(conflict),
    )
    active_in_doubt = in_doubt & (plan["action"] != ActionKind.REMOVE_RESPONSIBLE)
    return reviewed[~active_in_doubt]


def is_approved(plan: DataFrame[schemas.Actions], *, review: LinkReview) -> pd.Series:
    """R16: whether a person has approved just this: the action, and the entry as it is."""
    rows = plan[["bitrix24_id", "action", "before"]].fillna({"before": ""}).itertuples(index=False, name=None)
    approved = [
        ApprovedConflict(ListReason.OTHER_NAME, user, shown=(action, before)) in review.approved
        for user, action, before in rows
    ]
    return pd.Series(approved, index=plan.index, dtype=bool)


def is_own_name(plan: DataFrame[schemas.Actions], *, names: pd.DataFrame, prefix: str) -> pd.Series:
    """Return whether each row's entry is listed under a name of its user.

    That is the last name, or the last name with the first name, with the patronymic too. Nothing is where no last name
    is known: a name that was erased says nothing about an entry.
    """
    prefix_words = comparable(pd.Series([prefix], dtype="str")).iloc[0].split()
    known = names[names["last_name"].notna() & (names["last_name"] != ERASED)]
    texts = zip(known["bitrix24_id"], *(comparable(known[name]) for name in NAMES[1:]), strict=True)
    own = {
        spelling
        for user, last, first, patronymic in texts
        for name in (last, f"{last} {first}", f"{last} {first} {patronymic}")
        for spelling in spellings(user, name.split(), prefix_words=prefix_words)
    }
    entries = pd.Series([fields_of(text).get("last_name") for text in plan["before"]], dtype="str")
    listed = zip(plan["bitrix24_id"], comparable(entries), strict=True)
    found = [not own.isdisjoint(spellings(user, name.split(), prefix_words=prefix_words)) for user, name in listed]
    return pd.Series(found, index=plan.index, dtype=bool)


def spellings(user: int, words: list[str], *, prefix_words: list[str]) -> list[Spelling]:
    """A user's name whatever the order of its words is, with and without those of the prefix."""
    rest = Counter(words) - Counter(prefix_words)
    return [(user, *sorted(words)), (user, *sorted(rest.elements()))]


def comparable(names: pd.Series) -> pd.Series:
    """Names as they are compared (R04, lower case); commas do not count, and no name is an empty text."""
    return name_key(names.str.replace(",", " ", regex=False)).fillna("")
