"""R16b: which employees have the e-mail of one that was created, and how that is told."""

import pytest

from b24_pipeline.rules.duplicates import Duplicate, find_duplicates, to_message
from b24_pipeline_tests.factories import Row, callgear_employee, callgear_employees


def employee(callgear_id: int, email: str | None) -> Row:
    return callgear_employee(callgear_id, email=email)


@pytest.mark.parametrize(
    ("account", "found"),
    [
        ([employee(101, "ira@x.test"), employee(102, "ira@x.test")], [Duplicate(1, 101, 102)]),
        ([employee(101, "ira@x.test"), employee(102, " IRA@X.test")], [Duplicate(1, 101, 102)]),
        ([employee(101, "ira@x.test"), employee(102, "oleg@x.test")], []),
        ([employee(102, "ira@x.test"), employee(103, "ira@x.test")], []),
        ([employee(101, None), employee(102, None)], []),
        (
            [employee(number, "ira@x.test") for number in (101, 102, 103)],
            [Duplicate(1, 101, 102), Duplicate(1, 101, 103)],
        ),
        ([], []),
    ],
    ids=["double", "in capitals", "somebody else", "not ours", "without e-mail", "three", "empty"],
)
def test_r16b_a_created_employee_is_double_where_another_has_its_email(
    account: list[Row], found: list[Duplicate]
) -> None:
    assert find_duplicates(callgear_employees(*account), created={101: 1}) == found


def test_r16b_both_employees_and_the_way_out_are_named() -> None:
    text = to_message([Duplicate(1, 101, 102)])
    assert "employee 101 and employee 102 (Bitrix24 user 1) have the same e-mail" in text
    assert "b24-pipeline resolve-duplicates" in text


def test_r16b_of_many_pairs_some_are_named() -> None:
    text = to_message(Duplicate(user, 100 + user, 200 + user) for user in range(1, 9))
    assert "employee 105 and employee 205 (Bitrix24 user 5) and 3 more pairs have" in text
