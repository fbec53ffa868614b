"""Keeping changes instead of copies: rows with the run from which and until which they held (type 2 history)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.audit.runs import CurrentRun, PastRun
from b24_pipeline.audit.schema import HISTORIES
from b24_pipeline.audit.storage.column_types import Table, column_list, from_arrow, sql_columns, to_arrow, to_pandas
from b24_pipeline.audit.storage.database import Database
from b24_pipeline.audit.storage.exceptions import UnknownRun


@dataclass(frozen=True, slots=True)
class HistorySpec:
    """The rows of a table that one recording speaks of.

    Attributes:
        table: the table in the schema `store`.
        compared: the columns in which a row must agree to be the same row.
        scope: a condition on `current` for tables of which a recording speaks only in part.
        parameters: the values of the condition.
    """

    table: str
    compared: tuple[str, ...]
    scope: str = "TRUE"
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def identifiers(self) -> dict[str, str]:
        """Return what the statements of `histories.sql` leave open."""
        return {
            "table": self.table,
            "scope": self.scope,
            "columns": column_list(self.compared),
            "same": " AND ".join(f'current."{name}" IS NOT DISTINCT FROM incoming."{name}"' for name in self.compared),
        }


def record_snapshot(
    database: Database, run: CurrentRun, model: type[schemas.Model], frame: DataFrame[schemas.Model]
) -> None:
    """Store what the run saw: rows that changed or vanished end, rows that changed or are new begin."""
    spec = HistorySpec(HISTORIES[model], tuple(sql_columns(model)))
    keep_history(database, spec, to_arrow(model, frame), run, what=spec.table)


def last_recording(database: Database, model: type[schemas.Frame]) -> PastRun | None:
    """The run that has recorded this frame last; None where no run is left that has."""
    row = next(iter(database.records("newest_recording", {"what": HISTORIES[model]})), None)
    return PastRun(row["run_id"], row["started_at"]) if row else None


def recorded_by(database: Database, run_id: str) -> frozenset[str]:
    return frozenset(database.column("recorded_by", {"run_id": run_id}))


def note_recorded(database: Database, run: CurrentRun, what: str) -> None:
    """Store that the run has recorded this table or step, also where nothing in it changed."""
    database.execute("note_recorded", {"run": run.number, "what": what})


def snapshot(
    database: Database, model: type[schemas.Model], as_of: str | datetime | None = None
) -> DataFrame[schemas.Model]:
    """The rows as the last run saw them, or the run that `as_of` means: a run id, or the latest begun by a time.

    Raises:
        UnknownRun: there is no such run.
    """
    identifiers = {"table": HISTORIES[model], "columns": column_list(sql_columns(model))}
    if as_of is None:
        return from_arrow(model, database.table("valid_rows", **identifiers))
    number = database.value("run_number_as_of", {"moment": as_of})
    if number is None:
        raise UnknownRun(f"No run is known as of {as_of}; `b24-pipeline history` lists the runs.")
    return from_arrow(model, database.table("rows_as_of", {"run": number}, **identifiers))


def known_users(database: Database) -> list[int]:
    """The ids of the users that hold now, rising."""
    return database.column("known_users")


def users_known_last(database: Database, bitrix24_ids: Iterable[int]) -> DataFrame[schemas.Users]:
    """Return how each of these users was seen last, in whatever run; nobody who was never seen, or too long ago."""
    columns = column_list(sql_columns(schemas.Users))
    rows = database.table("users_known_last", {"users": sorted(bitrix24_ids)}, columns=columns)
    return from_arrow(schemas.Users, rows)


def keep_history(database: Database, spec: HistorySpec, rows: Table, run: CurrentRun, *, what: str) -> None:
    """Let exactly `rows` hold from this run on, and note that the run has recorded `what`.

    A run that records twice saw one state only, the last it recorded.
    """
    with database.transaction():
        note_recorded(database, run, what)
        valid = int(database.value("count_valid", spec.parameters, **spec.identifiers))
        if not valid and not rows.num_rows:
            return
        with database.incoming(rows):
            differing = database.value("a_row_not_valid", spec.parameters, **spec.identifiers)
            if valid == rows.num_rows and differing is None:
                return
            of_run = {"run": run.number, "at": run.started_at, **spec.parameters}
            database.execute("close_rows", of_run, **spec.identifiers)
            open_rows(database, spec, run)


def names_of_users(database: Database, users: Iterable[int]) -> pd.DataFrame:
    """The names that these users have or had, in the columns of `list_names.NAMES`; who was never seen has no row."""
    return to_pandas(database.table("names_of_users", {"users": sorted(users)}))


def open_rows(database: Database, spec: HistorySpec, run: CurrentRun) -> None:
    """Let the incoming rows hold, beside those that do: those that this run has ended go on, the others begin."""
    of_run = {"run": run.number, **spec.parameters}
    database.execute("reopen_rows", of_run, **spec.identifiers)
    database.execute("open_rows", of_run | {"at": run.started_at}, **spec.identifiers)


def replace(database: Database, spec: HistorySpec, rows: Table) -> None:
    """Let the table hold exactly `rows`, without history; equal rows stay."""
    with database.transaction(), database.incoming(rows):
        database.execute("drop_rows_not_incoming", spec.parameters, **spec.identifiers)
        database.execute("add_incoming_rows", spec.parameters, **spec.identifiers)
