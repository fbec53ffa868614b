"""Executes a step's plan: decided, sent unless it is a dry run, stored as the results come, counted."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import audit, schemas
from b24_pipeline.audit import Step
from b24_pipeline.audit.actions import STEP_OF
from b24_pipeline.callgear.exceptions import AccountError
from b24_pipeline.rules import planning, retry_schedule, safety_limits
from b24_pipeline.rules.models import OPEN_OUTCOMES, ActionKind, Outcome
from b24_pipeline.sync.circuit_breaker import (
    SHORTAGES,
    ActionResult,
    PlannedAction,
    SendResult,
    TooManyFailures,
)
from b24_pipeline.sync.executor import ActionExecutor, log_progress, planned_actions, without_requests
from b24_pipeline.sync.run import RunContext, RunOutcome, RunStopped

log = logging.getLogger(__name__)


class ActionHandler(ABC):
    """Sends the actions of one step and stores their results; what a step does not need does nothing."""

    def before_all(self, actions: list[PlannedAction]) -> None:  # noqa: B027 - not every step needs it
        """Called once, before anything is sent."""

    @abstractmethod
    def send(self, planned: PlannedAction) -> SendResult:
        """Send one action. Called from several threads. Raises CallGear errors."""

    def after_batch(self, results: list[ActionResult]) -> None:  # noqa: B027
        """Called for every few results, in the step's own thread."""

    def after_all(self) -> None:  # noqa: B027
        """Called once, when everything was answered."""


@dataclass(slots=True)
class ExecutionResult:
    """The result of a step's planned rows: the actions as they were answered, and what ended the sending early.

    The `unanswered` are the (user, action) that failed for want of a usable result.
    """

    parts: list[DataFrame[schemas.Actions]] = field(default_factory=list)
    unanswered: set[tuple[int, str]] = field(default_factory=set)
    stopped: Exception | None = None


def send_plan(
    run: RunContext,
    plan: DataFrame[schemas.Actions],
    *,
    step: Step,
    handler: ActionHandler,
) -> DataFrame[schemas.Actions]:
    """Carry a step's plan out and record it (R16, R18, R19, R20): one row an action, with its outcome.

    Raises:
        RunStopped: the account refused everything, or so much failed that it is no fault of records.
    """
    dead_letters = known_dead_letters(run)
    chosen, others = decide_outcomes(run, plan, dead_letters=dead_letters)
    stands = with_outcomes(chosen, OPEN_OUTCOMES)
    open_actions = schemas.concat(schemas.Actions, stands, with_outcomes(others, OPEN_OUTCOMES))
    run.store.record_open_actions(step, open_actions.assign(at=run.connection.now()))
    todo = planning.links_first(with_outcomes(chosen, (Outcome.PLANNED,)))
    if run.config.dry_run:
        sent = ExecutionResult([todo])
        run.store.record_events(todo.assign(at=run.connection.now()))
    else:
        sent = send_all(run, todo, dead_letters=dead_letters, step=step, handler=handler)
    count_actions(run.outcome, stands)
    actions = schemas.concat(schemas.Actions, stands, *sent.parts)
    if held := int((actions["outcome"] == Outcome.HELD).sum()):
        log.warning("%d held by a safety limit; approve with b24-pipeline approve %s", held, run.run_id)
    if not run.config.dry_run:
        update_dead_letters(run, actions, step=step, known=dead_letters, unanswered=sent.unanswered)
    if isinstance(sent.stopped, AccountError | TooManyFailures):
        raise RunStopped(str(sent.stopped))
    if sent.stopped is not None:
        run.outcome.warnings.append(str(sent.stopped))
    return actions


def sends_anything(run: RunContext, plan: DataFrame[schemas.Actions]) -> bool:
    """Return whether something of the plan would be sent now: neither held, nor waiting, nor in conflict."""
    chosen, _ = decide_outcomes(run, plan, dead_letters=known_dead_letters(run))
    return bool((chosen["outcome"] == Outcome.PLANNED).any())


def known_dead_letters(run: RunContext) -> DataFrame[schemas.DeadLetters]:
    """What failed before, with no failure in the future (R16c)."""
    return retry_schedule.correct_future_times(audit.actions.dead_letters(run.store.database), now=run.connection.now())


def send_all(
    run: RunContext,
    todo: DataFrame[schemas.Actions],
    *,
    dead_letters: DataFrame[schemas.DeadLetters],
    step: Step,
    handler: ActionHandler,
) -> ExecutionResult:
    """Send every planned row; each answer is in the database before the step goes on.

    Raises:
        DatabaseOfAnotherConnection: another account answers than before (R16b): nothing was written.
        CallGearError: it could not be asked which account answers.
    """
    sent = ExecutionResult()
    if todo.empty:
        return sent
    planned, done = planned_actions(todo, dead_letters=dead_letters), 0
    executor = ActionExecutor(
        send=handler.send, in_flight=run.connection.settings.callgear_in_flight, out_of_time=run.out_of_time
    )
    no_op = [action for action in planned if action.action is ActionKind.LINK]  # R09a: the link alone is stored
    to_send = [action for action in planned if action.action is not ActionKind.LINK]
    try:
        run.confirm_account()
    except SHORTAGES as shortage:
        executor.breaker.stopped, no_op, to_send = shortage, [], planned
    handler.before_all(to_send)
    for results in chain(without_requests(no_op), executor.run(to_send)):
        with run.store.database.transaction():
            handler.after_batch(results)
            part = with_results(todo, results, at=run.connection.now())
            count_actions(run.outcome, part)
            run.store.record_events(part)
        sent.parts.append(part)
        sent.unanswered |= {
            (result.planned.bitrix24_id, result.planned.action.value) for result in results if result.unanswered
        }
        run.outcome.put_off |= any(result.put_off for result in results)
        before, done = done, done + len(results)
        log_progress(step, before=before, done=done, total=len(planned))
    try:
        handler.after_all()
    except AccountError as error:
        executor.breaker.stopped = executor.breaker.stopped or error
    for kind, why in executor.breaker.stopped_kinds.items():
        run.outcome.warnings.append(f"remaining {kind} actions skipped: {why}")
    sent.stopped = executor.breaker.stopped
    return sent


def with_outcomes(plan: DataFrame[schemas.Actions], outcomes: tuple[Outcome, ...]) -> DataFrame[schemas.Actions]:
    """The rows of a plan with one of the outcomes, numbered from 0."""
    return plan[plan["outcome"].isin([outcome.value for outcome in outcomes])].reset_index(drop=True)


def with_results(
    actions: DataFrame[schemas.Actions], results: list[ActionResult], *, at: datetime
) -> DataFrame[schemas.Actions]:
    """The rows of the answered actions, with outcome, employee id, error, and only what was needed in `after`."""
    rows = actions.loc[[result.planned.row for result in results]]
    known = rows["callgear_id"].tolist()
    ids = [
        id_ if result.callgear_id is None else result.callgear_id for id_, result in zip(known, results, strict=True)
    ]
    after = [
        planning.without(text, result.unchanged_fields) for text, result in zip(rows["after"], results, strict=True)
    ]
    return rows.assign(
        after=pd.array(after, dtype="str"),
        outcome=pd.array([result.outcome.value for result in results], dtype="str"),
        error=pd.array([result.error for result in results], dtype="str"),
        callgear_id=pd.array(ids, dtype="Int64"),
        at=at,
    )


def decide_outcomes(
    run: RunContext, plan: DataFrame[schemas.Actions], *, dead_letters: DataFrame[schemas.DeadLetters]
) -> tuple[DataFrame[schemas.Actions], DataFrame[schemas.Actions]]:
    """R16, R18: the plan of the users this run is for, and that of the others, with what backs off or is held marked.

    Asked for by name, a dead letter is tried at once. Nothing is sent for others, but what is open stays open.
    """
    if plan.empty:
        return plan, plan
    backing_off = retry_schedule.defer_backing_off(plan, dead_letters=dead_letters, now=run.connection.now())
    everybody = apply_limits(run, backing_off, dead_letters=dead_letters)
    if run.config.only is None:
        return everybody, everybody[:0]
    named = plan["bitrix24_id"].isin(run.config.only)
    return apply_limits(run, plan[named], dead_letters=dead_letters), everybody[~named]


def apply_limits(
    run: RunContext, plan: DataFrame[schemas.Actions], *, dead_letters: DataFrame[schemas.DeadLetters]
) -> DataFrame[schemas.Actions]:
    """R16: the plan with its held rows marked."""
    now = run.started_at
    exempt = audit.actions.exempt_failures(run.store.database, now - safety_limits.WINDOW)
    return safety_limits.apply_safety_limits(
        plan,
        limits=run.policy.limits,
        context=run.limit_context,
        approved=run.approval.actions if run.approval is not None else schemas.empty_frame(schemas.Actions),
        dead_letters=safety_limits.no_longer_counted(dead_letters, exempt=exempt, now=now),
    )


def update_dead_letters(
    run: RunContext,
    actions: DataFrame[schemas.Actions],
    *,
    step: Step,
    known: DataFrame[schemas.DeadLetters],
    unanswered: AbstractSet[tuple[int, str]],
) -> None:
    """R18: failures of the step become dead letters; what succeeded is taken out. Those of the other step stay."""
    if known.empty and not (actions["outcome"] == Outcome.FAILED).any():
        return
    affected = known["action"].map(STEP_OF) == step
    if run.config.only is not None:
        affected &= known["bitrix24_id"].isin(run.config.only)
    updated = retry_schedule.update_dead_letters(
        known[affected], actions=actions, unanswered=unanswered, now=run.connection.now()
    )
    audit.actions.put_dead_letters(run.store.database, schemas.concat(schemas.DeadLetters, known[~affected], updated))


def count_actions(outcome: RunOutcome, actions: DataFrame[schemas.Actions]) -> None:
    """Count how the actions of a step ended."""
    if actions.empty:
        return
    ended, action = actions["outcome"], actions["action"]
    done = ended == Outcome.DONE
    has_phones = actions["after"].str.contains('"phone_numbers"', regex=False).fillna(value=False).astype(bool)
    tally = {
        "created": done & (action == ActionKind.CREATE),
        "linked": done & (action == ActionKind.LINK),
        "phones_added": done & action.isin([ActionKind.LINK, ActionKind.UPDATE]) & has_phones,
        "failed": ended == Outcome.FAILED,
        "deferred": ended == Outcome.DEFERRED,
        "held": ended == Outcome.HELD,
        "backing_off": ended == Outcome.WAITING,
        "responsible_removed": done & (action == ActionKind.REMOVE_RESPONSIBLE),
    }
    outcome.count(**{name: getattr(outcome.counts, name) + int(rows.sum()) for name, rows in tally.items()})
