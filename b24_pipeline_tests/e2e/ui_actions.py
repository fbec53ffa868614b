"""What a person does at the desk: looks, clicks, types into the launchpad, and takes pictures of what stands still."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FloatRect, Locator, Page, ViewportSize, sync_playwright

from b24_pipeline_tests.e2e.desk import Desk
from b24_pipeline_tests.processes import wait_for

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MARKS = [
    pytest.mark.e2e,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium"),
]
VIEW = ViewportSize(width=1500, height=1100)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MILLISECONDS = 60_000
MARGIN = 16
STANDS_STILL = """() => document.fonts.status === "loaded" && !document.getAnimations().length
    && [...document.images].every(image => image.complete && image.naturalWidth)"""
LAUNCHPAD = "{ui}/locations/b24_pipeline/jobs/employee_import/playground"


@contextmanager
def browser(*flags: str) -> Iterator[Browser]:
    """Headless Chromium from the system's packages."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags])
        try:
            yield launched
        finally:
            launched.close()


def launch(desk: Desk, page: Page, **config: str) -> str:
    """Start the job from the launchpad with this configuration of `import_run`; gives the run's id."""
    page.goto(LAUNCHPAD.format(ui=desk.ui))
    button = page.get_by_role("button", name="Launch Run")
    button.wait_for(timeout=PATIENCE_MILLISECONDS)
    page.locator(".CodeMirror").first.click()
    page.keyboard.press("ControlOrMeta+a")
    chosen = "".join(f"      {name}: {value}\n" for name, value in config.items())
    page.keyboard.insert_text(f"resources:\n  import_run:\n    config:\n{chosen}")
    button.click()
    page.wait_for_url(re.compile("/runs/[0-9a-f-]{36}"), timeout=PATIENCE_MILLISECONDS)
    return page.url.rpartition("/runs/")[2][:36]


def run_started_by(desk: Desk, act: Callable[[], None]) -> str:
    """The id of the run that a click starts."""
    before = {run["runId"] for run in desk.runs()}
    act()
    new = wait_for("a run", lambda: [run["runId"] for run in desk.runs() if run["runId"] not in before], seconds=60)
    return str(new[0])


def materialize_all(desk: Desk, page: Page) -> str:
    """One click on the lineage's page; gives the run's id."""
    page.goto(f"{desk.ui}/asset-groups")
    return run_started_by(desk, lambda: button(page, "Materialize all").click(timeout=PATIENCE_MILLISECONDS))


def materialize_unsynced(desk: Desk, page: Page) -> str:
    """Materialize what the lineage's page offers as out of step with its upstream assets."""
    page.goto(f"{desk.ui}/asset-groups")
    choose(page, "Materialize all", "Materialize unsynced")
    return run_started_by(desk, page.get_by_role("dialog").get_by_role("button", name="Materialize").click)


def materialize(desk: Desk, page: Page, asset: str) -> str:
    """One click on the page of an asset: it alone."""
    page.goto(f"{desk.ui}/assets/{asset}")
    return run_started_by(desk, lambda: button(page, "Materialize").click(timeout=PATIENCE_MILLISECONDS))


def execute_check(desk: Desk, page: Page, asset: str, check: str) -> str:
    """One click on the page of a check: it alone."""
    page.goto(f"{desk.ui}/assets/{asset}?view=checks&checkDetail={check}")
    execute = page.locator("button").filter(has_text=re.compile("^Execute$"))
    return run_started_by(desk, lambda: execute.click(timeout=PATIENCE_MILLISECONDS))


def re_execute(desk: Desk, page: Page, run_id: str, *, choice: str) -> str:
    """Execute a run again, as its page's menu offers it."""
    page.goto(f"{desk.ui}/runs/{run_id}")
    return run_started_by(desk, lambda: choose(page, "Re-execute all", choice))


def terminate(desk: Desk, page: Page, run_id: str, *, during: str) -> None:
    """Press "Terminate" on the run's page as soon as it shows that a step has begun."""
    page.goto(f"{desk.ui}/runs/{run_id}")
    page.get_by_text(f'Started execution of step "{during}"').wait_for(timeout=PATIENCE_MILLISECONDS)
    button(page, "Terminate").click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("erminat")).click()


def button(page: Page, name: str) -> Locator:
    """The first button whose name begins so, after its icon."""
    return page.get_by_role("button", name=name).first


def choose(page: Page, name: str, choice: str) -> None:
    """Open the menu beside a button, and choose."""
    button(page, name).locator("xpath=following::button[1]").click(timeout=PATIENCE_MILLISECONDS)
    page.get_by_role("menuitem").filter(has_text=re.compile(f"^{choice}$")).click()


def practice(desk: Desk, page: Page, title: str, *, on: bool) -> None:
    """Turn a switch of the sandbox's page on or off."""
    page.goto(desk.sandbox_page)
    row = page.locator(".switches li").filter(has=page.get_by_text(title, exact=True))
    row.get_by_role("button", name="Switch on" if on else "Switch off").click()
    row.get_by_role("button", name="Switch off" if on else "Switch on").wait_for()


def row_of(page: Page, key: str) -> Locator:
    """The row of a key among the metadata of a page."""
    return page.locator("tr").filter(has=page.get_by_text(key, exact=True))


def open_markdown(page: Page, key: str) -> Locator:
    """Open what stands behind "[Show Markdown]" in the row of this key; gives the dialog, at rest at its top."""
    row_of(page, key).get_by_text("[Show Markdown]").first.click(timeout=PATIENCE_MILLISECONDS)
    dialog = page.get_by_role("dialog")
    dialog.wait_for()
    stand_still(page)
    page.locator(".bp5-overlay-scroll-container").evaluate("box => box.scrollTop = 0")
    return dialog


def close_dialog(page: Page) -> None:
    """Go back to the page."""
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    page.get_by_role("dialog").wait_for(state="detached")


def switch(desk: Desk, page: Page, sensor: str) -> None:
    """Turn a sensor on or off on its page."""
    page.goto(f"{desk.ui}/locations/b24_pipeline/sensors/{sensor}")
    toggle = page.locator("label:has(input[type='checkbox'])").first
    toggle.wait_for(timeout=PATIENCE_MILLISECONDS)
    was_on = toggle.locator("input").is_checked()
    toggle.click()
    wait_for("the switch", lambda: toggle.locator("input").is_checked() is not was_on, seconds=20)


def choose_what_the_graph_shows(page: Page) -> None:
    """Descriptions in the boxes, top to bottom, and all the room for them."""
    page.get_by_role("button", name="Hide navigation").click()
    page.locator("button:has([aria-label='config'])").last.click()
    for facet in ("Description", "Latest event", "Automation", "Partitions", "Sync status tags"):
        page.get_by_role("dialog").locator("label", has_text=facet).click()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("dialog").wait_for(state="detached")
    page.locator("button:has([aria-label='settings'])").last.click()
    page.get_by_text("Change graph to vertical orientation").click()
    page.reload()


def stand_still(page: Page) -> None:
    """Wait until nothing moves or loads any more."""
    wait_for("the page to stand still", lambda: page.evaluate(STANDS_STILL), seconds=30)


def around(part: Locator) -> FloatRect:
    """The part of the page that holds all that this is, with a margin."""
    x, y, right, bottom = part.evaluate_all(
        """all => { const boxes = all.map(one => one.getBoundingClientRect());
        return [Math.min(...boxes.map(box => box.left)), Math.min(...boxes.map(box => box.top)),
                Math.max(...boxes.map(box => box.right)), Math.max(...boxes.map(box => box.bottom))]; }"""
    )
    return {"x": x - MARGIN, "y": y - MARGIN, "width": right - x + 2 * MARGIN, "height": bottom - y + 2 * MARGIN}


def keep(page: Page, name: str, *, part: Locator | None = None, height: int | None = None) -> None:
    """Leave a picture of the page at rest, or of a part of it, where one is asked for; cut below this height."""
    folder = os.environ.get("E2E_SCREENSHOTS")
    if not folder:
        return
    stand_still(page)
    shown = page.viewport_size or {"width": 0, "height": 0}
    clip = around(part) if part else FloatRect(x=0, y=0, width=shown["width"], height=shown["height"])
    clip["height"] = min(clip["height"], height or clip["height"])
    picture = Path(folder) / f"{name}.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(picture), clip=clip)
