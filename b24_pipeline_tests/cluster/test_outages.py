"""What many connections share is away for a minute at the beginning of a round."""

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from b24_pipeline.sandbox import Phase, RequestSeen
from b24_pipeline.schedules import SILENT_SECONDS
from b24_pipeline.settings.dagster import AUTOMATION
from b24_pipeline_tests.alerts.receivers import Hook, web_receiver
from b24_pipeline_tests.cluster import engines
from b24_pipeline_tests.cluster.conftest import Machine, celery_variables, make_project
from b24_pipeline_tests.cluster.engines import CONFIGURATION, USER, Postgres
from b24_pipeline_tests.connections.processes import Company, connect
from b24_pipeline_tests.processes import free_port, wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.long]
KEYS = ("acme", "globex", "initech")
PEOPLE = 3
AWAY_SECONDS = 62
ROUND_SECONDS = 180
TOLD_SECONDS = 120
EACH_MINUTE = """from b24_pipeline import build_definitions

defs = build_definitions(connections="connections", schedule="* * * * *")
"""
"""The import as a part of a project, with a round each minute instead of one every half an hour."""
WORKSPACE = (
    "load_from: [{python_module: {module_name: each_minute, working_directory: ., location_name: b24_pipeline}}]\n"
)


@dataclass
class Broker:
    """RabbitMQ at one port; what was queued is lost when it goes away."""

    port: int
    password: str
    serves: ExitStack

    def start(self) -> None:
        self.serves.enter_context(engines.rabbitmq(self.password, port=self.port))

    @property
    def address(self) -> str:
        return f"amqp://{USER}:{self.password}@127.0.0.1:{self.port}//"


class Installation:
    """A folder with companies; the daemon and a worker share Postgres and RabbitMQ."""

    def __init__(self, folder: Path, postgres: Postgres, companies: list[Company], variables: dict[str, str]) -> None:
        self.machine = Machine(folder, variables, home=CONFIGURATION / "celery")
        self.postgres = postgres
        self.companies = companies

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Everybody is imported, and a round is about to begin."""
        with self.machine.daemon(), self.machine.worker(slots=2):
            wait_for("the first imports", lambda: self.imported(people=PEOPLE), seconds=ROUND_SECONDS)
            threading.Event().wait(60 - (time.time() + 1) % 60)
            yield

    def imported(self, *, people: int) -> bool:
        """Whether every company has so many people, each of them linked and in the account once."""
        return all(
            self.linked(company) == people == len(company.sandbox.account.employees) for company in self.companies
        )

    def linked(self, company: Company) -> int:
        path = self.machine.folder / f"data/connections/{company.key}/b24_pipeline.duckdb"
        if not path.exists():
            return 0
        with duckdb.connect(path, read_only=True) as audit:
            return len(audit.execute("SELECT bitrix24_id FROM audit.links").fetchall())

    def hire(self) -> None:
        for company in self.companies:
            company.hire("Newcomer")


@pytest.fixture
def hook() -> Iterator[Hook]:
    with web_receiver() as found:
        yield found


@pytest.fixture
def broker() -> Iterator[Broker]:
    if missing := engines.missing():
        pytest.skip(f"{', '.join(missing)}: not installed (make setup-cluster)")
    with ExitStack() as serves:
        found = Broker(free_port(), secrets.token_hex(16), serves)
        found.start()
        yield found


@pytest.fixture
def database(broker: Broker) -> Iterator[tuple[Postgres, ExitStack]]:
    """Postgres, and what stops it."""
    del broker  # skips where something is missing
    with engines.stoppable_postgres() as (server, serves):
        yield server, serves


@pytest.fixture
def installation(
    tmp_path: Path, hook: Hook, broker: Broker, database: tuple[Postgres, ExitStack]
) -> Iterator[Installation]:
    server, _ = database
    make_project(tmp_path)
    (tmp_path / "each_minute.py").write_text(EACH_MINUTE)
    (tmp_path / "workspace.yaml").write_text(WORKSPACE)
    with ExitStack() as stack:
        companies = [connect(tmp_path, key, stack, people=PEOPLE) for key in KEYS]
        (tmp_path / "connections/_defaults.env").write_text(f"B24_PIPELINE_ALERT_WEBHOOK_URL={hook.url}\n")
        pool = stack.enter_context(engines.pgbouncer(server)).port
        variables = engines.storage_variables(server, pool) | celery_variables(server, pool, broker.address)
        yield Installation(tmp_path, server, companies, variables | {AUTOMATION: "on"})


def test_a_broker_that_is_away_for_a_round_is_one_alert_and_the_next_round_is_complete(
    installation: Installation, broker: Broker, hook: Hook
) -> None:
    with installation.at_work():
        broker.serves.close()
        installation.hire()
        threading.Event().wait(AWAY_SECONDS)
        wait_for("the alert", lambda: hook.posted, seconds=TOLD_SECONDS)
        broker.start()
        wait_for("the next round", lambda: installation.imported(people=PEOPLE + 1), seconds=ROUND_SECONDS)
        wait_for("the end of the alert", lambda: len(hook.posted) > 1, seconds=TOLD_SECONDS)

    alert, over = hook.texts
    assert alert.splitlines()[:2] == [
        "3 of 3 connections need attention: failed: 3",
        "failed: acme, globex, initech",
    ]
    assert over.splitlines()[0] == "0 of 3 connections need attention: over: failed"


@dataclass
class StopsAtACreate:
    """Put into `Sandbox.on_request`: stops a server before the first create is carried out."""

    serves: ExitStack
    stopped: threading.Event = field(default_factory=threading.Event)

    def __call__(self, request: RequestSeen, phase: Phase) -> None:
        if phase is Phase.BEFORE and request.method == "create.employees" and not self.stopped.is_set():
            self.serves.close()
            self.stopped.set()


def test_postgres_that_goes_away_in_runs_for_a_minute_loses_nothing_and_the_next_round_is_complete(
    installation: Installation, database: tuple[Postgres, ExitStack], hook: Hook
) -> None:
    server, serves = database
    with installation.at_work():
        installation.companies[0].sandbox.on_request = at_a_create = StopsAtACreate(serves)
        installation.hire()
        assert at_a_create.stopped.wait(ROUND_SECONDS)
        threading.Event().wait(AWAY_SECONDS)
        serves.enter_context(server.started())
        back = datetime.now(UTC).replace(tzinfo=None)
        try:
            seconds = SILENT_SECONDS + ROUND_SECONDS
            wait_for("a round of all", lambda: succeeded_since(back, server) >= set(KEYS), seconds=seconds)
        except AssertionError as error:
            runs = server.ask("SELECT partition, status, create_timestamp, update_timestamp FROM runs ORDER BY id")
            raise AssertionError("\n".join(" ".join(map(str, run)) for run in runs)) from error

    assert installation.imported(people=PEOPLE + 1)
    told = [line for text in hook.texts for line in text.splitlines() if line.startswith("failed: ")]
    assert all(sum(key in line for line in told) <= 1 for key in KEYS), hook.texts


def succeeded_since(begun: datetime, server: Postgres) -> set[str | None]:
    """The connections with a run that was requested and has succeeded since then; the overview's has none."""
    rows = server.ask("SELECT partition FROM runs WHERE status = 'SUCCESS' AND create_timestamp > %s", begun)
    return {key for (key,) in rows}
