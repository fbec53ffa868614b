"""All connections at a glance: one state each, judged as alerts judge it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from b24_pipeline import audit, settings
from b24_pipeline.alerts.conditions import Condition, State, conditions_of
from b24_pipeline.alerts.notify import UNNAMED, connection_name, unreadable
from b24_pipeline.audit import Paths, Store, StoreError
from b24_pipeline.audit.health import health
from b24_pipeline.audit.report_queries import POINTS_A_DAY
from b24_pipeline.audit.storage.exceptions import DatabaseBusy, DatabaseMissing
from b24_pipeline.settings import Connections, SettingsError

NOT_CONFIGURED, NEVER_IMPORTED, NOT_READABLE = "not configured", "never imported", "not readable"
"""What stands for the status of the last import where there is none to tell of."""
URGENT = (State.FAILED, State.STALE)


@dataclass(frozen=True, slots=True)
class ConnectionState:
    """One connection at one moment.

    Attributes:
        status: of the last import, or why there is none.
        last_success: the end of the last import that went through.
        people: who is linked.
        points_left: of today's CallGear points, where it is known how many a day has.
        conditions: what is wrong.
        database: its published file, where its settings can be used.
    """

    key: str
    pair: str
    status: str
    last_success: datetime | None = None
    people: int = 0
    held: int = 0
    failing: int = 0
    points_left: int | None = None
    conditions: tuple[Condition, ...] = ()
    database: Path | None = None

    @property
    def is_failing(self) -> bool:
        """Return whether imports do not get through: they fail, or none has for an hour."""
        return any(condition.state in URGENT for condition in self.conditions)


def states_of(folder: Connections, *, now: datetime) -> Iterator[ConnectionState]:
    """Yield the state of every connection, in the order of their keys."""
    for key in folder.keys:
        try:
            paths = settings.load(key).paths
        except SettingsError as error:
            yield ConnectionState(key, UNNAMED, NOT_CONFIGURED, conditions=(bad_settings(error, now=now),))
        else:
            yield replace(state_of(key, paths, now=now), database=paths.published)


def state_of(key: str, paths: Paths, *, now: datetime) -> ConnectionState:
    """Return the state that the audit of a connection tells."""
    try:
        with Store.reader(paths, now=lambda: now) as database:
            found = health(database, now=now)
            (row,) = database.records("overview", {"now": now})
            budget = audit.metadata.fact(database, POINTS_A_DAY)
            pair = connection_name(database)
    except (DatabaseMissing, DatabaseBusy):  # nothing is published yet
        return ConnectionState(key, UNNAMED, NEVER_IMPORTED)
    except StoreError as error:
        return ConnectionState(key, UNNAMED, NOT_READABLE, conditions=(unreadable(error, now=now),))
    return ConnectionState(
        key,
        pair,
        row["status"] or NEVER_IMPORTED,
        last_success=found.success.finished_at if found.success else None,
        people=row["people"],
        held=len(found.held),
        failing=len(found.failing),
        points_left=int(budget) - row["points_today"] if budget and budget.isdigit() else None,
        conditions=tuple(conditions_of(found, now=now)) if row["status"] else (),
    )


def bad_settings(error: SettingsError, *, now: datetime) -> Condition:
    """Return the condition of a connection whose file cannot be used."""
    return Condition(State.FAILED, since=now, message="Its settings cannot be used.", detail=str(error))
