"""The commands of compose.yaml, which is not run itself: each is started with its own arguments, variables and home."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from b24_pipeline_tests.cluster import engines
from b24_pipeline_tests.cluster.conftest import Machine
from b24_pipeline_tests.cluster.engines import CONFIGURATION, NAME, USER, Postgres
from b24_pipeline_tests.cluster.test_celery import ended
from b24_pipeline_tests.cluster.test_files import loaded
from b24_pipeline_tests.e2e.desk import Desk
from b24_pipeline_tests.harness import World
from b24_pipeline_tests.processes import PROJECT, free_port, is_listening, wait_for

pytestmark = pytest.mark.cluster
SERVICES: dict[str, dict[str, Any]] = loaded(CONFIGURATION / "compose.yaml")["services"]
IMAGE = "/app"
OF_CONNECTION = "secrets/connection.env"
START_SECONDS = 90


@contextmanager
def started(desk: Machine, name: str, connection: Mapping[str, str], *more: str, port: int = 4000) -> Iterator[None]:
    """A service as its container starts it, but for the folder and the port."""
    service = SERVICES[name]
    command = service.get("entrypoint") or ["sh", str(PROJECT / "deploy/entrypoint"), *service["command"]]
    hidden = () if OF_CONNECTION in service["env_file"] else connection
    machine = replace(desk, environment={k: v for k, v in desk.environment.items() if k not in hidden})
    given = {k: v.replace(IMAGE, str(PROJECT)) for k, v in service["environment"].items()}
    paths = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    arguments = [str(port) if argument == "4000" else argument for argument in command]
    with machine.program(*arguments, *more, **given, **paths):
        yield


def test_a_run_of_the_services_commands_imports_and_the_ui_shows_it(
    desk: Machine, world: World, postgres: Postgres
) -> None:
    connection, code, ui = world.environment(), free_port(), free_port()
    place = loaded(CONFIGURATION / "workspace.yaml")
    place["load_from"][0]["grpc_server"] |= {"host": "127.0.0.1", "port": code}
    (desk.folder / "workspace.yaml").write_text(yaml.safe_dump(place))
    world.hire("Newcomer")
    shown = Desk(ui=f"http://127.0.0.1:{ui}", sandbox_page="", folder=desk.folder)

    with (
        started(desk, "code", connection, port=code),
        started(desk, "daemon", connection),
        started(desk, "webserver", connection, "--port", str(ui)),
        started(desk, "worker", connection),
    ):
        wait_for("the code server", lambda: is_listening(code), seconds=START_SECONDS)
        run_id = desk.launch(postgres)
        status = ended(postgres, run_id)
        runs = wait_for("the UI", shown.runs, seconds=START_SECONDS)

    assert (status, len(world.writes())) == ("SUCCESS", 1)
    assert [run["status"] for run in runs if run["runId"] == run_id] == ["SUCCESS"]


def test_the_health_checks_are_commands_of_the_servers(postgres: Postgres) -> None:
    of_postgres, of_rabbitmq = (SERVICES[name]["healthcheck"]["test"][1:] for name in ("postgres", "rabbitmq"))

    said = subprocess.run(
        [engines.program(of_postgres[0]) or "", *of_postgres[1:], "-h", "127.0.0.1", "-p", str(postgres.port)],
        capture_output=True,
        check=False,
        text=True,
    )
    assert (said.returncode, of_postgres[1:]) == (0, ["-U", USER, "-d", NAME]), said.stdout

    helped = [engines.program(of_rabbitmq[0]) or "", "help", of_rabbitmq[-1]]
    said = subprocess.run(helped, capture_output=True, check=False, text=True)
    assert (said.returncode, of_rabbitmq[-1] in said.stdout) == (0, True), said.stderr


def test_what_the_database_is_made_with_are_options_of_initdb() -> None:
    given = SERVICES["postgres"]["environment"]["POSTGRES_INITDB_ARGS"].partition("=")[0]
    said = subprocess.run([engines.program("initdb") or "", "--help"], capture_output=True, check=True, text=True)
    assert f"{given}=METHOD" in said.stdout


def test_every_file_that_is_mounted_is_a_secret_and_no_variable_holds_one() -> None:
    mounted = [volume for service in SERVICES.values() for volume in service.get("volumes", ())]
    files = [volume.partition(":")[0] for volume in mounted if volume.startswith((".", "/"))]
    assert [file for file in files if not file.startswith("./secrets/")] == []
    given = {name for service in SERVICES.values() for name in service.get("environment", {})}
    assert given == {
        "DAGSTER_HOME",
        "PYTHONPATH",
        "POSTGRES_USER",
        "POSTGRES_DB",
        "POSTGRES_PASSWORD_FILE",
        "POSTGRES_INITDB_ARGS",
    }
