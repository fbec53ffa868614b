"""Processes of their own: the server computes in one, and whatever is measured runs in a fresh other one."""

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from subprocess import PIPE, Popen
from typing import TypeVar

import psutil

from b24_pipeline.sandbox import Latency, Sandbox, Server, serve

Result = TypeVar("Result")

LATENCY = Latency(request=0.080, command=0.008)
"""What an answer takes: of each request, and of each command of a batch besides."""

MIB = 1024 * 1024
PROJECT = Path(__file__).resolve().parents[2]
_WATCH_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Seen:
    """What the server has seen so far."""

    bitrix24_requests: int
    bitrix24_refused: int
    callgear_requests: int
    callgear_refused: int
    writes: int


def seen(sandbox: Sandbox) -> Seen:
    """Count the requests; a refused one was not carried out."""
    portal = [request for request in sandbox.requests if request.api == "bitrix24"]
    account = [request for request in sandbox.requests if request.api == "callgear"]
    return Seen(
        bitrix24_requests=len(portal),
        bitrix24_refused=sum(not request.acted for request in portal),
        callgear_requests=len(account),
        callgear_refused=sum(not request.acted for request in account),
        writes=len(sandbox.writes()),
    )


def forget_requests(sandbox: Sandbox) -> None:
    """Count from 0 again."""
    sandbox.requests.clear()


def answer_after(sandbox: Sandbox, latency: Latency) -> None:
    """Let answers take so long from now on."""
    sandbox.latency = latency


def refill_at_once(sandbox: Sandbox) -> None:
    """Lift the portal's request rate and the account's points, for filling both."""
    sandbox.bitrix24 = replace(sandbox.bitrix24, tariff=None)
    sandbox.callgear = replace(sandbox.callgear, minute_limit=10_000_000, day_limit=10_000_000)


class ServerProcess:
    """A server in a process of its own: where it is, and a way to ask its sandbox something."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self.webhook_url, self.callgear_url = pipe.recv()

    def ask(self, function: Callable[..., Result], *arguments: object) -> Result:
        """Call `function(sandbox, *arguments)` over there."""
        self._pipe.send((function, arguments))
        answer: Result = self._pipe.recv()
        return answer

    def environment(self, folder: Path) -> dict[str, str]:
        """The settings that name this server, and a database and Dagster home in the folder."""
        return {
            "BITRIX24_WEBHOOK_URL": self.webhook_url,
            "CALLGEAR_API_URL": self.callgear_url,
            "CALLGEAR_ACCESS_TOKEN": Server.access_token,
            "B24_PIPELINE_DATABASE": str(folder / "b24_pipeline.duckdb"),
            "DAGSTER_HOME": str(folder),
            "PYTHONPATH": str(PROJECT),
        }


@contextmanager
def serving(sandbox: Sandbox) -> Iterator[ServerProcess]:
    """Serve a copy of the sandbox from a forked process: its bucket is empty, its operating time unused."""
    fork = multiprocessing.get_context("fork")
    here, there = fork.Pipe()
    process = fork.Process(target=_serve, args=(sandbox, there), daemon=True)
    process.start()
    there.close()
    try:
        yield ServerProcess(here)
    finally:
        here.send(None)
        process.join()


def _serve(sandbox: Sandbox, pipe: Connection) -> None:
    with serve(sandbox) as server:
        pipe.send((server.webhook_url, server.callgear_url))
        while asked := pipe.recv():
            function, arguments = asked
            with sandbox.lock:
                answer = function(sandbox, *arguments)
            pipe.send(answer)


def in_fresh_process(
    function: Callable[..., Result],
    *arguments: object,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> tuple[Result, float]:
    """Call a function in a new process, in a folder; gives its result, and the most memory the process had (MiB)."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_call, args=(there, environment or {}, folder or Path(), function, arguments))
    process.start()
    there.close()
    try:
        result, peak = here.recv()
    finally:
        process.join()
    return result, peak


def _call(
    pipe: Connection,
    environment: Mapping[str, str],
    folder: Path,
    function: Callable[..., object],
    arguments: Sequence[object],
) -> None:
    os.environ.update(environment)
    os.chdir(folder)
    result = function(*arguments)
    pipe.send((result, _high_water_mark(os.getpid())))


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended well: what it wrote, how long it took, the most memory it had (MiB)."""

    output: str
    seconds: float
    peak: float


def run_command(command: Sequence[str], *, environment: Mapping[str, str], folder: Path) -> Ended:
    """Run a command as a person would.

    Raises:
        RuntimeError: it failed.
    """
    began = time.perf_counter()
    with Popen(command, env={**os.environ, **environment}, cwd=folder, stdout=PIPE, stderr=PIPE, text=True) as process:
        peak = _watched(process)
        output, errors = process.communicate()
    seconds = time.perf_counter() - began
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {errors or output}")
    return Ended(output, seconds, peak)


def _watched(process: "Popen[str]") -> float:
    """Wait for the end; the kernel's own high-water mark, read again and again, misses nothing but the last moment."""
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, _high_water_mark(process.pid))
        time.sleep(_WATCH_SECONDS)
    return peak


def _high_water_mark(pid: int) -> float:
    """The most memory a process had so far, MiB. Not `ru_maxrss`: that begins with what the parent had at the fork."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def machine() -> str:
    """The machine in one line."""
    memory = psutil.virtual_memory().total / MIB / 1024
    return f"{os.cpu_count()} cores, {memory:.0f} GiB of memory"
