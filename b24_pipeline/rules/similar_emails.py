"""R09: addresses that are not equal, and may be one mailbox all the same: letter forms, IDNA, decorations."""

import re

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.rules import normalization
from b24_pipeline.rules.email_matching import (
    MATCHED,
    duplicate_emails,
    find_by_email,
    is_approved,
    names_agree,
    to_match,
)
from b24_pipeline.rules.models import ApprovedConflict, LinkReview, MatchKind, MatchReason

UNUSUAL = r"""[^\x00-\x7f]|xn--|[<>,;:"()?]|^'|[.']$"""
"""A pattern of addresses that may be similar to another one; two others are equal or are not."""
SEVERAL = r"\s*[,;]\s*"
AROUND = " <>()[]\"'‘’“”„«»‹›`:.。．｡"
"""What people copy along with an address; no address begins or ends with it."""
IDNA_DOTS = re.compile("[.\u3002\uff0e\uff61]")
IDNA_PREFIX = "xn--"
MAX_LABEL_LENGTH = 63


def matches(
    rows: pd.DataFrame,
    account: pd.DataFrame,
    *,
    employees: DataFrame[schemas.Employees],
    links: pd.DataFrame,
    review: LinkReview,
) -> pd.DataFrame:
    """Return the decisions for unmatched rows whose e-mail is similar to an employee's or another candidate's.

    `account` are the employees that have an e-mail (`by_email`); among the links are those that announced creates may
    have made.
    """
    people = rows[rows["match_type"].isin([MatchKind.NONE, *MATCHED])]
    if not any(keys.str.contains(UNUSUAL, regex=True).any() for keys in (people["email_key"], account["email_key"])):
        return people[:0]
    people, account = (
        frame.assign(email_key=similarity_key(frame["email_key"])) for frame in (people, each_address(account))
    )
    found = find_by_email(people, account=account, employees=employees, links=links, unconfirmed=review.unconfirmed)
    matched = people[people["match_type"].isin(MATCHED)].drop_duplicates("callgear_id").set_index("callgear_id")
    others = people[~people.index.isin(found.index)]
    return pd.concat(
        [
            with_employees(found, matched=matched["bitrix24_id"], approved=review.approved),
            duplicate_emails(others, reason=MatchReason.SIMILAR_EMAIL),
        ]
    )


def with_employees(found: pd.DataFrame, *, matched: pd.Series, approved: frozenset[ApprovedConflict]) -> pd.DataFrame:
    """Return what is decided for those whose e-mail is similar to that of employees (`find_by_email`).

    Only an employee of no other active user is linked, nor of one `matched` in this run (by `callgear_id`). A leaver's
    with other names is a reused e-mail.
    """
    active_owner = found["owner_id"].where(found["owner_active"].fillna(value=False).astype(bool))
    owner = found["callgear_id"].map(matched).astype("Int64").fillna(active_owner)
    free = owner.isna() & ~found["ambiguous"]
    reused = free & found["owner_id"].notna() & ~names_agree(found)
    accepted = free & is_approved(found, reason=MatchReason.SIMILAR_EMAIL, approved=approved).mask(
        reused, is_approved(found, reason=MatchReason.EMAIL_REUSED, approved=approved)
    )
    accepted &= ~found["callgear_id"].where(accepted).duplicated()
    reason = pd.Series(MatchReason.SIMILAR_EMAIL.value, index=found.index, dtype="str").case_when(
        [
            (accepted & reused, MatchReason.EMAIL_REUSE_APPROVED.value),
            (accepted, MatchReason.SIMILAR_EMAIL_APPROVED.value),
            (reused, MatchReason.EMAIL_REUSED.value),
        ]
    )
    return to_match(
        found.assign(
            reason=reason,
            callgear_id=found["callgear_id"].where(free),
            other_bitrix24_id=owner.fillna(found["owner_id"]),
        )
    )


def similarity_key(email_keys: pd.Series) -> pd.Series:
    """Return what similar addresses have in common; of usual addresses it is the address."""
    unusual = email_keys[email_keys.str.contains(UNUSUAL, regex=True)]
    return normalization.converted(email_keys, texts=unusual, convert=similar_form)


def each_address(account: pd.DataFrame) -> pd.DataFrame:
    """The employees, once for each address where an e-mail holds several."""
    lists = account["email_key"].str.contains(SEVERAL, regex=True)
    if not lists.any():
        return account
    parts = account.assign(email_key=account["email_key"].str.split(SEVERAL, regex=True))[lists].explode("email_key")
    return pd.concat([account[~lists], parts.astype({"email_key": "str"})], ignore_index=True)


def similar_form(email: str) -> str:
    """The address case-folded, its domain decoded from IDNA, without what is around it and before it."""
    address = email.rpartition("<")[2].partition(">")[0].partition("?")[0].rpartition(":")[2]
    name, _, domain = normalization.normalize_address(address.strip(AROUND)).rpartition("@")
    return f"{folded(name)}@{'.'.join(decoded_label(label) for label in IDNA_DOTS.split(domain))}"


def decoded_label(label: str) -> str:
    """A label of a domain as Unicode, case-folded; compatibility forms count as their letters, as in IDNA."""
    mapped = folded(normalization.normal_form(label, "NFKC"))
    if not mapped.startswith(IDNA_PREFIX) or len(mapped) > MAX_LABEL_LENGTH:
        return mapped
    try:
        decoded = mapped.removeprefix(IDNA_PREFIX).encode("ascii").decode("punycode")
    except UnicodeError:
        return mapped
    return folded(normalization.normal_form(normalization.normalize_address(decoded), "NFKC"))


def folded(text: str) -> str:
    """Unicode case folding, in NFC."""
    return normalization.normal_form(normalization.normal_form(text, "NFD").casefold())
