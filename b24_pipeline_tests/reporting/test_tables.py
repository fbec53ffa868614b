"""What the tables show: that on which a person decides first and whole, of the rest a glance and where all of it is."""

from b24_pipeline.assets.metadata import people_table
from b24_pipeline.reporting.tables import MOST_TO_BE_READ, changes, changes_markdown, rejects, unusable_phones
from b24_pipeline.rules.models import ActionKind, Outcome
from b24_pipeline_tests.factories import Row, action, actions, employees, user

WIDEST_ROW = 240
"""Characters of Markdown, escapes included, that fit into 1,280 pixels."""


def many(number: int, *, outcome: Outcome, first: int = 1) -> list[Row]:
    """So many creates with this outcome."""
    return [action(user, outcome=outcome, display_name=f"Name{user} Ira") for user in range(first, first + number)]


def rows_of(table: str) -> list[str]:
    """The rows below the header."""
    return [line for line in table.splitlines() if line.startswith("|")][2:]


def test_the_plan_of_a_company_is_shown_whole() -> None:
    table = changes_markdown(actions(*many(215, outcome=Outcome.PLANNED)))
    assert len(rows_of(table)) == 215
    assert "more" not in table


def test_what_is_held_comes_first_and_whole_and_of_what_is_done_a_glance() -> None:
    table = changes_markdown(actions(*many(300, outcome=Outcome.DONE), *many(60, outcome=Outcome.HELD, first=1001)))
    shown = rows_of(table)
    assert all("held" in row for row in shown[:60])
    assert all("done" in row for row in shown[60:])
    assert len(shown) == 60 + 50
    assert table.endswith("… and 250 more, in `audit.actions`")


def test_what_failed_stands_before_what_was_done() -> None:
    listed = changes(actions(*many(2, outcome=Outcome.DONE), *many(1, outcome=Outcome.FAILED, first=9)))
    assert [change.outcome for change in listed] == ["failed", "done", "done"]


def test_a_plan_beyond_all_measure_is_cut_and_says_where_the_rest_is() -> None:
    table = changes_markdown(actions(*many(MOST_TO_BE_READ + 100, outcome=Outcome.PLANNED)))
    assert MOST_TO_BE_READ <= len(rows_of(table)) < MOST_TO_BE_READ + 100
    assert table.endswith("more, in `audit.actions`")


def test_the_outcome_comes_first_and_no_row_is_wider_than_a_window() -> None:
    long = {"error": "x" * 200, "display_name": "z" * 200, "after": '{"first_name": "' + "y" * 200 + '"}'}
    refused = action(1, outcome=Outcome.FAILED, **long)
    title, _, row = changes_markdown(actions(refused)).splitlines()
    assert title == "| outcome | who | what | old → new | why |"
    assert row.startswith("| failed | zz")
    assert "(1)" in row.replace("\\", "")
    assert len(row) < WIDEST_ROW


def test_rejects_and_conflicts_are_no_changes() -> None:
    refused = [
        action(1, kind=ActionKind.REJECT, outcome=Outcome.REJECTED),
        action(2, kind=ActionKind.CONFLICT, outcome=Outcome.CONFLICT),
    ]
    assert changes_markdown(actions(*refused)) == "none"


def test_a_long_list_of_people_says_which_table_has_all_of_them() -> None:
    people = employees(*(user(number, work_phone="12") for number in range(1, 62)), user(99, email=None))
    table = people_table(unusable_phones(people), rest="audit.employees").value
    assert len(rows_of(table)) == 50
    assert table.endswith("… and 11 more, in `audit.employees`")
    assert "more" not in people_table(rejects(people), rest="audit.employees").value
