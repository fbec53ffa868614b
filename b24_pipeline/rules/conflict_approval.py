"""The conflicts that a person may decide user by user (R07a, R09, R14), and the commands for it."""

from collections.abc import Mapping

import pandas as pd

from b24_pipeline.rules.models import APPROVABLE, ListReason, MatchReason

DECISIONS: Mapping[str, str] = {
    MatchReason.EMAIL_REUSED: "the mailbox has passed on",
    MatchReason.SIMILAR_EMAIL: "both addresses are one mailbox",
    MatchReason.IDENTITY_CHANGED: "the link belongs to the person whom the id shows now",
    ListReason.OTHER_NAME: "the entry of the responsible list is this user's",
}
"""The statement that is approved, as the end of a sentence."""
OTHERWISE = ", or, if it does not, "
"""Stands between the commands."""


def decidable(rows: pd.DataFrame) -> pd.Series:
    """Return whether a person may decide the conflict of each row, of actions or matches.

    A similar e-mail without an employee that is free is not decided but corrected.
    """
    needs_employee = rows["reason"].isin([MatchReason.EMAIL_REUSED, MatchReason.SIMILAR_EMAIL])
    return rows["reason"].isin(APPROVABLE) & (rows["callgear_id"].notna() | ~needs_employee)


def commands(reason: str, *, run_id: str, users: str) -> tuple[str, ...]:
    """Return what a person types to approve and, where it is about a link, what ends it instead."""
    approve = f"b24-pipeline approve {run_id} --user {users}"
    return (approve, f"b24-pipeline unlink {users}") if reason == MatchReason.IDENTITY_CHANGED else (approve,)
