"""Exceptions of the CallGear client, as one tree.

CallGearError
├── RetryableError          may work later
│   ├── TransportError      no usable answer
│   │   ├── NotSent         the request did not reach CallGear: nothing happened there
│   │   └── UnknownOutcome  it may or may not have acted
│   └── MinuteLimit         the minute's points are used up
├── DayLimit                the day's points, or our share of them, are used up: defer the rest
├── DeadlinePassed          a wait would pass the run's deadline: defer the rest
├── AccountError            token, IP address or account: stop the run
├── MethodError             every call of this kind will fail: skip the step
│   ├── UpdatesHalted       an update took away what it must not touch: halt all updates
│   └── DuplicatesFound     somebody else imports into the account: halt all creates
├── CreatedMeanwhile        somebody else has just created this person: defer it
├── RecordError             only this person or entry fails
│   ├── SipNumberError      an echo could turn SIP numbers into dead ones: a person has to edit
│   ├── EmailConflict       the e-mail belongs to somebody else, or to several
│   └── IdConflict          a create answered with the id of somebody else's employee
├── StaleLossError          an update of long ago may have taken something away: a person has to look
├── RequestError            our request is malformed: a bug, not to be repeated
└── IncompleteReadError     a read is not provably complete

No text of an exception holds a token, an e-mail address or a phone number.
"""

# ruff: noqa: N818 - they are named for what happened

from collections.abc import Sequence
from enum import StrEnum


class AccountFault(StrEnum):
    """Errors of the account or of the way to it (contract 4.2, category FATAL)."""

    TOKEN_INVALID = "access_token_invalid"  # noqa: S105
    TOKEN_EXPIRED = "access_token_expired"  # noqa: S105
    TOKEN_BLOCKED = "access_token_blocked"  # noqa: S105
    WRONG_LOGIN = "auth_error"
    IP_NOT_WHITELISTED = "ip_not_whitelisted"
    INACTIVE = "account_inactive"
    CERTIFICATE = "certificate"
    PROXY = "proxy"
    UNKNOWN = "unknown"


class RecordFault(StrEnum):
    """Errors of one record (contract 4.2, category RECORD); the last ones are found by this client."""

    DEPENDENCY_ERROR = "dependency_error"
    ENTITY_NOT_FOUND = "entity_not_found"
    DUPLICATE_ENTITY = "duplicate_entity"
    ALREADY_IN_USE = "already_in_use"
    DATA_LIMIT_EXCEEDED = "data_limit_exceeded"
    INVALID_PARAMETER_VALUE = "invalid_parameter_value"
    INVALID_PARAMETERS_COMBINATION = "invalid_parameters_combination"
    REQUIRED_PARAMETER_MISSED = "required_parameter_missed"
    SYSTEM_ENTITY = "forbidden"
    OTHER = "error"
    NOT_STORED = "not_stored"
    SIP_NUMBERS = "sip_numbers"
    EMAIL_CONFLICT = "email_conflict"
    UNREADABLE = "unreadable"
    ID_CONFLICT = "id_conflict"


class CallGearError(Exception):
    """Anything that went wrong between us and CallGear.

    `outcome_unknown` is true when a write may have happened all the same: what it wrote has to be looked up before
    anything else is sent for that person (R18).
    """

    outcome_unknown = False


class RetryableError(CallGearError):
    """The same request may work later."""


class TransportError(RetryableError):
    """There was no answer, or none that is one (contract 1.1)."""


class NotSent(TransportError):
    """No connection came about: nothing happened at CallGear."""


class UnknownOutcome(TransportError):
    """Time-out, reset, broken or empty body, 5xx or `internal_error`: it may or may not have acted (T3)."""

    outcome_unknown = True


class MinuteLimit(RetryableError):
    """The minute's points are used up; `resets_in` seconds are left of that minute."""

    def __init__(self, message: str, *, resets_in: float) -> None:
        super().__init__(message)
        self.resets_in = resets_in


class DayLimit(CallGearError):
    """The day's points, or our share of them, are used up: defer the rest.

    `resets_in` seconds are left of that day, when known.
    """

    def __init__(self, message: str, *, resets_in: float | None) -> None:
        super().__init__(message)
        self.resets_in = resets_in


class DeadlinePassed(CallGearError):
    """The run's deadline has passed, or the wait that is needed would pass it: defer the rest. Nothing was sent."""


class AccountError(CallGearError):
    """The account, the token or the caller's IP address: stop the run. The text is one line that says what to do."""

    def __init__(self, message: str, *, fault: AccountFault) -> None:
        super().__init__(message)
        self.fault = fault

    @property
    def renewable(self) -> bool:
        """Return whether a new login may mend it (contract 1.3)."""
        return self.fault in (AccountFault.TOKEN_INVALID, AccountFault.TOKEN_EXPIRED)


class _RefusedCall(CallGearError):
    """Not this record is wrong, but the call: `method` and `mnemonic` say which and why."""

    def __init__(self, message: str, *, method: str, mnemonic: str) -> None:
        super().__init__(message)
        self.method = method
        self.mnemonic = mnemonic


class RequestError(_RefusedCall):
    """Our request is malformed (contract 4.2, category CLIENT): the same for every record, so repeating is useless."""


class MethodError(_RefusedCall):
    """Every call of this method will fail: a right, a component, the tariff, or the method itself: skip the step."""


class UpdatesHalted(MethodError):
    """An update took something away and it could not be put back (contract 5.5): no update is sent any more."""

    def __init__(self, reason: str) -> None:
        text = f"update.employees: {reason}; compare it with the audit manually"
        super().__init__(text, method="update.employees", mnemonic="updates_unsafe")


class DuplicatesFound(MethodError):
    """Somebody else imports into the account: no employee is created until a person has settled it (R16b)."""

    def __init__(self, message: str) -> None:
        super().__init__(message, method="create.employees", mnemonic="duplicates_found")


class CreatedMeanwhile(CallGearError):
    """Somebody else has created this person since the account was read: defer it; nothing was sent (R16b)."""


class RecordError(CallGearError):
    """Only this record fails. `mnemonic` and `field` are as received, if they were; branch on `fault`."""

    def __init__(
        self, message: str, *, fault: RecordFault, mnemonic: str | None = None, field: str | None = None
    ) -> None:
        super().__init__(message)
        self.fault = fault
        self.mnemonic = fault.value if mnemonic is None else mnemonic
        self.field = field


class SipNumberError(RecordError):
    """The employee has SIP numbers, which an echo could make useless (T8): edit this person by hand."""

    def __init__(self, message: str) -> None:
        super().__init__(message, fault=RecordFault.SIP_NUMBERS, field="phone_numbers")


class EmailConflict(RecordError):
    """After a create of unknown outcome: the e-mail is held by somebody else, or by several employees."""

    def __init__(self, callgear_ids: Sequence[int]) -> None:
        owners = "several employees" if len(callgear_ids) > 1 else "another employee"
        message = f"the e-mail belongs to {owners} in CallGear: {', '.join(map(str, callgear_ids))}"
        super().__init__(message, fault=RecordFault.EMAIL_CONFLICT, field="email")
        self.callgear_ids = tuple(callgear_ids)


class IdConflict(RecordError):
    """A create answered with the id of an employee that is linked with another user: no link moves."""

    outcome_unknown = True

    def __init__(self, message: str) -> None:
        super().__init__(message, fault=RecordFault.ID_CONFLICT, field="id")


class StaleLossError(CallGearError):
    """An update, or a person since, removed fields too long ago to restore them: a person has to look."""


class IncompleteReadError(CallGearError):
    """A read that is not provably complete, even after a retry (T22)."""
