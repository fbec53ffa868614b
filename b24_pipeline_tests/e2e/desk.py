"""A running desk: `b24-pipeline dev --sandbox` in a folder of its own, and what Dagster itself says of it."""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import httpx

from b24_pipeline.dagster_runs import TAGS
from b24_pipeline.settings.dagster import AUTOMATION, OFF
from b24_pipeline_tests.processes import PROJECT, RUN_SECONDS, START_SECONDS, free_port, installed, started, wait_for

SENSOR = "bitrix24_changes"
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


@contextmanager
def running_desk(folder: Path) -> Iterator[Desk]:
    """Start the UI, the daemon and the sandbox; stop them all at the end."""
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(PROJECT / name, folder / name)
    (folder / "data").mkdir()
    port = free_port()
    environment = {**os.environ, AUTOMATION: OFF}  # each run of the story is somebody's doing
    command = (installed("b24-pipeline"), "dev", "--sandbox", "--port", str(port))
    with started(*command, log=folder / "dev.log", end=signal.SIGINT, cwd=folder, env=environment) as process:
        desk = Desk(ui=f"http://127.0.0.1:{port}", sandbox_page=sandbox_page(folder), folder=folder)
        wait_for("the code location", lambda: is_loaded(desk), seconds=START_SECONDS, process=process)
        yield desk


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
