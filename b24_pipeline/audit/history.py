"""Keeping changes instead of copies: rows with the run from which and until which they held (type 2 history)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.audit.column_types import Table, column_list, from_arrow, sql_columns, to_arrow
from b24_pipeline.audit.database import Database
from b24_pipeline.audit.runs import CurrentRun, PastRun
from b24_pipeline.audit.schema import HISTORIES


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of a table that one recording speaks of.

    Attributes:
        table: the table in the schema `store`.
        compared: the columns in which a row must agree to be the same row.
        scope: a condition on `kept` for tables of which a recording speaks only in part.
        parameters: the values of the condition.
    """

    table: str
    compared: tuple[str, ...]
    scope: str = "TRUE"
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def identifiers(self) -> dict[str, str]:
        """What the statements of `histories.sql` leave open."""
        return {
            "table": self.table,
            "scope": self.scope,
            "columns": column_list(self.compared),
            "same": _same(self.compared),
        }


def record_snapshot(
    database: Database, run: CurrentRun, model: type[schemas.Model], frame: DataFrame[schemas.Model]
) -> None:
    """Store what the run saw: rows that changed or vanished end, rows that changed or are new begin."""
    part = Part(HISTORIES[model], tuple(sql_columns(model)))
    keep_history(database, part, to_arrow(model, frame), run, what=part.table)


def recorded(database: Database, run: CurrentRun, what: str) -> bool:
    """Whether the run has recorded this table or step."""
    return database.value("recorded", {"run": run.number, "what": what}) is not None


def last_recording(database: Database, what: str) -> PastRun | None:
    """Return which run has recorded this table or step last; None where no run is left that has."""
    row = next(iter(database.records("newest_recording", {"what": what})), None)
    return PastRun(row["run_id"], row["started_at"]) if row else None


def recorded_by(database: Database, run_id: str) -> frozenset[str]:
    """The tables and steps that a run has recorded."""
    return frozenset(database.column("recorded_by", {"run_id": run_id}))


def note_recorded(database: Database, run: CurrentRun, what: str) -> bool:
    """Store that the run has recorded this table or step, also where nothing in it changed; whether it is news."""
    inserted: int = database.value("note_recorded", {"run": run.number, "what": what})
    return inserted > 0


def snapshot(database: Database, model: type[schemas.Model], *, run: int | None) -> DataFrame[schemas.Model]:
    """The rows that held in the run of that number, or that hold now; in the order of their keys."""
    identifiers = {"table": HISTORIES[model], "columns": column_list(sql_columns(model))}
    if run is None:
        return from_arrow(model, database.table("rows_that_hold", **identifiers))
    return from_arrow(model, database.table("rows_as_of", {"run": run}, **identifiers))


def known_users(database: Database) -> list[int]:
    """The ids of the users that hold now, rising."""
    return database.column("known_users")


def users_known_last(database: Database, bitrix24_ids: Iterable[int]) -> DataFrame[schemas.Users]:
    """How each of these users was seen last, in whatever run; nobody who was never seen, or too long ago."""
    columns = column_list(sql_columns(schemas.Users))
    rows = database.table("users_known_last", {"users": sorted(bitrix24_ids)}, columns=columns)
    return from_arrow(schemas.Users, rows)


def keep_history(database: Database, part: Part, rows: Table, run: CurrentRun, *, what: str) -> None:
    """Let exactly `rows` hold from this run on, and note that the run has recorded `what`.

    A run that records twice saw one state only, the last it recorded.
    """
    with database.transaction():
        is_first = note_recorded(database, run, what)
        holding = count_of_holding(database, part)
        if not holding and not rows.num_rows:
            return
        with database.seen(rows):
            if holding == rows.num_rows and all_hold(database, part):
                return
            if holding:
                close_rows(database, part, run)
            if not is_first:
                reopen_rows(database, part, run)
            open_rows(database, part, run)


def count_of_holding(database: Database, part: Part) -> int:
    """How many rows hold."""
    return int(database.value("count_of_holding", part.parameters, **part.identifiers))


def all_hold(database: Database, part: Part) -> bool:
    """Whether each of the seen rows holds already."""
    return database.value("a_row_that_does_not_hold", part.parameters, **part.identifiers) is None


def let_hold(database: Database, part: Part, rows: Table, run: CurrentRun) -> None:
    """Let `rows` hold from this run on, beside those that hold already; to be called in a transaction."""
    with database.seen(rows):
        reopen_rows(database, part, run)
        open_rows(database, part, run)


def close_rows(database: Database, part: Part, run: CurrentRun) -> None:
    """Let the rows that are not seen hold no more."""
    ends = {"run": run.number, "at": run.started_at, **part.parameters}
    database.execute("close_rows", ends, **part.identifiers)


def reopen_rows(database: Database, part: Part, run: CurrentRun) -> None:
    """Let the seen rows hold on that this run has ended before."""
    database.execute("reopen_rows", {"run": run.number, **part.parameters}, **part.identifiers)


def open_rows(database: Database, part: Part, run: CurrentRun) -> None:
    """Let the seen rows hold that do not hold yet."""
    begins = {"run": run.number, "at": run.started_at, **part.parameters}
    database.execute("open_rows", begins, **part.identifiers)


def replace(database: Database, part: Part, rows: Table) -> None:
    """Let the table hold exactly `rows`, without history; equal rows stay. To be called in a transaction."""
    with database.seen(rows):
        database.execute("drop_rows_not_seen", part.parameters, **part.identifiers)
        database.execute("add_rows_seen", part.parameters, **part.identifiers)


def _same(columns: Iterable[str]) -> str:
    return " AND ".join(f'kept."{name}" IS NOT DISTINCT FROM seen."{name}"' for name in columns)
