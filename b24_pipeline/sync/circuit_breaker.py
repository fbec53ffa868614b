"""R18: one bad record fails alone; a bad account, or a fault of ours, stops everything."""

import threading
from dataclasses import dataclass, field

from b24_pipeline.callgear import exceptions
from b24_pipeline.rules.models import ActionKind, Outcome

MIN_FAILURES = 5
MAX_FAILURE_SHARE = 0.40
MAX_SAME_MALFORMED = 3
STOPPING = (exceptions.AccountError, exceptions.DayLimit, exceptions.DeadlinePassed)
"""Errors after which nothing more is sent in this run."""
SHORTAGES = (exceptions.DayLimit, exceptions.DeadlinePassed, exceptions.MinuteLimit)
"""Errors that say that points or time have run out; every other error that defers is a refusal."""
DEFERRING = (*STOPPING, exceptions.MethodError, exceptions.MinuteLimit, exceptions.CreatedMeanwhile)
"""Errors that are not the record's: its action is deferred, not failed."""
EXPECTED = frozenset({exceptions.RecordFault.DEPENDENCY_ERROR, exceptions.RecordFault.SIP_NUMBERS})
"""Refusals of single people that are normal in a working account."""
MAX_TIMES_FULL = 2
"""So many times CallGear says that an account is full, and no more is sent of that kind (contract 4.2)."""


@dataclass(frozen=True, slots=True)
class PlannedAction:
    """One row of a plan that is to be carried out. `row` is its place in the plan."""

    row: int
    bitrix24_id: int
    callgear_id: int | None
    action: ActionKind
    reason: str | None
    first_name: str | None
    last_name: str | None
    patronymic: str | None
    email: str | None
    phones: tuple[str, ...]
    failed_before: bool = False
    """It has failed in an earlier run, too."""


@dataclass(frozen=True, slots=True)
class SendResult:
    """The result of a sent action: its employee, and the fields that needed no sending."""

    callgear_id: int | None = None
    unchanged_fields: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ActionResult:
    """The result of a planned action.

    `expected` is a failure that says nothing about the account: the person owns deals (R14), or has SIP numbers that
    must not be touched. One that is `unanswered`, for want of a usable answer, is tried again in the next run, any
    other ever more rarely. `unsure` is true when it may have happened all the same (R18). `malformed` names the
    request that CallGear did not understand, where it was ours that was wrong. `unchanged_fields` are fields that the
    employee had already. `put_off` is true where it was deferred for want of time or points, not for a refusal, and for
    a create that was not begun because everything was stopped.
    """

    planned: PlannedAction
    outcome: Outcome
    callgear_id: int | None = None
    unchanged_fields: frozenset[str] = frozenset()
    error: str | None = None
    expected: bool = False
    unanswered: bool = False
    unsure: bool = False
    malformed: str | None = None
    put_off: bool = False


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
            self.times_malformed = self.times_malformed + 1 if result.malformed == self.malformed else 1
            self.malformed = result.malformed
            if self.malformed is not None and self.times_malformed >= MAX_SAME_MALFORMED:
                self.stop(f"the same malformed request {self.times_malformed} times in a row: {result.error}")
            if result.planned.failed_before or result.expected:
                return
            self.finished += 1
            self.failed += result.outcome is Outcome.FAILED
            if self.failed >= MIN_FAILURES and self.failed > MAX_FAILURE_SHARE * self.finished:
                self.stop(
                    f"{self.failed} of {self.finished} actions failed, the last one: {result.error}; "
                    "stopping: this looks like an account or client problem"
                )

    def record_error(self, error: Exception, *, planned: PlannedAction) -> None:
        """Take the error's consequence at once: for everything, for one kind of action, or for none but its own."""
        if isinstance(error, exceptions.RecordError) and error.fault is exceptions.RecordFault.DATA_LIMIT_EXCEEDED:
            self.times_full += 1
            stops_kind = self.times_full >= MAX_TIMES_FULL
        else:
            stops_kind = isinstance(error, exceptions.MethodError)
        if isinstance(error, STOPPING):
            self.stopped = self.stopped or error
        elif stops_kind:
            self.stopped_kinds.setdefault(planned.action, str(error))

    def reason(self, kind: ActionKind) -> str | None:
        """Return why nothing of this kind may be sent any more; none when it may."""
        return str(self.stopped) if self.stopped is not None else self.stopped_kinds.get(kind)

    def is_refusal(self, kind: ActionKind) -> bool:
        """Return whether what stops this kind is a refusal: no shortage of points or time, nor creates not begun."""
        is_shortage = isinstance(self.stopped, (*SHORTAGES, type(None)))
        return kind in self.stopped_kinds or not (is_shortage or kind is ActionKind.CREATE)

    def stop(self, why: str) -> None:
        """Nothing more is begun."""
        self.stopped = self.stopped or TooManyFailures(why)


class TooManyFailures(Exception):  # noqa: N818
    """R18: so much fails that it is no fault of records."""
