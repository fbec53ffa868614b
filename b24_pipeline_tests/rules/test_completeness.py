"""R16a: whether a fetch can be trusted to hold every user."""

import dataclasses

import pytest

from b24_pipeline.rules.completeness import (
    FetchEvidence,
    IncompleteFetch,
    message,
    too_many_unexplained,
    unexplained,
    unexplained_message,
    verify_completeness,
)
from b24_pipeline_tests.factories import user, users

GOOD = FetchEvidence(users=10, strictly_rising=True, finished=True, email_key_seen=True, count_before=10)

CASES = [
    ({}, None),
    ({"count_after": 10}, None),
    ({"count_after": 9}, None),
    ({"users": 9}, IncompleteFetch.COUNT_DIFFERS),
    ({"users": 11}, IncompleteFetch.COUNT_DIFFERS),
    ({"users": 9, "count_after": 9}, None),
    ({"users": 9, "count_after": 8}, None),
    ({"users": 8, "count_after": 9}, IncompleteFetch.COUNT_DIFFERS),
    ({"users": 11, "count_after": 11}, None),
    ({"users": 11, "count_after": 9}, IncompleteFetch.COUNT_DIFFERS),
    ({"users": 9, "count_after": 10}, IncompleteFetch.COUNT_DIFFERS),
    ({"hired": 2, "hired_counted": 2}, None),
    ({"hired": 1, "hired_counted": 2}, None),
    ({"hired": 2, "hired_counted": 1}, IncompleteFetch.NOT_COUNTED),
    ({"hired": 2, "users": 9}, IncompleteFetch.COUNT_DIFFERS),
    ({"users": 0, "count_before": 0}, IncompleteFetch.EMPTY),
    ({"users": 0, "count_before": 0, "email_key_seen": False}, IncompleteFetch.EMPTY),
    ({"users": 0}, IncompleteFetch.COUNT_DIFFERS),
    ({"users": 0, "count_after": 0}, IncompleteFetch.EMPTY),
    ({"email_key_seen": False}, IncompleteFetch.NO_EMAIL_KEY),
    ({"strictly_rising": False}, IncompleteFetch.OUT_OF_ORDER),
    ({"strictly_rising": False, "finished": False, "users": 3}, IncompleteFetch.OUT_OF_ORDER),
    ({"finished": False}, IncompleteFetch.BROKEN_OFF),
    ({"finished": False, "users": 3}, IncompleteFetch.BROKEN_OFF),
]


@pytest.mark.parametrize(("differences", "expected"), CASES)
def test_r16a_a_fetch_is_trusted_only_when_everything_speaks_for_it(
    differences: dict[str, object], expected: IncompleteFetch | None
) -> None:
    evidence = dataclasses.replace(GOOD, **differences)
    assert verify_completeness(evidence) is expected


@pytest.mark.parametrize("reason", IncompleteFetch)
def test_r16a_every_reason_is_said_in_words(reason: IncompleteFetch) -> None:
    assert len(message(reason, GOOD).split()) > 5
    assert reason.name.lower() not in message(reason, GOOD)
    assert "{" not in message(reason, GOOD)


def test_r16a_the_counts_are_named() -> None:
    short = dataclasses.replace(GOOD, users=8, count_after=9)
    assert "read 8 users but the portal reports 10 before and 9 after" in message(IncompleteFetch.COUNT_DIFFERS, short)
    same = dataclasses.replace(GOOD, users=8, count_after=10)
    assert "read 8 users but the portal reports 10 (" in message(IncompleteFetch.COUNT_DIFFERS, same)


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
    assert unexplained_message([7]).endswith("leave out 1 employees whom a direct look-up finds: 7")
    assert unexplained_message([1, 2, 3, 4, 5, 6]).endswith("finds: 1, 2, 3, 4, 5, …")
