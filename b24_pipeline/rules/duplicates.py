"""R16b: who else imports into the account is found out by a second employee with the e-mail of one that we created."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from b24_pipeline.rules.email_matching import by_email

MAX_NAMED = 5
"""So many pairs are named in one line; all of them are in the audit."""


@dataclass(frozen=True, slots=True, order=True)
class Duplicate:
    """Two employees with one e-mail: the one that was created for the user, and the other."""

    bitrix24_id: int
    callgear_id: int
    other_callgear_id: int


def find_duplicates(callgear_employees: pd.DataFrame, *, created: Mapping[int, int]) -> list[Duplicate]:
    """The employees of the whole account that have the e-mail of one that was `created` for a user, pair by pair."""
    account = by_email(callgear_employees)
    ours = account[account["callgear_id"].isin(list(created))]
    pairs = ours.merge(account, on="email_key", suffixes=("", "_other"))
    pairs = pairs[pairs["callgear_id"] != pairs["callgear_id_other"]]
    return sorted(
        Duplicate(created[int(ours)], int(ours), int(other))
        for ours, other in zip(pairs["callgear_id"], pairs["callgear_id_other"], strict=True)
    )


def to_message(duplicates: Iterable[Duplicate]) -> str:
    """One line that names both employees of each pair, and the way out."""
    pairs = [
        f"employee {pair.callgear_id} and employee {pair.other_callgear_id} (Bitrix24 user {pair.bitrix24_id})"
        for pair in sorted(duplicates)
    ]
    more = f" and {len(pairs) - MAX_NAMED} more pairs" if len(pairs) > MAX_NAMED else ""
    return (
        f"another import writes to this account: {', '.join(pairs[:MAX_NAMED])}{more} have the same e-mail; no "
        "employee is created until this is settled: switch the other import off, remove one of each two, then "
        "b24-pipeline resolve-duplicates"
    )
