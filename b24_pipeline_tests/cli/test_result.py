"""What `sync` prints of a run: the person it was for step by step, or everybody; and what a person may do next."""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from b24_pipeline.audit import RunCounts
from b24_pipeline.cli.options import Place
from b24_pipeline.cli.result import RunResult, headline, print_result
from b24_pipeline.reporting.trace import Trace, TraceStep
from b24_pipeline.rules.models import ActionKind, Outcome, RunStatus
from b24_pipeline_tests.factories import Row, action, actions

MANY = 300
HERE = Place()


def result(*rows: Row, status: RunStatus = RunStatus.DONE, traces: Iterable[Trace] = (), **fields: Any) -> RunResult:
    """A run with these actions, for the people of the traces."""
    given = {"dry_run": False, "reason": None, "counts": RunCounts(), "database": Path("b24.duckdb")} | fields
    return RunResult(run_id="run-1", status=status, actions=actions(*rows), traces=tuple(traces), **given)


def printed(found: RunResult, *, place: Place = HERE) -> str:
    """What a wide screen shows of it."""
    screen = io.StringIO()
    print_result(found, console=Console(file=screen, width=200, highlight=False), place=place)
    return screen.getvalue()


def traced(user: int = 7, *texts: str, known: bool = True, person: str = "Name7 Ira") -> Trace:
    """The steps of one person."""
    steps = tuple(TraceStep("R07", text) for text in texts)
    return Trace(bitrix24_id=user, person=person, known=known, steps=steps)


def conflict(user: int, *, reason: str = "email_reused", display_name: str = "Heir Ira") -> Row:
    """Somebody in conflict."""
    return action(
        user,
        kind=ActionKind.CONFLICT,
        outcome=Outcome.CONFLICT,
        reason=reason,
        display_name=display_name,
        callgear_id=101,
    )


def test_a_run_for_one_person_shows_that_persons_steps_and_nobody_else() -> None:
    shown = printed(result(conflict(9, display_name="Stranger Ira"), traces=[traced(7, "seen", "left alone")]))
    assert "Name7 Ira (Bitrix24 user 7)" in shown
    assert [line.split() for line in shown.splitlines() if "R07" in line] == [
        ["1", "R07", "seen"],
        ["2", "R07", "left", "alone"],
    ]
    assert "Stranger" not in shown
    assert "users read from Bitrix24" not in shown
    assert "--user" not in shown


def test_a_run_for_everybody_shows_the_lists_and_the_figures() -> None:
    shown = printed(result(conflict(9)))
    assert "In conflict (1)" in shown
    assert "Heir Ira" in shown
    assert "users read from Bitrix24" in shown


def test_r09_a_conflict_is_shown_with_what_its_employee_keeps() -> None:
    before = '{"first_name": "Olga", "phone_numbers": ["7900", "7901...5"]}'
    shown = printed(result(conflict(9) | {"callgear_id": 12, "before": before}))
    assert 'employee 12 has and keeps the first name "Olga" and the phones 7900, 7901...5' in " ".join(shown.split())


NOBODY = traced(99999, known=False, person="")
HEADLINES = {
    "everybody": (result(), "Import finished."),
    "one": (result(traces=[traced()]), "Import finished. (single-person run)"),
    "one_dry": (
        result(traces=[traced()], dry_run=True),
        "Dry run: nothing was changed. (single-person run)",
    ),
    "nobody": (result(traces=[NOBODY]), "No such user in Bitrix24; nothing done."),
    "nobody_and_one": (result(traces=[NOBODY, traced()]), "Import finished. (single-person run)"),
    "nobody_failed": (
        result(traces=[NOBODY], status=RunStatus.FAILED),
        "Import failed. (single-person run)",
    ),
}


@pytest.mark.parametrize("name", HEADLINES)
def test_the_headline_says_for_whom_it_was(name: str) -> None:
    found, words = HEADLINES[name]
    assert headline(found) == words


def test_texts_of_people_and_services_steer_no_terminal() -> None:
    shown = printed(result(traces=[traced(7, "\x1b[2Jsent\nline \u202e[bold]", person="\x1b]0;owned\x07 [red]Ira")]))
    assert "[2Jsent line [bold]" in shown
    assert "]0;owned [red]Ira" in shown
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)


def test_what_is_held_is_listed_first_and_whole_apart_from_what_was_done() -> None:
    held = [action(user, outcome=Outcome.HELD, display_name=f"Held{user}") for user in range(1, MANY + 1)]
    done = [action(user, display_name=f"Done{user}") for user in range(1001, 1021)]
    shown = printed(result(*done, *held, status=RunStatus.HELD))
    assert shown.index("Held for approval (300)") < shown.index("Done (20)")
    assert all(f"Held{user} " in shown for user in range(1, MANY + 1))
    assert "… and 8 more: see audit.actions" in shown


def test_the_plan_of_a_company_is_printed_whole() -> None:
    shown = printed(result(*(action(user, outcome=Outcome.PLANNED) for user in range(1, MANY + 1)), dry_run=True))
    assert "Planned (300)" in shown
    assert "more: see" not in shown


NEXT = {
    "one": ([conflict(7)], [], "b24-pipeline approve run-1 --user 7 "),
    "several": ([conflict(7), conflict(8)], [], "b24-pipeline approve run-1 --user ID "),
    "for_single_people": ([conflict(7), conflict(8)], [traced(8)], "b24-pipeline approve run-1 --user 8 "),
}


@pytest.mark.parametrize("name", NEXT)
def test_r09_how_a_reused_email_is_approved_is_said_also_when_nothing_is_held(name: str) -> None:
    rows, traces, hint = NEXT[name]
    assert hint in printed(result(*rows, traces=traces))


def test_without_a_reused_email_nothing_is_to_be_approved() -> None:
    assert "approve" not in printed(result(conflict(7, reason="ambiguous_email")))


def test_the_next_step_of_a_dry_run_is_the_same_for_real() -> None:
    planned = action(7, outcome=Outcome.PLANNED)
    of_one = printed(result(planned, traces=[traced(7), NOBODY], dry_run=True))
    assert "b24-pipeline sync --only 7   applies the plan" in of_one
    assert "b24-pipeline sync   applies the plan" in printed(result(planned, dry_run=True))
    assert "applies the plan" not in printed(result(traces=[NOBODY], dry_run=True))


def test_a_dry_run_that_has_planned_nothing_has_no_plan_to_apply() -> None:
    assert "applies the plan" not in printed(result(conflict(9), dry_run=True))


def test_a_dry_run_that_failed_says_so() -> None:
    shown = printed(result(status=RunStatus.FAILED, dry_run=True, reason="the token is wrong"))
    assert shown.splitlines()[:2] == ["Dry run failed; nothing was changed.", "  the token is wrong"]


def test_what_a_person_may_do_next_names_the_connection(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    rows = (action(7, outcome=Outcome.PLANNED), conflict(9))
    shown = printed(result(*rows, status=RunStatus.HELD, dry_run=True), place=Place(connection="acme"))
    assert [line.split("   ")[0] for line in shown.partition("Next:\n  ")[2].splitlines()] == [
        "b24-pipeline approve run-1 --connection acme",
        "  b24-pipeline approve run-1 --user 9 --connection acme",
        "  b24-pipeline sync --connection acme",
        "  b24-pipeline explain ID --connection acme",
        "  b24-pipeline dev",
    ]
