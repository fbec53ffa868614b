"""What runs leave behind: in a lake with its nights, and in Dagster's storage with its retention."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

import dagster as dg

from b24_pipeline import jobs, settings
from b24_pipeline.definitions import defs
from b24_pipeline.sandbox import Sandbox
from b24_pipeline_tests.benchmarks.processes import in_fresh_process, serving
from b24_pipeline_tests.benchmarks.quiet import QUIET, taken
from b24_pipeline_tests.benchmarks.report_rows import Line, at_most
from b24_pipeline_tests.benchmarks.seed import fill_account, project_folder, store_links
from b24_pipeline_tests.cluster import engines
from b24_pipeline_tests.cluster.engines import Postgres
from b24_pipeline_tests.cluster.growth import PEOPLE, grown

RUNS_A_DAY = 48
DAYS = 5
MANY = 2_000
"""Runs that are extrapolated to."""
DAGSTER_RUNS = 20
EVENTS = "SELECT count(*) FROM event_logs"
STORAGE = (
    "SELECT sum(pg_total_relation_size(relid)) FROM pg_stat_user_tables WHERE schemaname = 'public' "
    "AND relname IN ('event_logs', 'runs', 'run_tags', 'asset_check_executions', 'asset_event_tags')"
)
KIB = 1024


def execute_many() -> None:
    """Execute the job again and again."""
    job = defs.resolve_job_def("employee_import")
    with dg.DagsterInstance.get() as instance:
        for _ in range(DAGSTER_RUNS):
            taken(job, instance)


def purge_all() -> None:
    """Delete the records of all runs, as a night does with those that are too old."""
    settings.keep_run_days = lambda: 0
    with dg.DagsterInstance.get() as instance:
        jobs.purge_old_runs.execute_in_process(instance=instance, run_config={"loggers": QUIET})


def of_a_lake(server: Postgres, folder: Path) -> Iterator[Line]:
    """Days of runs in each of which somebody has changed, and the nights between them."""
    lake = engines.lake_variables(server, schema="growth", data=folder / "lake")
    found = grown(lake, runs=DAYS * RUNS_A_DAY, runs_a_day=RUNS_A_DAY)
    evenings, mornings = found[::2], found[1::2]
    case = f"lake, {DAYS * RUNS_A_DAY} runs of {PEOPLE} people, one renamed before each"
    yield Line(f"{case}: snapshots in the evening", f"{evenings[-1].snapshots} ({RUNS_A_DAY} runs)")
    yield at_most(f"{case}: snapshots in the morning", mornings[-1].snapshots, 2, unit="snapshots")
    yield at_most(f"{case}: files in the last morning", mornings[-1].files, mornings[0].files, unit="files")
    yield Line(
        f"{case}: one run, nothing but the steps",
        f"{evenings[-1].seconds_a_run:.2f} s on the last day",
        against=f"the first day: {evenings[0].seconds_a_run:.2f} s",
        ratio=evenings[-1].seconds_a_run / evenings[0].seconds_a_run,
    )
    a_day = (mornings[-1].catalog_bytes - mornings[1].catalog_bytes) / (DAYS - 2)
    after_many = mornings[-1].catalog_bytes + a_day * (MANY / RUNS_A_DAY - DAYS)
    yield Line(
        f"{case}: the catalog in the last morning",
        f"{mornings[-1].catalog_bytes / KIB:.0f} KiB",
        against=f"extrapolated to {MANY:,} runs: {after_many / KIB:.0f} KiB",
    )


def of_dagster(server: Postgres, folder: Path) -> Iterator[Line]:
    """Dagster's own records of quiet runs, and what is left of them once they are too old."""
    sandbox = Sandbox.crowd(PEOPLE)
    store_links(folder / "b24_pipeline.duckdb", fill_account(sandbox))
    with engines.pgbouncer(server) as pool, serving(sandbox) as sandboxed:
        storage = engines.storage_variables(server, pool.port) | {"DAGSTER_HOME": str(engines.CONFIGURATION)}
        environment = sandboxed.environment(folder) | storage
        in_fresh_process(purge_all, environment=environment, folder=folder)  # makes the tables
        before = server.ask(STORAGE)[0][0]
        in_fresh_process(execute_many, environment=environment, folder=folder)
        size, events = (server.ask(STORAGE)[0][0] - before) / DAGSTER_RUNS, server.ask(EVENTS)[0][0] / DAGSTER_RUNS
        in_fresh_process(purge_all, environment=environment, folder=folder)
        left = server.ask("SELECT count(*) FROM event_logs WHERE run_id NOT IN (SELECT run_id FROM runs)")[0][0]
        checks = server.ask("SELECT count(*) FROM asset_check_executions")[0][0]
    yield Line("Dagster's events in Postgres, for each quiet run", f"{events:.0f} rows, {size / KIB:.0f} KiB")
    yield Line(f"the same for {MANY:,} runs that are kept", f"{size * MANY / KIB / KIB:.0f} MiB")
    yield at_most("left of runs that are too old", left + checks, 0, unit="rows")


def measure() -> Iterator[Line]:
    """Both, on one server."""
    with TemporaryDirectory() as name, engines.postgres(place=Path(gettempdir())) as server:
        folder = project_folder(Path(name))
        yield from of_a_lake(server, folder)
        yield from of_dagster(server, folder)
