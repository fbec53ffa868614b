"""R16a: whether a fetch can be trusted to hold every user."""

import dataclasses

import pytest

from b24_pipeline.rules.completeness import (
    Distrust,
    FetchEvidence,
    distrust,
    in_words,
    too_many_unexplained,
    unexplained,
    unexplained_in_words,
)
from b24_pipeline_tests.factories import user, users

GOOD = FetchEvidence(users=10, strictly_rising=True, finished=True, email_key_seen=True, count_before=10)

CASES = [
    ({}, None),
    ({"count_after": 10}, None),
    ({"count_after": 9}, None),
    ({"users": 9}, Distrust.COUNT_DIFFERS),
    ({"users": 11}, Distrust.COUNT_DIFFERS),
    ({"users": 9, "count_after": 9}, None),
    ({"users": 9, "count_after": 8}, None),
    ({"users": 8, "count_after": 9}, Distrust.COUNT_DIFFERS),
    ({"users": 11, "count_after": 11}, None),
    ({"users": 11, "count_after": 9}, Distrust.COUNT_DIFFERS),
    ({"users": 9, "count_after": 10}, Distrust.COUNT_DIFFERS),
    ({"hired": 2, "hired_counted": 2}, None),
    ({"hired": 1, "hired_counted": 2}, None),
    ({"hired": 2, "hired_counted": 1}, Distrust.NOT_COUNTED),
    ({"hired": 2, "users": 9}, Distrust.COUNT_DIFFERS),
    ({"users": 0, "count_before": 0}, Distrust.EMPTY),
    ({"users": 0, "count_before": 0, "email_key_seen": False}, Distrust.EMPTY),
    ({"users": 0}, Distrust.COUNT_DIFFERS),
    ({"users": 0, "count_after": 0}, Distrust.EMPTY),
    ({"email_key_seen": False}, Distrust.NO_EMAIL_KEY),
    ({"strictly_rising": False}, Distrust.OUT_OF_ORDER),
    ({"strictly_rising": False, "finished": False, "users": 3}, Distrust.OUT_OF_ORDER),
    ({"finished": False}, Distrust.BROKEN_OFF),
    ({"finished": False, "users": 3}, Distrust.BROKEN_OFF),
]


@pytest.mark.parametrize(("differences", "expected"), CASES)
def test_r16a_a_fetch_is_trusted_only_when_everything_speaks_for_it(
    differences: dict[str, object], expected: Distrust | None
) -> None:
    evidence = dataclasses.replace(GOOD, **differences)
    assert distrust(evidence) is expected


@pytest.mark.parametrize("reason", Distrust)
def test_r16a_every_reason_is_said_in_words(reason: Distrust) -> None:
    assert len(in_words(reason, GOOD).split()) > 5
    assert reason not in in_words(reason, GOOD)


def test_r16a_the_counts_are_named() -> None:
    short = dataclasses.replace(GOOD, users=8, count_after=9)
    assert "8 users were read, but the portal counts 10 before and 9 after" in in_words(Distrust.COUNT_DIFFERS, short)
    same = dataclasses.replace(GOOD, users=8, count_after=10)
    assert "8 users were read, but the portal counts 10," in in_words(Distrust.COUNT_DIFFERS, same)


def test_r16a_lists_may_leave_out_who_has_no_department_is_no_employee_or_has_left() -> None:
    left_out = users(
        user(1, departments=None),
        user(2, user_type="extranet"),
        user(3, user_type=None),
        user(4, active=False),
        user(5),
    )
    assert unexplained(left_out) == [5]
    assert unexplained(users()) == []


@pytest.mark.parametrize(("missing", "imported", "too_many"), [(3, 3, False), (4, 80, False), (4, 79, True)])
def test_r16a_few_employees_missing_from_the_lists_without_a_reason_stop_nobody(
    missing: int, imported: int, too_many: bool
) -> None:
    assert too_many_unexplained(list(range(missing)), imported=imported) is too_many


def test_r16a_who_is_missing_from_the_lists_is_counted_and_named() -> None:
    assert unexplained_in_words([7]).endswith("leave out 1 employees whom a direct look-up finds: 7")
    assert unexplained_in_words([1, 2, 3, 4, 5, 6]).endswith("finds: 1, 2, 3, 4, 5, …")
