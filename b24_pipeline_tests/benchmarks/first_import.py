"""A first import: how much of what may be in flight is, and how much of the points budget is used."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg

from b24_pipeline.definitions import defs
from b24_pipeline.sandbox import CallGearBehavior, Sandbox
from b24_pipeline.sandbox.company.generator import person
from b24_pipeline.settings import Settings
from b24_pipeline_tests.benchmarks.processes import LATENCY, Seen, in_fresh_process, seen, serving
from b24_pipeline_tests.benchmarks.quiet import QUIET
from b24_pipeline_tests.benchmarks.report_rows import Line, at_most
from b24_pipeline_tests.benchmarks.seed import project_folder

CREATES = 5_000
IN_FLIGHT: int = Settings.model_fields["callgear_in_flight"].default
LIFTED = CallGearBehavior(minute_limit=10_000_000, day_limit=10_000_000)
LEAST_OF_FLIGHT = 0.90

MINUTE_LIMIT, MINUTES = 200, 3
LIMITED = CallGearBehavior(minute_limit=MINUTE_LIMIT)
LEAST_OF_BUDGET = 0.95


@dataclass(frozen=True, slots=True)
class Imported:
    """What the server saw: when each request and each create came (Unix seconds), and how many there were."""

    points: list[float]
    creates: list[float]
    seen: Seen


def candidates(count: int) -> Sandbox:
    """A portal of so many people to import, and an empty account."""
    sandbox = Sandbox(latency=LATENCY)
    for number in range(count):
        sandbox.portal.hire(**person(number))
    return sandbox


def run_job() -> None:
    """The import, once."""
    with dg.DagsterInstance.get() as instance:
        job = defs.resolve_job_def("employee_import")
        if not job.execute_in_process(instance=instance, run_config={"loggers": QUIET}).success:
            raise RuntimeError("the import failed")


def times(sandbox: Sandbox) -> tuple[list[float], list[float]]:
    """When CallGear's requests came, and those of them that create."""
    requests = [request for request in sandbox.requests if request.api == "callgear"]
    return [request.at for request in requests], [
        request.at for request in requests if request.method == "create.employees"
    ]


def imported(count: int, behavior: CallGearBehavior) -> Imported:
    """Import so many people into an account of these limits."""
    sandbox = candidates(count)
    sandbox.callgear = replace(behavior)
    with TemporaryDirectory() as name, serving(sandbox) as server:
        folder = project_folder(Path(name))
        in_fresh_process(run_job, environment=server.environment(folder), folder=folder)
        points, creates = server.ask(times)
        return Imported(points, creates, server.ask(seen))


def with_limits_lifted(count: int = CREATES) -> Iterator[Line]:
    """As fast as the number of requests in flight allows."""
    found = imported(count, LIFTED)
    taken = found.creates[-1] - found.creates[0] + LATENCY.request
    possible = len(found.creates) * LATENCY.request / IN_FLIGHT
    yield Line(
        f"{count:,} creates at 80 ms, {IN_FLIGHT} in flight, no limits",
        f"{taken:.1f} s: {possible / taken:.0%} of the possible",
        against=f"the floor: {possible:.1f} s",
        ratio=taken / possible,
        target=f"≥ {LEAST_OF_FLIGHT:.0%}",
        reached=possible / taken >= LEAST_OF_FLIGHT and len(found.creates) == count,
    )


def with_a_budget(minutes: int = MINUTES) -> Iterator[Line]:
    """Real minutes: from the first request to the first one of the minute after the last."""
    points = MINUTE_LIMIT * minutes
    found = imported(points + MINUTE_LIMIT // 2, LIMITED)
    taken = found.points[points] - found.points[0]
    used = points / (MINUTE_LIMIT * taken / 60)
    what = f"creates with {MINUTE_LIMIT} points a minute, {minutes} minutes"
    yield Line(
        what,
        f"{points} points in {taken:.1f} s: {used:.1%} of the budget",
        against=f"the floor: {60 * minutes} s",
        ratio=taken / (60 * minutes),
        target=f"≥ {LEAST_OF_BUDGET:.0%}",
        reached=used >= LEAST_OF_BUDGET,
    )
    yield at_most(f"{what}: `limit_exceeded`", found.seen.callgear_refused, 0, unit="answers")


def measure() -> Iterator[Line]:
    """Both."""
    yield from with_limits_lifted()
    yield from with_a_budget()
