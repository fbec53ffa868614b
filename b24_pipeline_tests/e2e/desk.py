"""A running desk: `b24-pipeline dev --sandbox` in a folder of its own, and what Dagster itself says of it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import httpx

from b24_pipeline.dagster_runs import TAGS
from b24_pipeline.settings.dagster import AUTOMATION, OFF

PROJECT = Path(__file__).resolve().parents[2]
SENSOR = "bitrix24_changes"
START_SECONDS = 120
RUN_SECONDS = 180
ENTRIES = (
    "{ runId metadataEntries { label ... on IntMetadataEntry { intValue } ... on MarkdownMetadataEntry { mdStr } "
    "... on TextMetadataEntry { text } } }"
)
EVENTS = (
    '{ assetOrError(assetKey: {path: ["%s"]}) { ... on Asset { '
    f"assetMaterializations(limit: 20) {ENTRIES} assetObservations(limit: 20) {ENTRIES} "
    "} } }"
)
"""What imports did, and what dry runs and runs for single people would do or did (R18a)."""
CHECKED = (
    '{ assetCheckExecutions(assetKey: {path: ["%s"]}, checkName: "%s", limit: 1) '
    "{ runId evaluation { success metadataEntries { ... on IntMetadataEntry { intValue } } } } }"
)
"""What a check has found last."""
STEPS = '{ runOrError(runId: "%s") { ... on Run { stepKeysToExecute } } }'


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

    def runs(self) -> list[dict[str, Any]]:
        """Dagster's runs, the newest first."""
        found = self.graphql("{ runsOrError { ... on Runs { results { runId status tags { key value } } } } }")
        return list(found["runsOrError"]["results"])

    def ended(self, run_id: str) -> dict[str, Any]:
        """The run, once it has ended."""
        return dict(wait_for(f"run {run_id} to end", lambda: self._if_ended(run_id), seconds=RUN_SECONDS))

    def _if_ended(self, run_id: str) -> dict[str, Any] | None:
        (run,) = [run for run in self.runs() if run["runId"] == run_id]
        return run if run["status"] in ("SUCCESS", "FAILURE", "CANCELED") else None

    def told(self, asset: str, run_id: str) -> dict[str, Any]:
        """What an asset's page shows of a run."""
        found = self.graphql(EVENTS % asset)["assetOrError"]
        rows = [*found["assetMaterializations"], *found["assetObservations"]]
        (entries,) = [row["metadataEntries"] for row in rows if row["runId"] == run_id]
        return {entry["label"]: entry.get("intValue", entry.get("mdStr", entry.get("text"))) for entry in entries}

    def tags(self, run_id: str) -> dict[str, str]:
        """The project's own tags of a run, once it has ended: its kind, its outcome and its figures."""
        tags = {tag["key"]: tag["value"] for tag in self.ended(run_id)["tags"]}
        return {key.removeprefix(TAGS): value for key, value in tags.items() if key.startswith(TAGS)}

    def steps(self, run_id: str) -> list[str]:
        """The steps that a run was to execute."""
        return list(self.graphql(STEPS % run_id)["runOrError"]["stepKeysToExecute"])

    def materialized_in(self, asset: str) -> str:
        """The run of the asset's newest materialization."""
        return str(self.graphql(EVENTS % asset)["assetOrError"]["assetMaterializations"][0]["runId"])

    def checked(self, asset: str, check: str) -> tuple[str, bool, int]:
        """The newest result of a check: of which run, whether it passed, and its first figure."""
        (newest,) = self.graphql(CHECKED % (asset, check))["assetCheckExecutions"]
        found = newest["evaluation"]
        return newest["runId"], found["success"], next(e["intValue"] for e in found["metadataEntries"] if e)

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """The published audit's answer."""
        with duckdb.connect(str(self.folder / "data/sandbox/b24_pipeline.duckdb"), read_only=True) as audit:
            return audit.execute(sql).fetchall()

    def in_callgear(self) -> str:
        """The sandbox's page: who is where."""
        return httpx.get(self.sandbox_page, timeout=30).raise_for_status().text

    def hire(self, **fields: str) -> None:
        """Somebody appears in the portal, as by the form of the sandbox's page."""
        httpx.post(f"{self.sandbox_page}people/hire", data=fields, timeout=30)


def wait_for(what: str, condition: Callable[[], Any], *, seconds: float) -> Any:
    """The condition's first true value; the outside world has no other clock."""
    deadline = time.monotonic() + seconds
    pause = threading.Event().wait
    while time.monotonic() < deadline:
        try:
            found = condition()
        except (httpx.HTTPError, OSError, KeyError, ValueError):
            found = None
        if found:
            return found
        pause(0.25)
    raise AssertionError(f"waited {seconds:.0f} s for: {what}")


@contextmanager
def running_desk(folder: Path) -> Iterator[Desk]:
    """Start the UI, the daemon and the sandbox; stop them all at the end."""
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(PROJECT / name, folder / name)
    (folder / "data").mkdir()
    port = free_port()
    environment = {**os.environ, AUTOMATION: OFF}  # each run of the story is somebody's doing
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


def is_listening(port: int) -> bool:
    """Return whether somebody takes connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
