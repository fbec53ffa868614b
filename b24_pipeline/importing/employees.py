"""The account's side of a run: who is employed there now."""

from pandera.typing import DataFrame

from b24_pipeline.callgear.employees import fetch_employees
from b24_pipeline.importing.run import ImportRun
from b24_pipeline.rules import frames


def read_employees(run: ImportRun) -> DataFrame[frames.CallGearEmployees]:
    """The employees that the account has now: complete, or not used.

    A create that an earlier run left in doubt may still be carried out: it is waited for, so that it is seen (R18).

    Raises:
        ReadNotTrusted: it is not provably everything.
    """
    if not run.config.dry_run and not run.store.pending_creates().empty:
        run.connection.callgear.wait_for_late_acts()
    return fetch_employees(run.connection.callgear)
