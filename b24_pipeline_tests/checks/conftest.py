"""A run as far as checks look at it: its store, and what was chosen for it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.audit import LinkWritten, RunStart, Store
from b24_pipeline.audit.actions import Step
from b24_pipeline.rules.models import Policy, Trigger
from b24_pipeline.sync.launch import Launch
from b24_pipeline.sync.run import RunOutcome
from b24_pipeline_tests.databases import new_store
from b24_pipeline_tests.factories import NOON, actions, callgear_employees, employees, matched, users


@dataclass
class LookedAt:
    """What a check gets instead of a whole run."""

    store: Store
    run_id: str = "run-1"
    launch: Launch = field(default_factory=lambda: Launch("run-1", Trigger.SCHEDULE))
    policy: Policy = field(default_factory=Policy)
    outcome: RunOutcome = field(default_factory=RunOutcome)
    now: datetime = NOON
    budget: Any = None

    @property
    def connection(self) -> SimpleNamespace:
        return SimpleNamespace(now=lambda: self.now, callgear=SimpleNamespace(budget=self.budget, points_spent=3))

    def saw(
        self, *people: dict[str, Any], account: tuple[dict[str, Any], ...] = (), links: tuple[tuple[int, int], ...] = ()
    ) -> None:
        """The run has read and judged these people and this account, and matched them."""
        judged = employees(*people)
        self.store.record_snapshot(schemas.Users, users(*people))
        self.store.record_snapshot(schemas.Employees, judged)
        self.store.record_snapshot(schemas.CallGearEmployees, callgear_employees(*account))
        stored = [
            {"bitrix24_id": u, "callgear_id": c, "linked_by": "email", "linked_at": NOON, "run_id": "run-0"}
            for u, c in links
        ]
        self.store.record_snapshot(schemas.Matches, matched(judged, account=account, stored=stored))
        self.store.put_links([LinkWritten(user, employee, "email") for user, employee in links])

    def did(self, *rows: dict[str, Any]) -> None:
        """The run has left these actions standing."""
        self.store.record_open_actions(Step.UPSERT, actions(*rows))

    def replaces(self, model: type[schemas.Frame], frame: pd.DataFrame) -> None:
        """The stored table is another than it should be."""
        self.store.record_snapshot(model, DataFrame(frame))


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Any]:
    with new_store(tmp_path, now=lambda: NOON) as store:
        store.begin_run(RunStart("run-1", NOON, Trigger.SCHEDULE))
        yield LookedAt(store)
