"""How a step's plan becomes actions: decided, sent unless it is a dry run, remembered as the answers come, counted."""

from itertools import chain
from typing import Protocol

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline.callgear.errors import AccountError
from b24_pipeline.importing.carrying_out import (
    Answer,
    Carrier,
    PlannedAction,
    TooManyFailures,
    planned_actions,
    without_requests,
)
from b24_pipeline.importing.progress import Progress
from b24_pipeline.importing.run import ImportRun, RunStopped
from b24_pipeline.rules import frames, planning
from b24_pipeline.rules.records import STANDING_OUTCOMES, ActionKind, Outcome


class Sender(Protocol):
    """What a step knows of its own actions."""

    def announce(self, actions: list[PlannedAction]) -> None:
        """Called once, before anything is sent."""

    def send(self, planned: PlannedAction) -> int | None:
        """Send one action; gives the employee's id. Raises one of the CallGear errors. Called from several threads."""

    def remember(self, answers: list[Answer]) -> None:
        """Called for every few answers, in the step's own thread."""


def send_plan(
    run: ImportRun, plan: DataFrame[frames.Plan], *, step: str, kinds: frozenset[ActionKind], sender: Sender
) -> DataFrame[frames.Actions]:
    """Carry a step's plan out and record it (R16, R18, R19, R20): one row an action, with its outcome.

    Raises:
        RunStopped: the account refused everything, or so much failed that it is no fault of records.
    """
    chosen = run.chosen(plan)
    standing = frames.check(frames.Plan, pd.concat([chosen, run.not_chosen(plan)], ignore_index=True))
    run.store.record_standing(step, planning.as_actions(with_outcomes(standing, STANDING_OUTCOMES)))
    todo = with_outcomes(chosen, (Outcome.PLANNED,))
    if run.config.dry_run:
        sent = planning.as_actions(todo)
        run.store.record_events(stamped(sent, run=run))
        stopped = None
    else:
        sent, stopped = send_all(run, todo, step=step, sender=sender)
    actions = frames.check(
        frames.Actions,
        pd.concat([planning.as_actions(with_outcomes(chosen, STANDING_OUTCOMES)), sent], ignore_index=True),
    )
    run.add(actions)
    if not run.config.dry_run:
        run.settle_dead_letters(actions, kinds=kinds)
    if isinstance(stopped, AccountError | TooManyFailures):
        raise RunStopped(str(stopped))
    if stopped is not None:
        run.notes.append(str(stopped))
    return actions


def send_all(
    run: ImportRun, todo: DataFrame[frames.Plan], *, step: str, sender: Sender
) -> tuple[DataFrame[frames.Actions], Exception | None]:
    """Send every planned row; each answer is in the database before the step goes on. Also what stopped it, if so."""
    todo = frames.check(frames.Plan, todo.reset_index(drop=True))
    planned = planned_actions(todo)
    actions = planning.as_actions(todo)
    if not planned:
        return actions, None
    progress, parts = Progress(step, total=len(planned)), []
    carrier = Carrier(
        send=sender.send, in_flight=run.connection.settings.callgear_in_flight, out_of_time=run.out_of_time
    )
    silent, to_send = ([p for p in planned if p.sends_nothing is wanted] for wanted in (True, False))
    sender.announce(to_send)
    try:
        for answers in chain(without_requests(silent), carrier.carry_out(to_send)):
            with run.store.transaction():
                sender.remember(answers)
                parts.append(answered(actions, answers, run=run))
                run.store.record_events(parts[-1])
            progress.advance(len(answers))
    except BaseException:  # also when a person stops the run: what was done by then is counted
        for part in parts:
            run.add(part)
        raise
    for kind, why in carrier.breaker.stopped_kinds.items():
        run.notes.append(f"nothing more of kind {kind} could be done: {why}")
    return frames.check(frames.Actions, pd.concat(parts, ignore_index=True)), carrier.breaker.stopped


def with_outcomes(plan: DataFrame[frames.Plan], outcomes: tuple[Outcome, ...]) -> DataFrame[frames.Plan]:
    """The rows of a plan with one of the outcomes."""
    if plan.empty:
        return plan
    return frames.check(frames.Plan, plan[plan["outcome"].isin([outcome.value for outcome in outcomes])])


def answered(actions: DataFrame[frames.Actions], answers: list[Answer], *, run: ImportRun) -> DataFrame[frames.Actions]:
    """The rows of the answered actions, with outcome, employee id and error."""
    rows = actions.loc[[answer.planned.row for answer in answers]]
    ids = [answer.callgear_id for answer in answers]
    return stamped(
        rows.assign(
            outcome=pd.array([answer.outcome.value for answer in answers], dtype="str"),
            error=pd.array([answer.error for answer in answers], dtype="str"),
            callgear_id=pd.Series(ids, index=rows.index, dtype="Int64").fillna(rows["callgear_id"]),
        ),
        run=run,
    )


def stamped(actions: pd.DataFrame, *, run: ImportRun) -> DataFrame[frames.Actions]:
    """The actions with the time of now."""
    at = pd.Series(run.connection.now(), index=actions.index, dtype="datetime64[us, UTC]")
    return frames.check(frames.Actions, actions.assign(at=at))
