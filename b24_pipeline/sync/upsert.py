"""The step that writes employees (R07, R09-R11, R18): decide, announce, send, remember."""

import json

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import audit, schemas
from b24_pipeline.audit import Step
from b24_pipeline.audit.report_queries import POINTS_A_DAY, POINTS_LEFT
from b24_pipeline.callgear.capabilities import UpdateMode
from b24_pipeline.callgear.client import CallGear
from b24_pipeline.callgear.exceptions import CallGearError, MethodError, StaleLossError
from b24_pipeline.callgear.phones import owners_of_sip_lines
from b24_pipeline.rules import planning
from b24_pipeline.rules.models import ActionKind, MatchKind, Outcome, RunKind
from b24_pipeline.sync.circuit_breaker import SHORTAGES
from b24_pipeline.sync.handlers import EmployeeActions, employee_writer, load_capabilities
from b24_pipeline.sync.other_importers import note_duplicates
from b24_pipeline.sync.plan_execution import send_plan
from b24_pipeline.sync.run import RunContext, RunStopped


def upsert(
    run: RunContext,
    *,
    employees: DataFrame[schemas.Employees],
    matches: DataFrame[schemas.Matches],
    callgear_employees: DataFrame[schemas.CallGearEmployees],
) -> DataFrame[schemas.Actions]:
    """Plan and, unless it is a dry run, carry out: one row an action, with its outcome.

    Raises:
        RunStopped: the account refused everything, or so much failed that it is no fault of records.
    """
    callgear_employees = recover_interrupted_update(run, callgear_employees)
    note_duplicates(run, callgear_employees)
    unfinished = audit.links.unfinished_links(run.store.database)
    plan = planning.plan_upsert(
        employees,
        matches=matches,
        callgear_employees=callgear_employees,
        policy=run.policy,
        unfinished_links=unfinished,
    )
    note_finished_links(run, unfinished, matches=matches, plan=plan)
    facts = load_capabilities(run.store.database)
    if not run.config.dry_run:
        plan = ordinary_phones_first(
            plan, client=run.connection.callgear, callgear_employees=callgear_employees, known=facts.update_mode
        )
    handler = EmployeeActions(run, facts, callgear_employees=callgear_employees)
    try:
        actions = send_plan(run, plan, step=Step.UPSERT, handler=handler)
    except RunStopped:
        end_first_import(run)
        raise
    run.outcome.count(unchanged=run.outcome.counts.matched_by_id - len(sent_updates(actions, matches=matches)))
    end_first_import(run)
    note_points(run)
    return actions


def end_first_import(run: RunContext) -> None:
    """R16: the first import is over once this step has put off nothing for want of time or points.

    A refusal does not prolong it, and it does not matter how the run goes on. A step that was stopped, because the
    account refused everything or too much failed, ends it only if every create was tried.
    """
    if run.limit_context.first_import and not (
        run.config.dry_run or run.config.only is not None or run.outcome.put_off
    ):
        audit.runs.end_first_import(run.store.database)


def note_points(run: RunContext) -> None:
    """Note how many points the import may spend a day and still has, for those who look without asking CallGear."""
    callgear = run.connection.callgear
    if run.launch.kind is RunKind.IMPORT and callgear.points_spent:
        figures = {POINTS_A_DAY: callgear.budget.day_share(), POINTS_LEFT: callgear.budget.left_today()}
        audit.metadata.put_facts(run.store.database, {name: str(figure) for name, figure in figures.items()})


def note_finished_links(
    run: RunContext,
    unfinished: frozenset[int],
    *,
    matches: DataFrame[schemas.Matches],
    plan: DataFrame[schemas.Actions],
) -> None:
    """R09a: note links as finished whose employee is matched by id and needs no update, in the right account (R16b)."""
    if run.config.dry_run or not unfinished:
        return
    by_id = matches.loc[matches["match_type"] == MatchKind.BY_ID, "bitrix24_id"]
    finished = unfinished & set(by_id) - set(plan["bitrix24_id"])
    if finished:
        run.confirm_account()
        audit.links.finish_links(run.store.database, finished)


def sent_updates(actions: DataFrame[schemas.Actions], *, matches: DataFrame[schemas.Matches]) -> pd.DataFrame:
    """Return what was sent for people matched by id (R07)."""
    sent = actions[(actions["action"] == ActionKind.UPDATE) & actions["outcome"].isin([Outcome.DONE, Outcome.FAILED])]
    if sent.empty:
        return sent
    return sent[sent["bitrix24_id"].isin(matches.loc[matches["match_type"] == MatchKind.BY_ID, "bitrix24_id"])]


def recover_interrupted_update(
    run: RunContext, callgear_employees: DataFrame[schemas.CallGearEmployees]
) -> DataFrame[schemas.CallGearEmployees]:
    """The account's employees, once an update that an earlier run could not compare is compared (contract 5.5).

    Else the plan would take a loss for the employee's state, and fill it with Bitrix24's phones.
    """
    facts = load_capabilities(run.store.database)
    if run.config.dry_run or facts.unverified is None:
        return callgear_employees
    try:
        run.confirm_account()
        employee = employee_writer(run, facts).recover_interrupted_update()
    except (MethodError, StaleLossError, *SHORTAGES) as error:
        run.outcome.warnings.append(str(error))
        return callgear_employees
    if employee is None:
        return callgear_employees
    phones = callgear_employees["phone_numbers"].mask(
        callgear_employees["callgear_id"] == employee["id"], json.dumps(employee["phone_numbers"])
    )
    return callgear_employees.assign(phone_numbers=phones)


def ordinary_phones_first(
    plan: DataFrame[schemas.Actions],
    *,
    client: CallGear,
    callgear_employees: DataFrame[schemas.CallGearEmployees],
    known: UpdateMode,
) -> DataFrame[schemas.Actions]:
    """The plan with the people last who have SIP numbers: they wait until an update of somebody else has proven safe.

    Costs one request, and only until something is known of the account.
    """
    with_phones = callgear_employees.loc[callgear_employees["phone_numbers"] != planning.NO_PHONES, "callgear_id"]
    updated = plan.loc[plan["outcome"] == Outcome.PLANNED, "callgear_id"].isin(with_phones)
    if known is not UpdateMode.UNKNOWN or updated.sum() < 2:
        return plan
    try:
        owners = owners_of_sip_lines(client)
    except CallGearError:
        return plan
    last = plan["callgear_id"].isin(owners)
    return schemas.concat(schemas.Actions, plan[~last], plan[last])
