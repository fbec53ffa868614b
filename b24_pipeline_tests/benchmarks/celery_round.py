"""The round of many connections through Celery's workers, with RabbitMQ and Postgres behind pgbouncer."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir

from b24_pipeline_tests.benchmarks.many import Ask, Round, imported_companies, quiet_round, round_lines
from b24_pipeline_tests.benchmarks.report_rows import Line
from b24_pipeline_tests.cluster import engines
from b24_pipeline_tests.cluster.conftest import Machine, celery_variables
from b24_pipeline_tests.cluster.engines import CONFIGURATION, USER
from b24_pipeline_tests.connections.processes import code_server
from b24_pipeline_tests.e2e.desk import Desk
from b24_pipeline_tests.processes import START_SECONDS, free_port, installed, wait_for

SLOTS = 4
"""As many as `max_concurrent_runs` of deploy/cluster/celery."""


@contextmanager
def webserver(machine: Machine) -> Iterator[tuple[Desk, int]]:
    """Dagster's UI on the machine of the daemon, once it answers, and its process."""
    port = free_port()
    desk = Desk(ui=f"http://127.0.0.1:{port}", sandbox_page="", folder=machine.folder)
    with machine.program(installed("b24-pipeline"), "webserver", "--port", str(port)) as process:
        wait_for("the UI", lambda: desk.graphql("{ version }"), seconds=START_SECONDS, process=process)
        yield desk, process.pid


def with_celery(folder: Path, ask: Ask) -> Round:
    """Let a worker that has just been started do the round; the servers' files lie on a disk."""
    password = secrets.token_hex(16)
    with (
        engines.postgres(place=Path(gettempdir())) as server,
        engines.pgbouncer(server) as pool,
        engines.rabbitmq(password) as broker,
    ):
        address = f"amqp://{USER}:{password}@127.0.0.1:{broker.port}//"
        variables = engines.storage_variables(server, pool.port) | celery_variables(server, pool.port, address)
        machine = Machine(folder, variables, home=CONFIGURATION / "celery")
        with (
            code_server(folder, machine.program) as code,
            webserver(machine) as (desk, ui),
            machine.daemon() as daemon,
            machine.worker(slots=SLOTS) as worker,
        ):
            roots = {
                "worker": [worker.pid],
                "daemon, code server and webserver": [daemon.pid, code.pid, ui],
                "Postgres": [server.pid],
                "pgbouncer": [pool.process.pid],
                "RabbitMQ": [broker.process.pid],
            }
            return quiet_round(desk, ask, roots)


def measure() -> Iterator[Line]:
    """Measure one round."""
    with imported_companies() as (folder, ask):
        yield from round_lines(with_celery(folder, ask), launcher=f"Celery with {SLOTS} slots", limit=250)
