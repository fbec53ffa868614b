"""What the Bitrix24 contract leaves open (section 10), one switch each; the defaults are the documented sample."""

from dataclasses import dataclass, field
from enum import Enum


class TimestampStyle(Enum):
    """How ``TIMESTAMP_X`` and ``LAST_ACTIVITY_DATE`` arrive (contract 2.6)."""

    AS_SAMPLED = "as sampled"  # {} in user.get, local text in batch
    EMPTY_OBJECT = "{}"
    LOCAL_TEXT = "24.08.2023 13:19:39"
    ISO = "2023-08-24T13:19:39+03:00"
    ABSENT = "absent"


class BlankStyle(Enum):
    """How a field without a value arrives (contract 2.6)."""

    MIXED = "mixed"  # "" for users with an odd id, absent for the others, as in the official sample
    EMPTY_STRING = '""'
    ABSENT = "absent"
    NULL = "null"
    FALSE = "false"
    EMPTY_LIST = "[]"
    EMPTY_OBJECT = "{}"


class DepartmentTree(Enum):
    """What ``department.get`` shows of the tree (contract 6)."""

    SOUND = "each department below another one, but for the topmost"
    CYCLE = "the topmost department is below the last one"
    WITHOUT_TOP = "the topmost department is not listed"


class NoDepartmentStyle(Enum):
    """How ``UF_DEPARTMENT`` arrives for who has none; the value is its JSON, if it has one of its own."""

    AS_OTHERS = ""  # as other fields without a value: see `blanks`
    ZERO = "0"
    ZERO_TEXT = '"0"'
    LIST_OF_ZERO = "[0]"
    LIST_OF_ZERO_TEXT = '["0"]'
    FALSE = "false"
    LIST_OF_FALSE = "[false]"
    EMPTY_LIST = "[]"
    EMPTY_OBJECT = "{}"
    NULL = "null"
    EMPTY_TEXT = '""'


class ScopeStyle(Enum):
    """How ``scope`` lists the scopes (contract, later findings)."""

    LIST = "list"
    NUMBERED = "map from number to name"
    FLAGS = "map from name to true"


class UserTypeStyle(Enum):
    """How ``USER_TYPE`` arrives, which is in no scope's list (contract 2.6)."""

    RETURNED = "returned"
    BLANK = "without a value"  # as other fields without one: see `blanks`
    ABSENT = "absent"


class AdminMode(Enum):
    """What ``ADMIN_MODE`` does (contract 2.1: not documented)."""

    HEEDED = "lists everybody to an administrator"
    IGNORED = "nothing"
    ADMINISTRATORS_ONLY = "refused to others with ACCESS_DENIED"
    UNKNOWN = "refused as an unknown parameter"


class UnresolvedReference(Enum):
    """What a ``$result[...]`` that leads nowhere becomes (contract 3.2)."""

    LITERAL_TEXT = "literal text"
    EMPTY_STRING = "empty string"
    DROPPED = "dropped"


class TextInIdFilter(Enum):
    """What a comparison of ``ID`` with text or nothing does (contract 3.2)."""

    PAGE_ONE = "page one"  # read as 0
    EMPTY_LIST = "empty list"
    ERROR = "error"


class Scope(Enum):
    """The variants of the user scope (contract 2.7)."""

    FULL = "user"
    BASIC = "user_basic"
    BRIEF = "user_brief"
    MISSING = "none"


class DismissedUsers(Enum):
    """Whether ``user.get`` shows dismissed users (contract 2.2)."""

    INCLUDED = "included"
    HIDDEN_BY_DEFAULT = "hidden unless filtered by ACTIVE"
    NEVER = "never shown"


class Change(Enum):
    """The kinds of change that can touch ``TIMESTAMP_X`` (contract 5: not documented which do)."""

    HIRE = "hire"
    EDIT = "edit"
    DISMISS = "dismiss"
    REINSTATE = "reinstate"


@dataclass(frozen=True, slots=True)
class Tariff:
    """The leaky bucket of a plan (contract 4.1), by default of the smallest one."""

    burst: float = 50  # X, requests at once
    leak: float = 2  # Y, requests a second


@dataclass(frozen=True, slots=True)
class Bitrix24Behavior:
    """The switches of the portal."""

    tariff: Tariff | None = field(default_factory=Tariff)  # the rate limit; None as on-premise, where there is none
    scope: Scope = Scope.FULL  # the variant of the user scope that the webhook has
    other_scopes: tuple[str, ...] = ("department",)  # its further scopes
    # ``scope`` names ``user_basic`` and ``user_brief`` as such, else all of them as ``user``
    scope_lists_variant: bool = True
    scope_style: ScopeStyle = ScopeStyle.LIST  # how ``scope`` lists the scopes
    user_module: bool = True  # False, as where the module is switched off, knows no ``user.get``
    owner_active: bool = True  # False makes ``profile`` answer with an empty object
    owner_is_admin: bool = True  # what ``user.admin`` says
    timestamps: TimestampStyle = TimestampStyle.AS_SAMPLED  # how ``TIMESTAMP_X`` arrives
    timestamp_touched_by: frozenset[Change] = frozenset(Change)  # the changes that move ``TIMESTAMP_X``
    blanks: BlankStyle = BlankStyle.MIXED  # how fields without a value arrive
    departments_as_text: bool = False  # department ids arrive as text, else as numbers
    department_tree: DepartmentTree = DepartmentTree.SOUND  # what is shown of the tree of departments
    no_department: NoDepartmentStyle = NoDepartmentStyle.AS_OTHERS  # how the absence of departments arrives
    user_type: UserTypeStyle = UserTypeStyle.RETURNED  # how ``USER_TYPE`` arrives
    dismissed: DismissedUsers = DismissedUsers.INCLUDED  # whether dismissed users are shown
    select_supported: bool = True  # False, as on old on-premise portals, returns every field
    uncounted_supported: bool = True  # False, likewise, takes ``start=-1`` for 0
    uncounted_total: int | None = 0  # ``total`` when counting is off (``start=-1``); None leaves it out
    counts_nothing: bool = False  # an answer without rows has a ``total``, too
    admin_mode: AdminMode = AdminMode.HEEDED  # what ``ADMIN_MODE`` does
    # False, as with the extranet module, leaves users without a department out of lists, unless ``ADMIN_MODE`` is
    # heeded; ``filter[ID]`` finds them
    lists_without_department: bool = True
    batch_totals: bool = True  # False leaves the counts out of every batch
    refuses_start_beyond_total: bool = False  # a page after the last one is an error, else empty (contract 2.3)
    # what a reference that leads nowhere becomes
    unresolved_reference: UnresolvedReference = UnresolvedReference.LITERAL_TEXT
    text_in_id_filter: TextInIdFilter = TextInIdFilter.PAGE_ONE  # what comparing an id with text does
    # more than 50 commands are refused as a whole, else from the 51st on (contract 3.3)
    refuses_overlong_batch: bool = False
    operating: bool = True  # the operating time is counted and reported (cloud)
    operating_limit: float = 480  # seconds of one method in ten minutes before it is refused
    operating_error_has_time: bool = False  # such a refusal says when to go on (contract 4.2)
    call_seconds: float = 0.02  # what one method call is booked with; nothing waits for it
    request_seconds_limit: float = 60  # booked seconds after which a request is cut off with status 500
    total_error: int = 0  # added to every ``total``
    # every page that is not counted is full of further users with rising ids, whatever it asks for
    endless_users: bool = False
