"""How a step's plan becomes actions: decided, sent unless it is a dry run, remembered as the answers come, counted."""

import json
import logging
from dataclasses import dataclass, field
from itertools import chain
from typing import Protocol

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.callgear.exceptions import AccountError
from b24_pipeline.rules import planning, retry_schedule
from b24_pipeline.rules.models import STANDING_OUTCOMES, ActionKind, Outcome
from b24_pipeline.sync.account import confirm_account
from b24_pipeline.sync.circuit_breaker import (
    SHORTAGES,
    Answer,
    Blame,
    Carrier,
    PlannedAction,
    Receipt,
    TooManyFailures,
    planned_actions,
    without_requests,
)
from b24_pipeline.sync.counts import count_actions
from b24_pipeline.sync.progress import Progress
from b24_pipeline.sync.run import ImportRun, RunStopped

log = logging.getLogger(__name__)


class Sender(Protocol):
    """What a step knows of its own actions."""

    def announce(self, actions: list[PlannedAction]) -> None:
        """Called once, before anything is sent."""

    def send(self, planned: PlannedAction) -> Receipt:
        """Send one action. Raises one of the CallGear errors. Called from several threads."""

    def remember(self, answers: list[Answer]) -> None:
        """Called for every few answers, in the step's own thread."""

    def finish(self) -> None:
        """Called once, when everything was answered."""


@dataclass(slots=True)
class Sent:
    """What became of a step's planned rows.

    Attributes:
        parts: the actions as they were answered, in portions.
        unanswered: the (user, action) that failed for want of a usable answer.
        stopped: what ended the sending early.
    """

    parts: list[DataFrame[schemas.Actions]] = field(default_factory=list)
    unanswered: set[tuple[int, str]] = field(default_factory=set)
    stopped: Exception | None = None

    @property
    def actions(self) -> DataFrame[schemas.Actions]:
        """All of them."""
        return schemas.together(schemas.Actions, *self.parts)


def send_plan(
    run: ImportRun, plan: DataFrame[schemas.Plan], *, step: str, kinds: frozenset[ActionKind], sender: Sender
) -> DataFrame[schemas.Actions]:
    """Carry a step's plan out and record it (R16, R18, R19, R20): one row an action, with its outcome.

    Raises:
        RunStopped: the account refused everything, or so much failed that it is no fault of records.
    """
    dead_letters = retry_schedule.correct_future_times(run.store.dead_letters(), now=run.connection.now())
    chosen = run.chosen(plan, dead_letters=dead_letters)
    standing = schemas.together(schemas.Plan, chosen, run.not_chosen(plan, dead_letters=dead_letters))
    run.store.record_standing(step, stamped(planning.as_actions(with_outcomes(standing, STANDING_OUTCOMES)), run=run))
    todo = planning.links_first(with_outcomes(chosen, (Outcome.PLANNED,)))
    if run.config.dry_run:
        sent = planned_only(run, todo)
    else:
        sent = send_all(run, todo, dead_letters=dead_letters, step=step, sender=sender)
    stands = planning.as_actions(with_outcomes(chosen, STANDING_OUTCOMES))
    actions = schemas.together(schemas.Actions, stands, sent.actions)
    count_actions(run, actions)
    if held := int((actions["outcome"] == Outcome.HELD).sum()):
        log.warning("%d held by a safety limit; approve with b24-pipeline approve %s", held, run.run_id)
    if not run.config.dry_run:
        run.settle_dead_letters(actions, known=dead_letters, kinds=kinds, unanswered=sent.unanswered)
    if isinstance(sent.stopped, AccountError | TooManyFailures):
        raise RunStopped(str(sent.stopped))
    if sent.stopped is not None:
        run.notes.append(str(sent.stopped))
    return actions


def planned_only(run: ImportRun, todo: DataFrame[schemas.Plan]) -> Sent:
    """R19: what would be sent, recorded as planned."""
    actions = planning.as_actions(todo)
    run.store.record_events(stamped(actions, run=run))
    return Sent([actions])


def send_all(
    run: ImportRun,
    todo: DataFrame[schemas.Plan],
    *,
    dead_letters: DataFrame[schemas.DeadLetters],
    step: str,
    sender: Sender,
) -> Sent:
    """Send every planned row; each answer is in the database before the step goes on.

    Raises:
        DatabaseOfAnotherConnection: another account answers than before (R16b): nothing was written.
        CallGearError: it could not be asked which account answers.
    """
    sent = Sent()
    if todo.empty:
        return sent
    planned = planned_actions(todo, dead_letters=dead_letters)
    actions, progress = planning.as_actions(todo), Progress(step, total=len(planned))
    carrier = Carrier(
        send=sender.send, in_flight=run.connection.settings.callgear_in_flight, out_of_time=run.out_of_time
    )
    silent, to_send = ([p for p in planned if p.sends_nothing is wanted] for wanted in (True, False))
    try:
        confirm_account(run)
    except SHORTAGES as shortage:
        carrier.breaker.stopped, silent, to_send = shortage, [], planned
    sender.announce(to_send)
    try:
        for answers in chain(without_requests(silent), carrier.carry_out(to_send)):
            with run.store.transaction():
                sender.remember(answers)
                sent.parts.append(answered(actions, answers, run=run))
                run.store.record_events(sent.parts[-1])
            sent.unanswered |= {
                (answer.planned.bitrix24_id, answer.planned.action.value)
                for answer in answers
                if answer.blame is Blame.WAY
            }
            run.out_of_resources |= any(answer.out_of_resources for answer in answers)
            progress.advance(len(answers))
        try:
            sender.finish()
        except AccountError as error:
            carrier.breaker.stopped = carrier.breaker.stopped or error
    except BaseException:  # also when a person stops the run: what was done by then is counted
        for part in sent.parts:
            count_actions(run, part)
        raise
    for kind, why in carrier.breaker.stopped_kinds.items():
        run.notes.append(f"nothing more of kind {kind} could be done: {why}")
    sent.stopped = carrier.breaker.stopped
    return sent


def with_outcomes(plan: DataFrame[schemas.Plan], outcomes: tuple[Outcome, ...]) -> DataFrame[schemas.Plan]:
    """The rows of a plan with one of the outcomes."""
    if plan.empty:
        return plan
    return schemas.check(schemas.Plan, plan[plan["outcome"].isin([outcome.value for outcome in outcomes])])


def answered(
    actions: DataFrame[schemas.Actions], answers: list[Answer], *, run: ImportRun
) -> DataFrame[schemas.Actions]:
    """The rows of the answered actions, with outcome, employee id, error, and only what was needed in `after`."""
    rows = actions.loc[[answer.planned.row for answer in answers]]
    known = rows["callgear_id"].tolist()
    ids = [
        id_ if answer.callgear_id is None else answer.callgear_id for id_, answer in zip(known, answers, strict=True)
    ]
    after = [without(text, answer.needless) for text, answer in zip(rows["after"], answers, strict=True)]
    return schemas.check(
        schemas.Actions,
        rows.assign(
            after=pd.array(after, dtype="str"),
            outcome=pd.array([answer.outcome.value for answer in answers], dtype="str"),
            error=pd.array([answer.error for answer in answers], dtype="str"),
            callgear_id=pd.array(ids, dtype="Int64"),
            at=time_of_now(run, rows),
        ),
    )


def without(after: str | float, needless: frozenset[str]) -> str | float | None:
    """R20: what was sent, without the fields that turned out to need no sending."""
    if not needless or not isinstance(after, str):
        return after
    return planning.as_json({name: value for name, value in json.loads(after).items() if name not in needless})


def stamped(actions: pd.DataFrame, *, run: ImportRun) -> DataFrame[schemas.Actions]:
    """The actions with the time of now; what stood before keeps its time in the audit."""
    if actions.empty:
        return schemas.empty(schemas.Actions)
    return schemas.check(schemas.Actions, actions.assign(at=time_of_now(run, actions)))


def time_of_now(run: ImportRun, actions: pd.DataFrame) -> pd.Series:
    """The time of now for each of the actions."""
    return pd.Series(run.connection.now(), index=actions.index, dtype="datetime64[us, UTC]")
