"""What is looked for after the import: who is imported, who is not and why, and what is running out."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from b24_pipeline import audit
from b24_pipeline.audit import LinkWritten, RunCounts, RunStart
from b24_pipeline.checks import results
from b24_pipeline.rules.labels import CHANGES
from b24_pipeline.rules.models import ChangeRisk, Outcome, Policy, RunKind, RunStatus, Trigger
from b24_pipeline.sync.launch import Launch
from b24_pipeline_tests.factories import NOON, action, callgear_employee, dead_letter, dead_letters, user


@pytest.mark.parametrize(("imported", "passed"), [(10, True), (9, True), (8, False)])
def test_too_small_a_share_of_candidates_warns(run: Any, imported: int, passed: bool) -> None:
    run.saw(*(user(id_) for id_ in range(1, 10)), user(10, email=None), user(11, active=False))
    run.store.put_links([link(id_) for id_ in range(1, imported + 1)])
    finding = results.import_coverage(run)
    assert finding.passed is passed
    assert finding.figures == {"candidates": 10, "imported": imported, "share": imported / 10}


def link(user_id: int) -> LinkWritten:
    return LinkWritten(user_id, 100 + user_id, "create")


def test_a_portal_without_candidates_has_nobody_to_miss(run: Any) -> None:
    run.saw(user(1, active=False))
    assert results.import_coverage(run).passed


@pytest.mark.parametrize(("left", "passed"), [(2700, True), (540, True), (539, False), (0, False)])
def test_a_budget_that_runs_low_warns(run: Any, left: int, passed: bool) -> None:
    run.budget = SimpleNamespace(left_today=lambda: left, day_share=lambda: 2700)
    finding = results.point_budget(run)
    assert finding.passed is passed
    assert finding.figures == {"points_left": left, "points_a_day": 2700, "points_spent": 3}


@pytest.mark.parametrize(("attempts", "counted"), [(0, ""), (5, ", 5 times")])
def test_r18_only_what_fails_for_a_day_is_listed(run: Any, attempts: int, counted: str) -> None:
    run.saw(user(1), user(2))
    since = {"first_failed_at": NOON - timedelta(days=1), "attempts": attempts}
    audit.actions.put_dead_letters(run.store.database, dead_letters(dead_letter(1, **since), dead_letter(2)))
    (row,) = results.no_stuck_records(run).violations
    assert (row["who"], row["user"]) == ("Name1 Ira", 1)
    assert row["why"] == f"create has failed since 2026-01-11 12:00 UTC{counted}: invalid_parameter_value"


def test_r16_what_is_held_is_listed_with_the_way_to_approve(run: Any) -> None:
    run.saw(user(1))
    run.did(action(1, risk=ChangeRisk.CREATE, outcome=Outcome.HELD, display_name="Name1 Ira"))
    (row,) = results.no_held_changes(run).violations
    assert (row["who"], row["user"]) == ("Name1 Ira", 1)
    assert row["why"] == "new employee: held until run run-1 is approved"


def test_both_sides_agree_when_everybody_missing_has_a_reason(run: Any) -> None:
    run.saw(user(1), user(2), user(3, email=None), account=(callgear_employee(101, email="user1@x.test"),))
    run.store.put_links([link(1)])
    run.did(action(2, outcome=Outcome.HELD, risk=ChangeRisk.CREATE))
    assert results.reconciliation(run).passed


def test_who_is_on_one_side_only_is_listed(run: Any) -> None:
    stranger = callgear_employee(105, last_name="(bitrix24) Wolf", first_name="Tom")
    run.saw(user(1), user(2), account=(callgear_employee(101), stranger), links=((2, 101),))
    run.did()
    assert [(row["who"], row["user"]) for row in results.reconciliation(run).violations] == [
        ("Name1 Ira", 1),
        ("(bitrix24) Wolf Tom", None),
    ]


def test_an_employee_that_once_was_linked_belongs_to_somebody(run: Any) -> None:
    run.saw(user(1), account=(callgear_employee(101, last_name="(bitrix24) Name1"), callgear_employee(102)))
    run.store.put_links([link(1)])
    run.store.put_links([replace(link(1), callgear_id=102)])
    run.did()
    assert results.reconciliation(run).passed


def test_without_a_prefix_nobody_can_be_told_from_other_employees(run: Any) -> None:
    run.policy = Policy(last_name_prefix="")
    run.saw(account=(callgear_employee(101),))
    run.did()
    assert results.reconciliation(run).passed


@pytest.mark.parametrize("kind", [RunKind.SINGLE, RunKind.DRY_RUN, RunKind.CHECK])
def test_r18a_other_runs_than_imports_look_at_the_last_import(run: Any, kind: RunKind) -> None:
    run.saw(user(1), user(2))
    run.did(*(action(who, risk=ChangeRisk.CREATE, outcome=Outcome.HELD) for who in (1, 2)))
    run.store.finish_run(RunStatus.HELD, None, RunCounts(held=2))
    run.store.begin_run(RunStart("run-2", NOON, Trigger.UI, kind=kind))
    run.run_id, run.launch = "run-2", Launch("run-2", Trigger.UI, kind)
    run.did()
    assert results.reconciliation(run).passed
    assert results.no_held_changes(run).message == "2 changes are held by a safety limit"


@pytest.mark.parametrize("kind", [RunKind.SINGLE, RunKind.DRY_RUN, RunKind.CHECK])
def test_r18a_what_other_runs_have_read_is_not_compared_with_what_the_last_import_did(run: Any, kind: RunKind) -> None:
    run.saw(user(1), account=(callgear_employee(101, email="user1@x.test"),), links=((1, 101),))
    run.did()
    run.store.finish_run(RunStatus.DONE, None, RunCounts())
    run.store.begin_run(RunStart("run-2", NOON, Trigger.UI, kind=kind))
    run.run_id, run.launch = "run-2", Launch("run-2", Trigger.UI, kind)
    stranger = callgear_employee(105, last_name="(bitrix24) Wolf", first_name="Tom")
    run.saw(user(1), user(2), account=(callgear_employee(101, email="user1@x.test"), stranger))
    assert results.reconciliation(run).passed
    assert results.import_coverage(run).message == "1 of 1 candidates are imported (100%)"


def test_every_kind_that_can_be_held_has_a_word() -> None:
    assert set(CHANGES) == set(ChangeRisk)
