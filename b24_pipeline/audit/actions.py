"""The actions of every run, stored so that a run in which nothing changed adds next to nothing.

What was carried out is an event of its run. What merely stands (rejected, in conflict, held, waiting, deferred) is kept
as a history: the same row serves every run until something changes. `audit.actions` shows both, for every run that
reached the step they belong to.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import pyarrow as pa  # type: ignore[import-untyped]
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.audit.history import HistorySpec, keep_history, open_rows, replace
from b24_pipeline.audit.runs import CurrentRun
from b24_pipeline.audit.storage.column_types import Table, column_list, from_arrow, sql_columns, to_arrow
from b24_pipeline.audit.storage.database import Database
from b24_pipeline.rules.models import ActionKind, ChangeRisk, Outcome


class Step(StrEnum):
    """The two steps of a run that act, named like their assets; each answers for its own actions only."""

    UPSERT = "callgear_upsert"
    RESPONSIBLE = "responsible_employees"


_OF_THE_LIST = (ActionKind.REMOVE_RESPONSIBLE, ActionKind.LIST_RESPONSIBLE, ActionKind.RENAME_RESPONSIBLE)
STEP_OF: Mapping[str, Step] = {kind: Step.RESPONSIBLE if kind in _OF_THE_LIST else Step.UPSERT for kind in ActionKind}

EVENTS = (Outcome.DONE, Outcome.FAILED)
"""Outcomes that each have their own moment; all others, not only `OPEN_OUTCOMES`, are kept as histories."""

_COLUMNS = tuple(sql_columns(schemas.Actions))


def record_open_actions(database: Database, run: CurrentRun, step: Step, frame: DataFrame[schemas.Actions]) -> None:
    """Let exactly these actions of the step stand from this run on; call it before the step's first `record_events`.

    A run that does not reach a step never calls this for it: what stood stands on, and is not shown for that run.

    Raises:
        ValueError: an action belongs to another step.
    """
    strangers = sorted({action for action in frame["action"] if STEP_OF[action] is not step})
    if strangers:
        raise ValueError(f"{', '.join(strangers)} are no actions of the step {step}")
    keep_history(database, *_open_actions(step, frame), run, what=step)


def record_events(database: Database, run: CurrentRun, frame: DataFrame[schemas.Actions]) -> None:
    """Store what became of actions, in as many portions as the answers come in, so that a crash loses none.

    Rows that are no events (deferred, planned, skipped) stand until the next `record_open_actions` of their step.
    """
    is_event = frame["outcome"].isin(EVENTS)
    with database.transaction():
        if is_event.any():
            with database.incoming(to_arrow(schemas.Actions, frame[is_event])):
                database.execute("add_events", {"run": run.number})
        if is_event.all():
            return
        lasting = frame[~is_event]
        steps = lasting["action"].map(STEP_OF)
        for step in sorted(set(steps)):
            spec, rows = _open_actions(step, lasting[steps == step])
            with database.incoming(rows):
                open_rows(database, spec, run)


def of_run(database: Database, run_id: str) -> DataFrame[schemas.Actions]:
    """The actions of one run as `audit.actions` shows them; of a run for single people, only theirs (R16)."""
    table = database.table("actions_of_run", {"run_id": run_id}, columns=column_list(_COLUMNS))
    return from_arrow(schemas.Actions, table)


def has_written(database: Database, run_id: str) -> bool:
    """Return whether the run has sent anything to the account, or stored a link."""
    return bool(database.value("events_of_run", {"run_id": run_id}))


def done_since(database: Database, since: datetime, *, now: datetime) -> dict[ChangeRisk, frozenset[int]]:
    """R16: whom each kind of change was done to since then, as far as it counts: Bitrix24 ids."""
    rows = database.records("done_since", {"since": since, "now": now})
    return {ChangeRisk(row["risk"]): frozenset(row["people"]) for row in rows}


def exempt_failures(database: Database, since: datetime) -> frozenset[tuple[int, str]]:
    """R16: the (user, action) that failed since then under an exemption."""
    rows = database.records("exempt_failures", {"since": since})
    return frozenset((row["bitrix24_id"], row["action"]) for row in rows)


def dead_letters(database: Database) -> DataFrame[schemas.DeadLetters]:
    columns = column_list(sql_columns(schemas.DeadLetters))
    return schemas.from_records(schemas.DeadLetters, database.records("dead_letters", columns=columns))


def people_failed(database: Database) -> frozenset[int]:
    return frozenset(dead_letters(database)["bitrix24_id"].tolist())


def put_dead_letters(database: Database, frame: DataFrame[schemas.DeadLetters]) -> None:
    spec = HistorySpec("dead_letters", tuple(sql_columns(schemas.DeadLetters)))
    replace(database, spec, to_arrow(schemas.DeadLetters, frame))


def retry_updates(database: Database, *, now: datetime) -> None:
    with database.transaction():
        database.execute("retry_updates", {"now": now, "action": ActionKind.UPDATE.value})


def _open_actions(step: Step, frame: DataFrame[schemas.Actions]) -> tuple[HistorySpec, Table]:
    compared = tuple(name for name in _COLUMNS if name != "at")
    spec = HistorySpec("open_actions", compared, scope="current.step = $step", parameters={"step": str(step)})
    rows = to_arrow(schemas.Actions, frame)
    return spec, rows.append_column("step", pa.array([str(step)] * rows.num_rows, type=pa.string()))
