"""Step one: Dagster's runs in Postgres behind pgbouncer, started as Dagster's default launcher does."""

import pytest

from b24_pipeline_tests.cluster.conftest import Machine, result_of
from b24_pipeline_tests.cluster.engines import Postgres
from b24_pipeline_tests.harness import World

pytestmark = pytest.mark.cluster


def test_an_import_is_the_same_on_postgres(machine: Machine, world: World, postgres: Postgres) -> None:
    newcomer = world.hire("Newcomer")

    said = machine.type("sync", "--json")

    found = result_of(said)
    assert (said.returncode, said.stderr, found["status"], found["counts"]["created"]) == (0, "", "done", 1)
    assert newcomer in world.links()
    stored = postgres.ask("SELECT status FROM runs WHERE run_id = %s", found["run_id"])
    assert stored == [("SUCCESS",)]
    assert not any(machine.folder.rglob("*.db"))


@pytest.mark.parametrize("name", ["DAGSTER_PG_PASSWORD", "DAGSTER_PG_PORT"])
def test_a_variable_that_is_not_set_is_one_line_and_nothing_is_asked(machine: Machine, world: World, name: str) -> None:
    said = machine.type("sync", "--json", without=name)

    assert (said.returncode, world.sandbox.requests) == (2, [])
    (line,) = said.stderr.splitlines()
    assert f"{name}: is missing" in line


def test_postgres_that_is_not_there_is_one_line_and_the_next_import_is_complete(machine: Machine, world: World) -> None:
    newcomer = world.hire("Newcomer")

    said = machine.type("sync", "--json", DAGSTER_PG_PORT="1")

    assert (said.returncode, world.sandbox.requests) == (50, [])
    (line,) = said.stderr.splitlines()
    assert "Dagster's own storage" in line
    assert "127.0.0.1" in line
    assert machine.environment["DAGSTER_PG_PASSWORD"] not in said.stdout + said.stderr
    assert machine.type("sync").returncode == 0
    assert newcomer in world.links()
