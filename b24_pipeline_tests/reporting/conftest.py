"""A short history to report on: three runs half an hour apart, with something of everything."""

import shutil
from collections.abc import Iterator
from copy import copy
from datetime import timedelta
from pathlib import Path
from typing import Self

import pytest

from b24_pipeline import audit, schemas
from b24_pipeline.audit import LinkWritten, Paths, RunCounts, RunStart, Store
from b24_pipeline.audit.actions import Step
from b24_pipeline.audit.metadata import rebind
from b24_pipeline.audit.report_queries import POINTS_A_DAY, Figures, figures
from b24_pipeline.rules.models import ChangeRisk, Outcome, RunStatus, Trigger
from b24_pipeline.sync.launch import RunConfig
from b24_pipeline_tests.clock import HALF_AN_HOUR
from b24_pipeline_tests.databases import new_store
from b24_pipeline_tests.factories import (
    NOON,
    action,
    actions,
    callgear_employee,
    callgear_employees,
    dead_letter,
    dead_letters,
    employees,
    matched,
    user,
    users,
)

NASTY = "</h2><script>alert('x')</script>\u202e & \"Sons\""
PEOPLE = (user(1), user(2), user(3, email=None), user(4, last_name=NASTY, email="nobody"), user(5, active=False))
ACCOUNT = (callgear_employee(101, email="user1@x.test"), callgear_employee(109))


class History:
    """A store, and the runs that are recorded in it."""

    def __init__(self, folder: Path) -> None:
        self.now = NOON
        self.number = 0
        self.store: Store = new_store(folder, now=lambda: self.now)

    def going_on_in(self, folder: Path) -> Self:
        """Another history that begins with this one's files and runs; this one's store is closed."""
        shutil.copytree(self.store.paths.published.parent, folder, dirs_exist_ok=True)
        found = copy(self)
        found.store = Store.open(Paths(folder / self.store.paths.published.name), now=lambda: found.now)
        return found

    def run(
        self,
        status: RunStatus = RunStatus.DONE,
        *,
        seconds: float = 2,
        links: tuple[LinkWritten, ...] = (),
        dry_run: bool = False,
        only: tuple[int, ...] = (),
        **counts: int,
    ) -> str:
        """A run that saw `PEOPLE` and `ACCOUNT`, unless it failed."""
        self.number += 1
        self.now += HALF_AN_HOUR
        run_id = f"run-{self.number}"
        self.store.begin_run(
            RunStart(
                run_id,
                self.now,
                Trigger.SCHEDULE,
                kind=RunConfig(dry_run=dry_run, only=frozenset(only) or None).kind,
                only=only,
            )
        )
        if status is not RunStatus.FAILED:
            judged = employees(*PEOPLE)
            self.store.record_snapshot(schemas.Users, users(*PEOPLE))
            self.store.record_snapshot(schemas.Employees, judged)
            self.store.record_snapshot(schemas.CallGearEmployees, callgear_employees(*ACCOUNT))
            self.store.record_snapshot(schemas.Matches, matched(judged, account=ACCOUNT))
            held = (
                [action(2, risk=ChangeRisk.CREATE, outcome=Outcome.HELD, display_name="Name2 Ira")]
                if counts.get("held")
                else []
            )
            self.store.record_open_actions(Step.UPSERT, actions(*held))
            self.store.put_links(links)
        began, self.now = self.now, self.now + timedelta(seconds=seconds)
        reason = f"the portal said {NASTY}" if status is RunStatus.FAILED else None
        self.store.finish_run(status, reason, RunCounts(users=5, candidates=4, rejected=2, **counts))
        self.now = began
        return run_id

    def dies(self) -> None:
        """A run whose process ends before the run does; the next one finds it."""
        self.number += 1
        self.now += HALF_AN_HOUR
        self.store.begin_run(RunStart(f"run-{self.number}", self.now, Trigger.SCHEDULE))


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    """An empty history."""
    found = History(tmp_path)
    with found.store:
        yield found


@pytest.fixture(scope="session")
def eventful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """A first import, a failure, and a run that holds a create while somebody's record fails; only to be read."""
    history = History(tmp_path_factory.mktemp("eventful"))
    with history.store:
        rebind(history.store.database, portal_host="portal.test", callgear_host="account.test")
        audit.metadata.put_facts(history.store.database, {POINTS_A_DAY: "2700"})
        history.run(seconds=61, links=(LinkWritten(1, 101, "email"),), linked=1, callgear_points=3)
        history.run(RunStatus.FAILED)
        audit.actions.put_dead_letters(history.store.database, dead_letters(dead_letter(2)))
        history.run(RunStatus.HELD, held=1, failed=1, callgear_points=1)
        yield history


@pytest.fixture(scope="session")
def told(eventful: History) -> Figures:
    """What the audit tells of it."""
    return figures(eventful.store.database, now=eventful.now)
