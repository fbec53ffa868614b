"""The health of the import: the last success, the failures since, who is held, in conflict, or fails."""

from dataclasses import dataclass
from datetime import datetime

from b24_pipeline.audit import runs
from b24_pipeline.audit.runs import RunCounts
from b24_pipeline.audit.storage.database import Database
from b24_pipeline.rules.importable import Importable
from b24_pipeline.rules.models import ActionKind, ChangeRisk, RunKind, RunStatus

IMPORTABLE_COUNTS = ("users", "candidates", "rejected", "conflicts")
NOBODY = Importable(candidates=0, importable=0, evaluated=False)


@dataclass(frozen=True, slots=True)
class Success:
    """A run of the whole import that did its work: nothing kept it from creating, linking and updating."""

    run_id: str
    started_at: datetime
    finished_at: datetime
    in_future: bool = False
    """The clock was ahead, and no run has begun since that would bound the time (R16c)."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A run that ended before its work was done, and why."""

    run_id: str
    started_at: datetime
    status: RunStatus
    reason: str | None


@dataclass(frozen=True, slots=True)
class HeldPerson:
    """Somebody for whom a safety limit held a change (R16)."""

    risk: ChangeRisk
    bitrix24_id: int
    display_name: str | None


@dataclass(frozen=True, slots=True)
class ConflictPerson:
    """Somebody whose conflict lasts until a person decides it (R07a, R14)."""

    reason: str
    bitrix24_id: int
    display_name: str | None


@dataclass(frozen=True, slots=True)
class FailingPerson:
    """Somebody whose action failed and is tried again (R18)."""

    bitrix24_id: int
    display_name: str | None
    action: ActionKind
    first_failed_at: datetime
    attempts: int
    error: str | None


@dataclass(frozen=True, slots=True)
class DuplicatedPerson:
    """Somebody who is in the account twice, because somebody else imports into it (R16b)."""

    bitrix24_id: int
    display_name: str | None
    callgear_id: int
    other_callgear_id: int
    found_at: datetime


@dataclass(frozen=True, slots=True)
class Health:
    success: Success | None = None
    failures: tuple[Failure, ...] = ()
    """Since the last success, oldest first."""
    held: tuple[HeldPerson, ...] = ()
    """Held by the last successful run."""
    conflicts: tuple[ConflictPerson, ...] = ()
    """Of the last successful run, those that last until a person decides them."""
    failing: tuple[FailingPerson, ...] = ()
    duplicated: tuple[DuplicatedPerson, ...] = ()
    """Not resolved by a person yet."""
    importable: Importable = NOBODY
    """Of the last successful run."""
    importable_before: float | None = None


def health(database: Database, *, now: datetime) -> Health:
    """The health of the import. A time in the future counts as now, at the latest as the next run's start (R16c)."""
    row = next(iter(database.records("last_success", {"now": now})), None)
    success = Success(row["run_id"], row["started_at"], row["ended_at"], row["in_future"]) if row else None
    of_success = {"run_id": success.run_id if success else None}
    return Health(
        success=success,
        failures=tuple(
            Failure(failed["run_id"], min(failed["started_at"], now), RunStatus(failed["status"]), failed["reason"])
            for failed in database.records("failures_since", {"number": row["number"] if row else 0})
        ),
        held=tuple(
            HeldPerson(**row | {"risk": ChangeRisk(row["risk"])}) for row in database.records("held_people", of_success)
        ),
        conflicts=tuple(ConflictPerson(**row) for row in database.records("conflict_people", of_success)),
        failing=failing_people(database),
        duplicated=tuple(DuplicatedPerson(**row) for row in database.records("duplicated_people")),
        importable=RunCounts(**{name: row[name] or 0 for name in IMPORTABLE_COUNTS}).importable if row else NOBODY,
        importable_before=runs.importable_before(database),
    )


def failing_people(database: Database) -> tuple[FailingPerson, ...]:
    """Return whose actions failed and are tried again, longest first."""
    rows = database.records("failing_people")
    return tuple(FailingPerson(**row | {"action": ActionKind(row["action"])}) for row in rows)


def is_unrecorded(database: Database, run_id: str) -> bool:
    """Return whether the audit does not know how a run ended: it died, or failed before it could be recorded at all."""
    recorded = database.records("run_as_noted", {"run_id": run_id})
    return not recorded or (recorded[0]["status"] == RunStatus.RUNNING and recorded[0]["kind"] == RunKind.IMPORT)
