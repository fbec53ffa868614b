"""A project folder with many connections, and the programs that run there."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from b24_pipeline.sandbox import Sandbox, serve
from b24_pipeline.settings.dagster import AUTOMATION
from b24_pipeline_tests.e2e.desk import Desk
from b24_pipeline_tests.harness import OURS
from b24_pipeline_tests.processes import START_SECONDS, free_port, installed, started, wait_for

ASSETS = (
    "bitrix24_users",
    "employees",
    "callgear_employees",
    "employee_matches",
    "callgear_upsert",
    "responsible_employees",
    "import_report",
)
BACKFILL = (
    'mutation { launchPartitionBackfill(backfillParams: {assetSelection: [%s], partitionNames: ["%s"]}) '
    "{ __typename ... on LaunchBackfillSuccess { backfillId } } }"
)
CODE_SERVER = ("code-server", "start", "--module-name", "b24_pipeline.definitions", "--socket")
WORKSPACE = "load_from: [{grpc_server: {socket: data/code_server.sock, location_name: b24_pipeline}}]\n"


@dataclass(frozen=True, slots=True)
class Company:
    """A company that is a connection; its portal and its account are served."""

    key: str
    sandbox: Sandbox

    def hire(self, last_name: str) -> None:
        """Somebody appears in the portal."""
        self.sandbox.portal.hire(NAME="Ira", LAST_NAME=last_name, EMAIL=f"{last_name.lower()}@{self.key}.test")


def connect(folder: Path, key: str, stack: ExitStack, *, people: int) -> Company:
    """Add the file of a company with so many people; it is served until the stack ends."""
    server = stack.enter_context(serve(Sandbox()))
    company = Company(key, server.sandbox)
    for number in range(people):
        company.hire(f"P{number}")
    (folder / "connections").mkdir(exist_ok=True)
    (folder / f"connections/{key}.env").write_text(
        f"BITRIX24_WEBHOOK_URL={server.webhook_url}\nCALLGEAR_API_URL={server.callgear_url}\n"
        f"CALLGEAR_ACCESS_TOKEN={server.access_token}\n"
    )
    return company


@contextmanager
def program(folder: Path, *arguments: str, automation: str = "on") -> Iterator["subprocess.Popen[bytes]"]:
    """A command of `b24-pipeline`, until the block ends."""
    with command(folder, installed("b24-pipeline"), *arguments, **{AUTOMATION: automation}) as process:
        yield process


@contextmanager
def command(folder: Path, *line: str, **variables: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A program with arguments, without settings of this machine, until the block ends."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(OURS)} | variables
    with started(*line, log=folder / f"{line[1]}.log", cwd=folder, env=environment) as process:
        yield process


@contextmanager
def code_server(
    folder: Path, start: Callable[..., AbstractContextManager["subprocess.Popen[bytes]"]]
) -> Iterator["subprocess.Popen[bytes]"]:
    """The code server that daemon and webserver share (docs/connections.md), once it answers.

    Args:
        folder: the project folder.
        start: starts a program with arguments.
    """
    socket = folder / "data/code_server.sock"
    (folder / "workspace.yaml").write_text(WORKSPACE)
    with start(installed("dagster"), *CODE_SERVER, str(socket)) as process:
        wait_for("the code server", socket.exists, seconds=START_SECONDS, process=process)
        yield process


@contextmanager
def running_ui(folder: Path, *, automation: str = "on") -> Iterator[tuple[Desk, "subprocess.Popen[bytes]"]]:
    """Dagster's UI, once it answers, and its process."""
    port = free_port()
    desk = Desk(ui=f"http://127.0.0.1:{port}", sandbox_page="", folder=folder)
    with program(folder, "webserver", "--port", str(port), automation=automation) as process:
        wait_for("the UI", lambda: desk.graphql("{ version }"), seconds=START_SECONDS, process=process)
        yield desk, process
