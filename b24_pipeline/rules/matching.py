"""R07-R09 and R12: every user is matched by id first, then by e-mail; what is not certain is a conflict."""

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline.rules import frames, normalising
from b24_pipeline.rules.records import MatchKind, MatchReason, Standing


def match(
    employees: DataFrame[frames.Employees],
    *,
    callgear_employees: DataFrame[frames.CallGearEmployees],
    links: DataFrame[frames.Links],
    pending: DataFrame[frames.PendingCreates],
    approved_reuse: frozenset[tuple[int, int]] = frozenset(),
) -> DataFrame[frames.Matches]:
    """One row a user: matched by id, by e-mail, not at all, in conflict, or its standing when it is no candidate.

    Args:
        employees: every user, judged.
        callgear_employees: the account's employees.
        links: the stored links, those of dismissed and deleted users too (R09 looks at them).
        pending: creates whose outcome is not known; their e-mail is searched as well (R18).
        approved_reuse: pairs (user, employee) whose `email_reused` conflict a person has approved.
    """
    rows = employees[["bitrix24_id", "standing", "email_key", "last_name"]].merge(
        links[["bitrix24_id", "callgear_id"]].rename(columns={"callgear_id": "linked_id"}), on="bitrix24_id", how="left"
    )
    link_is_live = rows["linked_id"].isin(callgear_employees["callgear_id"]) & rows["linked_id"].notna()
    candidate = rows["standing"] == Standing.CANDIDATE
    rows["match"] = rows["standing"].where(~candidate, MatchKind.NONE.value)
    rows["callgear_id"] = rows["linked_id"].where(link_is_live)
    rows["reason"] = pd.Series(None, index=rows.index, dtype="str")
    rows["other_bitrix24_id"] = pd.Series(pd.NA, index=rows.index, dtype="Int64")

    rows["match"] = rows["match"].mask(candidate & link_is_live, MatchKind.BY_ID.value)
    rows["reason"] = rows["reason"].mask(
        candidate & rows["linked_id"].notna() & ~link_is_live, MatchReason.STALE_LINK.value
    )
    rows = settle(rows, duplicate_emails(rows[candidate]))
    by_email = email_matches(
        rows[rows["match"] == MatchKind.NONE],
        employees_by_email=employees_by_email(callgear_employees),
        holders=holders(links, employees=employees),
        approved_reuse=approved_reuse,
    )
    rows = settle(rows, by_email)
    unfinished = rows[(rows["match"] == MatchKind.NONE) & rows["bitrix24_id"].isin(pending["bitrix24_id"])]
    if len(unfinished):
        rows = settle(rows, unfinished_creates(unfinished, pending=pending, matched=rows, found=callgear_employees))
    return frames.check(frames.Matches, rows[list(frames.Matches.to_schema().columns)])


def settle(rows: pd.DataFrame, decided: pd.DataFrame) -> pd.DataFrame:
    """`rows` with the decided ones (same index) in place; a decision without a reason keeps the one that was there."""
    for column in ("match", "callgear_id", "other_bitrix24_id"):
        rows.loc[decided.index, column] = decided[column]
    reasons = decided["reason"].dropna()
    rows.loc[reasons.index, "reason"] = reasons
    return rows


def duplicate_emails(candidates: pd.DataFrame) -> pd.DataFrame:
    """R12: candidates that lose their e-mail to another: one matched by id keeps it, else the lowest user id has it."""
    linked = candidates["match"] == MatchKind.BY_ID
    shared = candidates[candidates["email_key"].duplicated(keep=False)]
    ranked = shared.assign(unlinked=~linked.loc[shared.index]).sort_values(["unlinked", "bitrix24_id"])
    winner = shared["email_key"].map(ranked.drop_duplicates("email_key").set_index("email_key")["bitrix24_id"])
    losers = shared[~linked.loc[shared.index] & (shared["bitrix24_id"] != winner)]
    return losers.assign(
        match=MatchKind.CONFLICT.value,
        reason=MatchReason.DUPLICATE_EMAIL.value,
        callgear_id=pd.array([pd.NA] * len(losers), dtype="Int64"),
        other_bitrix24_id=winner.loc[losers.index].astype("Int64"),
    )


def employees_by_email(callgear_employees: DataFrame[frames.CallGearEmployees]) -> pd.DataFrame:
    """One row an e-mail (casefolded): `found_id`, the first employee that has it, and `found_count`, how many have it."""
    keyed = pd.DataFrame(
        {
            "email_key": normalising.email_key(callgear_employees["email"]),
            "found_id": callgear_employees["callgear_id"],
        }
    ).dropna(subset="email_key")
    counts = keyed["email_key"].value_counts().rename("found_count")
    return keyed.drop_duplicates("email_key").join(counts, on="email_key")


def holders(links: DataFrame[frames.Links], *, employees: DataFrame[frames.Employees]) -> pd.DataFrame:
    """One row a linked employee: `found_id`, and of the user that has its link: id, whether active, last name as compared."""
    active = employees.loc[employees["active"], "bitrix24_id"]
    return pd.DataFrame(
        {
            "found_id": links["callgear_id"],
            "holder_id": links["bitrix24_id"],
            "holder_active": links["bitrix24_id"].isin(active),
            "holder_name": normalising.name_key(links["last_name"]),
        }
    )


def email_matches(
    unmatched: pd.DataFrame,
    *,
    employees_by_email: pd.DataFrame,
    holders: pd.DataFrame,
    approved_reuse: frozenset[tuple[int, int]],
) -> pd.DataFrame:
    """R09: the unmatched candidates whose e-mail an employee has: matched, or in conflict."""
    found = (
        unmatched[["bitrix24_id", "email_key", "last_name"]]
        .reset_index(names="row")
        .merge(employees_by_email, on="email_key")
        .merge(holders, on="found_id", how="left")
        .set_index("row")
    )
    ambiguous = found["found_count"] > 1
    held = found["holder_id"].notna() & ~ambiguous
    held_by_active = held & found["holder_active"].fillna(value=False).astype(bool)
    held_by_leaver = held & ~held_by_active
    rehired = held_by_leaver & (normalising.name_key(found["last_name"]) == found["holder_name"])
    approved = held_by_leaver & ~rehired & is_pair(found, approved_reuse)
    reused = held_by_leaver & ~rehired & ~approved
    conflict = ambiguous | held_by_active | reused
    reason = pd.Series(None, index=found.index, dtype="str")
    for mask, word in (
        (ambiguous, MatchReason.AMBIGUOUS_EMAIL),
        (held_by_active, MatchReason.ALREADY_LINKED),
        (reused, MatchReason.EMAIL_REUSED),
        (rehired, MatchReason.REHIRED),
        (approved, MatchReason.EMAIL_REUSE_APPROVED),
    ):
        reason = reason.mask(mask, word.value)
    return pd.DataFrame(
        {
            "match": pd.Series(MatchKind.BY_EMAIL.value, index=found.index, dtype="str").mask(
                conflict, MatchKind.CONFLICT.value
            ),
            "callgear_id": found["found_id"].mask(ambiguous).astype("Int64"),
            "reason": reason,
            "other_bitrix24_id": found["holder_id"].where(held).astype("Int64"),
        }
    )


def is_pair(found: pd.DataFrame, pairs: frozenset[tuple[int, int]]) -> pd.Series:
    """Whether a row's (user, employee) is one of `pairs`."""
    if not pairs:
        return pd.Series(data=False, index=found.index)
    return pd.Series(
        [pair in pairs for pair in zip(found["bitrix24_id"], found["found_id"], strict=True)],
        index=found.index,
        dtype=bool,
    )


def unfinished_creates(
    unfinished: pd.DataFrame,
    *,
    pending: DataFrame[frames.PendingCreates],
    matched: pd.DataFrame,
    found: DataFrame[frames.CallGearEmployees],
) -> pd.DataFrame:
    """R18: a create of an earlier run may have happened under the e-mail the user had then: adopt it, if it is free."""
    emails = pending.set_index("bitrix24_id")["email"]
    keys = normalising.email_key(unfinished["bitrix24_id"].map(emails).astype("str"))
    free = found[~found["callgear_id"].isin(matched["callgear_id"].dropna())]
    by_email = employees_by_email(frames.check(frames.CallGearEmployees, free)).set_index("email_key")
    ids = keys.map(by_email["found_id"]).astype("Int64")
    single = (keys.map(by_email["found_count"]) == 1) & ~ids.duplicated(keep=False)
    adopted = unfinished[single]
    return adopted.assign(
        match=MatchKind.BY_EMAIL.value, reason=MatchReason.UNFINISHED_CREATE.value, callgear_id=ids[single]
    )
