"""The buttons of the Dagster UI and the switches of the sandbox: each does what it says, also when things go wrong."""

import pytest
from playwright.sync_api import Page

from b24_pipeline.sandbox.practice import DESCRIPTIONS, Switch
from b24_pipeline_tests.e2e import ui_actions
from b24_pipeline_tests.e2e.desk import Desk

pytestmark = ui_actions.MARKS

MANY = 40
"""More new people than the safety limit lets pass: more than 10, and more than 10 % of the company (R16)."""
DOWN, SLOW, REFUSING = (
    DESCRIPTIONS[switch][0] for switch in (Switch.CALLGEAR_DOWN, Switch.CALLGEAR_SLOW, Switch.ONE_PERSON_REFUSED)
)


@pytest.fixture(scope="module")
def imported(desk: Desk, page: Page) -> str:
    """The first import; gives the run's id."""
    run = ui_actions.materialize_all(desk, page)
    assert desk.tags(run)["outcome"] == "done"
    return run


@pytest.fixture(scope="module")
def held(desk: Desk, page: Page, imported: str) -> str:  # noqa: ARG001 - the first import is held by no limit
    """An import for many new people, which a safety limit holds; gives the run's id."""
    for number in range(MANY):
        desk.hire(LAST_NAME=f"Season{number}", NAME="Sam", EMAIL=f"season{number}@corp.example")
    run = ui_actions.materialize_all(desk, page)
    tags = desk.tags(run)
    assert (tags["kind"], tags["outcome"], tags["held"]) == ("import", "held", str(MANY))
    return run


def test_r18a_an_asset_alone_says_of_which_run_its_inputs_are(desk: Desk, page: Page, imported: str) -> None:
    run = ui_actions.materialize(desk, page, "employee_matches")

    tags = desk.tags(run)
    assert (desk.ended(run)["status"], tags["kind"], tags["outcome"]) == ("SUCCESS", "partial", "done")
    page.goto(f"{desk.ui}/assets/employee_matches?view=events")
    page.get_by_text(f"employees of run {imported[:8]}").first.wait_for(timeout=ui_actions.PATIENCE_MILLISECONDS)
    ui_actions.keep(page, "every_button/one_asset")


def test_r18a_re_execute_from_failure_goes_on_where_the_outage_ended_the_run(desk: Desk, page: Page) -> None:
    ui_actions.practice(desk, page, DOWN, on=True)
    failed = ui_actions.materialize_all(desk, page)
    assert desk.tags(failed)["outcome"] == "failed"
    page.goto(f"{desk.ui}/runs/{failed}")
    page.get_by_text("get.employees: CallGear closed the connection without an answer").first.wait_for()
    ui_actions.keep(page, "every_button/failed_run")
    ui_actions.practice(desk, page, DOWN, on=False)

    run = ui_actions.re_execute(desk, page, failed, choice="From failure")

    tags = desk.tags(run)
    assert (tags["kind"], tags["outcome"]) == ("import", "done")
    assert "bitrix24_users" not in desk.steps(run)
    assert {"employees", "callgear_upsert"} <= set(desk.steps(run))


def test_terminate_is_an_interruption_and_not_a_failed_import(desk: Desk, page: Page) -> None:
    ui_actions.practice(desk, page, SLOW, on=True)
    run = ui_actions.materialize_all(desk, page)

    ui_actions.terminate(desk, page, run, during="callgear_employees")

    tags = desk.tags(run)
    assert (desk.ended(run)["status"], tags["outcome"]) == ("CANCELED", "interrupted")
    assert desk.ask(f"SELECT status FROM audit.runs WHERE run_id = '{run}'") == [("interrupted",)]
    ui_actions.practice(desk, page, SLOW, on=False)


def test_r18a_materialize_unsynced_computes_what_the_terminated_run_left(desk: Desk, page: Page) -> None:
    run = ui_actions.materialize_unsynced(desk, page)

    tags = desk.tags(run)
    assert (tags["kind"], tags["outcome"]) == ("partial", "done")
    assert "employees" in desk.steps(run)
    assert "callgear_upsert" not in desk.steps(run)


def test_r19_a_dry_run_leaves_what_is_materialized_of_the_last_import(desk: Desk, page: Page, held: str) -> None:
    run = ui_actions.launch(desk, page, dry_run="true")

    assert desk.tags(run)["kind"] == "dry_run"
    assert desk.materialized_in("callgear_upsert") == held
    page.goto(f"{desk.ui}/assets/callgear_upsert?view=events")
    page.get_by_text("Observed in run").get_by_text(run[:8]).wait_for(timeout=ui_actions.PATIENCE_MILLISECONDS)
    ui_actions.keep(page, "every_button/dry_run")
    assert desk.checked("callgear_upsert", "no_held_changes")[1:] == (False, MANY)


def test_r18a_a_check_by_hand_speaks_of_the_last_import(desk: Desk, page: Page, held: str) -> None:  # noqa: ARG001
    run = ui_actions.execute_check(desk, page, "callgear_upsert", "no_held_changes")

    assert desk.tags(run)["kind"] == "check"
    assert desk.checked("callgear_upsert", "no_held_changes") == (run, False, MANY)
    who = ui_actions.open_markdown(page, "who")
    who.get_by_text("Season7 Sam").wait_for()
    ui_actions.keep(page, "every_button/check_by_hand", part=who, height=800)
    ui_actions.close_dialog(page)


def test_a_run_for_single_people_shows_their_step_trace_beside_what_imports_did(
    desk: Desk, page: Page, held: str
) -> None:
    ((user,),) = desk.ask("SELECT bitrix24_id FROM audit.people WHERE display_name = 'Season0 Sam'")

    run = ui_actions.launch(desk, page, only=f"[{user}]")

    tags = desk.tags(run)
    assert (tags["kind"], tags["outcome"], tags["created"]) == ("single", "done", "1")
    assert desk.materialized_in("callgear_upsert") == held
    page.goto(f"{desk.ui}/assets/callgear_upsert?view=events")
    trace = ui_actions.row_of(page, "trace")
    trace.get_by_text("Season0 Sam").first.wait_for(timeout=ui_actions.PATIENCE_MILLISECONDS)
    trace.scroll_into_view_if_needed()
    ui_actions.keep(page, "every_button/step_trace")


def test_r16_what_a_safety_limit_holds_is_approved_with_a_comment(desk: Desk, page: Page, held: str) -> None:
    page.goto(f"{desk.ui}/assets/callgear_upsert")
    how = ui_actions.row_of(page, "approve")
    how.get_by_text(f"b24-pipeline approve {held}").wait_for(timeout=ui_actions.PATIENCE_MILLISECONDS)
    assert "(bitrix24) Season1 " not in desk.in_callgear()

    run = ui_actions.launch(desk, page, approve=held, comment="the season begins")

    tags = desk.tags(run)
    assert (tags["outcome"], tags["created"]) == ("done", str(MANY - 1))
    assert "(bitrix24) Season39" in desk.in_callgear()
    asked = f"SELECT comment, used_by_run_id FROM audit.approvals WHERE run_id = '{held}'"
    assert desk.ask(asked) == [("the season begins", run)]


def test_r18_whoever_callgear_refused_is_tried_again_from_the_launchpad(desk: Desk, page: Page) -> None:
    desk.hire(LAST_NAME="Refused", NAME="Rita", EMAIL="rita@corp.example")
    ui_actions.practice(desk, page, REFUSING, on=True)
    refused = ui_actions.materialize_all(desk, page)
    tags = desk.tags(refused)
    assert (tags["outcome"], tags["failed"]) == ("partial", "1")
    assert desk.checked("callgear_upsert", "no_failed_actions") == (refused, False, 1)
    ui_actions.practice(desk, page, REFUSING, on=False)

    run = ui_actions.launch(desk, page, only_failed="true")

    tags = desk.tags(run)
    assert (tags["kind"], tags["outcome"], tags["created"]) == ("single", "done", "1")
    assert "(bitrix24) Refused Rita" in desk.in_callgear()


def test_every_switch_of_the_sandbox_stays_on_until_it_is_switched_off(desk: Desk, page: Page) -> None:
    for title, _ in DESCRIPTIONS.values():
        ui_actions.practice(desk, page, title, on=True)
    page.goto(desk.sandbox_page)
    page.get_by_text(f"{len(DESCRIPTIONS)} switched on").wait_for()
    ui_actions.keep(page, "switches", part=page.locator("#practice"))
    for title, _ in DESCRIPTIONS.values():
        ui_actions.practice(desk, page, title, on=False)
    page.get_by_text("0 switched on").wait_for()
