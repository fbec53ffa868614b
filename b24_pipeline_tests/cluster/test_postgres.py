"""Step one: Dagster's runs in Postgres behind pgbouncer, started as Dagster's default launcher does."""

from contextlib import ExitStack
from threading import Timer

import pytest

from b24_pipeline.sandbox.bitrix24.api import SECRET
from b24_pipeline_tests.cli.test_dagster_storage import Watched
from b24_pipeline_tests.cluster import engines
from b24_pipeline_tests.cluster.conftest import Machine, command_lines, places_of, readable, result_of
from b24_pipeline_tests.cluster.engines import Postgres
from b24_pipeline_tests.harness import World
from b24_pipeline_tests.processes import RUN_SECONDS, wait_for

pytestmark = pytest.mark.cluster

LOGINS = 20
"""Of one command and its run, which has 300 statements."""


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


def test_the_statements_of_a_run_share_connections(machine: Machine, world: World, postgres: Postgres) -> None:
    world.hire("Newcomer")
    log = postgres.folder / "pgbouncer.log"
    before = log.read_text().count("login attempt")

    assert machine.type("sync").returncode == 0

    assert 0 < log.read_text().count("login attempt") - before <= LOGINS


def test_a_run_waits_for_a_pool_that_is_started_again(machine: Machine, world: World, postgres: Postgres) -> None:
    newcomer = world.hire("Newcomer")
    with ExitStack() as stack:
        pool = stack.enter_context(engines.pgbouncer(postgres))

        def start_again() -> None:
            pool.kill()
            Timer(2, lambda: stack.enter_context(engines.pgbouncer(postgres, port=pool.port))).start()

        world.sandbox.requests = Watched("create.employees", start_again)
        said = machine.type("sync", "--json", DAGSTER_PG_PORT=str(pool.port))

    found = result_of(said)
    assert (said.returncode, found["status"], found["counts"]["created"]) == (0, "done", 1)
    assert postgres.ask("SELECT status FROM runs WHERE run_id = %s", found["run_id"]) == [("SUCCESS",)]
    assert (newcomer in world.links(), len(world.writes())) == (True, 1)


def test_the_daemon_imports_a_hire_and_no_secret_is_in_a_command_line_a_file_or_a_dump(
    machine: Machine, world: World, postgres: Postgres
) -> None:
    newcomer, shown = world.hire("Newcomer"), []

    def run_has_ended() -> bool:
        shown.append(command_lines())
        return ("SUCCESS",) in postgres.ask("SELECT status FROM runs WHERE pipeline_name = 'employee_import'")

    postgres.ask("TRUNCATE runs CASCADE")
    with machine.daemon():
        wait_for("the run of the sensor", run_has_ended, seconds=RUN_SECONDS)

    assert newcomer in world.links()
    assert any("execute_run" in text or "api grpc" in text for text in shown)
    places = readable(machine, postgres, shown="".join(shown))
    assert {"pg_dump", str(world.paths.published)} <= {*places_of("Newcomer", places)}
    for secret in (postgres.password, world.server.access_token, SECRET):
        assert places_of(secret, places) == []
