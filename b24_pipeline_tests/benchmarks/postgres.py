"""A run in which nothing has changed, with Dagster's runs in Postgres behind pgbouncer, against files of SQLite."""

from collections.abc import Iterator
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


def measure() -> Iterator[Line]:
    """Let the two storages take turns, on one disk."""
    sandbox = Sandbox.crowd(PEOPLE, latency=LATENCY)
    links = fill_account(sandbox)
    on_disk = Path(gettempdir())
    with TemporaryDirectory() as name, engines.postgres(place=on_disk) as server, engines.pgbouncer(server) as pool:
        folder = project_folder(Path(name))
        store_links(folder / "b24_pipeline.duckdb", links)
        storage = engines.storage_variables(server, pool.port) | {"DAGSTER_HOME": str(engines.CONFIGURATION)}
        for what, taken in (("the job", quiet_job), ("`b24-pipeline sync`, whole process", quiet_command)):
            contenders = [partial(taken, sandbox, folder, chosen) for chosen in (storage, {})]
            interleaved(1, contenders)  # makes the tables of both
            ours, against = interleaved(ROUNDS, contenders)
            yield Line(
                f"{PEOPLE} people on both sides, nothing changed: {what}",
                f"{ours:.2f} s",
                against=f"SQLite: {against:.2f} s",
                ratio=ours / against,
                target=f"ratio ≤ {AT_MOST}",
                reached=ours <= AT_MOST * against,
            )
