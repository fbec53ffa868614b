"""R18: carrying out a plan, several actions in flight. One bad record fails alone; a bad account stops all."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from enum import Enum, auto

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.callgear import exceptions
from b24_pipeline.rules.models import ActionKind, Outcome
from b24_pipeline.rules.phone_numbers import LIST_SEPARATOR

log = logging.getLogger(__name__)

MIN_FAILURES = 5
MAX_FAILURE_SHARE = 0.40
MAX_SAME_MALFORMED = 3
QUEUE_FACTOR = 4
"""So many times the number in flight are handed out, so that no worker waits while answers are stored."""
BATCH_SECONDS = 0.05
"""So long answers are gathered, to be stored together."""
BATCH_SIZE = 1000
"""So many links are stored together where nothing has to be sent for them."""
STOPPING = (exceptions.AccountError, exceptions.DayLimit, exceptions.DeadlinePassed)
"""Errors after which nothing more is sent in this run."""
SHORTAGES = (exceptions.DayLimit, exceptions.DeadlinePassed, exceptions.MinuteLimit)
"""Errors that say that points or time have run out; every other error that defers is a refusal."""
DEFERRING = (*STOPPING, exceptions.MethodError, exceptions.MinuteLimit, exceptions.CreatedMeanwhile)
"""Errors that are not the record's: its action is deferred, not failed."""
EXPECTED = frozenset({exceptions.RecordFault.DEPENDENCY_ERROR, exceptions.RecordFault.SIP_NUMBERS})
"""What some people of a sound account are refused for."""
MAX_TIMES_FULL = 2
"""So many times CallGear says that an account is full, and no more is sent of that kind (contract 4.2)."""


class FailureCause(Enum):
    """Whose fault it is that an action failed."""

    RECORD = auto()
    """The record was refused; it is tried again ever more rarely."""
    EXPECTED = auto()
    """The person owns deals (R14), or has SIP numbers that must not be touched. It says nothing about the account."""
    TRANSPORT = auto()
    """There was no usable answer; it is tried again in the next run."""
    CLIENT_BUG = auto()
    """CallGear did not understand the request."""


@dataclass(frozen=True, slots=True)
class PlannedAction:
    """One row of a plan that is to be carried out. `row` is its place in the plan."""

    row: int
    bitrix24_id: int
    callgear_id: int | None
    action: ActionKind
    reason: str | None
    last_name_before: str | None
    first_name: str | None
    last_name: str | None
    patronymic: str | None
    email: str | None
    phones: tuple[str, ...]
    failed_before: bool = False
    """It has failed in an earlier run, too."""

    @property
    def sends_nothing(self) -> bool:
        """The link alone is stored; what its employee gets is an action of its own (R09a)."""
        return self.action is ActionKind.LINK


@dataclass(frozen=True, slots=True)
class SendResult:
    """What was sent for an action that is done: for which employee, and which of its fields needed no sending."""

    callgear_id: int | None = None
    unchanged_fields: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ActionResult:
    """How a planned action ended.

    `unsure` is true when it may have happened all the same (R18). `malformed` names the request that CallGear did not
    understand, where it was ours that was wrong. `unchanged_fields` are fields that the employee had
    already. `out_of_resources` is true where it was deferred for want of time or points, not for a refusal.
    """

    planned: PlannedAction
    outcome: Outcome
    callgear_id: int | None = None
    unchanged_fields: frozenset[str] = frozenset()
    error: str | None = None
    cause: FailureCause | None = None
    unsure: bool = False
    malformed: str | None = None
    out_of_resources: bool = False


@dataclass(slots=True)
class CircuitBreaker:
    """R18: decides that failures are not the records' fault, and remembers why nothing more may be sent.

    What failed in an earlier run already, and what is to be expected (R14), are no sign of that: they stop nobody else.
    """

    finished: int = 0
    failed: int = 0
    malformed: str | None = None
    times_malformed: int = 0
    times_full: int = 0
    stopped: Exception | None = None
    stopped_kinds: dict[ActionKind, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def record(self, result: ActionResult) -> None:
        """Count what was done or failed; stop when too large a share fails, or the same request of ours is refused."""
        if result.outcome is Outcome.DEFERRED:
            return
        with self.lock:
            self.count(result)

    def count(self, result: ActionResult) -> None:
        """One more has ended."""
        self.times_malformed = self.times_malformed + 1 if result.malformed == self.malformed else 1
        self.malformed = result.malformed
        if self.malformed is not None and self.times_malformed >= MAX_SAME_MALFORMED:
            self.stop(f"the same malformed request {self.times_malformed} times in a row: {result.error}")
        if result.planned.failed_before or result.cause is FailureCause.EXPECTED:
            return
        self.finished += 1
        self.failed += result.outcome is Outcome.FAILED
        if self.failed >= MIN_FAILURES and self.failed > MAX_FAILURE_SHARE * self.finished:
            self.stop(
                f"{self.failed} of {self.finished} actions failed, the last one: {result.error}; "
                "the run was stopped, because so many are a fault of the account or of ours, not of records"
            )

    def record_error(self, error: Exception, *, planned: PlannedAction) -> None:
        """Take the error's consequence at once: for everything, for one kind of action, or for none but its own."""
        if isinstance(error, STOPPING):
            self.stopped = self.stopped or error
        elif isinstance(error, exceptions.MethodError) or self.is_full(error):
            self.stopped_kinds.setdefault(planned.action, str(error))

    def is_full(self, error: Exception) -> bool:
        """Whether CallGear says repeatedly that the account can hold no more (contract 4.2)."""
        if isinstance(error, exceptions.RecordError) and error.fault is exceptions.RecordFault.DATA_LIMIT_EXCEEDED:
            self.times_full += 1
            return self.times_full >= MAX_TIMES_FULL
        return False

    def reason(self, kind: ActionKind) -> str | None:
        """Why nothing of this kind may be sent any more; none when it may."""
        return str(self.stopped) if self.stopped is not None else self.stopped_kinds.get(kind)

    def is_refusal(self, kind: ActionKind) -> bool:
        """Whether what stops this kind is no shortage of points or time."""
        return kind in self.stopped_kinds or not isinstance(self.stopped, (*SHORTAGES, type(None)))

    def stop(self, why: str) -> None:
        """Nothing more is begun."""
        self.stopped = self.stopped or TooManyFailures(why)


class TooManyFailures(Exception):  # noqa: N818
    """R18: so much fails that it is no fault of records."""


def without_requests(actions: Sequence[PlannedAction]) -> Iterator[list[ActionResult]]:
    """The answers to actions that send nothing, in large lists: a lost database is rebuilt out of these."""
    done = [ActionResult(planned, Outcome.DONE, planned.callgear_id) for planned in actions]
    for first in range(0, len(done), BATCH_SIZE):
        yield done[first : first + BATCH_SIZE]


def planned_actions(
    plan: DataFrame[schemas.Plan], *, dead_letters: DataFrame[schemas.DeadLetters]
) -> list[PlannedAction]:
    """The rows of a plan that are to be carried out; what failed before comes last, so that it keeps nobody waiting."""
    rows = plan[plan["outcome"] == Outcome.PLANNED]
    failed = set(zip(dead_letters["bitrix24_id"], dead_letters["action"], strict=True))
    actions = [
        PlannedAction(
            row=int(str(index)),
            bitrix24_id=int(record["bitrix24_id"]),
            callgear_id=None if pd.isna(record["callgear_id"]) else int(record["callgear_id"]),
            action=ActionKind(record["action"]),
            phones=tuple(record["phones"].split(LIST_SEPARATOR)) if isinstance(record["phones"], str) else (),
            failed_before=(record["bitrix24_id"], record["action"]) in failed,
            **{name: record[name] if isinstance(record[name], str) else None for name in TEXTS},
        )
        for index, record in zip(rows.index, rows.to_dict("records"), strict=True)
    ]
    return sorted(actions, key=lambda planned: planned.failed_before)


TEXTS = ("reason", "last_name_before", "first_name", "last_name", "patronymic", "email")


@dataclass(slots=True)
class ActionExecutor:
    """Carries out the actions of one step.

    `send` gives a receipt, or raises one of the CallGear errors. After a stop nothing more is begun; what was
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
            reason = self.why_not(planned)
            if reason is None:
                running.add(pool.submit(self.attempt, planned))
            else:
                deferred.append(self.deferred(planned, reason))
        return deferred

    def deferred(self, planned: PlannedAction, reason: str) -> ActionResult:
        """The answer of an action that may not be begun any more."""
        refused = self.breaker.is_refusal(planned.action)
        return ActionResult(planned, Outcome.DEFERRED, error=reason, out_of_resources=not refused)

    def why_not(self, planned: PlannedAction) -> str | None:
        """Why an action may not be handed out any more; none when it may."""
        over = "the run's time was over; the next run goes on here" if self.out_of_time() else None
        return self.breaker.reason(planned.action) or over

    def attempt(self, planned: PlannedAction) -> ActionResult:
        """Send one action, unless it was stopped meanwhile; what its answer means for the others holds at once."""
        reason = self.breaker.reason(planned.action)
        if reason is not None:
            return self.deferred(planned, reason)
        result = self.send_one(planned)
        self.breaker.record(result)
        return result

    def send_one(self, planned: PlannedAction) -> ActionResult:
        """Send one action; every error of the service becomes its result."""
        try:
            receipt = self.send(planned)
            return ActionResult(planned, Outcome.DONE, receipt.callgear_id, receipt.unchanged_fields)
        except exceptions.CallGearError as error:
            self.breaker.record_error(error, planned=planned)
            outcome = Outcome.DEFERRED if isinstance(error, DEFERRING) else Outcome.FAILED
            log.warning("%s for Bitrix24 user %s: %s (%s)", planned.action, planned.bitrix24_id, outcome, error)
            return ActionResult(
                planned,
                outcome,
                error=str(error),
                cause=failure_cause(error) if outcome is Outcome.FAILED else None,
                unsure=error.outcome_unknown or isinstance(error, exceptions.EmailConflict),
                malformed=f"{error.method} {error.mnemonic}" if isinstance(error, exceptions.RequestError) else None,
                out_of_resources=isinstance(error, SHORTAGES),
            )


def failure_cause(error: exceptions.CallGearError) -> FailureCause:
    """Whose fault the failure of one action is."""
    if isinstance(error, exceptions.TransportError):
        return FailureCause.TRANSPORT
    if isinstance(error, exceptions.RequestError):
        return FailureCause.CLIENT_BUG
    expected = isinstance(error, exceptions.RecordError) and error.fault in EXPECTED
    return FailureCause.EXPECTED if expected else FailureCause.RECORD
