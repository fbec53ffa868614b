"""R18: one bad record fails alone, a bad account stops all, and where the line between them is."""

from collections.abc import Callable

import pytest

from b24_pipeline.callgear.exceptions import (
    AccountError,
    AccountFault,
    CallGearError,
    DayLimit,
    DeadlinePassed,
    MethodError,
    MinuteLimit,
    RecordError,
    RecordFault,
    RequestError,
    SipNumberError,
    UnknownOutcome,
)
from b24_pipeline.rules.models import ActionKind, Outcome
from b24_pipeline.sync.circuit_breaker import (
    ActionResult,
    CircuitBreaker,
    PlannedAction,
    SendResult,
    TooManyFailures,
)
from b24_pipeline.sync.executor import ActionExecutor

RECORD = RecordError("create.employees: data_limit_exceeded", fault=RecordFault.OTHER, mnemonic="data_limit_exceeded")
MALFORMED = RequestError("create.employees: invalid_request", method="create.employees", mnemonic="invalid_request")
OTHERWISE_MALFORMED = RequestError("create.employees: parse_error", method="create.employees", mnemonic="parse_error")
NO_RIGHT = MethodError("create.employees: forbidden", method="create.employees", mnemonic="forbidden")
OWNS_DEALS = RecordError("delete.deal_employees", fault=RecordFault.DEPENDENCY_ERROR, mnemonic="dependency_error")
FULL = RecordError("create.employees", fault=RecordFault.DATA_LIMIT_EXCEEDED, mnemonic="data_limit_exceeded")
BLOCKED = AccountError("create.employees: unblock the key", fault=AccountFault.TOKEN_BLOCKED)


def planned(row: int, *, action: ActionKind = ActionKind.CREATE, failed_before: bool = False) -> PlannedAction:
    """An action for user 100 + row."""
    return PlannedAction(
        row=row,
        bitrix24_id=100 + row,
        callgear_id=None,
        action=action,
        reason=None,
        first_name="Ira",
        last_name=f"Name{row}",
        patronymic=None,
        email=f"user{row}@x.test",
        phones=(),
        failed_before=failed_before,
    )


def carried_out(
    errors: dict[int, CallGearError],
    *,
    actions: list[PlannedAction] | None = None,
    count: int = 20,
    out_of_time: Callable[[], bool] = lambda: False,
) -> tuple[list[ActionResult], CircuitBreaker]:
    """The answers, one after the other, when the actions of these rows raise these errors."""

    def send(action: PlannedAction) -> SendResult:
        if action.row in errors:
            raise errors[action.row]
        return SendResult(900 + action.row)

    carrier = ActionExecutor(send=send, in_flight=1, out_of_time=out_of_time)
    actions = actions or [planned(row) for row in range(count)]
    answers = [answer for portion in carrier.run(actions) for answer in portion]
    assert sorted(answer.planned.row for answer in answers) == list(range(len(actions)))
    return answers, carrier.breaker


def outcomes(answers: list[ActionResult]) -> list[Outcome]:
    """How each row ended, in their order."""
    return [answer.outcome for answer in sorted(answers, key=lambda answer: answer.planned.row)]


def test_r18_a_bad_record_fails_alone() -> None:
    answers, breaker = carried_out({3: RECORD})

    assert [answer.planned.row for answer in answers if answer.outcome is Outcome.FAILED] == [3]
    assert [answer.callgear_id for answer in answers if answer.outcome is Outcome.DONE] == [
        900 + row for row in range(20) if row != 3
    ]
    assert breaker.stopped is None


def test_r18_an_unknown_outcome_that_stays_unknown_is_that_records_failure() -> None:
    answers, _ = carried_out({3: UnknownOutcome("create.employees: no answer")})

    assert outcomes(answers)[3] is Outcome.FAILED


@pytest.mark.parametrize(
    ("failing", "of", "stops"),
    [(4, 4, False), (5, 5, True), (5, 12, True), (5, 13, False), (40, 100, False), (41, 100, True)],
)
def test_r18_more_than_40_percent_and_at_least_5_failures_stop_the_run(failing: int, of: int, stops: bool) -> None:
    breaker = CircuitBreaker()
    for row in range(of):
        failed = row >= of - failing
        breaker.record(
            ActionResult(planned(row), Outcome.FAILED if failed else Outcome.DONE, error="why" if failed else None)
        )

    assert isinstance(breaker.stopped, TooManyFailures) is stops


def test_r18_after_too_many_failures_the_rest_is_deferred_with_the_reason() -> None:
    answers, breaker = carried_out(dict.fromkeys(range(20), RECORD))

    assert outcomes(answers) == [Outcome.FAILED] * 5 + [Outcome.DEFERRED] * 15
    assert "5 of 5 actions failed, the last one: create.employees: data_limit_exceeded" in str(breaker.stopped)
    assert {answer.error for answer in answers if answer.outcome is Outcome.DEFERRED} == {str(breaker.stopped)}


@pytest.mark.parametrize(
    ("errors", "stops"),
    [
        ({10: MALFORMED, 11: MALFORMED, 12: MALFORMED}, True),
        ({10: MALFORMED, 11: MALFORMED}, False),
        ({10: MALFORMED, 11: MALFORMED, 12: OTHERWISE_MALFORMED}, False),
        ({10: MALFORMED, 11: RECORD, 12: MALFORMED, 13: MALFORMED}, False),
    ],
)
def test_r18_the_same_malformed_request_three_times_in_a_row_stops_the_run(
    errors: dict[int, CallGearError], stops: bool
) -> None:
    answers, breaker = carried_out(errors)

    assert isinstance(breaker.stopped, TooManyFailures) is stops
    assert (Outcome.DEFERRED in outcomes(answers)) is stops


def test_r18_three_malformed_requests_with_successes_between_them_stop_nothing() -> None:
    _, breaker = carried_out({1: MALFORMED, 5: MALFORMED, 9: MALFORMED})

    assert breaker.stopped is None


@pytest.mark.parametrize("error", [BLOCKED, DayLimit("the day", resets_in=None), DeadlinePassed("the deadline")])
def test_r18_what_concerns_the_account_or_the_clock_stops_at_once_and_fails_nobody(error: CallGearError) -> None:
    answers, breaker = carried_out({2: error})

    assert outcomes(answers) == [Outcome.DONE] * 2 + [Outcome.DEFERRED] * 18
    assert breaker.stopped is error


def test_r18_a_method_that_is_not_allowed_stops_its_kind_only() -> None:
    kinds = [ActionKind.CREATE, ActionKind.UPDATE] * 3
    actions = [planned(row, action=kind) for row, kind in enumerate(kinds)]

    answers, breaker = carried_out({0: NO_RIGHT}, actions=actions)

    assert outcomes(answers) == [Outcome.DEFERRED, Outcome.DONE] * 3
    assert (breaker.stopped, breaker.stopped_kinds) == (None, {ActionKind.CREATE: "create.employees: forbidden"})


def test_r17_when_the_time_is_over_nothing_more_is_begun() -> None:
    looks = iter([False] * 4 + [True] * 100)

    answers, _ = carried_out({}, out_of_time=lambda: next(looks))

    assert outcomes(answers) == [Outcome.DONE] * 4 + [Outcome.DEFERRED] * 16
    assert answers[-1].error == "time limit reached; deferred to the next run"


def test_a_fault_of_ours_is_not_taken_for_an_answer() -> None:
    carrier = ActionExecutor(send=lambda action: SendResult(action.row // 0), in_flight=1, out_of_time=lambda: False)

    with pytest.raises(ZeroDivisionError):
        list(carrier.run([planned(0)]))


@pytest.mark.parametrize("error", [OWNS_DEALS, SipNumberError("update.employees: SIP numbers")])
def test_r14_people_who_own_deals_or_sip_numbers_stop_nothing_however_many_they_are(error: CallGearError) -> None:
    actions = [planned(row, action=ActionKind.REMOVE_RESPONSIBLE) for row in range(8)]

    answers, breaker = carried_out(dict.fromkeys(range(7), error), actions=actions)

    assert outcomes(answers) == [Outcome.FAILED] * 7 + [Outcome.DONE]
    assert breaker.stopped is None


def test_r18_what_failed_in_earlier_runs_already_stops_nobody_else() -> None:
    actions = [planned(row, failed_before=row < 7) for row in range(8)]

    answers, breaker = carried_out(dict.fromkeys(range(7), RECORD), actions=actions)

    assert outcomes(answers) == [Outcome.FAILED] * 7 + [Outcome.DONE]
    assert breaker.stopped is None


def test_a_full_account_stops_creating_and_nothing_else() -> None:
    kinds = [ActionKind.CREATE, ActionKind.UPDATE] * 3
    actions = [planned(row, action=kind) for row, kind in enumerate(kinds)]

    answers, breaker = carried_out({0: FULL, 2: FULL, 4: FULL}, actions=actions)

    assert outcomes(answers) == [Outcome.FAILED, Outcome.DONE] * 2 + [Outcome.DEFERRED, Outcome.DONE]
    assert (breaker.stopped, set(breaker.stopped_kinds)) == (None, {ActionKind.CREATE})


def test_a_minute_that_others_keep_full_defers_and_fails_nobody() -> None:
    answers, breaker = carried_out(dict.fromkeys(range(20), MinuteLimit("the minute", resets_in=60)))

    assert outcomes(answers) == [Outcome.DEFERRED] * 20
    assert breaker.stopped is None


@pytest.mark.parametrize(
    ("error", "expected", "unanswered"),
    [
        (RECORD, False, False),
        (OWNS_DEALS, True, False),
        (UnknownOutcome("?"), False, True),
        (MALFORMED, False, False),
    ],
)
def test_r18_a_failure_is_blamed_on_whoever_it_is_the_fault_of(
    error: CallGearError, expected: bool, unanswered: bool
) -> None:
    answers, _ = carried_out({0: error}, count=1)

    assert (answers[0].outcome, answers[0].expected, answers[0].unanswered) == (Outcome.FAILED, expected, unanswered)
