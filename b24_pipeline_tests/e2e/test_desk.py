"""A morning at the desk, in one story: look, plan, import, read, hire, see the person arrive."""

import re

from playwright.sync_api import Page

from b24_pipeline.reporting.tables import CHANGE_COLUMNS
from b24_pipeline.rules.labels import REASONS
from b24_pipeline.rules.models import Rejection
from b24_pipeline_tests.e2e import desk as running
from b24_pipeline_tests.e2e import ui_actions
from b24_pipeline_tests.e2e.desk import Desk

pytestmark = ui_actions.MARKS
GROUPS = "%2C".join(f"global%40global%3A{group}" for group in ("bitrix24", "account", "matching", "callgear", "report"))
ASSETS = (
    "bitrix24_portal",
    "bitrix24_users",
    "employees",
    "callgear_employees",
    "employee_matches",
    "callgear_upsert",
    "responsible_employees",
    "callgear_account",
    "callgear_account_after_import",
    "import_report",
    "audit_export",
)


def test_r19_a_dry_run_from_the_launchpad_shows_the_plan_and_changes_nothing(desk: Desk, page: Page) -> None:
    before = desk.in_callgear().count('data-key="e')

    run = ui_actions.launch(desk, page, dry_run="true")

    assert desk.ended(run)["status"] == "SUCCESS"
    told = desk.told("callgear_upsert", run)
    assert told["created"] == 0
    assert told["planned"] > 100
    page.goto(f"{desk.ui}/assets/callgear_upsert?view=events")
    plan = ui_actions.open_markdown(page, "changes")
    for heading in CHANGE_COLUMNS:
        plan.get_by_role("columnheader", name=heading, exact=True).wait_for()
    assert plan.get_by_role("row").filter(has_text="planned").count() > 20
    ui_actions.keep(page, "plan", part=plan, height=800)
    ui_actions.close_dialog(page)
    assert desk.in_callgear().count('data-key="e') == before


def test_one_click_on_the_lineage_imports_everybody(desk: Desk, page: Page) -> None:
    run = ui_actions.materialize_all(desk, page)

    assert desk.ended(run)["status"] == "SUCCESS"
    created = desk.told("callgear_upsert", run)["created"]
    assert created > 100
    page.goto(f"{desk.ui}/assets/callgear_upsert")
    for section in ("Description", "Columns"):
        page.get_by_text(section, exact=True).first.click(timeout=ui_actions.PATIENCE_MILLISECONDS)
    ui_actions.row_of(page, "created").get_by_text(str(created), exact=True).wait_for()
    ui_actions.keep(page, "callgear_upsert")


def test_the_lineage_explains_the_project_from_the_portal_to_the_account(desk: Desk, page: Page) -> None:
    page.set_viewport_size({"width": 1500, "height": 1500})
    page.goto(f"{desk.ui}/asset-groups?expanded={GROUPS}")
    page.locator("foreignObject").get_by_text("callgear_account", exact=True).wait_for(
        timeout=ui_actions.PATIENCE_MILLISECONDS
    )

    ui_actions.choose_what_the_graph_shows(page)

    boxes = page.locator("foreignObject")
    for asset in ASSETS:
        boxes.get_by_text(asset, exact=True).first.wait_for(timeout=ui_actions.PATIENCE_MILLISECONDS)
    boxes.get_by_text(re.compile("^Creates and links employees as planned")).wait_for()
    running.wait_for(
        "all states in the graph", lambda: boxes.get_by_text("Materialized", exact=True).count() == 8, seconds=30
    )
    ui_actions.keep(page, "lineage", part=boxes)
    page.set_viewport_size(ui_actions.VIEW)


def test_a_check_lists_the_people_whom_it_concerns_by_name(desk: Desk, page: Page) -> None:
    page.goto(f"{desk.ui}/assets/employees?view=checks&checkDetail=required_fields")
    page.get_by_text(re.compile("^12 people")).wait_for(timeout=ui_actions.PATIENCE_MILLISECONDS)

    listed = ui_actions.open_markdown(page, "who")

    listed.get_by_text(REASONS[Rejection.MISSING_LAST_NAME]).first.wait_for()
    assert listed.get_by_role("row").count() == 13
    ui_actions.keep(page, "checks", height=760)
    ui_actions.close_dialog(page)


def test_r17_the_sensor_brings_somebody_hired_in_the_portal_to_callgear_within_a_minute(desk: Desk, page: Page) -> None:
    before = {run["runId"] for run in desk.runs()}
    ui_actions.switch(desk, page, running.SENSOR)
    page.goto(desk.sandbox_page)
    page.fill("input[name='LAST_NAME']", "Newcomer")
    page.fill("input[name='NAME']", "Nora")
    page.fill("input[name='EMAIL']", "nora@corp.example")
    page.fill("input[name='WORK_PHONE']", "+44 20 7946 0011")

    page.get_by_role("button", name="Hire", exact=True).click()

    page.locator("[data-panel='employees']").get_by_text("(bitrix24) Newcomer Nora").wait_for(timeout=60_000)
    ui_actions.keep(page, "sandbox")
    (run,) = [run["runId"] for run in desk.runs() if run["runId"] not in before]
    ended = desk.ended(run)
    assert ended["status"] == "SUCCESS"
    assert {"key": "dagster/sensor_name", "value": running.SENSOR} in ended["tags"]
    assert desk.told("callgear_upsert", run)["created"] == 1
    ui_actions.switch(desk, page, running.SENSOR)


def test_the_report_shows_the_morning_in_words_and_in_pictures(desk: Desk, page: Page) -> None:
    page.goto(f"{desk.ui}/assets/import_report")
    shown = ui_actions.row_of(page, "at_a_glance").get_by_role("listitem")
    shown.first.wait_for(timeout=ui_actions.PATIENCE_MILLISECONDS)
    findings = shown.all_inner_texts()

    page.set_viewport_size({"width": 1040, "height": 1500})
    page.goto(report_of(desk))

    for finding, picture in zip(findings, page.locator("figure").all(), strict=True):
        picture.get_by_text(finding, exact=True).wait_for()
    ui_actions.keep(page, "import_report", part=page.locator("header, .state, .tiles, .charts"))


def report_of(desk: Desk) -> str:
    """The address of the page, as a browser opens it."""
    return (desk.folder / "data/sandbox/report.html").as_uri()


def test_the_report_finds_everybody_without_a_network(desk: Desk, page: Page) -> None:
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text))
    page.goto(report_of(desk))
    people = page.locator("#people tr")
    everybody = len(desk.ask("SELECT bitrix24_id FROM audit.people"))
    assert people.count() == min(everybody, 200)

    page.get_by_label("Find").fill("newcomer CREATE")

    assert people.count() == 1
    people.get_by_text("Newcomer Nora").wait_for()
    page.get_by_role("status").get_by_text(f"1 of {everybody}").wait_for()
    page.get_by_label("Find").fill("e-mail")
    page.locator(".everybody").evaluate("section => section.scrollIntoView()")
    ui_actions.keep(page, "people", part=page.locator(".everybody"))
    assert errors == []
