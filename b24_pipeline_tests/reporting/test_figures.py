"""The figures of the report are those of the audit."""

from datetime import date, timedelta

import pytest

from b24_pipeline.audit import LinkWritten
from b24_pipeline.audit.report_queries import Figures, figures, people
from b24_pipeline.rules.models import RunStatus
from b24_pipeline_tests.factories import NOON
from b24_pipeline_tests.reporting.conftest import History

MONDAY = date(2026, 1, 12)


def test_the_figures_of_an_empty_audit_are_empty(history: History) -> None:
    found = figures(history.store.database, now=NOON)
    assert (found.runs, found.people, found.refused, found.last_run) == ((), (), (), None)
    assert (found.portal, found.account, found.points_a_day) == ("Bitrix24", "CallGear", None)


def test_each_run_is_told_with_its_outcome_and_its_time(told: Figures) -> None:
    assert [(run.run_id, run.status, run.seconds, run.linked, run.held, run.points) for run in told.runs] == [
        ("run-1", RunStatus.DONE, 61, 1, 0, 3),
        ("run-2", RunStatus.FAILED, 2, 0, 0, 0),
        ("run-3", RunStatus.HELD, 2, 0, 1, 1),
    ]


def test_people_on_both_sides_are_those_of_each_run_that_looked(told: Figures) -> None:
    assert [(moment.at - NOON, moment.candidates, moment.imported, moment.employees) for moment in told.people] == [
        (timedelta(minutes=30), 4, 1, 2),
        (timedelta(minutes=90), 4, 1, 2),
    ]


def test_employees_that_a_run_has_created_count_with_it(history: History) -> None:
    history.run(created=1, links=(LinkWritten(2, 102, "create"),))
    (moment,) = people(history.store.database, now=history.now)
    assert (moment.imported, moment.employees) == (1, 3)


def test_matches_rejects_links_and_points_are_counted(told: Figures) -> None:
    assert told.matches == {"by_email": 1, "none": 1, "rejected": 2, "dismissed": 1}
    assert {group.reason: [user for _, user in group.people] for group in told.refused} == {
        "missing_email": [3],
        "invalid_email": [4],
    }
    assert told.links_by_week == {(MONDAY, "email"): 1}
    assert told.points_by_day == {MONDAY: 4}
    assert told.points_a_day == 2700


def test_what_is_wrong_is_told(told: Figures) -> None:
    found = told.health
    assert [person.display_name for person in found.held] == ["Name2 Ira"]
    assert [person.display_name for person in found.failing] == ["Name2 Ira"]
    assert found.failures == ()


def test_a_run_that_is_going_on_is_not_shown_yet(history: History) -> None:
    history.run()
    history.dies()
    (only,) = figures(history.store.database, now=history.now).runs
    assert only.run_id == "run-1"


def test_a_run_that_died_is_shown_and_nobody_knows_how_long_it_took(history: History) -> None:
    history.dies()
    history.run()
    shown = figures(history.store.database, now=history.now).runs
    assert [(run.run_id, run.status, run.seconds) for run in shown] == [
        ("run-1", RunStatus.INTERRUPTED, None),
        ("run-2", RunStatus.DONE, 2),
    ]


def test_the_last_run_is_one_for_everybody_and_for_real(history: History) -> None:
    history.run()
    history.run(dry_run=True)
    history.run(only=(1,))
    last = figures(history.store.database, now=history.now).last_run
    assert last is not None
    assert last.run_id == "run-1"


@pytest.mark.parametrize("days", [7, 8])
def test_runs_are_shown_for_a_week(history: History, days: int) -> None:
    history.run()
    assert len(figures(history.store.database, now=history.now + timedelta(days=days)).runs) == (1 if days == 7 else 0)


def test_a_line_has_so_many_points_at_most_and_ends_with_the_newest(history: History) -> None:
    for _ in range(9):
        history.run()
    found = people(history.store.database, now=history.now, moments=4)
    assert len(found) <= 4 + 1
    assert found[-1].at == history.now
    assert len(people(history.store.database, now=history.now)) == 9
