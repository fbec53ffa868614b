"""What the CallGear contract leaves open (section 10), one switch each; the defaults are that section's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum

from b24_pipeline.sandbox.callgear.errors import Mnemonic
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


class Metadata(Enum):
    PRESENT = "present"
    EMPTY_LIMITS = "limits: {}"
    MISSING = "missing"


class PhonesOmitted(Enum):
    """``update.employees`` without ``phone_numbers`` (contract 5.5)."""

    ACCEPTED = "accepted, phones kept"
    REQUIRED = "required_parameter_missed"
    CLEARING = "accepted, phones cleared"


class CreatedId(Enum):
    """The id that ``create.employees`` answers with."""

    OWN = "the new employee's"
    WRONG = "the account's first employee's, though a new one is created"
    EXISTING = "the account's first employee's, and none is created"


class OtherImporter(Enum):
    """Somebody else who imports the same people into the account (later findings of the contract)."""

    NONE = "nobody"
    AHEAD = "creates everybody after the first read of the employees"
    ALONGSIDE = "creates whom we create, right after us"


@dataclass(frozen=True, slots=True)
class CallGearBehavior:
    """The switches of the account."""

    token_refusal: Mnemonic | None = None  # how the permanent key is refused; None where it is valid
    ip_whitelisted: bool = True  # False refuses every caller
    account_active: bool = True  # False refuses every call
    is_agent: bool = False  # the key is an agent's, so ``user_id`` is mandatory
    components: frozenset[Component] = frozenset(Component)  # the parts of CallGear the account has
    rights: frozenset[Right] = frozenset(Right)  # what the key may do
    session_seconds: float = 3600  # life of a session
    expired_session: Mnemonic = Mnemonic.ACCESS_TOKEN_INVALID  # how a dead session is refused
    checks_ip_first: bool = False  # the IP address is checked before the token, else after it
    error_http_status: int = 200  # HTTP status of error answers
    echoes_error_id: bool = True  # error answers carry the id of the call, but for parse, request, token and IP errors
    minute_limit: int = 60  # points a minute
    day_limit: int = 3000  # points a day
    sliding_window: bool = False  # the budgets refill point by point, else at once at whole minutes and days
    metadata: Metadata = Metadata.PRESENT
    total_items_error: int = 0  # added to every ``total_items``
    wraps_write_result: bool = False  # employee writes answer with data and metadata, else with the bare result
    phones_omitted: PhonesOmitted = PhonesOmitted.ACCEPTED
    # the ``field`` with which a refused update without phone numbers names them (contract 4.1)
    demanded_as: str | None = "phone_numbers"
    requires_last_name: bool = True  # an update without last name is refused (contract 5.5)
    resets_phone_settings: bool = False  # what an update does not name of a phone is reset, else kept (contract 5.3)
    # a SIP entry written back loses its line, else only without its ``phone_id`` (contract 5.3)
    loses_sip_entries: bool = False
    # how a second employee with an e-mail address is refused; None accepts it (contract 5.6)
    duplicate_email: Mnemonic | None = None
    created_id: CreatedId = CreatedId.OWN  # the id that a create answers with
    lowers_emails: bool = False  # e-mail addresses are stored in lower case, else as sent
    too_many_phones: Mnemonic = Mnemonic.INVALID_PARAMETER_VALUE  # how more than ten phones are refused
    strips_plus: bool = False  # a plus before a phone number is stripped, else refused
    accepts_known_owner: bool = False  # creating a listed deal owner changes nothing, else is refused
    deletes_owners_with_deals: bool = False  # owners of deals can be deleted
    owners_reappear: bool = False  # a deleted owner is listed again (the built-in CRM integration's sync)
    shuffles_rows: bool = False  # rows without ``sort`` come in another order at each call, else by id
    other_importer: OtherImporter = OtherImporter.NONE  # somebody else who imports the same people, with another prefix
    app_id: int = 31_337  # the account's number; another one is another account behind the same host
    # what comes in place of an entity's own fields, by its id: no answer is always as described
    malformed: Mapping[int, Mapping[str, Json]] = field(default_factory=dict)
