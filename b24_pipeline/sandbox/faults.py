"""Faults to be met by chosen requests: lost connections, broken answers, refusals."""

from dataclasses import dataclass
from enum import Enum

from b24_pipeline.sandbox.recording import RequestSeen


class FaultKind(Enum):
    """What goes wrong; the text says whether the server carried the request out before."""

    CONNECTION_REFUSED = "not acted: the connection is closed without an answer"
    RESET_BEFORE = "not acted: the connection is reset"
    RESET_AFTER = "acted: the connection is reset"
    TIMEOUT_BEFORE = "not acted: no answer"
    TIMEOUT_AFTER = "acted: no answer"
    HTTP_500 = "not acted: status 500 without JSON"
    HTTP_502_HTML = "not acted: status 502, a page"
    HTTP_502_AFTER = "acted: status 502, a page"
    HTTP_504_LATER = "acts later: status 504, a page"
    OK_HTML = "not acted: status 200, a page"
    EMPTY_BODY = "acted: status 200, nothing in it"
    TRUNCATED_BODY = "acted: the connection is closed in the middle of the body"
    TRUNCATED_JSON = "acted: a whole answer holding half of the JSON"
    HEADERS_DRIP = "acted: the headers come byte by byte and never end"
    ENDLESS_PROCESSING = "acted: status 102 Processing, again and again, and no answer"
    BODY_DRIPS = "acted: the body comes byte by byte and never ends"
    BODY_FALLS_SILENT = "acted: half of the body, and the connection stays open"
    GZIP_BOMB = "acted: 1 MiB of gzip that is 1 GiB decoded"
    GZIP_IN_GZIP = "acted: a few KiB of gzip in gzip that are 1 GiB decoded"
    UNKNOWN_ENCODING = "acted: a body encoded in a way that was not asked for"
    ENDLESS_BODY = "acted: a body without end, as fast as it is taken"
    INTERNAL_ERROR_BEFORE = "not acted: the system's own internal error"
    INTERNAL_ERROR_AFTER = "acted: the system's own internal error"
    QUERY_LIMIT_EXCEEDED = "not acted: Bitrix24, 503, slow down"
    OVERLOAD_LIMIT = "not acted: Bitrix24, 503, blocked by hand"
    OPERATION_TIME_LIMIT = "not acted: Bitrix24, 429"
    WEBHOOK_REVOKED_401 = "not acted: Bitrix24, 401 NO_AUTH_FOUND"
    WEBHOOK_REVOKED_403 = "not acted: Bitrix24, 403 INVALID_CREDENTIALS"
    WEBHOOK_MISTYPED = "not acted: Bitrix24, 401 INVALID_CREDENTIALS"
    PAYMENT_REQUIRED = "not acted: Bitrix24, 402 PAYMENT_REQUIRED"
    PORTAL_DELETED = "not acted: Bitrix24, 403 PORTAL_DELETED"
    PORTAL_CLOSED = "not acted: Bitrix24, 500 PORTAL_DELETED, as where its public section is closed"
    OWNER_IN_EXTRANET = "not acted: Bitrix24, 403 allowed_only_intranet_user"
    PLAN_WITHOUT_REST = "not acted: Bitrix24, 403 ACCESS_DENIED, with a text about the plan"
    WRONG_ENCODING = "not acted: Bitrix24, 200 WRONG_ENCODING"
    EMPTY_CODE = "not acted: Bitrix24, 403, an error without a code"
    LOGIN_REQUIRED = "not acted: status 401 with WWW-Authenticate, a page"
    FORBIDDEN_PAGE = "not acted: status 403, a page"
    NOT_FOUND_PAGE = "not acted: status 404, a page"
    LOGIN_PAGE = "not acted: status 200, a page with a field for a password"
    OTHER_JSON = "not acted: status 403, JSON of another system"
    WARNING_BEFORE = "acted: PHP warnings come before the JSON"
    PAGE_AFTER = "acted: HTML comes after the JSON"
    ANSWER_TWICE = "acted: the JSON comes twice"
    REDIRECT_302 = "not acted: status 302 with a Location"
    LIMIT_MINUTE = "not acted: CallGear, limit_exceeded, minute"
    LIMIT_DAY = "not acted: CallGear, limit_exceeded, day"
    TOKEN_INVALID = "not acted: CallGear, access_token_invalid"  # noqa: S105 - a kind of fault
    TOKEN_EXPIRED = "not acted: CallGear, access_token_expired"  # noqa: S105 - a kind of fault
    TOKEN_BLOCKED = "not acted: CallGear, access_token_blocked"  # noqa: S105 - a kind of fault
    IP_NOT_WHITELISTED = "not acted: CallGear, ip_not_whitelisted"
    ACCOUNT_INACTIVE = "not acted: CallGear, account_inactive"
    ECHOED_ERROR = "not acted: an error with every secret of the sandbox in every member"
    ECHOED_PAGE = "not acted: status 403, a page with every secret of the sandbox, also in its headers"
    MNEMONIC = "not acted: CallGear, the mnemonic and code of the fault"

    @property
    def acts(self) -> bool:
        """The server carries the request out before it fails."""
        return self.value.startswith("acted:")

    @property
    def acts_later(self) -> bool:
        """The server carries the request out some time after it has failed."""
        return self.value.startswith("acts later:")


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault and the requests that meet it."""

    kind: FaultKind
    api: str | None = None  # the system, ``"bitrix24"`` or ``"callgear"``; None for both
    method: str | None = None  # the method; None for any
    # 1-based, the first request to meet it, counted from when it was added among those of this api and method; None
    # for at once
    nth: int | None = None
    times: int | None = 1  # how many requests meet it from then on; None for all
    mnemonic: str = "invalid_parameter_value"  # for MNEMONIC, the error's mnemonic
    code: int = -32602  # for MNEMONIC, the error's code
    field: str | None = None  # for MNEMONIC, the parameter it names
    location: str | None = None  # for REDIRECT_302, where to; None for this server under the name ``localhost``
    seconds: float = 3.0  # for what acts later, so long after the request; the first request after that sees it done


@dataclass(slots=True)
class _Armed:
    """A fault and the requests of its kind seen since it was added."""

    fault: Fault
    seen: int = 0


class Faults:
    def __init__(self) -> None:
        self._armed: list[_Armed] = []

    def add(self, fault: Fault) -> None:
        self._armed.append(_Armed(fault))

    def clear(self) -> None:
        self._armed.clear()

    def met_by(self, request: RequestSeen) -> Fault | None:
        """Count the request for every armed fault of its api and method, and return the first it meets."""
        met: Fault | None = None
        for armed in self._armed:
            fault = armed.fault
            if fault.api not in (None, request.api) or fault.method not in (None, request.method):
                continue
            armed.seen += 1
            first = fault.nth or 1
            without_end = fault.times is None or (fault.nth is None and fault.times == 1)
            if armed.seen >= first and (without_end or armed.seen < first + (fault.times or 0)):
                met = met or fault
        return met
