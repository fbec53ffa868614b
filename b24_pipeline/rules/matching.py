"""R07-R09 and R12: every user is matched by id first, then by e-mail; what is not certain is a conflict."""

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.rules import normalization, similar_emails
from b24_pipeline.rules.email_matching import (
    MATCHED,
    by_email,
    duplicate_emails,
    email_matches,
    find_by_email,
    to_match,
)
from b24_pipeline.rules.models import NOTHING_REVIEWED, Eligibility, LinkReview, MatchKind, MatchReason


def match(
    employees: DataFrame[schemas.Employees],
    *,
    callgear_employees: DataFrame[schemas.CallGearEmployees],
    links: DataFrame[schemas.Links],
    pending: DataFrame[schemas.PendingCreates],
    review: LinkReview = NOTHING_REVIEWED,
) -> DataFrame[schemas.Matches]:
    """One row a user: matched by id, by e-mail, not at all, in conflict, or its eligibility when it is no candidate.

    The links are also those of dismissed and deleted users (R09 looks at them). Of `pending` creates the outcome is not
    known; who has their e-mail is theirs first (R18).
    """
    rows = matches_by_id(
        employees, links=links, callgear_ids=callgear_employees["callgear_id"], unconfirmed=review.unconfirmed
    )
    if (rows["match_type"] == MatchKind.NONE).any():
        account = by_email(callgear_employees)
        owned: pd.DataFrame = links
        if len(pending):
            announced = announced_employees(pending, account=account, links=links)
            owned = pd.concat([links, announced])
            rows = apply_decisions(rows, match_pending_creates(rows, announced))
        rows = apply_decisions(rows, duplicate_emails(rows[rows["match_type"].isin([MatchKind.NONE, *MATCHED])]))
        found = find_by_email(rows, account=account, employees=employees, links=owned, unconfirmed=review.unconfirmed)
        rows = apply_decisions(rows, email_matches(found, approved=review.approved))
        rows = apply_decisions(
            rows, similar_emails.matches(rows, account, employees=employees, links=owned, review=review)
        )
    return schemas.check(schemas.Matches, rows[schemas.column_names(schemas.Matches)])


def apply_decisions(rows: pd.DataFrame, decided: pd.DataFrame) -> pd.DataFrame:
    """`rows` with the decided ones (same index) in place; a decision without a reason keeps the one that was there."""
    if decided.empty:
        return rows
    for column in ("match_type", "callgear_id", "other_bitrix24_id"):
        rows.loc[decided.index, column] = decided[column]
    reasons = decided["reason"].dropna()
    rows.loc[reasons.index, "reason"] = reasons
    return rows


def matches_by_id(
    employees: DataFrame[schemas.Employees],
    *,
    links: DataFrame[schemas.Links],
    callgear_ids: pd.Series,
    unconfirmed: frozenset[int],
) -> pd.DataFrame:
    """R07, R08: every user with its live link; a candidate's stale link is named, and else as if there were none.

    R07a: the link of an unconfirmed candidate is not followed; a dismissed one is in conflict, too.
    """
    rows: pd.DataFrame = employees[
        ["bitrix24_id", "eligibility", "reason", "email_key", "first_name", "last_name"]
    ].merge(links[["bitrix24_id", "callgear_id"]], on="bitrix24_id", how="left")
    candidate = rows["eligibility"] == Eligibility.CANDIDATE
    linked = rows["callgear_id"].notna()
    live = rows["callgear_id"].isin(callgear_ids)
    in_question = candidate | (rows["eligibility"] == Eligibility.DISMISSED)
    changed = in_question & rows["bitrix24_id"].isin(unconfirmed)
    return rows.assign(
        match_type=rows["eligibility"]
        .mask(candidate, MatchKind.NONE.value)
        .mask(candidate & live, MatchKind.BY_ID.value)
        .mask(changed, MatchKind.CONFLICT.value),
        callgear_id=rows["callgear_id"].where(live),
        reason=rows["reason"]
        .mask(candidate & linked & ~live, MatchReason.STALE_LINK.value)
        .mask(changed, MatchReason.IDENTITY_CHANGED.value),
        other_bitrix24_id=pd.Series(pd.NA, index=rows.index, dtype="Int64"),
    )


def announced_employees(
    pending: DataFrame[schemas.PendingCreates], *, account: pd.DataFrame, links: DataFrame[schemas.Links]
) -> pd.DataFrame:
    """R18: return `bitrix24_id` and `callgear_id` of whom announced creates may have made.

    These employees have the e-mail that the user had then, and nobody is linked with them.
    """
    free = account[~account["callgear_id"].isin(links["callgear_id"])]
    announced = pending[["bitrix24_id"]].assign(email_key=normalization.email_key(pending["email"]))
    return announced.merge(free, on="email_key").drop(columns="email_key")


def match_pending_creates(rows: pd.DataFrame, announced: pd.DataFrame) -> pd.DataFrame:
    """R18: return what is decided for the unmatched rows whose create may have happened: the employee is theirs."""
    unmatched = rows[rows["match_type"] == MatchKind.NONE].drop(columns="callgear_id").reset_index(names="row")
    found = unmatched.merge(announced, on="bitrix24_id").set_index("row")
    unsure = found.index.duplicated(keep=False) | found["callgear_id"].duplicated(keep=False)
    reason = pd.Series(MatchReason.UNFINISHED_CREATE.value, index=found.index, dtype="str").mask(
        unsure, MatchReason.AMBIGUOUS_EMAIL.value
    )
    decided = to_match(found.assign(reason=reason, callgear_id=found["callgear_id"].mask(unsure)))
    return decided[~decided.index.duplicated()]


def settled_creates(
    pending: DataFrame[schemas.PendingCreates],
    *,
    callgear_employees: DataFrame[schemas.CallGearEmployees],
    links: DataFrame[schemas.Links],
) -> list[int]:
    """R18: the users whose announced create is in doubt no longer: no employee that is not linked has its e-mail.

    It has not happened, or its employee has gone to somebody else, as a leaver's goes to who is hired again (R09). The
    account was read when none of these creates of earlier runs could be carried out any more.
    """
    in_doubt = announced_employees(pending, account=by_email(callgear_employees), links=links)
    return sorted(set(pending["bitrix24_id"].tolist()) - set(in_doubt["bitrix24_id"]))
