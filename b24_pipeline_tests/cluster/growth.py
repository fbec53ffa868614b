"""Many runs on a lake, and the nights between them: prints what they leave behind, one JSON object a line.

    python -m b24_pipeline_tests.cluster.growth RUNS RUNS_A_DAY

It needs the lake's DuckDB, so it is a process of its own; the variables of the lake say where that is.
"""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from b24_pipeline import settings
from b24_pipeline.audit import Paths, Store
from b24_pipeline.audit.retention import apply_retention
from b24_pipeline.audit.storage.lake import Lake
from b24_pipeline.audit.storage.lock import connection_lock
from b24_pipeline_tests.harness import CLOCK, HALF_AN_HOUR, World, world_in

PEOPLE = 20
CATALOG = """
SELECT (SELECT count(*) FROM {schema}.ducklake_snapshot),
       (SELECT count(*) FROM {schema}.ducklake_data_file) + (SELECT count(*) FROM {schema}.ducklake_delete_file),
       (SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relnamespace = '{schema}'::regnamespace
        AND relkind = 'r')
"""


@dataclass(frozen=True, slots=True)
class Left:
    """What so many runs have left behind: before a night, or after it."""

    runs: int
    is_morning: bool
    snapshots: int
    files_known: int
    files: int
    catalog_bytes: int
    seconds_a_run: float
    audit: str
    """All that the audit tells, as a digest."""


def grown(lake: dict[str, str], *, runs: int, runs_a_day: int) -> list[Left]:
    """Start such a process, and return what it prints."""
    command = [sys.executable, "-m", __name__, str(runs), str(runs_a_day)]
    said = subprocess.run(command, env=os.environ | lake, stdout=subprocess.PIPE, check=True, text=True)
    return [Left(**json.loads(line)) for line in said.stdout.splitlines()]


def main(runs: int, runs_a_day: int) -> None:
    """Let one person be hired or renamed before each run."""
    given = {name: value for name, value in os.environ.items() if name.startswith("B24_PIPELINE_LAKE")}
    with (
        TemporaryDirectory() as folder,
        pytest.MonkeyPatch.context() as environment,
        world_in(Path(folder), environment=environment) as world,
    ):
        world.set(**given)
        world.hire_many(PEOPLE)
        for left in days(world, runs=runs, runs_a_day=runs_a_day):
            sys.stdout.write(f"{json.dumps(asdict(left))}\n")


def days(world: World, *, runs: int, runs_a_day: int) -> Iterator[Left]:
    """Import day by day, and tidy in each night."""
    paths = settings.load().paths
    for day in range(runs // runs_a_day):
        began = time.perf_counter()
        for run in range(runs_a_day):
            change(world, run)
            CLOCK.seconds += HALF_AN_HOUR
            assert world.import_people().status == "done"
        seconds = (time.perf_counter() - began) / runs_a_day
        yield left_behind(paths, (day + 1) * runs_a_day, seconds=seconds, is_morning=False)
        with connection_lock(paths, owner="retention", now=CLOCK.now()):
            apply_retention(paths, now=CLOCK.now())
        yield left_behind(paths, (day + 1) * runs_a_day, seconds=seconds, is_morning=True)


def change(world: World, run: int) -> None:
    """Rename somebody; the import is to see it, and to do nothing about it."""
    world.portal.edit(run % PEOPLE + 1, LAST_NAME=f"Name{CLOCK.seconds:.0f}")


def left_behind(paths: Paths, runs: int, *, seconds: float, is_morning: bool) -> Left:
    """Look at the catalog, the folder, and the audit."""
    lake = paths.lake
    assert lake is not None
    snapshots, files_known, size = catalog(lake)
    files = sum(path.is_file() for path in Path(lake.data).rglob("*"))
    return Left(runs, is_morning, snapshots, files_known, files, size, seconds, digest(paths))


def catalog(lake: Lake) -> tuple[int, int, int]:
    """Return the snapshots, the files, and the bytes of the catalog."""
    import psycopg2  # noqa: PLC0415 - where it is missing, the tests are skipped

    with closing(psycopg2.connect(lake.url)) as connection, connection.cursor() as cursor:
        cursor.execute(CATALOG.format(schema=lake.schema))
        snapshots, files, size = cursor.fetchone() or (0, 0, 0)
    return int(snapshots), int(files), int(size)


def digest(paths: Paths) -> str:
    """Return a digest of every row that people can ask for, whatever the order."""
    found = hashlib.sha256()
    with Store.reader(paths, now=CLOCK.now) as database:
        for name in database.column("audit_tables"):
            rows = sorted(map(str, database.table("audit_table", table=name).to_pylist()))
            found.update(f"{name} {rows}".encode())
    return found.hexdigest()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
