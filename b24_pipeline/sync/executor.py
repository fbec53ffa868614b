"""R18: sends the actions of one step, several in flight, and tells how far it has come."""

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.callgear import exceptions
from b24_pipeline.rules.models import ActionKind, Outcome
from b24_pipeline.rules.planning import SENT_FIELDS, fields_of
from b24_pipeline.sync.circuit_breaker import (
    DEFERRING,
    EXPECTED,
    SHORTAGES,
    ActionResult,
    CircuitBreaker,
    PlannedAction,
    SendResult,
)

log = logging.getLogger(__name__)
progress_log = logging.getLogger(f"{__name__}.progress")
"""Its records have `done` and `total`; the terminal draws a bar of them."""

QUEUE_FACTOR = 4
"""So many times the number in flight are handed out, so that no worker waits while answers are stored."""
BATCH_SECONDS = 0.05
"""So long answers are gathered, to be stored together."""
BATCH_SIZE = 1000
"""So many links are stored together where nothing has to be sent for them."""
PROGRESS_LINES = 20


def without_requests(actions: Sequence[PlannedAction]) -> Iterator[list[ActionResult]]:
    """The answers to actions that send nothing, in large lists: a lost database is rebuilt out of these."""
    done = [ActionResult(planned, Outcome.DONE, planned.callgear_id) for planned in actions]
    for first in range(0, len(done), BATCH_SIZE):
        yield done[first : first + BATCH_SIZE]


def planned_actions(
    plan: DataFrame[schemas.Actions], *, dead_letters: DataFrame[schemas.DeadLetters]
) -> list[PlannedAction]:
    """The rows of a plan that are to be carried out; what failed before comes last, so that it keeps nobody waiting."""
    failed = set(zip(dead_letters["bitrix24_id"], dead_letters["action"], strict=True))
    actions = [
        PlannedAction(
            row=int(str(index)),
            bitrix24_id=int(record["bitrix24_id"]),
            callgear_id=None if pd.isna(record["callgear_id"]) else int(record["callgear_id"]),
            action=ActionKind(record["action"]),
            reason=record["reason"] if isinstance(record["reason"], str) else None,
            phones=tuple(sent.get("phone_numbers", ())),
            failed_before=(record["bitrix24_id"], record["action"]) in failed,
            **{name: sent.get(name) for name in SENT_FIELDS},
        )
        for index, record, sent in zip(plan.index, plan.to_dict("records"), map(fields_of, plan["after"]), strict=True)
    ]
    return sorted(actions, key=lambda planned: planned.failed_before)


@dataclass(slots=True)
class ActionExecutor:
    """Carries out the actions of one step.

    `send` gives a result, or raises one of the CallGear errors. After a stop nothing more is begun; what was
    not begun is deferred, with the reason.
    """

    send: Callable[[PlannedAction], SendResult]
    in_flight: int
    out_of_time: Callable[[], bool]
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)

    def run(self, actions: Sequence[PlannedAction]) -> Iterator[list[ActionResult]]:
        """Send the actions, `in_flight` at a time, and give the answers as they come, in small lists."""
        waiting = iter(actions)
        pool = ThreadPoolExecutor(max_workers=self.in_flight, thread_name_prefix="callgear")
        try:
            running: set[Future[ActionResult]] = set()
            while True:
                not_begun = self.submit(pool, running, waiting)
                if not_begun:
                    yield not_begun
                if not running:
                    return
                wait(running, return_when=FIRST_COMPLETED)
                done, running = wait(running, timeout=BATCH_SECONDS)
                yield sorted((future.result() for future in done), key=lambda result: result.planned.row)
        finally:
            pool.shutdown(cancel_futures=True)

    def submit(
        self, pool: ThreadPoolExecutor, running: set[Future[ActionResult]], waiting: Iterator[PlannedAction]
    ) -> list[ActionResult]:
        """Fill the room in flight, and some in advance; those that may not be begun any more come back deferred."""
        deferred: list[ActionResult] = []
        while len(running) < self.in_flight * QUEUE_FACTOR:
            planned = next(waiting, None)
            if planned is None:
                break
            over = "time limit reached; deferred to the next run" if self.out_of_time() else None
            reason = self.breaker.reason(planned.action) or over
            if reason is None:
                running.add(pool.submit(self.attempt, planned))
            else:
                deferred.append(self.deferred(planned, reason))
        return deferred

    def deferred(self, planned: PlannedAction, reason: str) -> ActionResult:
        """The answer of an action that may not be begun any more."""
        refused = self.breaker.is_refusal(planned.action)
        return ActionResult(planned, Outcome.DEFERRED, error=reason, put_off=not refused)

    def attempt(self, planned: PlannedAction) -> ActionResult:
        """Send one action, unless it was stopped meanwhile; every error of the service becomes its result.

        What its answer means for the others holds at once.
        """
        reason = self.breaker.reason(planned.action)
        if reason is not None:
            return self.deferred(planned, reason)
        try:
            sent = self.send(planned)
            result = ActionResult(planned, Outcome.DONE, sent.callgear_id, sent.unchanged_fields)
        except exceptions.CallGearError as error:
            self.breaker.record_error(error, planned=planned)
            outcome = Outcome.DEFERRED if isinstance(error, DEFERRING) else Outcome.FAILED
            log.warning("%s for Bitrix24 user %s: %s (%s)", planned.action, planned.bitrix24_id, outcome, error)
            result = ActionResult(
                planned,
                outcome,
                error=str(error),
                expected=isinstance(error, exceptions.RecordError) and error.fault in EXPECTED,
                unanswered=isinstance(error, exceptions.TransportError),
                unsure=error.outcome_unknown or isinstance(error, exceptions.EmailConflict),
                malformed=f"{error.method} {error.mnemonic}" if isinstance(error, exceptions.RequestError) else None,
                put_off=isinstance(error, (*SHORTAGES, exceptions.AccountError)),
            )
        self.breaker.record(result)
        return result


def log_progress(step: str, *, before: int, done: int, total: int) -> None:
    """Log every twentieth part and the end as information, the rest for whoever draws a bar."""
    is_milestone = done == total or before * PROGRESS_LINES // total != done * PROGRESS_LINES // total
    with suppress(Exception):  # Dagster's log raises where its own storage cannot be used; the import goes on
        progress_log.log(
            logging.INFO if is_milestone else logging.DEBUG,
            "%s: %d of %d",
            step,
            done,
            total,
            extra={"done": done, "total": total},
        )
