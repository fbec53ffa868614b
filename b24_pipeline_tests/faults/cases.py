"""The fault matrix as a table: which call meets which fault, at which of its occurrences, and how the run may end."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import cycle

from b24_pipeline.rules.models import RunStatus
from b24_pipeline.sandbox import Fault, FaultKind
from b24_pipeline_tests import scenarios
from b24_pipeline_tests.scenarios import Scenario

DONE, PARTIAL, FAILED = RunStatus.DONE, RunStatus.PARTIAL, RunStatus.FAILED


class Position(Enum):
    """Which of a call's occurrences in the run meets the fault."""

    FIRST = "first"
    MIDDLE = "middle"
    LAST = "last"

    def nth(self, calls: int) -> int:
        """The 1-based number of the call, of so many."""
        return {Position.FIRST: 1, Position.MIDDLE: (calls + 1) // 2, Position.LAST: calls}[self]


@dataclass(frozen=True)
class Mnemonic:
    """An error of CallGear that is about one record, one method, or our request."""

    code: int
    word: str
    field: str | None = None


@dataclass(frozen=True)
class Case:
    """One case of the matrix.

    Attributes:
        scenario: the company.
        api: the system that fails.
        method: the call that fails.
        kind: how it fails.
        position: at which occurrence.
        ends: how the run ends.
        mnemonic: for FaultKind.MNEMONIC.
        in_flight: requests of CallGear in flight.
    """

    scenario: Scenario
    api: str
    method: str
    kind: FaultKind
    position: Position
    ends: RunStatus
    mnemonic: Mnemonic | None = None
    in_flight: int = 1

    def __str__(self) -> str:
        what = f"{self.mnemonic.word}{self.mnemonic.code}" if self.mnemonic else self.kind.name
        crowd = f"-{self.in_flight} in flight" if self.in_flight > 1 else ""
        return f"{self.scenario.name}-{self.method}-{what}-{self.position.value}{crowd}"

    def faults(self, calls: int) -> list[Fault]:
        """What to arm, when the method is called so often."""
        nth = self.position.nth(calls)
        if self.method == "login.user" and self.position is Position.LAST:
            nth = 2
        fault = Fault(kind=self.kind, api=self.api, method=self.method, nth=nth)
        if self.mnemonic is not None:
            error = self.mnemonic
            fault = Fault(
                kind=self.kind,
                api=self.api,
                method=self.method,
                nth=nth,
                code=error.code,
                mnemonic=error.word,
                field=error.field,
            )
        return [EXPIRY, fault] if self.method == "login.user" and self.position is Position.LAST else [fault]


EXPIRY = Fault(kind=FaultKind.TOKEN_EXPIRED, api="callgear", method="create.employees", nth=1)
"""Makes the client log in again, so that `login.user` occurs twice."""

TRANSPORT = (
    FaultKind.CONNECTION_REFUSED,
    FaultKind.RESET_BEFORE,
    FaultKind.RESET_AFTER,
    FaultKind.TIMEOUT_BEFORE,
    FaultKind.TIMEOUT_AFTER,
    FaultKind.HTTP_500,
    FaultKind.HTTP_502_HTML,
    FaultKind.HTTP_502_AFTER,
    FaultKind.OK_HTML,
    FaultKind.EMPTY_BODY,
    FaultKind.TRUNCATED_BODY,
    FaultKind.TRUNCATED_JSON,
    FaultKind.HEADERS_DRIP,
    FaultKind.INTERNAL_ERROR_BEFORE,
    FaultKind.INTERNAL_ERROR_AFTER,
    FaultKind.REDIRECT_302,
)
ACCOUNT = (
    FaultKind.TOKEN_INVALID,
    FaultKind.TOKEN_EXPIRED,
    FaultKind.TOKEN_BLOCKED,
    FaultKind.IP_NOT_WHITELISTED,
    FaultKind.ACCOUNT_INACTIVE,
)
CALLGEAR_KINDS = (*TRANSPORT, *ACCOUNT, FaultKind.LIMIT_MINUTE, FaultKind.LIMIT_DAY)
PORTAL_ENDS: Mapping[FaultKind, RunStatus] = {
    **dict.fromkeys(TRANSPORT, DONE),
    FaultKind.QUERY_LIMIT_EXCEEDED: DONE,
    FaultKind.OPERATION_TIME_LIMIT: DONE,
    FaultKind.OVERLOAD_LIMIT: FAILED,
    FaultKind.WEBHOOK_REVOKED_401: FAILED,
    FaultKind.WEBHOOK_REVOKED_403: FAILED,
    **dict.fromkeys(
        (
            FaultKind.WEBHOOK_MISTYPED,
            FaultKind.PAYMENT_REQUIRED,
            FaultKind.PORTAL_DELETED,
            FaultKind.OWNER_IN_EXTRANET,
            FaultKind.PLAN_WITHOUT_REST,
            FaultKind.WRONG_ENCODING,
            FaultKind.EMPTY_CODE,
            FaultKind.LOGIN_REQUIRED,
            FaultKind.FORBIDDEN_PAGE,
            FaultKind.NOT_FOUND_PAGE,
            FaultKind.LOGIN_PAGE,
            FaultKind.OTHER_JSON,
        ),
        FAILED,
    ),
    **dict.fromkeys(
        (FaultKind.PORTAL_CLOSED, FaultKind.WARNING_BEFORE, FaultKind.PAGE_AFTER, FaultKind.ANSWER_TWICE), DONE
    ),
}

AFTER = (
    FaultKind.RESET_AFTER,
    FaultKind.TIMEOUT_AFTER,
    FaultKind.HTTP_502_AFTER,
    FaultKind.EMPTY_BODY,
    FaultKind.TRUNCATED_BODY,
    FaultKind.TRUNCATED_JSON,
    FaultKind.INTERNAL_ERROR_AFTER,
)
"""The server acted and the client does not hear of it."""

LATE = (*AFTER, FaultKind.HTTP_504_LATER)
"""The same, and the act that comes after the answer."""

DANGEROUS = (
    FaultKind.RESET_AFTER,
    FaultKind.TIMEOUT_BEFORE,
    FaultKind.TRUNCATED_JSON,
    FaultKind.INTERNAL_ERROR_AFTER,
    FaultKind.TOKEN_BLOCKED,
    FaultKind.LIMIT_DAY,
    FaultKind.OPERATION_TIME_LIMIT,
    FaultKind.OVERLOAD_LIMIT,
    FaultKind.WEBHOOK_REVOKED_401,
)
"""One of each sort, for calls or further scenarios of a call whose like was tried with every fault already."""

CROWDED = (
    FaultKind.TIMEOUT_AFTER,
    FaultKind.INTERNAL_ERROR_AFTER,
    FaultKind.LIMIT_MINUTE,
    FaultKind.LIMIT_DAY,
    FaultKind.TOKEN_BLOCKED,
)
"""Faults that are also tried with eight requests in flight."""

CALLS = (
    (scenarios.FIRST, "create.employees"),
    (scenarios.FIRST, "update.employees"),
    (scenarios.FIRST, "get.employees"),
    (scenarios.LEAVERS, "get.deal_employees"),
    (scenarios.LEAVERS, "delete.deal_employees"),
    (scenarios.MIRROR, "create.deal_employees"),
    (scenarios.MIRROR, "update.deal_employees"),
    (scenarios.ECHO, "get.sip_lines"),
    (scenarios.LOGIN_SCENARIO, "login.user"),
)
"""Every call that the import makes to CallGear; each meets every fault."""

FURTHER_CALLS = (
    (scenarios.ECHO, "update.employees"),
    (scenarios.CLEARING, "update.employees"),
    (scenarios.CLEARING, "get.employees"),
    (scenarios.HIDING, "batch"),
    (scenarios.COUNTING_ALONE, "user.get"),
)

PORTAL_CALLS = ((scenarios.LEAVERS, "batch"),)
PORTAL_METHODS = frozenset({"batch", "user.get"})
"""All that the import calls of Bitrix24."""

CHECKED = ("get.employees", "get.account", "getobj.account", "get.deal_employees")
"""The calls of `b24-pipeline check` to CallGear; to Bitrix24 it sends one batch, as the sensor does."""

RECORD = (
    Mnemonic(-32602, "invalid_parameter_value", "phone_numbers.phone_number"),
    Mnemonic(-32602, "invalid_parameters_combination"),
    Mnemonic(-32602, "error"),
    Mnemonic(-32602, "data_limit_exceeded"),
    Mnemonic(-32602, "forbidden"),
    Mnemonic(-32602, "some_new_word"),
    Mnemonic(-32007, "some_number_is_taken"),
)
OURS = (
    Mnemonic(-32602, "unexpected_parameters", "nonsense"),
    Mnemonic(-32602, "data_type_error", "last_name"),
    Mnemonic(-32602, "required_parameter_missed", "last_name"),
    Mnemonic(-32600, "invalid_request"),
    Mnemonic(-32700, "parse_error"),
)
METHOD = (
    Mnemonic(-32003, "forbidden"),
    Mnemonic(-32601, "method_not_found"),
    Mnemonic(-32008, "method_component_disabled"),
    Mnemonic(-32008, "parameter_component_disabled"),
    Mnemonic(-32602, "tariff_restrictions"),
)
STOP = (Mnemonic(-32001, "auth_error"), Mnemonic(-32055, "some_new_code"))

MNEMONICS: tuple[tuple[Scenario, str, tuple[Mnemonic, ...], RunStatus], ...] = (
    (scenarios.FIRST, "create.employees", (*RECORD, *OURS, *METHOD), PARTIAL),
    (
        scenarios.FIRST,
        "create.employees",
        (Mnemonic(-32602, "duplicate_entity"), Mnemonic(-32602, "already_in_use", "email")),
        PARTIAL,
    ),
    (scenarios.FIRST, "create.employees", STOP, FAILED),
    (scenarios.FIRST, "update.employees", (*RECORD[:3], *OURS[:2], *METHOD[:2]), PARTIAL),
    (scenarios.FIRST, "update.employees", (Mnemonic(-32602, "entity_not_found", "id"),), PARTIAL),
    (scenarios.FIRST, "update.employees", (Mnemonic(-32602, "required_parameter_missed", "phone_numbers"),), DONE),
    (scenarios.FIRST, "update.employees", STOP[:1], FAILED),
    (scenarios.LEAVERS, "delete.deal_employees", (Mnemonic(-32602, "dependency_error", "ext_id"),), PARTIAL),
    (scenarios.LEAVERS, "delete.deal_employees", (RECORD[0], OURS[0], METHOD[0]), PARTIAL),
    (scenarios.LEAVERS, "get.deal_employees", METHOD[:3], DONE),
    (scenarios.MIRROR, "create.deal_employees", (RECORD[0], METHOD[0]), PARTIAL),
    (scenarios.MIRROR, "update.deal_employees", (RECORD[1], Mnemonic(-32602, "entity_not_found", "ext_id")), PARTIAL),
    (scenarios.ECHO, "get.sip_lines", METHOD[:3], DONE),
    (scenarios.LOGIN_SCENARIO, "login.user", STOP, FAILED),
)


def ends(scenario: Scenario, method: str, kind: FaultKind) -> RunStatus:
    """How a run ends in which a call of CallGear fails so once."""
    if kind in ACCOUNT:
        renewed = scenario is scenarios.LOGIN_SCENARIO and method != "login.user"
        return DONE if renewed and kind in (FaultKind.TOKEN_INVALID, FaultKind.TOKEN_EXPIRED) else FAILED
    return PARTIAL if kind is FaultKind.LIMIT_DAY else DONE


def positions_of(scenario: Scenario, method: str) -> tuple[Position, ...]:
    """The positions that differ in the scenario."""
    calls = 2 if method == "login.user" else scenario.calls[method]
    return {1: (Position.FIRST,), 2: (Position.FIRST, Position.LAST)}.get(calls, tuple(Position))


def usual_cases() -> Iterator[Case]:
    """The sample of `make test`: every fault at some calls, every call with some faults, the positions in turn."""
    yield from in_turn(CALLS, CALLGEAR_KINDS, share=2)
    yield from in_turn(PORTAL_CALLS, tuple(PORTAL_ENDS), share=1)
    yield from in_turn(FURTHER_CALLS, DANGEROUS, share=1)
    yield from (case_of(*CALLS[0], kind, position) for kind in LATE for position in Position)
    yield from mnemonic_cases()
    yield from (replace(case_of(*call, kind, Position.MIDDLE), in_flight=8) for call in CALLS[:2] for kind in CROWDED)


def whole_cases() -> Iterator[Case]:
    """The whole product, for `make matrix`: the sample first, then everything else."""
    yield from usual_cases()
    for call in (*CALLS, *FURTHER_CALLS, *PORTAL_CALLS):
        for kind in kinds_of(call[1]):
            yield from (case_of(*call, kind, position) for position in positions_of(*call))


def in_turn(calls: Sequence[tuple[Scenario, str]], kinds: Sequence[FaultKind], *, share: int) -> Iterator[Case]:
    """Each call with each `share`th fault that it can meet, beginning with another one; the positions in turn."""
    for number, call in enumerate(calls):
        applicable = [kind for kind in kinds if kind in kinds_of(call[1])]
        for kind, position in zip(applicable[number % share :: share], cycle(positions_of(*call)), strict=False):
            yield case_of(*call, kind, position)


def kinds_of(method: str) -> Collection[FaultKind]:
    """The faults that a call can meet."""
    return PORTAL_ENDS if method in PORTAL_METHODS else CALLGEAR_KINDS


def case_of(scenario: Scenario, method: str, kind: FaultKind, position: Position) -> Case:
    """A case with the end that follows from the fault."""
    if method in PORTAL_METHODS:
        return Case(scenario, "bitrix24", method, kind, position, PORTAL_ENDS[kind])
    return Case(scenario, "callgear", method, kind, position, ends(scenario, method, kind))


def mnemonic_cases() -> Iterator[Case]:
    """Errors that are about one record, one method, or our request; the positions in turn."""
    for scenario, method, words, status in MNEMONICS:
        for word, position in zip(words, cycle(positions_of(scenario, method)), strict=False):
            yield Case(scenario, "callgear", method, FaultKind.MNEMONIC, position, status, mnemonic=word)


def once_each(cases: Iterable[Case]) -> list[Case]:
    """The cases, each once."""
    return list({str(case): case for case in cases}.values())
