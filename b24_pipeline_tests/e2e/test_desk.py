"""A morning at the desk, in one story: look, import, read, hire, and see the person arrive."""

import re
from collections.abc import Iterator

import pytest

from b24_pipeline_tests.e2e import desk as running

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(running.CHROMIUM is None, reason="no Chromium here: apt-get install chromium"),
]
COLOURS_MILLISECONDS = 4000
"""The graph is drawn first and coloured by each asset's state a moment later; only the picture waits for that."""
VIEW = {"width": 1500, "height": 1000}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[running.Desk]:
    with running.running_desk(tmp_path_factory.mktemp("desk")) as started:
        yield started


@pytest.fixture(scope="module")
def page(desk: running.Desk) -> Iterator[running.Page]:  # noqa: ARG001 - the desk is up first
    with running.browser() as browser:
        yield browser.new_page(viewport=VIEW)


def finished(desk: running.Desk, *, wanted: int = 1) -> bool:
    runs = desk.runs()
    return sum(run["status"] == "SUCCESS" for run in runs) >= wanted and all(
        run["status"] in ("SUCCESS", "FAILURE", "CANCELED") for run in runs
    )


def test_the_lineage_explains_the_project_and_one_click_imports(desk: running.Desk, page: running.Page) -> None:
    page.goto(f"{desk.ui}/asset-groups")
    page.get_by_role("button", name=re.compile("Materialize all")).wait_for(timeout=60_000)
    before = len(desk.runs())

    page.get_by_role("button", name=re.compile("Materialize all")).first.click()

    running.wait_for("a run by hand", lambda: len(desk.runs()) > before, seconds=60)
    running.wait_for("all runs to end", lambda: finished(desk), seconds=180)
    assert {run["status"] for run in desk.runs()} == {"SUCCESS"}


def test_the_upsert_page_says_what_was_done(desk: running.Desk, page: running.Page) -> None:
    page.goto(f"{desk.ui}/assets/callgear_upsert")

    page.get_by_text("created", exact=True).first.wait_for(timeout=60_000)
    page.get_by_text("bitrix24_id", exact=True).first.wait_for()
    page.set_viewport_size({"width": 1500, "height": 1700})
    running.keep(page, "callgear_upsert")
    page.set_viewport_size(VIEW)


def test_the_checks_and_the_report_are_there_to_read(desk: running.Desk, page: running.Page) -> None:
    page.goto(f"{desk.ui}/assets/employees?view=checks")
    page.get_by_text("required_fields", exact=False).first.wait_for(timeout=60_000)
    running.keep(page, "checks")

    page.goto(f"{desk.ui}/assets/import_report")
    page.get_by_text("[Show Markdown]", exact=False).first.click(timeout=60_000)

    page.locator("img[src^='data:image']").first.wait_for()
    running.keep(page, "import_report")


def test_the_lineage_opens_from_the_portal_to_the_account(desk: running.Desk, page: running.Page) -> None:
    groups = "%2C".join(f"global%40global%3A{group}" for group in ("bitrix24", "matching", "callgear", "report"))

    page.set_viewport_size({"width": 1900, "height": 1000})
    page.goto(f"{desk.ui}/asset-groups?expanded={groups}")

    for asset in (
        "bitrix24_portal",
        "bitrix24_users",
        "employee_matches",
        "callgear_upsert",
        "callgear_account",
        "import_report",
    ):
        page.locator("foreignObject").get_by_text(asset, exact=True).first.wait_for(timeout=60_000)
    page.wait_for_timeout(COLOURS_MILLISECONDS)
    running.keep(page, "lineage")
    page.set_viewport_size(VIEW)


def test_somebody_hired_in_the_portal_is_in_callgear_within_a_minute(desk: running.Desk, page: running.Page) -> None:
    page.goto(desk.sandbox_page)
    page.fill("input[name='LAST_NAME']", "Newcomer")
    page.fill("input[name='NAME']", "Nora")
    page.fill("input[name='EMAIL']", "nora.newcomer@corp.example")
    page.fill("input[name='WORK_PHONE']", "+44 20 7946 0011")

    page.get_by_role("button", name=re.compile("Hire", re.IGNORECASE)).first.click()

    running.wait_for(
        "Nora in CallGear",
        lambda: "(bitrix24) Newcomer" in running.httpx.get(desk.sandbox_page, timeout=30).text,
        seconds=60,
    )
    page.goto(desk.sandbox_page)
    running.keep(page, "sandbox")
    running.wait_for("the sensor's run to end", lambda: finished(desk, wanted=2), seconds=60)
