"""The step that keeps the responsible list (R14, R15). Deals are never touched, and nobody else on the list."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import audit, schemas
from b24_pipeline.audit import Step
from b24_pipeline.audit.history import names_of_users
from b24_pipeline.callgear import responsible_list as callgear_list
from b24_pipeline.callgear.exceptions import IncompleteReadError, MethodError
from b24_pipeline.rules import list_names, responsible_list
from b24_pipeline.rules.models import ActionKind, Outcome, ResponsibleListPolicy
from b24_pipeline.sync.circuit_breaker import SHORTAGES
from b24_pipeline.sync.handlers import ListActions
from b24_pipeline.sync.identities import link_review
from b24_pipeline.sync.plan_execution import send_plan, sends_anything
from b24_pipeline.sync.run import RunContext

READ_AT_LEAST_EVERY = timedelta(hours=24)
LAST_READ = "responsible_list_read_at"


@dataclass(frozen=True, slots=True)
class ResponsibleListResult:
    """The result of the step: the actions, the list, and the reason if nothing was done."""

    actions: DataFrame[schemas.Actions]
    state: DataFrame[schemas.ResponsibleEmployees]
    skipped: str | None = None


@dataclass(frozen=True, slots=True)
class ListPlan:
    """The planned actions, the list that they are decided on, and when it was read if that was in this run."""

    actions: DataFrame[schemas.Actions]
    state: DataFrame[schemas.ResponsibleEmployees]
    read_at: datetime | None = None


def update_responsible_list(run: RunContext, employees: DataFrame[schemas.Employees]) -> ResponsibleListResult:
    """R14, R15: leavers that were imported are taken off the list; with `mirror`, imported active people are on it."""
    policy = run.policy.responsible_list
    if policy is ResponsibleListPolicy.OFF:
        return skip(run, "the setting responsible_list is off")
    people = responsible_list.affected_people(
        employees,
        ever_linked=audit.links.ever_linked(run.store.database),
        linked=audit.links.linked(run.store.database),
        deleted=run.outcome.deleted,
        policy=policy,
    )
    try:
        plan = current_plan(run, people, employees=employees)
    except MethodError as error:
        return skip(run, f"the account has no responsible list: {error}")
    except (*SHORTAGES, IncompleteReadError) as error:
        run.outcome.deferrals.append(f"the responsible list is deferred to the next run: {error}")
        return skip(run, str(error))
    actions = send_plan(run, plan.actions, step=Step.RESPONSIBLE, handler=ListActions(run))
    state = updated_state(plan.state, actions=actions)
    run.store.record_snapshot(schemas.ResponsibleEmployees, state)
    if plan.read_at is not None:
        audit.metadata.put_facts(run.store.database, {LAST_READ: plan.read_at.isoformat()})
    return ResponsibleListResult(actions=actions, state=state)


def current_plan(run: RunContext, people: pd.DataFrame, *, employees: DataFrame[schemas.Employees]) -> ListPlan:
    """What is to be done: whatever would be sent is decided on the list as it is read in this run."""
    known = audit.history.snapshot(run.store.database, schemas.ResponsibleEmployees)
    policy = run.policy.responsible_list
    if not responsible_list.must_read_list(people, known=known, policy=policy) and not (len(people) and is_old(run)):
        on_list = known[known["listed"]]
        listed = dict(zip(on_list["bitrix24_id"].astype("str"), on_list["name"], strict=True))
        plan = plan_with(run, people, listed=listed, employees=employees)
        if not sends_anything(run, plan.actions):
            return plan
    listed, read_at = callgear_list.fetch_responsible(run.connection.callgear), run.connection.now()
    return replace(plan_with(run, people, listed=listed, employees=employees), read_at=read_at)


def plan_with(
    run: RunContext, people: pd.DataFrame, *, listed: dict[str, str], employees: DataFrame[schemas.Employees]
) -> ListPlan:
    """The plan if this is the list; no entry of another source is changed (R14), nor for who is in doubt (R07a)."""
    state = responsible_list.on_list(people, listed=listed)
    plan = responsible_list.plan_responsible_list(people, state=state)
    if plan.empty:
        return ListPlan(plan, state)
    users = frozenset(plan["bitrix24_id"].tolist())
    now = employees.loc[employees["bitrix24_id"].isin(users), list_names.NAMES]
    reviewed = list_names.review_list_plan(
        plan,
        names=pd.concat([names_of_users(run.store.database, users), now], ignore_index=True),
        prefix=run.policy.last_name_prefix,
        review=link_review(run),
    )
    return ListPlan(reviewed, state)


def skip(run: RunContext, why: str) -> ResponsibleListResult:
    """Nothing is done, and the run says so."""
    return ResponsibleListResult(
        actions=schemas.empty_frame(schemas.Actions),
        state=audit.history.snapshot(run.store.database, schemas.ResponsibleEmployees),
        skipped=why,
    )


def is_old(run: RunContext) -> bool:
    """Return whether the list was last read a day ago: the account's own integration may have listed somebody again.

    So it may where that seems to have been in the future (R16c): the clock was ahead, nobody knows for how long.
    """
    last_read = audit.metadata.fact(run.store.database, LAST_READ)
    if last_read is None:
        return True
    age = run.connection.now() - datetime.fromisoformat(last_read)
    return not timedelta(0) <= age < READ_AT_LEAST_EVERY


def updated_state(
    state: DataFrame[schemas.ResponsibleEmployees], *, actions: DataFrame[schemas.Actions]
) -> DataFrame[schemas.ResponsibleEmployees]:
    """The state once the actions are done."""
    if actions.empty:
        return state
    done = actions[actions["outcome"] == Outcome.DONE]
    removed = done.loc[done["action"] == ActionKind.REMOVE_RESPONSIBLE, "bitrix24_id"]
    added = done.loc[done["action"].isin([ActionKind.LIST_RESPONSIBLE, ActionKind.RENAME_RESPONSIBLE])]
    names = state["bitrix24_id"].map(added.set_index("bitrix24_id")["display_name"]).astype("str")
    listed = (state["listed"] & ~state["bitrix24_id"].isin(removed)) | state["bitrix24_id"].isin(added["bitrix24_id"])
    return state.assign(listed=listed.astype(bool), name=names.fillna(state["name"]))
