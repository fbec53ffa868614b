"""A run in which nothing has changed, on top of a Dagster job of as many assets that do nothing."""

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import dagster as dg

from b24_pipeline.definitions import defs
from b24_pipeline.sandbox import Sandbox
from b24_pipeline_tests.benchmarks.processes import (
    LATENCY,
    Ended,
    Seen,
    in_fresh_process,
    run_command,
    seen,
    serving,
)
from b24_pipeline_tests.benchmarks.report_rows import Line, at_most
from b24_pipeline_tests.benchmarks.seed import fill_account, project_folder, store_links

ROUNDS = 3
SIZES = {10_000: (3, 400), 100_000: (12, 1024)}
"""People: the most seconds on top of the bare job, the most memory (MiB)."""

IN_ONE_REQUEST = 10_000
"""Employees that CallGear tells in one request; above that they are read in ranges of ids."""

BUCKET_SECONDS = 26
"""A run that follows at once waits for the portal's bucket; one half an hour later does not."""

QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}
B24_PIPELINE = (str(Path(sys.executable).with_name("b24-pipeline")), "sync", "--json")


def bare_job() -> dg.JobDefinition:
    """As many assets as the import has, in one chain, that do nothing."""
    chain: list[dg.AssetsDefinition] = []
    for name in ("one", "two", "three", "four", "five", "six"):
        before = [chain[-1]] if chain else []

        @dg.asset(name=name, deps=before)
        def idle() -> None:
            """Do nothing."""

        chain.append(idle)
    job = dg.define_asset_job("bare", selection=chain)
    bare = dg.Definitions(assets=chain, jobs=[job], executor=dg.in_process_executor)
    return bare.resolve_job_def("bare")


def taken(job: dg.JobDefinition, instance: dg.DagsterInstance) -> float:
    """Seconds that a job takes."""
    began = time.perf_counter()
    if not job.execute_in_process(instance=instance, run_config={"loggers": QUIET}).success:
        raise RuntimeError(f"the job {job.name} failed")
    return time.perf_counter() - began


def bare_and_ours() -> tuple[float, float]:
    """Both jobs once in this process, which has not run the import before; Dagster is warm."""
    bare, ours = bare_job(), defs.resolve_job_def("employee_import")
    with dg.DagsterInstance.get() as instance:
        taken(bare, instance)
        return taken(bare, instance), taken(ours, instance)


def bare_process() -> None:
    """What a process needs that does nothing but the bare job."""
    with dg.DagsterInstance.get() as instance:
        taken(bare_job(), instance)


@dataclass(frozen=True, slots=True)
class Rounds:
    """Quiet runs of one size, measured several times."""

    jobs: Sequence[tuple[float, float]]
    commands: Sequence[Ended]
    bare_commands: Sequence[Ended]
    seen: Seen

    @property
    def on_top(self) -> float:
        """Seconds of our job on top of the bare one."""
        return median(ours - bare for bare, ours in self.jobs)


def rounds(sandbox: Sandbox, folder: Path, *, count: int) -> Rounds:
    """Run again and again in fresh processes, each against a fresh server."""
    jobs, commands, bare_commands, counts = [], [], [], []
    bare = (sys.executable, "-c", f"from {__name__} import bare_process; bare_process()")
    for _ in range(count):
        time.sleep(BUCKET_SECONDS)
        with serving(sandbox) as server:
            jobs.append(in_fresh_process(bare_and_ours, environment=server.environment(folder), folder=folder)[0])
            counts.append(server.ask(seen))
        time.sleep(BUCKET_SECONDS)
        with serving(sandbox) as server:
            environment = server.environment(folder)
            commands.append(run_command(B24_PIPELINE, environment=environment, folder=folder))
            bare_commands.append(run_command(bare, environment=environment, folder=folder))
    return Rounds(jobs, commands, bare_commands, max(counts, key=lambda count: count.bitrix24_requests))


def quiet_runs(people: int, *, seconds: float, memory: float) -> Iterator[Line]:
    """Everything that is measured for so many people on both sides."""
    sandbox = Sandbox.crowd(people, latency=LATENCY)
    links = fill_account(sandbox)
    with TemporaryDirectory() as name:
        folder = project_folder(Path(name))
        store_links(folder / "b24_pipeline.duckdb", links)
        with serving(sandbox) as server:
            run_command(B24_PIPELINE, environment=server.environment(folder), folder=folder)
        measured = rounds(sandbox, folder, count=ROUNDS)
    case = f"{people:,} people on both sides, nothing changed"
    bare, ours = (median(times) for times in zip(*measured.jobs, strict=True))
    yield Line(
        f"{case}: the job",
        f"{ours:.2f} s, {measured.on_top:.2f} s on top",
        against=f"bare Dagster job of 6 assets: {bare:.2f} s",
        target=f"≤ {seconds} s on top",
        reached=measured.on_top <= seconds,
    )
    whole, bare_whole = (median(run.seconds for run in runs) for runs in (measured.commands, measured.bare_commands))
    yield Line(
        f"{case}: `b24-pipeline sync`, whole process",
        f"{whole:.2f} s",
        against=f"bare Dagster job, whole process: {bare_whole:.2f} s",
        target=f"≤ {seconds} s on top",
        reached=whole - bare_whole <= seconds,
    )
    yield at_most(f"{case}: peak memory", max(run.peak for run in measured.commands), memory, unit="MiB")
    yield at_most(f"{case}: Bitrix24", measured.seen.bitrix24_requests, ceil(people / 2_500) + 2, unit="requests")
    most_points = 1 if people <= IN_ONE_REQUEST else 2 * ceil(people / IN_ONE_REQUEST)
    yield at_most(f"{case}: CallGear", measured.seen.callgear_requests, most_points, unit="points")
    yield at_most(f"{case}: CallGear", measured.seen.writes, 0, unit="writes")


def measure() -> Iterator[Line]:
    """Both sizes."""
    for people, (seconds, memory) in SIZES.items():
        yield from quiet_runs(people, seconds=seconds, memory=memory)
