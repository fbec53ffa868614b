"""Builders of small frames, and whole runs in one line."""

import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.audit import Paths, RunCounts, RunStart, Store
from b24_pipeline.rules.models import RunStatus, Trigger
from b24_pipeline.sync.launch import RunConfig
from b24_pipeline_tests.clock import HALF_AN_HOUR, Clock


@dataclass
class Recorder:
    """Records runs, half an hour apart, named run-1, run-2 ..."""

    store: Store
    clock: Clock
    number: int = 0

    def begin(self, *, run_id: str | None = None, dry_run: bool = False, only: Sequence[int] = ()) -> str:
        self.number += 1
        self.clock.advance(HALF_AN_HOUR)
        run_id = run_id or f"run-{self.number}"
        start = RunStart(
            run_id,
            self.clock.now(),
            Trigger.SCHEDULE,
            kind=RunConfig(dry_run=dry_run, only=frozenset(only) or None).kind,
            only=only,
            policy='{"phones": "all"}',
        )
        self.store.begin_run(start)
        return run_id

    def finish(self, status: RunStatus = RunStatus.DONE, reason: str | None = None, **counts: int) -> None:
        self.store.finish_run(status, reason, RunCounts(**counts))

    def run(self, *snapshots: DataFrame[Any], status: RunStatus = RunStatus.DONE, **begin: Any) -> str:
        """A whole run that sees these snapshots."""
        run_id = self.begin(**begin)
        for frame in snapshots:
            self.store.record_snapshot(model_of(frame), frame)
        self.finish(status)
        return run_id


NewStore = Callable[[], AbstractContextManager[Recorder]]


def kept_files(recorder: Recorder, folder: Path) -> Path:
    """The folder, with copies of the recorder's files in it."""
    shutil.copytree(recorder.store.paths.published.parent, folder, dirs_exist_ok=True)
    return folder


def model_of(frame: pd.DataFrame) -> type[schemas.Frame]:
    return next(
        model
        for model in (
            schemas.Users,
            schemas.Employees,
            schemas.CallGearEmployees,
            schemas.Matches,
            schemas.ResponsibleEmployees,
        )
        if schemas.column_names(model) == list(frame.columns)
    )


def users(*rows: tuple[int, str], **fields: Any) -> DataFrame[schemas.Users]:
    """Users of these (id, last name), with an e-mail each."""
    return schemas.from_records(
        schemas.Users,
        [
            {"bitrix24_id": id_, "user_type": "employee", "active": True, "last_name": name, "email": f"u{id_}@x.test"}
            | fields
            for id_, name in rows
        ],
    )


def judged(*rows: tuple[int, str], **fields: Any) -> DataFrame[schemas.Employees]:
    """Employees of these (id, standing)."""
    return schemas.from_records(
        schemas.Employees,
        [
            {
                "bitrix24_id": id_,
                "active": True,
                "eligibility": standing,
                "email": f"u{id_}@x.test",
                "email_key": f"u{id_}@x.test",
            }
            | fields
            for id_, standing in rows
        ],
    )


def employees(*rows: tuple[int, str], **fields: Any) -> DataFrame[schemas.CallGearEmployees]:
    """CallGear employees of these (id, last name)."""
    return schemas.from_records(
        schemas.CallGearEmployees,
        [{"callgear_id": id_, "last_name": name, "phone_numbers": "[]"} | fields for id_, name in rows],
    )


def action(bitrix24_id: int, kind: str, outcome: str, **fields: Any) -> dict[str, Any]:
    return {"bitrix24_id": bitrix24_id, "action": kind, "outcome": outcome} | fields


def actions(*rows: dict[str, Any]) -> DataFrame[schemas.Actions]:
    return schemas.from_records(schemas.Actions, list(rows))


def ask(paths: Paths, query: str) -> list[tuple[Any, ...]]:
    """What a person sees who opens the published file."""
    with duckdb.connect(paths.published, read_only=True) as people:
        return people.execute(query).fetchall()
