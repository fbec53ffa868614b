"""What the CallGear contract leaves open (section 10), one switch each; the defaults are that section's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum

from b24_pipeline.sandbox.types import Json


class Component(StrEnum):
    """The paid parts of an account that methods and parameters need (contract 4.3)."""

    SALES_FUNNEL = "sales_funnel"
    VIRTUAL_PBX = "va"
    RECORDING = "recording"
    COACH = "coach"
    CONSULTANT = "consultant"
    CONFIGURATION = "data_api_configuration"


class Right(StrEnum):
    """The client-area rights that methods need (contract 4.3)."""

    SELECT_EMPLOYEES = "employees.select"
    INSERT_EMPLOYEES = "employees.insert"
    UPDATE_EMPLOYEES = "employees.update"
    DELETE_EMPLOYEES = "employees.delete"
    SELECT_PBX = "va.select"


class TokenState(Enum):
    """The state of the permanent key; each but VALID is the mnemonic it is refused with."""

    VALID = "valid"
    INVALID = "access_token_invalid"
    EXPIRED = "access_token_expired"
    BLOCKED = "access_token_blocked"


class ErrorId(Enum):
    """The ``id`` of error answers."""

    ECHOED = "echoed"  # null for parse, request, token and IP errors
    ALWAYS_NULL = "always null"


class CheckOrder(Enum):
    """Which of two account checks comes first."""

    TOKEN_FIRST = "token before IP"  # noqa: S105 - an order of checks
    IP_FIRST = "IP before token"


class Window(Enum):
    """How a points budget is refilled."""

    FIXED = "fixed"
    SLIDING = "sliding"


class Metadata(Enum):
    """The metadata of answers."""

    PRESENT = "present"
    EMPTY_LIMITS = "limits: {}"
    MISSING = "missing"


class WriteResult(Enum):
    """The result of create, update and delete of employees."""

    BARE = "as documented"
    WRAPPED = "data and metadata"


class PhonesOmitted(Enum):
    """``update.employees`` without ``phone_numbers`` (contract 5.5)."""

    ACCEPTED = "accepted, phones kept"
    REQUIRED = "required_parameter_missed"
    CLEARING = "accepted, phones cleared"


class DemandedAs(Enum):
    """The ``field`` with which an update without ``phone_numbers`` is refused (contract 4.1: optional, depth open)."""

    PLAIN = "phone_numbers"
    NESTED = "employee.phone_numbers"
    NOT_NAMED = None


class LastNameOmitted(Enum):
    """``update.employees`` without ``last_name`` (contract 5.5)."""

    REQUIRED = "required_parameter_missed"
    ACCEPTED = "accepted"


class OmittedPhoneSettings(Enum):
    """What becomes of phone settings that an update does not name (contract 5.3)."""

    KEPT = "kept"
    RESET = "reset to 1, 60, active"


class SipEcho(Enum):
    """What becomes of a SIP entry that is written back (contract 5.3)."""

    KEPT_BY_PHONE_ID = "kept if phone_id is sent"
    ALWAYS_LOST = "always lost"


class DuplicateEmail(Enum):
    """A second employee with an e-mail address (contract 5.6)."""

    ACCEPTED = "accepted"
    DUPLICATE_ENTITY = "duplicate_entity"
    ALREADY_IN_USE = "already_in_use"


class CreatedId(Enum):
    """The id that ``create.employees`` answers with."""

    OWN = "the new employee's"
    WRONG = "the account's first employee's, though a new one is created"
    EXISTING = "the account's first employee's, and none is created"


class EmailCase(Enum):
    """How an e-mail address is stored."""

    AS_SENT = "as sent"
    LOWERED = "lower case"


class DuplicateExtension(Enum):
    """A second employee with an extension number (contract 5.6)."""

    ALREADY_IN_USE = "already_in_use"
    ACCEPTED = "accepted"


class TooManyPhones(Enum):
    """More than ten phones; each is the mnemonic it is refused with."""

    INVALID_VALUE = "invalid_parameter_value"
    DATA_LIMIT = "data_limit_exceeded"


class PhoneCharacters(Enum):
    """Other characters than digits in a phone number."""

    REFUSED = "invalid_parameter_value"
    PLUS_STRIPPED = "accepted, + stripped"


class KnownOwner(Enum):
    """``create.deal_employees`` for an ``ext_id`` that is listed."""

    DUPLICATE_ENTITY = "duplicate_entity"
    SILENT_SUCCESS = "silent success"


class OwnerWithDeals(Enum):
    """``delete.deal_employees`` for an owner of deals."""

    DEPENDENCY_ERROR = "dependency_error"
    DELETED = "deleted"


class RowOrder(Enum):
    """Order of rows without ``sort``."""

    BY_ID = "ascending id"
    SHUFFLED = "another at each call"


class ExpiredSession(Enum):
    """The mnemonic for a session after its hour."""

    INVALID = "access_token_invalid"
    EXPIRED = "access_token_expired"


class OtherImporter(Enum):
    """Somebody else who imports the same people into the account (later findings of the contract)."""

    NONE = "nobody"
    AHEAD = "creates everybody after the first read of the employees"
    ALONGSIDE = "creates whom we create, right after us"


@dataclass(frozen=True, slots=True)
class CallGearBehaviour:
    """The switches of the account.

    Attributes:
        token: state of the permanent key.
        ip_whitelisted: False refuses every caller.
        account_active: False refuses every call.
        is_agent: the key is an agent's, so ``user_id`` is mandatory.
        components: the parts of CallGear the account has.
        rights: what the key may do.
        session_seconds: life of a session.
        expired_session: how a dead session is refused.
        check_order: token or IP first.
        error_http_status: HTTP status of error answers.
        error_id: the id in error answers.
        minute_limit: points a minute.
        day_limit: points a day.
        window: how the budgets refill.
        metadata: the metadata of answers.
        total_items_error: added to every ``total_items``.
        write_result: the result of employee writes.
        phones_omitted: update without phone numbers.
        demanded_as: how a refused update without phone numbers names them.
        last_name_omitted: update without last name.
        omitted_phone_settings: update that does not name every phone setting.
        sip_echo: a SIP entry written back.
        duplicate_email: a second employee with an address.
        created_id: the id that a create answers with.
        email_case: how addresses are stored.
        duplicate_extension: a second employee with an extension.
        too_many_phones: more than ten phones.
        phone_characters: other characters than digits in a phone.
        known_owner: creating a listed deal owner.
        owner_with_deals: deleting an owner of deals.
        owners_reappear: a deleted owner is listed again (the built-in CRM integration's sync).
        row_order: order of rows without sort.
        other_importer: somebody else who imports the same people, with another prefix.
        app_id: the account's number; another one is another account behind the same host.
        malformed: what comes in place of an entity's own fields, by its id: no answer is always as described.
    """

    token: TokenState = TokenState.VALID
    ip_whitelisted: bool = True
    account_active: bool = True
    is_agent: bool = False
    components: frozenset[Component] = frozenset(Component)
    rights: frozenset[Right] = frozenset(Right)
    session_seconds: float = 3600
    expired_session: ExpiredSession = ExpiredSession.INVALID
    check_order: CheckOrder = CheckOrder.TOKEN_FIRST
    error_http_status: int = 200
    error_id: ErrorId = ErrorId.ECHOED
    minute_limit: int = 60
    day_limit: int = 3000
    window: Window = Window.FIXED
    metadata: Metadata = Metadata.PRESENT
    total_items_error: int = 0
    write_result: WriteResult = WriteResult.BARE
    phones_omitted: PhonesOmitted = PhonesOmitted.ACCEPTED
    demanded_as: DemandedAs = DemandedAs.PLAIN
    last_name_omitted: LastNameOmitted = LastNameOmitted.REQUIRED
    omitted_phone_settings: OmittedPhoneSettings = OmittedPhoneSettings.KEPT
    sip_echo: SipEcho = SipEcho.KEPT_BY_PHONE_ID
    duplicate_email: DuplicateEmail = DuplicateEmail.ACCEPTED
    created_id: CreatedId = CreatedId.OWN
    email_case: EmailCase = EmailCase.AS_SENT
    duplicate_extension: DuplicateExtension = DuplicateExtension.ALREADY_IN_USE
    too_many_phones: TooManyPhones = TooManyPhones.INVALID_VALUE
    phone_characters: PhoneCharacters = PhoneCharacters.REFUSED
    known_owner: KnownOwner = KnownOwner.DUPLICATE_ENTITY
    owner_with_deals: OwnerWithDeals = OwnerWithDeals.DEPENDENCY_ERROR
    owners_reappear: bool = False
    row_order: RowOrder = RowOrder.BY_ID
    other_importer: OtherImporter = OtherImporter.NONE
    app_id: int = 31_337
    malformed: Mapping[int, Mapping[str, Json]] = field(default_factory=dict)
