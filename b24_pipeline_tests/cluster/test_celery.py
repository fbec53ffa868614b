"""Step two: runs go to workers by RabbitMQ."""

import os
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial
from itertools import count

import pytest

from b24_pipeline.sandbox import DropRequest, Latency, Phase, RequestSeen
from b24_pipeline.sandbox.bitrix24.api import SECRET
from b24_pipeline_tests.cluster.conftest import Machine, command_lines, links_in, places_of, readable
from b24_pipeline_tests.cluster.engines import Postgres
from b24_pipeline_tests.harness import World
from b24_pipeline_tests.processes import RUN_SECONDS, wait_for

pytestmark = pytest.mark.cluster
PEOPLE = 150
FAILED_SECONDS = 60


def status_of(postgres: Postgres, run_id: str) -> str:
    """Return the status of a run now."""
    ((found,),) = postgres.ask("SELECT status FROM runs WHERE run_id = %s", run_id)
    return str(found)


def ended(postgres: Postgres, run_id: str, *, seconds: float = RUN_SECONDS) -> str:
    """Wait for the end of a run, and return its status."""

    def status() -> str | None:
        found = status_of(postgres, run_id)
        return found if found in ("SUCCESS", "FAILURE", "CANCELED") else None

    return str(wait_for(f"run {run_id} to end", status, seconds=seconds))


def test_a_run_through_daemon_and_worker_imports_once_and_tells_no_secret(
    desk: Machine, world: World, postgres: Postgres
) -> None:
    newcomer = world.hire("Newcomer")

    with desk.daemon(), desk.worker():
        run_id = desk.launch(postgres)
        status = ended(postgres, run_id)
        shown = command_lines()

    assert (status, len(world.writes())) == ("SUCCESS", 1)
    assert newcomer in world.links()
    assert "dagster_celery.app" in shown
    assert_no_secret_is_readable(desk, world, postgres, shown=shown)


def assert_no_secret_is_readable(desk: Machine, world: World, postgres: Postgres, *, shown: str) -> None:
    """The passwords of both servers, the webhook and the key are in no place of others."""
    places = readable(desk, postgres, shown=shown)
    assert "pg_dump" in places_of("celery_taskmeta", places)
    broker = desk.environment["CELERY_BROKER_URL"].partition("b24:")[2].partition("@")[0]
    for secret in (postgres.password, broker, world.server.access_token, SECRET):
        assert places_of(secret, places) == []


def from_create(number: int, act: Callable[[], None]) -> Callable[[RequestSeen, Phase], None]:
    """For `Sandbox.on_request`: act before so many-th create is carried out, and before each one after it."""
    places = count(1)

    def hook(request: RequestSeen, phase: Phase) -> None:
        if phase is Phase.BEFORE and request.method == "create.employees" and next(places) >= number:
            act()

    return hook


def kill_all_processes(worker: "subprocess.Popen[bytes]") -> None:
    """Let a machine die at a request, which is not carried out."""
    with suppress(ProcessLookupError):
        os.killpg(worker.pid, signal.SIGKILL)
    raise DropRequest


@pytest.mark.parametrize("create", [1, 64, PEOPLE])
def test_r18_a_machine_that_dies_at_a_write_fails_its_run_and_the_next_one_completes_on_another(
    desks: list[Machine], world: World, postgres: Postgres, create: int
) -> None:
    one, two = desks
    users = world.hire_many(PEOPLE)

    with one.daemon():
        with one.worker() as worker:
            world.sandbox.on_request = from_create(create, partial(kill_all_processes, worker))
            died = one.launch(postgres)
            assert worker.wait(RUN_SECONDS) == -signal.SIGKILL
        world.sandbox.on_request = None
        with two.worker():
            assert ended(postgres, died, seconds=FAILED_SECONDS) == "FAILURE"
            assert ended(postgres, one.launch(postgres)) == "SUCCESS"

    assert links_in(two.database) == users
    assert Counter(employee["email"] for employee in world.account.employees.values()).most_common(1)[0][1] == 1
    assert len(world.writes()) == PEOPLE


def test_a_broker_that_is_away_fails_what_is_queued_and_the_next_run_completes(
    desk: Machine, world: World, postgres: Postgres
) -> None:
    newcomer = world.hire("Newcomer")
    address = re.sub(r":\d+//$", ":1//", desk.environment["CELERY_BROKER_URL"])
    without = replace(desk, environment=desk.environment | {"CELERY_BROKER_URL": address})

    with without.daemon():
        assert ended(postgres, without.launch(postgres)) == "FAILURE"
    assert world.sandbox.requests == []
    with desk.daemon(), desk.worker():
        assert ended(postgres, desk.launch(postgres)) == "SUCCESS"
    assert newcomer in world.links()
    assert_no_secret_is_readable(desk, world, postgres, shown="")


def test_a_worker_that_is_to_end_finishes_its_run_and_leaves_what_waits_to_another(
    desks: list[Machine], world: World, postgres: Postgres
) -> None:
    one, two = desks
    users = world.hire_many(PEOPLE)
    world.sandbox.latency = Latency(request=0.2)

    with one.daemon(), one.worker() as leaving:
        world.sandbox.on_request = from_create(20, cache(leaving.terminate))  # once, as systemd does
        run = one.launch(postgres)
        waiting = one.launch(postgres, "purge_old_runs")
        assert leaving.wait(RUN_SECONDS) == 0
        assert status_of(postgres, run) == "SUCCESS"
        with two.worker():
            assert ended(postgres, waiting) == "SUCCESS"

    assert (links_in(one.database), len(world.writes())) == (users, PEOPLE)
