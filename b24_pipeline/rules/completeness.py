"""R16a: whether a fetch can be trusted to hold every user. Pure: it judges a record of what was seen."""

from dataclasses import dataclass
from enum import Enum

import pandas as pd

from b24_pipeline.rules.eligibility import EMPLOYEE
from b24_pipeline.rules.labels import first_ids


class IncompleteFetch(Enum):
    """Reasons not to trust a fetch (R16a), in words."""

    EMPTY = "the portal says it has no users at all: check the rights of the webhook's owner"
    OUT_OF_ORDER = "the portal sent users out of the order of their ids, so some may be missing"
    BROKEN_OFF = "the portal's response was truncated after {users} users"
    NO_EMAIL_KEY = (
        "no user came with an e-mail field: the webhook lacks the scope for it, tick user or user_basic (user_brief is"
        " not enough)"
    )
    COUNT_DIFFERS = "read {users} users but the portal reports {counts} (after a retry)"
    NOT_COUNTED = (
        "{hired} users were added during the read, but the portal reports {hired_counted} of them (after a retry)"
    )


MAX_UNEXPLAINED, MAX_UNEXPLAINED_SHARE = 3, 0.05
"""R16a: so many imported people, and such a share of them, may be missing from lists without a known reason."""


@dataclass(frozen=True, slots=True)
class FetchEvidence:
    """The evidence of one fetch.

    `users` and both counts are of the users whose id is not above the highest there was at the start: who was hired
    meanwhile is in none of them. `count_after` is None when it was not asked for. `hired` are those above it, and
    `hired_counted` is how many of them the portal counts afterward.
    """

    users: int
    strictly_rising: bool
    finished: bool
    email_key_seen: bool
    count_before: int
    count_after: int | None = None
    hired: int = 0
    hired_counted: int = 0


def verify_completeness(evidence: FetchEvidence) -> IncompleteFetch | None:  # noqa: PLR0911 - one line for each reason
    """The first reason not to trust the fetch, None when it can be trusted (R16a)."""
    if not evidence.strictly_rising:
        return IncompleteFetch.OUT_OF_ORDER
    if not evidence.finished:
        return IncompleteFetch.BROKEN_OFF
    counts = {evidence.count_before, evidence.count_before if evidence.count_after is None else evidence.count_after}
    if not min(counts) <= evidence.users <= max(counts):
        return IncompleteFetch.COUNT_DIFFERS
    if evidence.hired > evidence.hired_counted:
        return IncompleteFetch.NOT_COUNTED
    if not evidence.users:
        return IncompleteFetch.EMPTY
    if not evidence.email_key_seen:
        return IncompleteFetch.NO_EMAIL_KEY
    return None


def message(reason: IncompleteFetch, evidence: FetchEvidence) -> str:
    """The reason for people: one sentence, and what to do where something can be done."""
    counts = str(evidence.count_before)
    if evidence.count_after not in (None, evidence.count_before):
        counts += f" before and {evidence.count_after} after"
    return reason.value.format(
        users=evidence.users, counts=counts, hired=evidence.hired, hired_counted=evidence.hired_counted
    )


def unexplained(unlisted: pd.DataFrame) -> list[int]:
    """R16a: of users whom lists leave out and a direct look-up finds, those for whom no reason is known, by rising id.

    Known reasons are: no department, not an employee any more, dismissed.
    """
    employed = unlisted["active"] & (unlisted["user_type"] == EMPLOYEE) & unlisted["departments"].notna()
    return sorted(unlisted.loc[employed, "bitrix24_id"].tolist())


def too_many_unexplained(missing: list[int], *, imported: int) -> bool:
    """R16a: return whether too many people are missing from the lists without a reason: others may be missing too."""
    return len(missing) > MAX_UNEXPLAINED and len(missing) > MAX_UNEXPLAINED_SHARE * imported


def unexplained_message(missing: list[int]) -> str:
    """The people missing from the lists without a reason, counted and named by id."""
    return f"the portal's lists leave out {len(missing)} employees whom a direct look-up finds: {first_ids(missing)}"
