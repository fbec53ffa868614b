"""Two hundred connections on one machine: definitions, a tick of the sensor, a round of quiet runs, a hire."""

import json
import multiprocessing
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, chdir, contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg
import psutil

from b24_pipeline import settings
from b24_pipeline.audit import Store
from b24_pipeline.connection import SYSTEM_CLOCK, utc_now
from b24_pipeline.definitions import build_definitions
from b24_pipeline.portal_polling import Portals
from b24_pipeline.reporting.refresh import refresh_report, report_beside
from b24_pipeline.sandbox import Sandbox, Server, serve
from b24_pipeline.settings import Connections
from b24_pipeline.settings.dagster import AUTOMATION, OFF
from b24_pipeline_tests.benchmarks.processes import in_fresh_process
from b24_pipeline_tests.benchmarks.report_rows import Line, at_most
from b24_pipeline_tests.benchmarks.seed import project_folder
from b24_pipeline_tests.connections.processes import ASSETS, BACKFILL, code_server, command, program, running_ui
from b24_pipeline_tests.e2e.desk import SENSOR, Desk
from b24_pipeline_tests.harness import import_once
from b24_pipeline_tests.processes import PROJECT, wait_for

COMPANIES = 200
PEOPLE = 20
FOLDER = Connections(Path("connections"))
HIRED_IN = 137
ROUND_SECONDS = 1500
BEGUN_SECONDS = 15
STATUS = '{ partitionBackfillOrError(backfillId: "%s") { ... on PartitionBackfill { status } } }'
START = (
    'mutation { startSensor(sensorSelector: {repositoryLocationName: "b24_pipeline", repositoryName: "__repository__", '
    'sensorName: "%s"}) { ... on Sensor { name } } }'
)
PARTITIONS = '{ assetNodeOrError(assetKey: {path: ["callgear_upsert"]}) { ... on AssetNode { partitionKeys } } }'


Ask = Callable[[Callable[[Sandbox], object]], object]
"""Asks the company in which somebody is hired."""


@dataclass(frozen=True, slots=True)
class Round:
    """A round of quiet runs: wall seconds, processor seconds by kind of process, and those until a hire has arrived."""

    seconds: float
    processor: Mapping[str, float]
    arrived: float


def companies(pipe: Connection) -> None:
    """Serve all portals and accounts, tell where they are, and answer questions about them."""
    sandboxes = [Sandbox() for _ in range(COMPANIES)]
    with ExitStack() as stack:
        for sandbox in sandboxes:
            for number in range(PEOPLE):
                sandbox.portal.hire(NAME="Ira", LAST_NAME=f"P{number}", EMAIL=f"p{number}@company.test")
        servers = [stack.enter_context(serve(sandbox)) for sandbox in sandboxes]
        pipe.send([(server.webhook_url, server.callgear_url) for server in servers])
        while asked := pipe.recv():
            pipe.send(asked(sandboxes[HIRED_IN]))


def hire(sandbox: Sandbox) -> None:
    sandbox.portal.hire(NAME="Eva", LAST_NAME="Newcomer", EMAIL="newcomer@company.test")


def employees(sandbox: Sandbox) -> int:
    return len(sandbox.account.employees)


@contextmanager
def serving_companies(folder: Path) -> Iterator[Ask]:
    """All companies in a process of their own, each connected by a file; gives a way to ask one of them something."""
    fork = multiprocessing.get_context("fork")
    here, there = fork.Pipe()
    process = fork.Process(target=companies, args=(there,), daemon=True)
    process.start()
    (folder / FOLDER.folder).mkdir()
    for number, (webhook, callgear) in enumerate(here.recv()):
        (folder / FOLDER.file(f"client_{number:03}")).write_text(
            f"BITRIX24_WEBHOOK_URL={webhook}\nCALLGEAR_API_URL={callgear}\nCALLGEAR_ACCESS_TOKEN={Server.access_token}\n"
        )

    def ask(function: Callable[[Sandbox], object]) -> object:
        here.send(function)
        return here.recv()

    try:
        yield ask
    finally:
        here.send(None)
        process.join()


def import_all() -> None:
    """The first import of every connection, without Dagster, with its report."""
    for key in FOLDER.keys:
        chosen = settings.load(key)
        with Store.open(chosen.paths, now=utc_now) as store:
            import_once(chosen, store, run_id=f"first-{key}", timing=SYSTEM_CLOCK)
            refresh_report(store, report_beside(chosen.paths.published), now=utc_now())
            store.publish()


def definitions() -> tuple[float, float]:
    """Processor seconds of building what Dagster shows, with the snapshots of all jobs, and the megabytes of these."""
    began = time.process_time()
    jobs = build_definitions(connections=FOLDER).get_repository_def().get_all_jobs()
    size = sum(len(dg.serialize_value(job.get_job_snapshot())) for job in jobs)
    return time.process_time() - began, size / 1_000_000


def ticks() -> tuple[tuple[float, float], tuple[float, float]]:
    """Wall and processor seconds of the first tick and of a later one, in which nothing has changed."""
    portals, cursor, taken = Portals(FOLDER), None, []
    for _ in range(4):
        wall, processor = time.perf_counter(), time.process_time()
        result = portals.poll(FOLDER.keys, cursor=cursor)
        taken.append((time.perf_counter() - wall, time.process_time() - processor))
        cursor = result.cursor
        if result.problems or len(result.found) != COMPANIES:
            raise RuntimeError(f"not every portal was polled: {result.problems[:3]}")
    return taken[0], min(taken[1:])


def used(roots: Sequence[int]) -> float:
    """Processor seconds of processes with all their descendants, also those that have ended."""
    total = 0.0
    for root in roots:
        for process in [psutil.Process(root), *psutil.Process(root).children(recursive=True)]:
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system + times.children_user + times.children_system
    return total


def code_server_mb(roots: Sequence[int]) -> float:
    """The memory of the largest code server."""
    found = [
        process.memory_info().rss / 1_000_000
        for root in roots
        for process in psutil.Process(root).children(recursive=True)
        if "grpc" in " ".join(process.cmdline())
    ]
    return max(found)


def backfill(desk: Desk) -> str:
    """Ask Dagster for a run of every connection."""
    keys = ", ".join(f'{{path: ["{name}"]}}' for name in ASSETS)
    names = '", "'.join(f"client_{number:03}" for number in range(COMPANIES))
    return str(desk.graphql(BACKFILL % (keys, names))["launchPartitionBackfill"]["backfillId"])


def ended(desk: Desk, backfill_id: str) -> bool:
    """Whether a backfill has ended well.

    Raises:
        AssertionError: it has failed.
    """
    found = desk.graphql(STATUS % backfill_id)
    status = found["partitionBackfillOrError"]["status"]
    if "FAIL" in status:
        raise AssertionError(f"the backfill ended as {status}")
    return bool(status == "COMPLETED_SUCCESS")


def quiet_round(desk: Desk, ask: Ask, roots: Mapping[str, Sequence[int]]) -> Round:
    """Let every connection run, and hire somebody in one portal meanwhile; the schedule is off, the sensor on.

    Args:
        desk: what Dagster is asked by.
        ask: asks the company in which somebody is hired.
        roots: the processes of which to tell the processor time, by kind.
    """
    desk.graphql(START % SENSOR)["startSensor"]["name"]
    wait_for("the partitions", lambda: f"client_{COMPANIES - 1:03}" in partitions(desk), seconds=120)
    before, began = {kind: used(pids) for kind, pids in roots.items()}, time.perf_counter()
    running = backfill(desk)
    time.sleep(BEGUN_SECONDS)
    hired = time.perf_counter()
    ask(hire)
    wait_for("the hire", lambda: ask(employees) == PEOPLE + 1, seconds=300)
    arrived = time.perf_counter() - hired
    wait_for("the end of the round", lambda: ended(desk, running), seconds=ROUND_SECONDS)
    taken = time.perf_counter() - began
    return Round(taken, {kind: used(pids) - before[kind] for kind, pids in roots.items()}, arrived)


def round_lines(found: Round, *, launcher: str, limit: float) -> Iterator[Line]:
    """What the page says of a round."""
    processor = sum(found.processor.values())
    yield at_most(f"a round of {COMPANIES} quiet runs, {launcher}: processor time", processor, limit, unit="s")
    if len(found.processor) > 1:
        yield Line("of it", ", ".join(f"{kind} {seconds:.0f} s" for kind, seconds in found.processor.items()))
    yield Line("from the request to the end of the last run", f"{found.seconds:.0f} s")
    yield at_most(f"a hire in connection {HIRED_IN} during it is in CallGear after", found.arrived, 60, unit="s")


def with_default_launcher(folder: Path, ask: Ask) -> Iterator[Line]:
    """A round of runs in processes of their own, with a code server that stays (docs/connections.md)."""
    start = partial(command, folder, DAGSTER_HOME=str(folder), **{AUTOMATION: OFF})
    with (
        code_server(folder, start) as code,
        running_ui(folder, automation=OFF) as (desk, ui),
        program(folder, "daemon", automation=OFF) as daemon,
    ):
        pids = (ui.pid, daemon.pid, code.pid)
        yield at_most("code server with these definitions", code_server_mb(pids), 300, unit="MB")
        found = quiet_round(desk, ask, {"everything": pids})
        yield Line("the same after a round, with what the sensors keep", f"{code_server_mb(pids):.0f} MB")
    yield from round_lines(found, launcher="default launcher", limit=800)
    size = sum(file.stat().st_size for file in (folder / "data/dagster").rglob("*") if file.is_file())
    yield Line("Dagster's storage (SQLite), for each run", f"{size / COMPANIES / 1024:.0f} KiB")


def partitions(desk: Desk) -> str:
    """The partitions that Dagster knows, as JSON."""
    return json.dumps(desk.graphql(PARTITIONS))


@contextmanager
def imported_companies() -> Iterator[tuple[Path, Ask]]:
    """A project folder in which everybody of all companies has been imported."""
    with TemporaryDirectory() as name:
        folder = project_folder(Path(name))
        shutil.copy(PROJECT / "workspace.yaml", folder)
        with serving_companies(folder) as ask:
            with chdir(folder):
                in_fresh_process(import_all, folder=folder)
            yield folder, ask


def measure() -> Iterator[Line]:
    """Measure everything in one project folder."""
    with imported_companies() as (folder, ask):
        (seconds, size), _ = in_fresh_process(definitions, folder=folder)
        yield at_most(f"definitions of {COMPANIES} connections with their snapshots", seconds, 0.5, unit="s", digits=2)
        yield at_most("the snapshots of their jobs", size, 1, unit="MB", digits=2)
        (first, kept), _ = in_fresh_process(ticks, folder=folder)
        yield Line(f"the sensor's first tick, {COMPANIES} portals", f"{first[0]:.1f} s, processor {first[1]:.1f} s")
        yield at_most("a later tick", kept[0], 3, unit="s", digits=2)
        yield at_most("the same: processor time", kept[1], 1, unit="s", digits=2)
        yield from with_default_launcher(folder, ask)
