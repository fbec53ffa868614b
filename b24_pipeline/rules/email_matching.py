"""R09, R12: whose e-mail an employee has, and what follows from it."""

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.rules import normalization
from b24_pipeline.rules.models import ApprovedConflict, MatchKind, MatchReason

CONFLICTS = (
    MatchReason.AMBIGUOUS_EMAIL,
    MatchReason.ALREADY_LINKED,
    MatchReason.EMAIL_REUSED,
    MatchReason.SIMILAR_EMAIL,
)
"""R09: what an e-mail match can be in conflict for."""
MATCHED = (MatchKind.BY_ID, MatchKind.BY_EMAIL)


def by_email(callgear_employees: pd.DataFrame) -> pd.DataFrame:
    """The employees that have an e-mail: `email_key`, as it is compared, and `callgear_id`."""
    keys = normalization.email_key(callgear_employees["email"])
    return callgear_employees[["callgear_id"]].assign(email_key=keys).dropna(subset="email_key")


def find_by_email(
    people: pd.DataFrame,
    *,
    account: pd.DataFrame,
    employees: DataFrame[schemas.Employees],
    links: pd.DataFrame,
    unconfirmed: frozenset[int],
) -> pd.DataFrame:
    """R09: the unmatched people whose e-mail an employee has, with its `callgear_id` and who has its link.

    Where several have it, `ambiguous` stands for the id.
    """
    unmatched = people[people["match_type"] == MatchKind.NONE].drop(columns="callgear_id")
    found = unmatched.reset_index(names="row").merge(account, on="email_key")
    ambiguous = found["row"].duplicated(keep=False)
    found = found.assign(ambiguous=ambiguous, callgear_id=found["callgear_id"].mask(ambiguous)).drop_duplicates("row")
    owners = link_owners(found, links=links, employees=employees, unconfirmed=unconfirmed)
    return found.set_index("row").join(owners, on="callgear_id")


def link_owners(
    found: pd.DataFrame,
    *,
    links: pd.DataFrame,
    employees: DataFrame[schemas.Employees],
    unconfirmed: frozenset[int],
) -> pd.DataFrame:
    """Return who has the links of the found, by `callgear_id`: the user's id, whether it is active, and its names.

    The names are those in Bitrix24, or the last known ones where the user is no longer there. An unconfirmed user
    (R07a) counts as active: nobody else gets the employee before a person has decided.
    """
    users = employees[["bitrix24_id", "active", "first_name", "last_name"]]
    of_found = links[links["callgear_id"].isin(found["callgear_id"])]
    rows = of_found.merge(users, on="bitrix24_id", how="left", suffixes=("_known", ""))
    return (
        pd.DataFrame(
            {
                "callgear_id": rows["callgear_id"],
                "owner_id": rows["bitrix24_id"],
                "owner_active": rows["active"].astype("boolean").fillna(value=False)
                | rows["bitrix24_id"].isin(unconfirmed),
                "owner_first_name": rows["first_name"].fillna(rows["first_name_known"]),
                "owner_last_name": rows["last_name"].fillna(rows["last_name_known"]),
            }
        )
        .sort_values(["owner_active", "owner_id"])
        .drop_duplicates("callgear_id", keep="last")
        .set_index("callgear_id")
    )


def email_matches(found: pd.DataFrame, *, approved: frozenset[ApprovedConflict]) -> pd.DataFrame:
    """R09: return what follows for those whose e-mail an employee has (`find_by_email`): matched, or in conflict."""
    held = found["owner_id"].notna()
    owner_is_active = found["owner_active"].fillna(value=False).astype(bool)
    rehired = names_agree(found[held]).reindex(found.index, fill_value=False)
    reuse_approved = is_approved(found, reason=MatchReason.EMAIL_REUSED, approved=approved)
    reason = pd.Series(None, index=found.index, dtype="str").case_when(
        [
            (found["ambiguous"], MatchReason.AMBIGUOUS_EMAIL.value),
            (owner_is_active, MatchReason.ALREADY_LINKED.value),
            (rehired, MatchReason.REHIRED.value),
            (held & reuse_approved, MatchReason.EMAIL_REUSE_APPROVED.value),
            (held, MatchReason.EMAIL_REUSED.value),
        ]
    )
    return to_match(found.assign(reason=reason, other_bitrix24_id=found["owner_id"]))


def names_agree(rows: pd.DataFrame) -> pd.Series:
    """R09: return whether the user has the names of the link's owner; a first name that is missing agrees."""
    first_name, owners_first_name = map(normalization.name_key, (rows["first_name"], rows["owner_first_name"]))
    last_names_agree = normalization.name_key(rows["last_name"]) == normalization.name_key(rows["owner_last_name"])
    return last_names_agree & ((first_name == owners_first_name) | first_name.isna() | owners_first_name.isna())


def is_approved(rows: pd.DataFrame, *, reason: MatchReason, approved: frozenset[ApprovedConflict]) -> pd.Series:
    """Return whether a person has approved the conflict of that reason for a row's user and employee."""
    pairs = {(given.bitrix24_id, given.callgear_id) for given in approved if given.reason == reason}
    users_and_employees = zip(rows["bitrix24_id"], rows["callgear_id"], strict=True)
    return pd.Series([pair in pairs for pair in users_and_employees], index=rows.index, dtype="bool")


def to_match(found: pd.DataFrame) -> pd.DataFrame:
    """The found rows matched by e-mail, or in conflict where the reason is one."""
    conflict = found["reason"].isin([reason.value for reason in CONFLICTS])
    by_email = pd.Series(MatchKind.BY_EMAIL.value, index=found.index, dtype="str")
    return found.assign(match_type=by_email.mask(conflict, MatchKind.CONFLICT.value))


def duplicate_emails(candidates: pd.DataFrame, *, reason: MatchReason = MatchReason.DUPLICATE_EMAIL) -> pd.DataFrame:
    """R12: candidates that lose their e-mail: one that is matched keeps it, else the lowest user id has it."""
    shared = candidates[candidates["email_key"].duplicated(keep=False)]
    if shared.empty:
        return shared
    matched = shared["match_type"].isin(MATCHED)
    ranked = shared.assign(unmatched=~matched).sort_values(["unmatched", "bitrix24_id"])
    winner = ranked.groupby("email_key")["bitrix24_id"].transform("first").reindex(shared.index)
    losers = ~matched & (shared["bitrix24_id"] != winner)
    return shared.assign(match_type=MatchKind.CONFLICT.value, reason=reason.value, other_bitrix24_id=winner)[losers]
