"""What is looked for before the first write, and who is listed."""

from typing import Any

import pandas as pd
import pytest

from b24_pipeline import schemas
from b24_pipeline.checks import data_quality
from b24_pipeline.checks.base import Finding
from b24_pipeline_tests.factories import callgear_employee, employees, user


def listed(finding: Finding) -> dict[int | None, str]:
    """Why each user is listed; a check that passes lists nobody."""
    assert finding.passed is not bool(finding.violations)
    return {row["user"]: row["why"] for row in finding.violations}


def named(finding: Finding) -> dict[int | None, str]:
    """How each listed user is called."""
    return {row["user"]: row["who"] for row in finding.violations}


@pytest.mark.parametrize(
    ("count", "message"),
    [(1, "1 person has missing required fields"), (2, "2 people have missing required fields")],
)
def test_one_is_told_in_the_singular(run: Any, count: int, message: str) -> None:
    run.saw(*(user(number, last_name=None) for number in range(1, count + 1)))
    assert data_quality.required_fields(run).message == message


def test_r02_people_without_a_required_field_are_listed_with_the_reason(run: Any) -> None:
    run.saw(user(1), user(2, last_name=None), user(3, email=None), user(4, email="no address"))
    finding = data_quality.required_fields(run)
    assert listed(finding) == {
        2: "no last name in Bitrix24",
        3: "no e-mail in Bitrix24",
        4: "invalid e-mail in Bitrix24",
    }
    assert {row["who"] for row in finding.violations} == {"Ira", "Name3 Ira", "Name4 Ira"}


def test_people_who_are_dismissed_or_no_employees_lack_nothing(run: Any) -> None:
    run.saw(user(1, email=None, active=False), user(2, email=None, user_type="email"))
    assert listed(data_quality.required_fields(run)) == {}


def test_r12_everybody_with_a_shared_email_is_listed_with_the_others(run: Any) -> None:
    run.saw(user(1, email="same@x.test"), user(2), user(3, email="SAME@x.test"), user(4, email="same@x.test"))
    assert listed(data_quality.unique_emails(run)) == {
        1: "has the same e-mail as user 3, 4",
        3: "has the same e-mail as user 1, 4",
        4: "has the same e-mail as user 1, 3",
    }


def test_an_email_that_only_a_dismissed_user_shares_is_no_duplicate(run: Any) -> None:
    run.saw(user(1, email="same@x.test"), user(2, email="same@x.test", active=False))
    assert listed(data_quality.unique_emails(run)) == {}


def test_r05_people_with_unusable_phone_texts_are_listed(run: Any) -> None:
    run.saw(user(1, work_phone="12"), user(2, work_phone="+7 900 555-01-02"))
    assert listed(data_quality.valid_phone_numbers(run)) == {1: "left out: 12"}


def test_r08_r09_uncertain_matches_are_listed_with_the_other_user(run: Any) -> None:
    account = (
        callgear_employee(101, email="user1@x.test"),
        callgear_employee(102, email="user1@x.test"),
        callgear_employee(103, email="user3@x.test"),
    )
    run.saw(user(1), user(2), user(3), user(4), account=account, links=((2, 999), (4, 103)))
    assert listed(data_quality.no_ambiguous_matches(run)) == {
        1: "several employees in CallGear have this e-mail",
        2: "the linked employee no longer exists in CallGear",
        3: "employee of another user (user 4)",
    }


def test_sound_tables_pass(run: Any) -> None:
    run.saw(user(1), user(2), account=(callgear_employee(101, email="user1@x.test"),))
    finding = data_quality.schemas_valid(run)
    assert finding.passed
    assert finding.message == "7 rows, complete and unique"


def test_a_row_that_is_there_twice_and_one_that_is_empty_are_found(run: Any) -> None:
    run.saw(user(1), user(2))
    people = employees(user(1), user(2))
    run.replaces(schemas.Employees, pd.concat([people, people.tail(1).assign(reason="other")]))
    run.replaces(
        schemas.Users, pd.DataFrame({**dict.fromkeys(schemas.column_names(schemas.Users)), "bitrix24_id": [1]})
    )
    found = {(row["who"], row["why"]) for row in data_quality.schemas_valid(run).violations}
    assert found == {
        ("table employees", "bitrix24_id is there more than once in 1 rows"),
        ("table bitrix24_users", "active is empty in 1 rows"),
    }


def test_a_user_who_was_lost_or_made_up_between_reading_and_judging_is_found(run: Any) -> None:
    run.saw(user(1), user(2))
    run.replaces(schemas.Employees, employees(user(1), user(3)))
    finding = data_quality.every_user_evaluated(run)
    assert listed(finding) == {
        2: "was read, but not judged",
        3: "was judged, but not read",
    }
    assert named(finding) == {2: "Name2 Ira", 3: "Name3 Ira"}


def test_an_employee_that_two_users_are_matched_with_is_found(run: Any) -> None:
    wolf = callgear_employee(101, last_name="Wolf", first_name="Tom")
    run.saw(user(1), user(2), user(3), user(5), account=(wolf,))
    run.replaces(schemas.Matches, by_id((1, 101), (2, 101), (3, 103), (4, 105), (5, 105)))
    finding = data_quality.unique_employee_per_user(run)
    assert listed(finding) == {
        1: 'is matched with employee 101 "Wolf Tom", as user 2 "Name2 Ira" is, too',
        2: 'is matched with employee 101 "Wolf Tom", as user 1 "Name1 Ira" is, too',
        4: 'is matched with employee 105, as user 5 "Name5 Ira" is, too',
        5: 'is matched with employee 105, as user 4 "not read from Bitrix24" is, too',
    }
    assert named(finding) == {1: "Name1 Ira", 2: "Name2 Ira", 4: "not read from Bitrix24", 5: "Name5 Ira"}


def test_matches_of_people_who_were_not_read_are_found(run: Any) -> None:
    wolf = callgear_employee(101, last_name="Wolf", first_name="Tom")
    run.saw(user(1), user(2, active=False), account=(wolf,))
    run.replaces(schemas.Matches, by_id((1, 999), (2, 101), (3, 101)))
    finding = data_quality.matches_reference_known_people(run)
    assert listed(finding) == {
        1: "is matched with employee 999, whom CallGear does not have",
        2: 'is matched with employee 101 "Wolf Tom", but is no candidate',
        3: 'is matched with employee 101 "Wolf Tom", but is no candidate',
    }
    assert named(finding) == {1: "Name1 Ira", 2: "Name2 Ira", 3: "not read from Bitrix24"}


def by_id(*pairs: tuple[int, int]) -> pd.DataFrame:
    """A match table of these pairs, whoever they are."""
    return schemas.from_records(
        schemas.Matches, [{"bitrix24_id": u, "callgear_id": c, "match_type": "by_id"} for u, c in pairs]
    )
