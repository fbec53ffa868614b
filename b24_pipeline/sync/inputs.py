"""Frames that a step may use although its own run has not read them (R18a)."""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta

import pandas as pd

from b24_pipeline import audit, schemas
from b24_pipeline.audit import Step
from b24_pipeline.audit.runs import PastRun
from b24_pipeline.audit.schema import HISTORIES
from b24_pipeline.rules.models import RunKind
from b24_pipeline.rules.planning import NO_PHONES
from b24_pipeline.sync import steps
from b24_pipeline.sync.run import RunContext, RunStopped
from b24_pipeline.sync.users import in_scope, missing_from_portal

log = logging.getLogger(__name__)

Model = type[schemas.Frame]

READ: Mapping[Model, tuple[Callable[..., pd.DataFrame | None], tuple[Model, ...]]] = {
    schemas.Users: (steps.read_portal, ()),
    schemas.Employees: (steps.evaluate_users, (schemas.Users,)),
    schemas.CallGearEmployees: (steps.read_account, ()),
    schemas.Matches: (
        lambda run, employees, account: steps.match_users(run, employees=employees, callgear_employees=account),
        (schemas.Employees, schemas.CallGearEmployees),
    ),
}
"""The step that reads or decides each frame, and the frames that it is made of."""


def fresh(run: RunContext, model: Model) -> pd.DataFrame:
    """Return what this run has read; else what the run that it re-executes has read, while that is fresh; else read.

    Raises:
        RunStopped: it cannot be read, or not now.
    """
    if run.store.recorded(model):
        return run.store.current_snapshot(model)
    step, made_of = READ[model]
    sources = [fresh(run, source) for source in made_of]
    if not any(run.store.recorded(source) for source in made_of) and is_reusable(run, model):
        if model is schemas.Users:  # R13: the run that read them has looked up in vain whoever is not among them
            gone = missing_from_portal(run, audit.history.snapshot(run.store.database, model))
            run.outcome.deleted = in_scope(run, gone)
        return newest(run, model)
    read = step(run, *sources)
    if read is None:
        raise RunStopped(f"{HISTORIES[model]} could not be read now; the next run reads it")
    return read


def is_reusable(run: RunContext, model: Model) -> bool:
    """Return whether the newest frame is of the run that this one re-executes, no older than RUN_MINUTES, and holds.

    What was read of the account holds until that run has written to it. Matches are not read, but decided by links that
    may be others by now.
    """
    past = audit.history.last_recording(run.store.database, model)
    longest = timedelta(minutes=run.connection.settings.run_minutes)
    if past is None or past.run_id not in run.launch.reexecutes or run.started_at - past.started_at > longest:
        return False
    if model is schemas.CallGearEmployees:
        return not audit.actions.has_written(run.store.database, past.run_id)
    return model is not schemas.Matches


def newest(run: RunContext, model: Model) -> pd.DataFrame:
    """Return the newest stored frame, whatever its age, and note of which run it is.

    In the account is also whom the import has linked since: known by the link alone, which is not stale.

    Raises:
        RunStopped: no run has read it yet.
    """
    past, table = audit.history.last_recording(run.store.database, model), HISTORIES[model]
    if past is None:
        raise RunStopped(f"no run has read {table} yet: launch the job employee_import, or materialize all assets")
    run.outcome.borrowed[table] = source(run, past)
    log.info("%s is taken from %s", table, run.outcome.borrowed[table])
    if model is not schemas.CallGearEmployees:
        return audit.history.snapshot(run.store.database, model)
    read = audit.history.snapshot(run.store.database, schemas.CallGearEmployees)
    linked = audit.links.employees_linked_since_read(run.store.database)
    rows = [{"callgear_id": employee, "phone_numbers": NO_PHONES} for employee in linked]
    return schemas.concat(schemas.CallGearEmployees, read, schemas.from_records(schemas.CallGearEmployees, rows))


def checked_run(run: RunContext) -> str:
    """Return as of which run checks and report look: this one if it has written for everybody, else the last import."""
    if run.launch.kind in (RunKind.IMPORT, RunKind.PARTIAL) and Step.UPSERT in audit.history.recorded_by(
        run.store.database, run.run_id
    ):
        return run.run_id
    past = audit.runs.last_import(run.store.database)
    return past.run_id if past else run.run_id


def source(run: RunContext, past: PastRun) -> str:
    """Return which run something is of, and how old it is."""
    return f"run {past.run_id[:8]}, {age(run.started_at - past.started_at)}"


def age(elapsed: timedelta) -> str:
    """Return how old something is, in minutes, hours or days."""
    minutes = max(0, int(elapsed.total_seconds() // 60))
    for unit, length in (("day", 1440), ("hour", 60)):
        if minutes >= 2 * length:
            return f"{minutes // length} {unit}s old"
    return f"{minutes} minute{'' if minutes == 1 else 's'} old"
