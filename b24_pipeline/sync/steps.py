"""The six steps of an import, in their order. Each records what it has read or decided before it returns (R20)."""

from pandera.typing import DataFrame

from b24_pipeline import audit, schemas
from b24_pipeline.callgear.employees import fetch_employees
from b24_pipeline.rules import eligibility, matching
from b24_pipeline.rules.models import Eligibility, MatchKind
from b24_pipeline.sync.circuit_breaker import SHORTAGES
from b24_pipeline.sync.identities import check_identities, link_review
from b24_pipeline.sync.responsible_list import ResponsibleListResult, update_responsible_list
from b24_pipeline.sync.run import RunContext
from b24_pipeline.sync.upsert import upsert
from b24_pipeline.sync.users import read_users, resolve_scope


def read_portal(run: RunContext) -> DataFrame[schemas.Users]:
    """Read every user of the portal (R13, R16a)."""
    with run.step("bitrix24_users"):
        users = read_users(run)
        run.store.record_snapshot(schemas.Users, users)
    return users


def evaluate_users(run: RunContext, users: DataFrame[schemas.Users]) -> DataFrame[schemas.Employees]:
    """Normalize the users, decide who is a candidate (R01-R06) and whether linked ids are the same people (R07a)."""
    with run.step("employees"):
        resolve_scope(run)
        employees = eligibility.evaluate_users(users, policy=run.policy)
        kinds = employees["eligibility"].value_counts()
        rejected = int(kinds.get(Eligibility.REJECTED, 0))
        run.outcome.count(
            users=len(employees),
            candidates=int(kinds.get(Eligibility.CANDIDATE, 0)) + rejected,
            rejected=rejected,
            out_of_scope=int(kinds.get(Eligibility.OUT_OF_SCOPE, 0)),
        )
        run.store.record_snapshot(schemas.Employees, employees)
        check_identities(run, employees)
    return employees


def read_account(run: RunContext) -> DataFrame[schemas.CallGearEmployees] | None:
    """Read every employee of the account, or none; None where there are no points or no time for it (R16a).

    A create that an earlier run left in doubt may still be carried out: it is waited for, so that it is seen (R18).
    What an earlier run announced and nobody has by then was never created; another account says nothing of it (R16b).
    """
    with run.step("callgear_employees"):
        in_doubt_until = (
            None if run.config.dry_run else audit.links.creates_in_doubt_until(run.store.database, run.connection.now())
        )
        try:
            if in_doubt_until is not None:
                elapsed = run.connection.now() - in_doubt_until
                run.connection.callgear.wait_for_in_flight_requests(since=elapsed.total_seconds())
                run.confirm_account()
            found = fetch_employees(run.connection.callgear)
        except SHORTAGES as error:
            run.outcome.deferrals.append(f"CallGear could not be read; deferred to the next run: {error}")
            return None
        if in_doubt_until is not None:
            settled = matching.settled_creates(
                audit.links.pending_creates(run.store.database),
                callgear_employees=found,
                links=audit.links.live_links(run.store.database),
            )
            audit.links.clear_pending_creates(run.store.database, settled)
        run.store.record_snapshot(schemas.CallGearEmployees, found)
        return found


def match_users(
    run: RunContext,
    *,
    employees: DataFrame[schemas.Employees],
    callgear_employees: DataFrame[schemas.CallGearEmployees],
) -> DataFrame[schemas.Matches]:
    """Match users with employees by stored link, then by e-mail (R07-R09, R12)."""
    with run.step("employee_matches"):
        matches = matching.match(
            employees,
            callgear_employees=callgear_employees,
            links=audit.links.live_links(run.store.database),
            pending=audit.links.pending_creates(run.store.database),
            review=link_review(run),
        )
        kinds = matches["match_type"].value_counts()
        run.outcome.count(
            matched_by_id=int(kinds.get(MatchKind.BY_ID, 0)),
            matched_by_email=int(kinds.get(MatchKind.BY_EMAIL, 0)),
            conflicts=int(kinds.get(MatchKind.CONFLICT, 0)),
        )
        run.store.record_snapshot(schemas.Matches, matches)
    return matches


def upsert_employees(
    run: RunContext,
    *,
    employees: DataFrame[schemas.Employees],
    matches: DataFrame[schemas.Matches],
    callgear_employees: DataFrame[schemas.CallGearEmployees],
) -> DataFrame[schemas.Actions]:
    """Create, link and update employees (R07, R09-R11, R16, R18)."""
    with run.step("callgear_upsert"):
        return upsert(run, employees=employees, matches=matches, callgear_employees=callgear_employees)


def update_list(run: RunContext, employees: DataFrame[schemas.Employees]) -> ResponsibleListResult:
    """Take leavers off the responsible list (R13-R15)."""
    with run.step("responsible_employees"):
        return update_responsible_list(run, employees)
