"""Real processes: the daemon, the UI and the terminal start imports of one connection at once, and none overlap."""

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest

from b24_pipeline.sandbox import Sandbox, Server, serve
from b24_pipeline_tests.connections.processes import ASSETS, BACKFILL, program, running_ui
from b24_pipeline_tests.e2e.desk import Desk
from b24_pipeline_tests.processes import PROJECT, wait_for

pytestmark = pytest.mark.long
SELECTOR = 'repositoryLocationName: "b24_pipeline", repositoryName: "__repository__"'
LAUNCH = (
    'mutation { launchRun(executionParams: {selector: {%s, pipelineName: "%s"%s}, runConfigData: {}, '
    'executionMetadata: {tags: [{key: "dagster/partition", value: "%s"}]}}) { __typename } }'
)
RUNS = "SELECT run_id, started_at, finished_at, status, created FROM audit.runs ORDER BY started_at"
IMPORT_SECONDS = 90
ROUND_SECONDS = 240


class Installation:
    """A project folder with the daemon and the UI, and companies that it imports."""

    def __init__(self, folder: Path, desk: Desk) -> None:
        self.folder = folder
        self.desk = desk
        self.servers: dict[str, Server] = {}

    def connect(self, key: str, stack: ExitStack, *, people: int) -> Server:
        """Add the file of a company with so many people."""
        server = stack.enter_context(serve(Sandbox()))
        for number in range(people):
            server.sandbox.portal.hire(NAME="Ira", LAST_NAME=f"P{number}", EMAIL=f"p{number}@{key}.test")
        self.servers[key] = server
        (self.folder / "connections" / f"{key}.env").write_text(
            f"BITRIX24_WEBHOOK_URL={server.webhook_url}\nCALLGEAR_API_URL={server.callgear_url}\n"
            f"CALLGEAR_ACCESS_TOKEN={server.access_token}\n"
        )
        return server

    def runs(self, key: str) -> list[tuple[Any, ...]]:
        """The runs in the audit of a connection, the oldest first."""
        path = self.folder / f"data/connections/{key}/b24_pipeline.duckdb"
        if not path.exists():
            return []
        with duckdb.connect(str(path), read_only=True) as audit:
            return audit.execute(RUNS).fetchall()

    def imported(self, key: str) -> bool:
        """Whether a connection was imported."""
        return [status for *_, status, _ in self.runs(key)][:1] == ["done"]

    def active(self, key: str) -> list[str]:
        """The runs of a connection that Dagster has queued or started."""
        tag = {"key": "dagster/partition", "value": key}
        return [
            run["runId"]
            for run in self.desk.runs()
            if tag in run["tags"] and run["status"] not in ("SUCCESS", "FAILURE", "CANCELED")
        ]


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(PROJECT / name, tmp_path / name)
    (tmp_path / "data").mkdir()
    (tmp_path / "connections").mkdir()
    with running_ui(tmp_path) as (desk, _), program(tmp_path, "daemon"):
        yield Installation(tmp_path, desk)


def test_r17_however_one_connection_is_started_its_runs_never_overlap(installation: Installation) -> None:
    with ExitStack() as stack:
        acme = installation.connect("acme", stack, people=30)
        globex = installation.connect("globex", stack, people=3)
        for key in ("acme", "globex"):
            wait_for(f"the import of {key}", partial(installation.imported, key), seconds=IMPORT_SECONDS)

        for number in range(5):
            acme.sandbox.portal.hire(NAME="Eva", LAST_NAME=f"N{number}", EMAIL=f"n{number}@acme.test")
        job = LAUNCH % (SELECTOR, "employee_import", "", "acme")
        keys = ", ".join(f'{{path: ["{name}"]}}' for name in ASSETS)
        materialize = LAUNCH % (SELECTOR, "__ASSET_JOB", f", assetSelection: [{keys}]", "acme")
        launched = [installation.desk.graphql(text) for text in (job, materialize, job, BACKFILL % (keys, "acme"))]
        with program(installation.folder, "sync", "--connection", "acme", "--json") as terminal:
            globex.sandbox.portal.hire(NAME="Eva", LAST_NAME="Meanwhile", EMAIL="meanwhile@globex.test")
            terminal.wait(timeout=ROUND_SECONDS)

        assert [next(iter(found.values()))["__typename"] for found in launched] == [
            "LaunchRunSuccess",
            "LaunchRunSuccess",
            "LaunchRunSuccess",
            "LaunchBackfillSuccess",
        ], json.dumps(launched)
        wait_for("the hire of globex", lambda: len(globex.sandbox.account.employees) == 4, seconds=60)
        wait_for("four imports of acme", lambda: len(installation.runs("acme")) >= 5, seconds=ROUND_SECONDS)
        wait_for("the last run of acme", lambda: not installation.active("acme"), seconds=ROUND_SECONDS)

        runs = installation.runs("acme")
        assert {status for *_, status, _ in runs} == {"done"}
        assert all(ended is not None and ended <= begun for (*_, ended, _, _), (_, begun, *_) in pairwise(runs)), runs
        assert sum(created for *_, created in runs) == 35
        assert len(acme.sandbox.account.employees) == 35
