"""The step that reads the account: complete, or not at all; without points it is put off, and the run ends well."""

from datetime import datetime

from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.callgear.employees import fetch_employees
from b24_pipeline.callgear.exceptions import DayLimit, DeadlinePassed, MinuteLimit
from b24_pipeline.rules import matching
from b24_pipeline.sync.run import ImportRun


def read_employees(run: ImportRun) -> DataFrame[schemas.CallGearEmployees] | None:
    """All employees of the account; None when there were no points or no time to read them, and the run says so.

    A create that an earlier run left in doubt may still be carried out: it is waited for, so that it is seen (R18).

    Raises:
        IncompleteReadError: what was read is not provably everything.
        CallGearError: they cannot be read.
    """
    in_doubt_until = None if run.config.dry_run else run.store.creates_in_doubt_until(run.connection.now())
    try:
        if in_doubt_until is not None:
            wait_for_creates_in_doubt(run, sent_until=in_doubt_until)
        employees = fetch_employees(run.connection.callgear)
    except (DayLimit, DeadlinePassed, MinuteLimit) as error:
        run.deferrals.append(f"the account could not be read, so everything is put off to the next run: {error}")
        return None
    if in_doubt_until is not None:
        settle_never_created(run, employees)
    return employees


def wait_for_creates_in_doubt(run: ImportRun, *, sent_until: datetime) -> None:
    """R18: until CallGear can no longer be at work on what earlier runs have announced and not heard of."""
    run.connection.callgear.wait_for_in_flight_requests(since=(run.connection.now() - sent_until).total_seconds())


def settle_never_created(run: ImportRun, employees: DataFrame[schemas.CallGearEmployees]) -> None:
    """R18: what an earlier run announced and nobody has by now was never created: the doubt is over."""
    run.store.clear_pending_creates(
        matching.confirmed_not_created(run.store.pending_creates(), callgear_employees=employees)
    )
