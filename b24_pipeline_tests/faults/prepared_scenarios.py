"""A scenario that is prepared once, and started again and again: served, with its database and a clock of its own."""

import pickle
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from pandera.typing import DataFrame

from b24_pipeline import audit, schemas
from b24_pipeline.audit import Paths, RunCounts, Store
from b24_pipeline.bitrix24.rate_limit import LeakyBucket
from b24_pipeline.connection import Timing
from b24_pipeline.rules.models import RunStatus
from b24_pipeline.sandbox import RequestSeen, Sandbox, Server, serve, state
from b24_pipeline.settings import Settings
from b24_pipeline_tests.clock import Clock
from b24_pipeline_tests.harness import import_once
from b24_pipeline_tests.scenarios import Scenario

HALF_AN_HOUR = 1800.0
DATABASE = "b24.duckdb"


@dataclass(frozen=True)
class Picture:
    """Both systems at one moment."""

    users: dict[int, dict[str, Any]]
    employees: dict[int, dict[str, Any]]
    responsible: dict[str, str]

    @classmethod
    def of(cls, sandbox: Sandbox) -> "Picture":
        with sandbox.lock:
            found = sandbox.portal.users, sandbox.account.employees, sandbox.account.responsible
            return cls(*pickle.loads(pickle.dumps(found)))  # a deep copy, in a tenth of the time

    @classmethod
    def of_state(cls, kept: Path) -> "Picture":
        """Both systems as they were saved."""
        return cls.of(Sandbox.load(kept))


@dataclass(frozen=True)
class State:
    """Everything at one moment: both systems, and what the database knows.

    Attributes:
        systems: both systems.
        links: the live links.
        ever_linked: the users that have or had a link.
        announced: the addresses of creates whose outcome is not known, in small letters.
        failing: how many actions failed and are tried again.
        violations: what the account was asked for that nobody may ask for.
    """

    systems: Picture
    links: dict[int, int]
    ever_linked: frozenset[int]
    announced: frozenset[str]
    failing: int
    violations: list[RequestSeen]


@dataclass(frozen=True)
class Ended:
    """One run as the audit has it, and what was sent during it."""

    run_id: str
    status: RunStatus
    reason: str | None
    counts: RunCounts
    actions: DataFrame[schemas.Actions]
    requests: list[RequestSeen]

    def writes(self) -> list[RequestSeen]:
        """What changed something."""
        return [request for request in self.requests if request.is_write and request.acted]


class Site:
    """One portal, one account, one database."""

    def __init__(self, scenario: Scenario, server: Server, folder: Path, clock: Clock) -> None:
        self.scenario = scenario
        self.server = server
        self.sandbox = server.sandbox
        self.paths = Paths(folder / DATABASE)
        self.clock = clock
        self.timing = Timing(unix=clock, monotonic=clock, sleep=clock.sleep, bucket_of=self._bucket)
        self.runs = 0
        self._checked: dict[tuple[tuple[str, Any], ...], Settings] = {}
        self._resources = ExitStack()
        self._store: Store | None = None

    @property
    def store(self) -> Store:
        """The database, open until `close`."""
        if self._store is None:
            self._store = self._resources.enter_context(Store.open(self.paths, now=self.clock.now))
        return self._store

    def close(self) -> None:
        """Let go of the database."""
        self._resources.close()
        self._store = None

    def kept_database(self, path: Path) -> Path:
        """A copy of the database as it is."""
        assert self.store is not None
        self.close()
        return Path(shutil.copyfile(self.paths.working, path))

    def given(self, **other: Any) -> dict[str, Any]:
        """The scenario's settings; one request in flight, so that everything has an order."""
        return {
            "bitrix24_webhook_url": self.server.webhook_url,
            "callgear_api_url": self.server.callgear_url,
            "callgear_access_token": self.server.access_token,
            "database": str(self.paths.published),
            "http_timeout_seconds": 5.0,
            "callgear_in_flight": 1,
            **self.scenario.settings,
            **other,
        }

    def settings(self, **other: Any) -> Settings:
        """The same, checked; each choice once, for that takes a tenth of a run."""
        choice = tuple(sorted(other.items()))
        if choice not in self._checked:
            self._checked[choice] = Settings(_env_file=None, **self.given(**other))  # type: ignore[call-arg]
        return self._checked[choice]

    def run(self, **settings: Any) -> Ended:
        """One run; the next one comes half an hour later."""
        self.runs += 1
        run_id, seen = f"run-{self.runs}", len(self.sandbox.requests)
        import_once(self.settings(**settings), self.store, run_id=run_id, timing=self.timing)
        self.clock.seconds += HALF_AN_HOUR
        return self.ended(run_id, requests=self.sandbox.requests[seen:])

    def ended(self, run_id: str, *, requests: list[RequestSeen]) -> Ended:
        """How a run ended, as the audit tells."""
        rows = self.store.database.records("run_history", {"limit": 1000, "since": None})
        (row,) = [row for row in rows if row["run_id"] == run_id]
        known = {name: value for name, value in row.items() if value is not None}
        return Ended(
            run_id=run_id,
            status=RunStatus(known["status"]),
            reason=known.get("reason"),
            counts=RunCounts(**{field.name: known.get(field.name, 0) for field in fields(RunCounts)}),
            actions=audit.actions.of_run(self.store.database, run_id),
            requests=requests,
        )

    def state(self) -> State:
        """Everything as it is now."""
        return State(
            systems=Picture.of(self.sandbox),
            links=self.links(),
            ever_linked=audit.links.ever_linked(self.store.database),
            announced=frozenset(
                str(email).casefold() for email in audit.links.pending_creates(self.store.database)["email"]
            ),
            failing=len(audit.actions.dead_letters(self.store.database)),
            violations=self.sandbox.violations(),
        )

    def links(self) -> dict[int, int]:
        """The live links."""
        return {row["bitrix24_id"]: row["callgear_id"] for row in self.store.database.records("live_links")}

    def wait_for_dead_letters(self) -> None:
        """Let so much time pass that everything that failed is due again."""
        due = audit.actions.dead_letters(self.store.database)["next_try_at"]
        if len(due):
            self.clock.seconds = max(self.clock.seconds, due.max().timestamp())

    def _bucket(self, host: str) -> LeakyBucket:  # noqa: ARG002 - as `portal_bucket`
        return LeakyBucket(capacity=1_000_000, clock=self.clock, sleep=self.clock.sleep)


@dataclass(frozen=True)
class Prepared:
    """A scenario up to the run that meets the fault, kept to be started again and again.

    Attributes:
        state: both systems.
        database: what was imported before.
        seconds: the time.
        runs: runs so far.
        calls: how often each method is called in the run when nothing fails.
        good: both systems after it.
        links: the e-mail address of each employee that a user is then linked with.
        links_before: what was linked before.
    """

    scenario: Scenario
    state: Path
    database: Path
    seconds: float
    runs: int
    calls: Counter[str]
    good: Picture
    links: dict[int, str]
    links_before: dict[int, int]


class PreparedScenarios:
    """Every scenario, prepared once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._prepared: dict[str, Prepared] = {}
        self._folders = 0

    def get(self, scenario: Scenario) -> Prepared:
        """The scenario, prepared."""
        if scenario.name not in self._prepared:
            self._prepared[scenario.name] = self._prepare(scenario)
        return self._prepared[scenario.name]

    @contextmanager
    def start(self, scenario: Scenario) -> Iterator[Site]:
        """The scenario, from the beginning."""
        prepared = self.get(scenario)
        folder = self._new_folder()
        clock = Clock()
        clock.seconds = prepared.seconds
        sandbox = Sandbox(clock=clock, bitrix24=scenario.bitrix24, callgear=scenario.callgear)
        state.restore(prepared.state, sandbox.portal, sandbox.account)
        shutil.copyfile(prepared.database, Paths(folder / DATABASE).working)
        with serve(sandbox) as server:
            site = Site(scenario, server, folder, clock)
            site.runs = prepared.runs
            try:
                yield site
            finally:
                site.close()
        shutil.rmtree(folder)

    def _prepare(self, scenario: Scenario) -> Prepared:
        folder = self._new_folder()
        clock = Clock()
        sandbox = Sandbox(clock=clock, bitrix24=scenario.bitrix24, callgear=scenario.callgear)
        scenario.build(sandbox)
        with serve(sandbox) as server:
            site = Site(scenario, server, folder, clock)
            if scenario.change is not None:
                assert site.run().status is RunStatus.DONE
                scenario.change(sandbox)
            links_before = site.links()
            database = site.kept_database(folder / "before.duckdb")
            kept = folder / "state.json"
            sandbox.save(kept)
            prepared = {"scenario": scenario, "state": kept, "database": database, "seconds": clock.seconds}
            runs = site.runs
            calls = Counter(request.method for request in site.run().requests)
            good = Picture.of(sandbox)
            assert not site.run().writes(), f"{scenario.name}: a second run writes"
            links = {user: str(good.employees[employee]["email"]) for user, employee in site.links().items()}
            site.close()
        return Prepared(**prepared, runs=runs, calls=calls, good=good, links=links, links_before=links_before)

    def _new_folder(self) -> Path:
        self._folders += 1
        folder = self._folder / str(self._folders)
        folder.mkdir()
        return folder
