"""R10 and R18: whatever becomes of a create, a person never becomes two employees."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from b24_pipeline.callgear.client import CallGear
from b24_pipeline.callgear.create import NewEmployee, create_employee, create_or_adopt
from b24_pipeline.callgear.exceptions import (
    AccountError,
    CallGearError,
    DayLimit,
    DeadlinePassed,
    EmailConflict,
    IdConflict,
    NotSent,
    RecordError,
    RecordFault,
    UnknownOutcome,
)
from b24_pipeline.callgear.phones import PhoneEntry
from b24_pipeline.callgear.rate_limit import PointsBudget
from b24_pipeline.sandbox import CallGearBehavior, Fault, FaultKind, Phase, RequestSeen, Sandbox
from b24_pipeline.sandbox.callgear.errors import Mnemonic
from b24_pipeline_tests.callgear.conftest import Connect, answering
from b24_pipeline_tests.callgear.test_client import UNKNOWN, methods
from b24_pipeline_tests.clock import Clock

IRA = NewEmployee(
    last_name="(bitrix24) Lebedeva",
    email="Ira@x.test",
    first_name="Ira",
    patronymic="Igorevna",
    phone_numbers=(PhoneEntry("971505550142"), PhoneEntry("97145550100", channels_count=2, dial_time=30)),
)
CREATES = "create.employees"


def fail(sandbox: Sandbox, kind: FaultKind, method: str = CREATES, **when: Any) -> None:
    sandbox.faults.add(Fault(kind=kind, api="callgear", method=method, **{"nth": 1, **when}))


@pytest.mark.parametrize("wrapped", [False, True])
def test_r10_an_employee_is_created_with_all_its_fields(client: CallGear, sandbox: Sandbox, wrapped: bool) -> None:
    sandbox.callgear = CallGearBehavior(wraps_write_result=wrapped)

    callgear_id = create_employee(client, IRA)

    created = sandbox.account.employees[callgear_id]
    assert (created["last_name"], created["first_name"], created["patronymic"], created["email"]) == (
        "(bitrix24) Lebedeva",
        "Ira",
        "Igorevna",
        "Ira@x.test",
    )
    assert [
        (phone["phone_number"], phone["channels_count"], phone["dial_time"]) for phone in created["phone_numbers"]
    ] == [
        ("971505550142", 1, 60),
        ("97145550100", 2, 30),
    ]


def test_r10_what_is_empty_is_not_sent(client: CallGear, sandbox: Sandbox) -> None:
    create_employee(client, NewEmployee(last_name="Lebedeva", email="ira@x.test", patronymic=""))

    assert sandbox.requests[0].params == {"last_name": "Lebedeva", "email": "ira@x.test"}


def test_a_created_employee_without_an_id_is_an_unknown_outcome() -> None:
    with pytest.raises(UnknownOutcome):
        create_employee(answering(lambda _: {"result": {}}), IRA)


@pytest.mark.parametrize("kind", UNKNOWN)
def test_r18_an_unknown_create_is_looked_up_before_it_is_repeated(
    client: CallGear, sandbox: Sandbox, kind: FaultKind
) -> None:
    fail(sandbox, kind)

    created = create_or_adopt(client, IRA)

    assert list(sandbox.account.employees) == [created]
    assert methods(sandbox)[:2] == [CREATES, "get.employees"]
    assert methods(sandbox).count(CREATES) == (1 if kind.acts else 2)


@pytest.mark.parametrize("seconds", [0.5, 10, 29])
def test_r18_a_create_that_acts_late_is_waited_for_as_long_as_a_request_may_take(
    client: CallGear, sandbox: Sandbox, clock: Clock, seconds: float
) -> None:
    fail(sandbox, FaultKind.HTTP_504_LATER, seconds=seconds)

    created = create_or_adopt(client, IRA)

    assert list(sandbox.account.employees) == [created]
    assert methods(sandbox).count(CREATES) == 1
    assert clock.waits == ([0.75] if seconds < 0.75 else [0.75, 30])


def test_r18_what_was_never_sent_needs_no_wait(clock: Clock) -> None:
    def refuse(_: Any) -> Any:
        raise httpx.ConnectError("refused")

    with pytest.raises(NotSent) as caught:
        create_or_adopt(answering(refuse, clock), IRA)

    assert not caught.value.outcome_unknown
    assert max(clock.waits) < 5, "these are the pauses between repeats"


def test_r18_a_create_in_doubt_is_put_off_when_the_run_s_time_does_not_allow_the_wait(
    connect: Connect, sandbox: Sandbox, clock: Clock
) -> None:
    budget = PointsBudget(clock=clock, sleep=clock.sleep, deadline=clock.seconds + 20)
    fail(sandbox, FaultKind.HTTP_504_LATER, seconds=10)

    with pytest.raises(DeadlinePassed) as caught:
        create_or_adopt(connect(budget=budget), IRA)

    assert caught.value.outcome_unknown
    assert methods(sandbox).count(CREATES) == 1


@pytest.mark.parametrize("second", [None, FaultKind.RESET_AFTER, FaultKind.HTTP_504_LATER])
def test_r18_a_repeat_is_no_success_when_the_first_request_has_acted_after_all(
    client: CallGear, sandbox: Sandbox, clock: Clock, second: FaultKind | None
) -> None:
    fail(sandbox, FaultKind.HTTP_504_LATER, seconds=60)
    if second:
        fail(sandbox, second, nth=2, seconds=10)

    def let_time_pass(request: RequestSeen, phase: Phase) -> None:
        if request.method == CREATES and methods(sandbox).count(CREATES) == 2 and phase is Phase.AFTER:
            clock.seconds += 60

    sandbox.on_request = let_time_pass

    with pytest.raises(EmailConflict, match="several employees") as caught:
        create_or_adopt(client, IRA)

    assert set(caught.value.callgear_ids) == set(sandbox.account.employees)
    assert len(caught.value.callgear_ids) == 2


def test_r18_a_repeat_that_cannot_be_looked_at_leaves_the_doubt(client: CallGear, sandbox: Sandbox) -> None:
    fail(sandbox, FaultKind.HTTP_500)
    fail(sandbox, FaultKind.HTTP_500, method="get.employees", nth=4, times=None)

    with pytest.raises(UnknownOutcome) as caught:
        create_or_adopt(client, IRA)

    assert caught.value.outcome_unknown
    assert methods(sandbox).count(CREATES) == 2


def test_r18_a_repeat_that_is_refused_as_a_duplicate_leaves_the_doubt_where_it_cannot_be_looked_up(
    client: CallGear, sandbox: Sandbox
) -> None:
    fail(sandbox, FaultKind.HTTP_500)
    fail(sandbox, FaultKind.MNEMONIC, mnemonic="duplicate_entity", nth=2)
    fail(sandbox, FaultKind.LIMIT_DAY, method="get.employees", nth=4, times=None)

    with pytest.raises(DayLimit) as caught:
        create_or_adopt(client, IRA)

    assert caught.value.outcome_unknown
    assert methods(sandbox).count(CREATES) == 2


def test_r18_a_repeat_that_nobody_finds_leaves_the_doubt() -> None:
    answers = iter([httpx.Response(502), {"result": {"id": 7}}])
    nobody = {"result": {"data": [], "metadata": {"total_items": 0}}}

    with pytest.raises(UnknownOutcome, match="7 is not found"):
        create_or_adopt(answering(lambda envelope: next(answers) if envelope["method"] == CREATES else nobody), IRA)


@pytest.mark.parametrize("lowered", [False, True])
@pytest.mark.parametrize("kind", [FaultKind.TIMEOUT_AFTER, FaultKind.RESET_AFTER, FaultKind.EMPTY_BODY])
def test_r18_an_address_that_callgear_stores_in_lower_case_is_found_too(
    client: CallGear, sandbox: Sandbox, lowered: bool, kind: FaultKind
) -> None:
    sandbox.callgear = CallGearBehavior(lowers_emails=lowered)
    fail(sandbox, kind)

    created = create_or_adopt(client, IRA)
    assert list(sandbox.account.employees) == [created]
    assert methods(sandbox).count(CREATES) == 1


def refuse(callgear_id: int) -> None:
    raise IdConflict(f"employee {callgear_id} is not new")


def test_r10_an_id_that_is_refused_makes_the_create_fail_with_its_outcome_unknown(client: CallGear) -> None:
    with pytest.raises(IdConflict, match="is not new") as caught:
        create_or_adopt(client, IRA, verify=refuse)
    assert caught.value.outcome_unknown


def test_r18_an_employee_that_is_looked_up_is_adopted_though_its_id_is_known(
    client: CallGear, sandbox: Sandbox
) -> None:
    fail(sandbox, FaultKind.RESET_AFTER)
    assert [create_or_adopt(client, IRA, verify=refuse)] == list(sandbox.account.employees)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("first", [FaultKind.TIMEOUT_BEFORE, FaultKind.HTTP_502_HTML, FaultKind.INTERNAL_ERROR_BEFORE])
@pytest.mark.parametrize("second", [FaultKind.RESET_AFTER, FaultKind.HTTP_502_HTML, FaultKind.TRUNCATED_BODY])
@pytest.mark.parametrize("lookup", [FaultKind.HTTP_500, FaultKind.TRUNCATED_JSON])
def test_r18_fault_upon_fault_still_makes_one_employee(
    client: CallGear, sandbox: Sandbox, first: FaultKind, second: FaultKind, lookup: FaultKind
) -> None:
    fail(sandbox, first)
    fail(sandbox, second, nth=2)
    fail(sandbox, lookup, method="get.employees", nth=1, times=2)

    created = create_or_adopt(client, IRA)

    assert list(sandbox.account.employees) == [created]


def test_r18_repeats_are_bounded(client: CallGear, sandbox: Sandbox, clock: Clock) -> None:
    fail(sandbox, FaultKind.HTTP_502_HTML, times=None)

    with pytest.raises(UnknownOutcome):
        create_or_adopt(client, IRA)

    assert methods(sandbox).count(CREATES) == 3
    assert clock.waits == [0.75, 30, 30, 30]
    assert sandbox.account.employees == {}


def test_r18_a_full_minute_is_no_doubt(client: CallGear, sandbox: Sandbox) -> None:
    fail(sandbox, FaultKind.LIMIT_MINUTE)

    create_or_adopt(client, IRA)
    assert methods(sandbox) == [CREATES, CREATES]


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.HTTP_502_HTML, UnknownOutcome),
        (FaultKind.TOKEN_BLOCKED, AccountError),
        (FaultKind.IP_NOT_WHITELISTED, AccountError),
        (FaultKind.LIMIT_DAY, DayLimit),
    ],
)
def test_r18_a_look_up_that_fails_leaves_the_doubt_and_says_so(
    client: CallGear, sandbox: Sandbox, kind: FaultKind, error: type[CallGearError]
) -> None:
    fail(sandbox, FaultKind.RESET_AFTER)
    fail(sandbox, kind, method="get.employees", times=None)

    with pytest.raises(error) as caught:
        create_or_adopt(client, IRA)

    assert caught.value.outcome_unknown
    assert methods(sandbox).count(CREATES) == 1


@pytest.mark.parametrize("kind", [FaultKind.TOKEN_BLOCKED, FaultKind.LIMIT_DAY, FaultKind.MNEMONIC])
def test_r18_a_refused_create_leaves_no_doubt(client: CallGear, sandbox: Sandbox, kind: FaultKind) -> None:
    fail(sandbox, kind)

    with pytest.raises(CallGearError) as caught:
        create_or_adopt(client, IRA)

    assert not caught.value.outcome_unknown
    assert methods(sandbox) == [CREATES]


def test_r18_somebody_else_with_the_address_is_not_adopted(client: CallGear, sandbox: Sandbox) -> None:
    other = sandbox.account.add_employee(last_name="Haddad", email="ira@x.test")
    fail(sandbox, FaultKind.RESET_BEFORE)

    with pytest.raises(EmailConflict) as caught:
        create_or_adopt(client, IRA)

    assert caught.value.callgear_ids == (other,)
    assert not caught.value.outcome_unknown
    assert len(sandbox.account.employees) == 1


def test_r18_several_with_the_address_are_for_a_person_to_decide(client: CallGear, sandbox: Sandbox) -> None:
    for last_name in ("(bitrix24) Lebedeva", "Haddad"):
        sandbox.account.add_employee(last_name=last_name, email="ira@x.test")
    fail(sandbox, FaultKind.RESET_BEFORE)

    with pytest.raises(EmailConflict, match="several employees"):
        create_or_adopt(client, IRA)

    assert len(sandbox.account.employees) == 2


@pytest.mark.parametrize("mode", [Mnemonic.DUPLICATE_ENTITY, Mnemonic.ALREADY_IN_USE])
def test_r18_one_who_is_there_already_by_our_name_is_adopted(
    client: CallGear, sandbox: Sandbox, mode: Mnemonic
) -> None:
    sandbox.callgear = CallGearBehavior(duplicate_email=mode)
    callgear_id = sandbox.account.add_employee(last_name="(bitrix24) Lebedeva", email="ira@x.test")

    assert create_or_adopt(client, IRA) == callgear_id


def test_r18_a_duplicate_that_nobody_can_find_stays_an_error(client: CallGear, sandbox: Sandbox) -> None:
    fail(sandbox, FaultKind.MNEMONIC, mnemonic="duplicate_entity")

    with pytest.raises(RecordError) as caught:
        create_or_adopt(client, IRA)

    assert caught.value.fault is RecordFault.DUPLICATE_ENTITY


@pytest.mark.parametrize(
    ("mnemonic", "field"),
    [
        ("already_in_use", "extension.extension_phone_number"),
        ("invalid_parameter_value", "email"),
        ("data_limit_exceeded", None),
    ],
)
def test_r18_one_bad_record_fails_alone(client: CallGear, sandbox: Sandbox, mnemonic: str, field: str | None) -> None:
    fail(sandbox, FaultKind.MNEMONIC, mnemonic=mnemonic, field=field)

    with pytest.raises(RecordError) as caught:
        create_or_adopt(client, IRA)

    assert (caught.value.mnemonic, caught.value.field) == (mnemonic, field)
    assert methods(sandbox) == [CREATES]


def test_r18_many_at_once_with_faults_among_them_make_one_employee_each(client: CallGear, sandbox: Sandbox) -> None:
    people = [NewEmployee(last_name=f"Number {number}", email=f"n{number}@x.test") for number in range(40)]
    for nth, kind in enumerate(
        (FaultKind.RESET_AFTER, FaultKind.RESET_BEFORE, FaultKind.EMPTY_BODY, FaultKind.HTTP_500)
    ):
        fail(sandbox, kind, nth=5 + 7 * nth)

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda new: create_or_adopt(client, new), people))

    assert sorted(results) == sorted(sandbox.account.employees)
    assert len({employee["email"] for employee in sandbox.account.employees.values()}) == len(people) == len(results)


def test_a_person_s_data_is_not_in_what_is_shown_of_it() -> None:
    assert repr(IRA) == "NewEmployee()"


def test_adopting_needs_a_fresh_look_at_the_one_found() -> None:
    rows = iter([[{"id": 1, "email": "ira@x.test"}], []])

    def response(envelope: dict[str, Any]) -> Any:
        if envelope["method"] == CREATES:
            return httpx.Response(502)
        found = next(rows)
        return {"result": {"data": found, "metadata": {"total_items": len(found)}}}

    with pytest.raises(EmailConflict):
        create_or_adopt(answering(response), IRA)
