"""Servers that all tests of a worker share, and machines on which `b24-pipeline` is typed."""

import json
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import psutil
import pytest

from b24_pipeline.settings.dagster import AUTOMATION, OFF
from b24_pipeline_tests.cluster import engines
from b24_pipeline_tests.cluster.engines import CONFIGURATION, NAME, USER, Postgres
from b24_pipeline_tests.harness import OURS, World
from b24_pipeline_tests.processes import PROJECT, installed, started

OF_CLUSTER = (*OURS, "CELERY_", "PG")
"""How the names of environment variables begin that are given to a machine or to none."""


@dataclass(frozen=True)
class Machine:
    """A folder of its own in which programs are started, with a home of Dagster and settings."""

    folder: Path
    environment: dict[str, str]
    home: Path = CONFIGURATION
    given: dict[str, str] = field(default_factory=dict)

    @property
    def database(self) -> Path:
        """What it publishes."""
        return self.folder / "b24.duckdb"

    def variables(self) -> dict[str, str]:
        """The whole environment of its programs."""
        machine = {name: value for name, value in os.environ.items() if not name.startswith(OF_CLUSTER)}
        return machine | self.environment | self.given | {"DAGSTER_HOME": str(self.home)}

    def start(self, *arguments: str, inside: Sequence[str] = ()) -> "subprocess.Popen[str]":
        """Type a command of `b24-pipeline`, without waiting for its end.

        Args:
            arguments: those of the command.
            inside: a command that runs it in another network.
        """
        command = [*inside, installed("b24-pipeline"), *arguments]
        return subprocess.Popen(
            command, cwd=self.folder, env=self.variables(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def type(self, *arguments: str, without: str | None = None, **given: str) -> "subprocess.CompletedProcess[str]":
        """Type a command of `b24-pipeline` and wait for its end."""
        environment = self.variables() | given
        environment.pop(without or "", None)
        command = [installed("b24-pipeline"), *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False, timeout=120
        )

    @contextmanager
    def daemon(self) -> Iterator["subprocess.Popen[bytes]"]:
        """Dagster's daemon, with schedules and sensors on."""
        with self.program(installed("b24-pipeline"), "daemon") as process:
            yield process

    @contextmanager
    def worker(self, *, slots: int = 1) -> Iterator["subprocess.Popen[bytes]"]:
        """A worker of Celery's, with the home and the settings that workers have."""
        celery = installed("celery")
        options = ("--app", "dagster_celery.app", "worker", "-Q", "dagster", "--concurrency", str(slots))
        home = CONFIGURATION / "worker"
        path = ":".join(filter(None, (str(home), self.environment.get("PYTHONPATH"))))
        variables = {"DAGSTER_HOME": str(home), "PYTHONPATH": path}
        with self.program(celery, *options, "--hostname", f"{self.folder.name}@%h", **variables) as process:
            yield process

    def launch(self, postgres: Postgres, job: str = "employee_import") -> str:
        """Queue a run, as the UI does; gives its id."""
        dagster = [installed("dagster"), "job", "launch", "-w", "workspace.yaml", "-j", job]
        subprocess.run(dagster, cwd=self.folder, env=self.variables(), capture_output=True, check=True)
        ((run_id,),) = postgres.ask("SELECT run_id FROM runs ORDER BY id DESC LIMIT 1")
        return str(run_id)

    @contextmanager
    def program(self, *command: str, **given: str) -> Iterator["subprocess.Popen[bytes]"]:
        """Any program, until the block ends; what it printed is shown where the block fails."""
        log = self.folder / f"{Path(command[-1]).name}.log"
        with started(*command, log=log, cwd=self.folder, env=self.variables() | given) as process:
            yield process


def command_lines() -> str:
    """What `ps` shows of all processes."""
    return "\n".join(" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"]))


def readable(machine: Machine, postgres: Postgres, *, shown: str) -> dict[str, bytes]:
    """What others can read: what `ps` has shown, the files of a machine and of all homes of Dagster, and a dump."""
    paths = [*machine.folder.rglob("*"), *CONFIGURATION.rglob("*")]
    files = {str(path): path.read_bytes() for path in paths if path.is_file()}
    return {"ps": shown.encode(), "pg_dump": postgres.tool("pg_dump"), **files}


def places_of(secret: str, places: dict[str, bytes]) -> list[str]:
    """Where a secret can be read."""
    return [place for place, content in places.items() if secret.encode() in content]


def result_of(said: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    """The JSON object of the last line."""
    found: dict[str, Any] = json.loads(said.stdout.splitlines()[-1])
    return found


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Postgres with an empty database."""
    if missing := engines.missing():
        pytest.skip(f"{', '.join(missing)}: not installed (make setup-cluster)")
    with engines.postgres() as server:
        yield server


@pytest.fixture(scope="session")
def pool(postgres: Postgres) -> Iterator[int]:
    """The port of pgbouncer before Postgres."""
    with engines.pgbouncer(postgres) as server:
        yield server.port


@pytest.fixture(scope="session")
def broker(postgres: Postgres) -> Iterator[str]:
    """The address of RabbitMQ, with its password."""
    del postgres  # skips where something is missing
    password = secrets.token_hex(16)
    with engines.rabbitmq(password) as server:
        yield f"amqp://{USER}:{password}@127.0.0.1:{server.port}//"


@pytest.fixture
def machine(world: World, postgres: Postgres, pool: int) -> Machine:
    """One machine whose Dagster keeps its runs in Postgres behind pgbouncer."""
    make_project(world.paths.published.parent)
    world.clock.seconds = time.time()  # programs ask the machine what time it is
    return Machine(world.paths.published.parent, world.environment() | engines.storage_variables(postgres, pool))


@pytest.fixture
def desk(machine: Machine, postgres: Postgres, pool: int, broker: str) -> Machine:
    """The machine of the daemon, which hands runs to workers; schedules and sensors are off."""
    celery = celery_variables(postgres, pool, broker)
    return replace(machine, environment=machine.environment | celery, home=CONFIGURATION / "celery")


def celery_variables(postgres: Postgres, pool: int, broker: str) -> dict[str, str]:
    """Where runs are handed to workers; schedules and sensors are off."""
    return {
        "CELERY_BROKER_URL": broker,
        "CELERY_RESULT_BACKEND": f"db+postgresql+psycopg2://{USER}:{postgres.password}@127.0.0.1:{pool}/{NAME}",
        AUTOMATION: OFF,
    }


@pytest.fixture
def desks(machines: list[Machine], desk: Machine) -> list[Machine]:
    """The same two, with workers; the first has the daemon, too."""
    names = ("CELERY_BROKER_URL", "CELERY_RESULT_BACKEND", AUTOMATION)
    celery = {name: desk.environment[name] for name in names}
    return [replace(machine, environment=machine.environment | celery, home=desk.home) for machine in machines]


@pytest.fixture
def machines(machine: Machine, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> list[Machine]:
    """Two machines with folders of their own, whose audit is one lake."""
    postgres.ask("DROP SCHEMA IF EXISTS acme CASCADE")
    lake = engines.lake_variables(postgres, schema="acme", data=tmp_path_factory.mktemp("lake"))
    folders = [tmp_path_factory.mktemp(name) for name in ("one", "two")]
    for folder in folders:
        make_project(folder)
    return [
        replace(machine, folder=folder, environment=machine.environment | lake | database_in(folder))
        for folder in folders
    ]


def make_project(folder: Path) -> None:
    """Let relative paths count from this folder."""
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(PROJECT / name, folder)


def database_in(folder: Path) -> dict[str, str]:
    """Where a machine publishes."""
    return {"B24_PIPELINE_DATABASE": str(folder / "b24.duckdb")}


def links_in(database: Path) -> list[int]:
    """The users with a link in a published file, for anybody's DuckDB."""
    with duckdb.connect(database, read_only=True) as people:
        return sorted(user for (user,) in people.execute("SELECT bitrix24_id FROM audit.links").fetchall())
