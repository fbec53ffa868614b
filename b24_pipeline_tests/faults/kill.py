"""Killing a run at a chosen request: a real process, with SIGKILL, before or after the server acts."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from b24_pipeline.audit import Paths
from b24_pipeline.sandbox import DropRequest, Phase, RequestSeen, Sandbox, Server
from b24_pipeline.settings.dagster import GIVEN
from b24_pipeline_tests.faults.prepared_scenarios import HALF_AN_HOUR, Site
from b24_pipeline_tests.harness import OURS

PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Child:
    """A run in a process of its own."""

    pid: int
    fork_server: "subprocess.Popen[str]"

    def ended(self) -> int:
        """Wait for its end: the exit code, or the signal as a negative number."""
        assert self.fork_server.stdout is not None
        return int(self.fork_server.stdout.readline())


class ForkServer:
    """The test's side of `fork_server.py`."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "b24_pipeline_tests.faults.fork_server"]
        without_settings = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT, env=without_settings
        )

    def start(self, **order: Any) -> Child:
        """Fork a child for a run of the chain, or for a command line."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return Child(int(self._process.stdout.readline()), self._process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()


@dataclass
class Killer:
    """Put into `Sandbox.on_request`: kills the run at its `at`-th request, or its `at`-th call of a method."""

    at: int
    phase: Phase
    method: str | None = None
    seen: int = 0
    struck: bool = False
    _child: Child | None = None
    _known: threading.Event = field(default_factory=threading.Event)

    def aim(self, child: Child) -> None:
        """The run to kill."""
        self._child = child
        self._known.set()

    def __call__(self, request: RequestSeen, phase: Phase) -> None:
        if phase is self.phase and not self.struck and self.method in (None, request.method):
            self.seen += 1
            if self.seen == self.at:
                self._strike()
        if self.struck and phase is Phase.BEFORE:
            raise DropRequest

    def _strike(self) -> None:
        self._known.wait()
        assert self._child is not None
        os.kill(self._child.pid, signal.SIGKILL)
        self.struck = True


@dataclass(frozen=True)
class Desk:
    """A folder with a Dagster home and a database of its own, where `b24-pipeline` is typed."""

    folder: Path
    server: Server
    fork_server: ForkServer

    @classmethod
    def at(cls, folder: Path, server: Server, fork_server: ForkServer) -> Self:
        """A new one."""
        shutil.copy(PROJECT / "dagster.yaml", folder)
        return cls(folder, server, fork_server)

    @property
    def paths(self) -> Paths:
        """Its database."""
        return Paths(self.folder / "b24.duckdb")

    @property
    def said(self) -> str:
        """What the last command printed."""
        return (self.folder / "said.txt").read_text()

    def environment(self) -> dict[str, str]:
        """The settings."""
        return {
            "BITRIX24_WEBHOOK_URL": self.server.webhook_url,
            "CALLGEAR_API_URL": self.server.callgear_url,
            "CALLGEAR_ACCESS_TOKEN": self.server.access_token,
            "B24_PIPELINE_DATABASE": str(self.paths.published),
            "B24_PIPELINE_HTTP_TIMEOUT_SECONDS": "2",
            "DAGSTER_HOME": str(self.folder),
            GIVEN: "{}",
        }

    def start(self, *arguments: str, **order: Any) -> Child:
        """Type a command; it runs in a process of its own."""
        return self.fork_server.start(
            arguments=list(arguments),
            environment=self.environment() | order.pop("settings", {}),
            folder=str(self.folder),
            output=str(self.folder / "said.txt"),
            **order,
        )

    def type(self, *arguments: str, **order: Any) -> int:
        """Type a command and wait for its end; gives the exit code."""
        return self.start(*arguments, **order).ended()


def kill_at(
    site: Site, fork_server: ForkServer, *, request: int, phase: Phase, method: str | None = None, **settings: object
) -> int:
    """A run in a child process, killed at that request, or that call of a method; its exit code, -9 when it was."""
    site.close()
    site.runs += 1
    killer = armed(site.sandbox, Killer(at=request, phase=phase, method=method))
    child = fork_server.start(settings=site.given(**settings), run_id=f"run-{site.runs}", seconds=site.clock.seconds)
    killer.aim(child)
    code = child.ended()
    site.sandbox.on_request = None
    site.clock.seconds += HALF_AN_HOUR
    return code


def armed(sandbox: Sandbox, killer: Killer) -> Killer:
    """The killer, waiting for its request."""
    sandbox.on_request = killer
    return killer
