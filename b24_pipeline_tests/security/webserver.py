"""`b24-pipeline webserver` and `daemon` as processes of their own, in a folder of their own, and what they answer."""

import os
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from b24_pipeline_tests.processes import PROJECT, START_SECONDS, free_port, started, wait_for

CHAIN = 'repositoryLocationName: "b24_pipeline", repositoryName: "__repository__", jobName: "employee_import"'
LAUNCH = f"""mutation {{ launchRun(executionParams: {{ selector: {{ {CHAIN} }} }}) {{
    __typename ... on LaunchRunSuccess {{ run {{ runId }} }} }} }}"""
JOBS = "{ repositoriesOrError { ... on RepositoryConnection { nodes { jobs { name } } } } }"
RUNS = "{ runsOrError { ... on Runs { results { runId status } } } }"


@dataclass(frozen=True, slots=True)
class Webserver:
    """Where it listens; a proxy before it does so by TLS."""

    port: int
    tls: ssl.SSLContext | None = None

    @property
    def host(self) -> str:
        """As a browser names it."""
        return f"127.0.0.1:{self.port}"

    def graphql(self, query: str, **headers: str) -> Any:
        """Ask by POST, as the UI does; gives the data.

        Raises:
            httpx.HTTPStatusError: the query was refused.
        """
        response = httpx.post(f"http://{self.host}/graphql", json={"query": query}, headers=headers, timeout=60)
        return response.raise_for_status().json()["data"]

    def status(self, request: str, *headers: str, body: str = "") -> int:
        """The status of the answer to a request that is sent exactly as it is written here."""
        length = [f"Content-Length: {len(body)}"] if body else []
        lines = [f"{request} HTTP/1.1", *headers, *length, "", body]
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as plain, ExitStack() as stack:
            connection = stack.enter_context(self.tls.wrap_socket(plain)) if self.tls else plain
            connection.sendall("\r\n".join(lines).encode())
            return int(connection.makefile("rb").readline().split()[1])

    def runs(self) -> list[dict[str, str]]:
        """Dagster's runs."""
        return list(self.graphql(RUNS)["runsOrError"]["results"])


@contextmanager
def webserver(folder: Path, *options: str) -> Iterator[Webserver]:
    """Serve the UI of an empty Dagster home, with not one setting of the import given."""
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(PROJECT / name, folder / name)
    served = Webserver(free_port())
    with running(folder, "webserver", "--port", str(served.port), *options) as process:
        wait_for(
            "the code location",
            lambda: served.graphql(JOBS)["repositoriesOrError"]["nodes"],
            seconds=START_SECONDS,
            process=process,
        )
        yield served


@contextmanager
def running(
    folder: Path, *arguments: str, settings: Mapping[str, str] | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """One of our commands, until the end of this block."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(PROJECT), **(settings or {})}
    command = (sys.executable, "-m", "b24_pipeline.cli", *arguments)
    with started(*command, log=folder / f"{arguments[0]}.log", cwd=folder, env=environment) as process:
        yield process
