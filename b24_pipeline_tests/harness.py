"""A whole world for tests: a served sandbox, a database, settings, and the import run in this process.

    world.hire("Lebedeva", EMAIL="ira@x.test")
    result = world.run()
    assert result.status == "done" and result.counts.created == 1

`world.run()` goes through Dagster. Where a test looks only at the audit and the two systems, `world.import_people()`
does the same steps without Dagster in half of the time.

Time passes only when somebody waits, so nothing here ever sleeps. Settings are given as environment variables; a child
process takes `world.environment()`.
"""

import atexit
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, ClassVar

import dagster as dg
import pytest

from b24_pipeline import audit, schemas
from b24_pipeline.audit import Database, Paths, Store
from b24_pipeline.audit.storage.lock import run_lock
from b24_pipeline.bitrix24.rate_limit import LeakyBucket
from b24_pipeline.connection import Timing, open_connection
from b24_pipeline.dagster_runs import TRIGGER_TAG
from b24_pipeline.definitions import build_definitions
from b24_pipeline.resources import ImportRunResource
from b24_pipeline.rules.models import Trigger
from b24_pipeline.sandbox import Bitrix24Behavior, CallGearBehavior, RequestSeen, Sandbox, Server, serve
from b24_pipeline.settings import Settings
from b24_pipeline.sync import run as sync_run
from b24_pipeline.sync import steps
from b24_pipeline.sync.launch import Launch, RunConfig
from b24_pipeline.sync.run import RunContext, RunStopped
from b24_pipeline_tests.clock import Clock
from b24_pipeline_tests.databases import put_empty_database
from b24_pipeline_tests.results import Audited, Result

JOB = "employee_import"
MATERIALIZE = "__ASSET_JOB"
"""What the button "Materialize" launches."""

STEPS = (
    "bitrix24_users",
    "employees",
    "callgear_employees",
    "employee_matches",
    "callgear_upsert",
    "responsible_employees",
)
"""The steps of the import. The report at its end takes longer to draw than all of them, and has tests of its own."""

OURS = ("BITRIX24_", "CALLGEAR_", "B24_PIPELINE_", "DAGSTER_")
"""How the names of environment variables begin that are settings."""

STATE = "sandbox.json"
HALF_AN_HOUR = 1800
QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}
PLENTY = CallGearBehavior(minute_limit=100_000, day_limit=1_000_000)
NO_RATE_LIMIT = Bitrix24Behavior(tariff=None)


CLOCK = Clock()
"""The clock of the world in use; each world begins at noon again."""


def unlimited(host: str) -> LeakyBucket:  # noqa: ARG001 - as `portal_bucket`
    """A bucket that is never full."""
    return LeakyBucket(capacity=1_000_000, clock=CLOCK, sleep=CLOCK.sleep)


class RunInTestTime(ImportRunResource):
    """The run as the project has it, in the tests' time."""

    timing: ClassVar[Timing] = Timing(unix=CLOCK, monotonic=CLOCK, sleep=CLOCK.sleep, bucket_of=unlimited)


@cache
def project_in_test_time() -> dg.Definitions:
    """All assets and jobs, wired as in the project."""
    return build_definitions(RunInTestTime)


@cache
def dagster_of_this_process() -> dg.DagsterInstance:
    """One for all worlds: to empty it takes a millisecond, to make another one forty."""
    instance = dg.DagsterInstance.ephemeral()
    atexit.register(instance.dispose)
    return instance


def import_everything(run: RunContext) -> None:
    """Do the six steps as Dagster does them one by one; a run that a step stops ends like any other."""
    try:
        employees = steps.evaluate_users(run, steps.read_portal(run))
        account = steps.read_account(run)
        if account is not None:
            matches = steps.match_users(run, employees=employees, callgear_employees=account)
            steps.upsert_employees(run, employees=employees, matches=matches, callgear_employees=account)
            steps.update_list(run, employees)
    except RunStopped:
        pass
    finally:
        sync_run.end(run)


def import_once(settings: Settings, store: Store, *, run_id: str, timing: Timing) -> None:
    """One run without Dagster, in a third of the time, for hundreds of runs; how it ended is in the audit."""
    with (
        open_connection(settings, timing) as connection,
        run_lock(connection.paths.lock, owner=f"run {run_id}", now=connection.now()),
    ):
        import_everything(sync_run.begin(connection, store, config=RunConfig(), launch=Launch(run_id, Trigger.CLI)))


class World:
    """A portal, an account, and the import between them."""

    def __init__(self, server: Server, *, database: Path, environment: pytest.MonkeyPatch) -> None:
        self.server = server
        self.sandbox = server.sandbox
        self.portal = server.sandbox.portal
        self.account = server.sandbox.account
        self.paths = Paths(database)
        self.clock = CLOCK
        self._environment = environment

    @cached_property
    def instance(self) -> dg.DagsterInstance:
        """A Dagster that knows of this world only, from when it is first used."""
        instance = dagster_of_this_process()
        instance.wipe()
        return instance

    def environment(self) -> dict[str, str]:
        """The settings as environment variables."""
        return {
            "BITRIX24_WEBHOOK_URL": self.server.webhook_url,
            "CALLGEAR_API_URL": self.server.callgear_url,
            "CALLGEAR_ACCESS_TOKEN": self.server.access_token,
            "B24_PIPELINE_DATABASE": str(self.paths.published),
            "B24_PIPELINE_HTTP_TIMEOUT_SECONDS": "5",
        }

    def set(self, **variables: str) -> None:
        """Give more settings: `world.set(B24_PIPELINE_PHONES="first")`."""
        for name, value in variables.items():
            self._environment.setenv(name, value)

    def behave(self, **switches: Any) -> None:
        """Turn switches of the portal or the account, whichever has them."""
        for name, value in switches.items():
            system = "bitrix24" if name in Bitrix24Behavior.__dataclass_fields__ else "callgear"
            setattr(self.sandbox, system, replace(getattr(self.sandbox, system), **{name: value}))

    def hire(self, last_name: str | None, **given: Any) -> int:
        """A new user of the portal, `{last_name}@x.test` unless another e-mail is given."""
        email = {"EMAIL": f"{last_name.lower()}@x.test"} if last_name else {}
        return self.portal.hire(**{"NAME": "Ira", "LAST_NAME": last_name, **email, **given})

    def hire_many(self, count: int, *, prefix: str = "Person") -> list[int]:
        """So many new users: "Person1", "Person2" ..."""
        return [self.hire(f"{prefix}{number}") for number in range(1, count + 1)]

    def list_responsible(self, *users: int) -> None:
        """Put these users on the account's responsible list, under their names."""
        for user in users:
            known = self.portal.users[user]
            self.account.responsible[str(user)] = " ".join(filter(None, (known.get("LAST_NAME"), known.get("NAME"))))

    def run(
        self,
        *,
        job: str = JOB,
        trigger: str | None = "cli",
        assets: Sequence[str] = STEPS,
        tags: dict[str, str] | None = None,
        **config: Any,
    ) -> Result:
        """One run of the job without its report, or of some assets; `config` is the run's, as in the launchpad."""
        found = (
            project_in_test_time()
            .resolve_job_def(job)
            .execute_in_process(
                instance=self.instance,
                raise_on_error=False,
                asset_selection=[dg.AssetKey(name) for name in assets],
                tags={**({TRIGGER_TAG: trigger} if trigger else {}), **(tags or {})},
                run_config={"resources": {"import_run": {"config": config}}, "loggers": QUIET},
            )
        )
        return self.result_of(found)

    def result_of(self, found: dg.ExecuteInProcessResult) -> Result:
        """How a run of Dagster ended, in the audit too."""
        if not self.paths.working.exists():
            return Result(None, schemas.empty_frame(schemas.Actions), found)
        with self.database() as database:
            audited = Audited.of(found.run_id, database)
        return Result(audited.row, audited.actions, found)

    def import_people(self, **config: Any) -> Audited:
        """One run of the same steps without Dagster; `sync/test_without_dagster.py` proves it."""
        started = dg.DagsterRun(job_name=JOB, tags={TRIGGER_TAG: "cli"})
        if not (self.paths.working.exists() or self.paths.published.exists()):
            put_empty_database(self.paths)
        with ExitStack() as stack:
            run = RunInTestTime(**config).begin(started, stack)
            import_everything(run)
            return Audited.of(run.run_id, run.store.database)

    def keep(self) -> None:
        """Save the portal and the account beside the database, for worlds that begin like this one (`world_like`)."""
        self.sandbox.save(self.paths.published.with_name(STATE))

    def forget_requests(self) -> None:
        """Let `requests` and `writes` begin anew."""
        self.sandbox.requests.clear()

    def writes(self) -> list[RequestSeen]:
        """What changed something in the account since `forget_requests`."""
        return self.sandbox.writes()

    @contextmanager
    def database(self) -> Iterator[Database]:
        """What the database says."""
        with Store.reader(self.paths, now=CLOCK.now) as database:
            yield database

    def links(self) -> dict[int, int]:
        """The live links."""
        with self.database() as database:
            links = audit.links.live_links(database)
        return dict(zip(links["bitrix24_id"].tolist(), links["callgear_id"].tolist(), strict=True))

    def employees(self) -> dict[str, list[str]]:
        """The account's employees: last name and phone numbers."""
        return {
            employee["last_name"]: [entry["phone_number"] for entry in employee["phone_numbers"]]
            for employee in self.account.employees.values()
        }


@contextmanager
def world_in(folder: Path, *, environment: pytest.MonkeyPatch, state: Path | None = None) -> Iterator[World]:
    """A world whose database is in `folder`, with the settings of this process pointing at it.

    Args:
        folder: also the current directory meanwhile, so that no `.env` is found.
        environment: what is set is taken back at its end.
        state: a sandbox that was saved; an empty one without.
    """
    CLOCK.begin_anew()
    kind = {"clock": CLOCK, "bitrix24": NO_RATE_LIMIT, "callgear": PLENTY}
    sandbox = Sandbox.load(state, **kind) if state else Sandbox(**kind)
    with serve(sandbox) as server:
        world = World(server, database=folder / "b24.duckdb", environment=environment)
        for name in [*os.environ]:
            if name.startswith(OURS):
                environment.delenv(name)
        world.set(**world.environment())
        environment.chdir(folder)
        yield world


@contextmanager
def world_like(kept: Path, folder: Path, *, environment: pytest.MonkeyPatch) -> Iterator[World]:
    """A world in `folder` with everything that was kept of another one, except what its Dagster knew."""
    shutil.copytree(kept, folder, dirs_exist_ok=True)
    with world_in(folder, environment=environment, state=folder / STATE) as world:
        yield world
