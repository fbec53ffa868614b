"""The six steps of an import, in their order. Each records what it has read or decided before it returns (R20)."""

from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.rules import eligibility, matching
from b24_pipeline.sync.counts import count_employees, count_matches
from b24_pipeline.sync.departments import resolve_scope
from b24_pipeline.sync.employees import read_employees
from b24_pipeline.sync.identities import check_identities, link_review
from b24_pipeline.sync.responsible_list import ResponsibleListResult, update_responsible_list
from b24_pipeline.sync.run import ImportRun
from b24_pipeline.sync.upsert import upsert
from b24_pipeline.sync.users import read_users


def import_everything(run: ImportRun) -> None:
    """Do all steps, as Dagster does them one by one.

    Raises:
        RunStopped: a step was stopped; the audit knows why.
    """
    employees = evaluate_users(run, read_portal(run))
    account = read_account(run)
    if account is None:
        return
    matches = match_users(run, employees=employees, callgear_employees=account)
    upsert_employees(run, employees=employees, matches=matches, callgear_employees=account)
    update_list(run, employees)


def read_portal(run: ImportRun) -> DataFrame[schemas.Users]:
    """Read every user of the portal (R13, R16a)."""
    with run.step("bitrix24_users"):
        users = read_users(run)
        run.store.record_snapshot(schemas.Users, users)
    return users


def evaluate_users(run: ImportRun, users: DataFrame[schemas.Users]) -> DataFrame[schemas.Employees]:
    """Normalise the users, decide who is a candidate (R01-R06) and whether linked ids are the same people (R07a)."""
    with run.step("employees"):
        resolve_scope(run)
        employees = eligibility.evaluate_users(users, policy=run.policy)
        count_employees(run, employees)
        run.store.record_snapshot(schemas.Employees, employees)
        check_identities(run, employees)
    return employees


def read_account(run: ImportRun) -> DataFrame[schemas.CallGearEmployees] | None:
    """Read every employee of the account; None where there are no points or no time for it (R16a)."""
    with run.step("callgear_employees"):
        found = read_employees(run)
        if found is not None:
            run.store.record_snapshot(schemas.CallGearEmployees, found)
    return found


def match_users(
    run: ImportRun,
    *,
    employees: DataFrame[schemas.Employees],
    callgear_employees: DataFrame[schemas.CallGearEmployees],
) -> DataFrame[schemas.Matches]:
    """Match users with employees by stored link, then by e-mail (R07-R09, R12)."""
    with run.step("employee_matches"):
        matches = matching.match(
            employees,
            callgear_employees=callgear_employees,
            links=run.store.links(),
            pending=run.store.pending_creates(),
            review=link_review(run),
        )
        count_matches(run, matches)
        run.store.record_snapshot(schemas.Matches, matches)
    return matches


def upsert_employees(
    run: ImportRun,
    *,
    employees: DataFrame[schemas.Employees],
    matches: DataFrame[schemas.Matches],
    callgear_employees: DataFrame[schemas.CallGearEmployees],
) -> DataFrame[schemas.Actions]:
    """Create, link and update employees (R07, R09-R11, R16, R18)."""
    with run.step("callgear_upsert"):
        return upsert(run, employees=employees, matches=matches, callgear_employees=callgear_employees)


def update_list(run: ImportRun, employees: DataFrame[schemas.Employees]) -> ResponsibleListResult:
    """Take leavers off the responsible list (R13-R15)."""
    with run.step("responsible_employees"):
        return update_responsible_list(run, employees)
