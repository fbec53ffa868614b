"""A running desk: `b24-pipeline dev --sandbox` in a folder of its own, and a headless browser before it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

PROJECT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
START_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Desk:
    """Where everything is."""

    ui: str
    sandbox_page: str
    folder: Path

    def graphql(self, query: str) -> Any:
        """Ask Dagster itself."""
        answer = httpx.post(f"{self.ui}/graphql", json={"query": query}, timeout=30)
        return answer.raise_for_status().json()["data"]

    def runs(self) -> list[dict[str, str]]:
        """Dagster's runs, the newest first."""
        found = self.graphql("{ runsOrError { ... on Runs { results { runId status jobName tags { key value } } } } }")
        return list(found["runsOrError"]["results"])


def wait_for(what: str, condition: Callable[[], Any], *, seconds: float) -> Any:
    """The condition's first true value; the outside world has no other clock."""
    deadline = time.monotonic() + seconds
    pause = threading_event()
    while time.monotonic() < deadline:
        try:
            found = condition()
        except (httpx.HTTPError, OSError, KeyError, ValueError):
            found = None
        if found:
            return found
        pause(0.25)
    raise AssertionError(f"waited {seconds:.0f} s for: {what}")


def threading_event() -> Callable[[float], object]:
    """A wait that a signal can end."""
    import threading  # noqa: PLC0415

    return threading.Event().wait


@contextmanager
def running_desk(folder: Path) -> Iterator[Desk]:
    """Start the UI, the daemon and the sandbox; stop them all at the end."""
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(PROJECT / name, folder / name)
    (folder / "data").mkdir()
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
    log = folder / "dev.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("b24-pipeline")), "dev", "--sandbox", "--port", str(port)],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            desk = Desk(ui=f"http://127.0.0.1:{port}", sandbox_page=sandbox_page(folder), folder=folder)
            wait_for("the code location", lambda: is_loaded(desk), seconds=START_SECONDS)
            yield desk
        except AssertionError as error:
            raise AssertionError(f"{error}\n{log.read_text(errors='replace')[-3000:]}") from error
        finally:
            stop(process)


def sandbox_page(folder: Path) -> str:
    """The address that the sandbox has noted."""
    address = folder / "data/sandbox/address.json"
    return str(wait_for("the sandbox", lambda: json.loads(address.read_text())["page_url"], seconds=START_SECONDS))


def is_loaded(desk: Desk) -> bool:
    """Whether the UI knows our job."""
    found = desk.graphql("{ repositoriesOrError { ... on RepositoryConnection { nodes { jobs { name } } } } }")
    return any(
        job["name"] == "employee_import" for node in found["repositoriesOrError"]["nodes"] for job in node["jobs"]
    )


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End the whole group, gently at first."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(timeout=20)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
        else:
            break
    if process.poll() is None:
        process.kill()


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def browser() -> Iterator[Browser]:
    """Headless Chromium from the system's packages."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            yield launched
        finally:
            launched.close()


def keep(page: Page, name: str) -> None:
    """Leave a screenshot, where one is asked for."""
    folder = os.environ.get("E2E_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(folder) / f"{name}.png"))
