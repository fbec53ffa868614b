"""Which conflicts a person may decide, and how (R07a, R09, R14)."""

import pandas as pd
import pytest

from b24_pipeline.rules.conflict_approval import DECISIONS, commands, decidable
from b24_pipeline.rules.models import APPROVABLE, ListReason, MatchReason


@pytest.mark.parametrize(
    ("reason", "employee", "decides"),
    [
        (MatchReason.EMAIL_REUSED, 101, True),
        (MatchReason.SIMILAR_EMAIL, 101, True),
        (MatchReason.SIMILAR_EMAIL, None, False),
        (MatchReason.IDENTITY_CHANGED, None, True),
        (ListReason.OTHER_NAME, None, True),
        (MatchReason.ALREADY_LINKED, 101, False),
        (None, 101, False),
    ],
)
def test_a_person_decides_where_it_is_about_one_employee_or_entry(
    reason: str | None, employee: int | None, decides: bool
) -> None:
    row = pd.DataFrame({"reason": [reason], "callgear_id": pd.array([employee], dtype="Int64")})
    assert decidable(row).tolist() == [decides]


def test_what_is_approved_is_said_of_each_reason() -> None:
    assert DECISIONS.keys() == APPROVABLE


def test_r07a_a_link_may_be_ended_instead() -> None:
    assert commands(MatchReason.IDENTITY_CHANGED, run_id="run-1", users="7") == (
        "b24-pipeline approve run-1 --user 7",
        "b24-pipeline unlink 7",
    )
    assert commands(MatchReason.EMAIL_REUSED, run_id="run-1", users="7") == ("b24-pipeline approve run-1 --user 7",)
