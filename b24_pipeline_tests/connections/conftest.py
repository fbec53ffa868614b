"""Several companies, each with a portal and an account of its own, and a folder that connects them."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from b24_pipeline import audit, settings
from b24_pipeline.audit import Store
from b24_pipeline.dagster_runs import TRIGGER_TAG
from b24_pipeline.definitions import build_definitions
from b24_pipeline.partitions import TAG, update_partitions
from b24_pipeline.sandbox import Sandbox, serve
from b24_pipeline.settings import Connections
from b24_pipeline_tests.databases import put_empty_database
from b24_pipeline_tests.harness import (
    CLOCK,
    JOB,
    NO_RATE_LIMIT,
    OURS,
    PLENTY,
    QUIET,
    STATE,
    STEPS,
    RunInTestTime,
    World,
    dagster_of_this_process,
    import_everything,
)

FOLDER = Connections(Path("connections"))
THREE = ("acme", "globex", "initech")


@cache
def project_of_connections() -> dg.Definitions:
    return build_definitions(RunInTestTime, connections=FOLDER)


class Companies:
    """Companies by key; each is a connection once it was added to the folder."""

    def __init__(self, environment: pytest.MonkeyPatch, stack: ExitStack) -> None:
        self.worlds: dict[str, World] = {}
        self.instance = dagster_of_this_process()
        self.instance.wipe()
        self._environment = environment
        self._stack = stack

    def __getitem__(self, key: str) -> World:
        return self.worlds[key]

    def found(self, key: str, *, people: int = 2) -> World:
        """A company with so many people that is not connected yet; one whose state was kept goes on."""
        database = Path(f"data/connections/{key}/b24_pipeline.duckdb").absolute()
        kept, kind = database.with_name(STATE), {"clock": CLOCK, "bitrix24": NO_RATE_LIMIT, "callgear": PLENTY}
        sandbox = Sandbox.load(kept, **kind) if kept.exists() else Sandbox(**kind)
        server = self._stack.enter_context(serve(sandbox))
        self.worlds[key] = World(server, database=database, environment=self._environment)
        if not kept.exists():
            self.worlds[key].hire_many(people, prefix=key.capitalize())
        return self.worlds[key]

    def connect(self, key: str, **more: str) -> World:
        """Add the file of a company, which is founded where there is none yet."""
        world = self.worlds.get(key) or self.found(key)
        given = world.environment()
        del given["B24_PIPELINE_DATABASE"]
        FOLDER.folder.mkdir(exist_ok=True)
        FOLDER.file(key).write_text("".join(f"{name}={value}\n" for name, value in {**given, **more}.items()))
        return world

    def run(self, key: str | None, *, assets: Sequence[str] = STEPS) -> dg.ExecuteInProcessResult:
        """One run of some assets in this process, of a connection."""
        update_partitions(self.instance, frozenset(FOLDER.keys))
        return (
            project_of_connections()
            .resolve_job_def(JOB)
            .execute_in_process(
                instance=self.instance,
                raise_on_error=False,
                asset_selection=[dg.AssetKey(name) for name in assets],
                partition_key=key,
                run_config={"resources": {"import_run": {"config": {}}}, "loggers": QUIET},
            )
        )

    def import_people(self, key: str) -> None:
        """One run of the same steps without Dagster, in a fraction of the time."""
        started = dg.DagsterRun(job_name=JOB, tags={TRIGGER_TAG: "cli", TAG: key})
        paths = settings.database_settings(connection=key).paths
        if not (paths.working.exists() or paths.published.exists()):
            paths.published.parent.mkdir(parents=True, exist_ok=True)
            put_empty_database(paths)
        with ExitStack() as stack:
            import_everything(RunInTestTime().begin(started, stack))

    def runs(self, key: str) -> list[dict[str, Any]]:
        """The runs in the audit of a connection, newest first."""
        paths = settings.database_settings(connection=key).paths
        with Store.reader(paths, now=CLOCK.now) as database:
            return audit.runs.history(database, limit=100).to_dict("records")


@contextmanager
def companies_in(folder: Path, environment: pytest.MonkeyPatch) -> Iterator[Companies]:
    """No company yet, and no setting in the environment."""
    CLOCK.begin_anew()
    for name in [*os.environ]:
        if name.startswith(OURS):
            environment.delenv(name)
    environment.chdir(folder)
    with ExitStack() as stack:
        yield Companies(environment, stack)


@pytest.fixture
def companies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Companies]:
    """No company yet."""
    with companies_in(tmp_path, monkeypatch) as found:
        yield found


@pytest.fixture(scope="session")
def after_three_imports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of three connections that were imported once: made once, copied by `three_companies`."""
    folder = tmp_path_factory.mktemp("after_three_imports")
    with pytest.MonkeyPatch.context() as environment, companies_in(folder, environment) as companies:
        for key in THREE:
            world = companies.connect(key)
            companies.import_people(key)
            world.keep()
    return folder


@pytest.fixture
def three_companies(companies: Companies, after_three_imports: Path) -> Companies:
    """Three connections, imported just now: acme, globex and initech."""
    shutil.copytree(after_three_imports, ".", dirs_exist_ok=True)
    for key in THREE:
        companies.connect(key)
    return companies
