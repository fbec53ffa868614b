"""Servers that all tests of a worker share, and machines on which `b24-pipeline` is typed."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from b24_pipeline_tests.cluster import engines
from b24_pipeline_tests.cluster.engines import CONFIGURATION, NAME, USER, Postgres
from b24_pipeline_tests.harness import OURS, World

OF_CLUSTER = (*OURS, "CELERY_", "PG")
"""How the names of environment variables begin that are given to a machine or to none."""


@dataclass(frozen=True)
class Machine:
    """A folder of its own in which programs are started, with a home of Dagster and settings."""

    folder: Path
    environment: dict[str, str]
    home: Path = CONFIGURATION
    given: dict[str, str] = field(default_factory=dict)

    def variables(self) -> dict[str, str]:
        """The whole environment of its programs."""
        machine = {name: value for name, value in os.environ.items() if not name.startswith(OF_CLUSTER)}
        return machine | self.environment | self.given | {"DAGSTER_HOME": str(self.home)}

    def type(self, *arguments: str, without: str | None = None, **given: str) -> "subprocess.CompletedProcess[str]":
        """Type a command of `b24-pipeline` and wait for its end."""
        environment = self.variables() | given
        environment.pop(without or "", None)
        command = [str(Path(sys.executable).with_name("b24-pipeline")), *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False, timeout=120
        )


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
    with engines.pgbouncer(postgres) as port:
        yield port


def storage_variables(postgres: Postgres, port: int) -> dict[str, str]:
    """What deploy/cluster/dagster.yaml reads."""
    return {
        "DAGSTER_PG_HOST": "127.0.0.1",
        "DAGSTER_PG_PORT": str(port),
        "DAGSTER_PG_DB": NAME,
        "DAGSTER_PG_USERNAME": USER,
        "DAGSTER_PG_PASSWORD": postgres.password,
    }


@pytest.fixture
def machine(world: World, postgres: Postgres, pool: int) -> Machine:
    """One machine whose Dagster keeps its runs in Postgres behind pgbouncer."""
    return Machine(world.paths.published.parent, world.environment() | storage_variables(postgres, pool))
