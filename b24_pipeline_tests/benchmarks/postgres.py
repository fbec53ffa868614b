"""A run in which nothing has changed, on Postgres behind pgbouncer, against files of this machine."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from b24_pipeline.sandbox import Sandbox
from b24_pipeline_tests.benchmarks.processes import LATENCY, in_fresh_process, run_command, serving
from b24_pipeline_tests.benchmarks.quiet import B24_PIPELINE, bare_and_ours
from b24_pipeline_tests.benchmarks.report_rows import Line, interleaved
from b24_pipeline_tests.benchmarks.seed import fill_account, project_folder, store_links
from b24_pipeline_tests.cluster import engines

PEOPLE = 250
ROUNDS = 5
AT_MOST = 1.2


def quiet_job(sandbox: Sandbox, folder: Path, storage: dict[str, str]) -> float:
    """Return the seconds of the job in a fresh process, in which Dagster is warm."""
    with serving(sandbox) as server:
        environment = server.environment(folder) | storage
        return in_fresh_process(bare_and_ours, environment=environment, folder=folder)[0][1]


def quiet_command(sandbox: Sandbox, folder: Path, storage: dict[str, str]) -> float:
    """Return the seconds of `b24-pipeline sync`."""
    with serving(sandbox) as server:
        return run_command(B24_PIPELINE, environment=server.environment(folder) | storage, folder=folder).seconds


def compared(what: str, contenders: Sequence[Callable[[], float]], *, target: float | None) -> Line:
    """Let the two take turns, after a first time that makes the tables of both."""
    interleaved(1, contenders)
    ours, against = interleaved(ROUNDS, contenders)
    return Line(
        f"{PEOPLE} people on both sides, nothing changed: {what}",
        f"{ours:.2f} s",
        against=f"files: {against:.2f} s",
        ratio=ours / against,
        target=f"ratio ≤ {target}" if target else "",
        reached=ours <= target * against if target else None,
    )


def measure() -> Iterator[Line]:
    """Compare Dagster's runs in Postgres, and the audit in a lake as well, with files; all on one disk."""
    sandbox = Sandbox.crowd(PEOPLE, latency=LATENCY)
    links = fill_account(sandbox)
    on_disk = Path(gettempdir())
    with TemporaryDirectory() as name, engines.postgres(place=on_disk) as server, engines.pgbouncer(server) as pool:
        folder = project_folder(Path(name))
        store_links(folder / "b24_pipeline.duckdb", links)
        storage = engines.storage_variables(server, pool.port) | {"DAGSTER_HOME": str(engines.CONFIGURATION)}
        for what, taken in (("the job", quiet_job), ("`b24-pipeline sync`, whole process", quiet_command)):
            contenders = [partial(taken, sandbox, folder, chosen) for chosen in (storage, {})]
            yield compared(f"{what}, runs in Postgres", contenders, target=AT_MOST)
        lake = storage | engines.lake_variables(server, schema="bench", data=folder / "lake")
        contenders = [partial(quiet_command, sandbox, folder, chosen) for chosen in (lake, {})]
        yield compared("`b24-pipeline sync`, runs in Postgres and the audit in a lake", contenders, target=None)
