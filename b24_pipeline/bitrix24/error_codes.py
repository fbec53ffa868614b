"""The portal's error codes (contract 4.4): what each means for a caller, and what a person has to do about it."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from b24_pipeline.bitrix24.exceptions import (
    AccountError,
    Bitrix24Error,
    OperationLimit,
    RateLimited,
    RequestError,
    ServerError,
)

_NEW_WEBHOOK: Final = "create a new inbound webhook in Bitrix24 and put its address into BITRIX24_WEBHOOK_URL"
_RIGHTS: Final = "use a webhook owned by a portal administrator"

PAYMENT_REQUIRED: Final = "the portal's subscription is unpaid, so Bitrix24 has disabled REST: pay for it in Bitrix24"
PORTAL_DELETED: Final = (
    "the portal was deleted or is switched off: check BITRIX24_WEBHOOK_URL, or ask Bitrix24's support"
)
REFUSED: Final = f"the portal rejects the webhook: {_NEW_WEBHOOK}"
_OTHER_PLAN: Final = (
    "the portal's plan has no REST: it needs a commercial plan, or a subscription to Bitrix24's Market, and then works"
    " with this webhook"
)
_NO_WEBHOOK: Final = "the portal does not accept a webhook for this: check that the URL is that of an inbound webhook"

_ACCOUNT: Final[Mapping[str, str]] = {
    "no_auth_found": f"the webhook is not valid (deleted, expired or changed): {_NEW_WEBHOOK}",
    "expired_token": f"the webhook has expired: {_NEW_WEBHOOK}",
    **dict.fromkeys(
        ("invalid_credentials", "invalid_token", "authorization_error", "error_oauth", "wrong_token"),
        "the webhook is not valid (mistyped, blocked, deleted, or its code or owner has changed): copy its whole"
        f" address from Bitrix24 again, or {_NEW_WEBHOOK}",
    ),
    "user_access_error": f"the webhook's owner has no access to the application: {_RIGHTS}",
    "allowed_only_intranet_user": "the webhook's owner is an extranet user, who may not use REST: let an employee"
    " who is an administrator of the portal create a webhook",
    "insufficient_scope": 'the webhook lacks a scope: tick "Users" (user or user_basic) on it in Bitrix24',
    "wrong_auth_type": _NO_WEBHOOK,
    "access_denied": "the portal refuses REST to this webhook: it needs a commercial plan and an administrator",
    "payment_required": PAYMENT_REQUIRED,
    "portal_deleted": PORTAL_DELETED,
    "wrong_encoding": "a text of some user in the portal is not valid UTF-8, so the portal cannot send its users: let"
    " its administrator find and correct that text, or ask Bitrix24's support",
    "invalid_request": "the portal requires https: put the https:// address into BITRIX24_WEBHOOK_URL",
    "overload_limit": "Bitrix24 has blocked REST for this portal because of overload: ask Bitrix24's support",
    "method_confirm_waiting": "an administrator of the portal has to confirm this call in Bitrix24",
    "method_confirm_denied": "an administrator of the portal has denied this call in Bitrix24",
}

_ACCESS_DENIED: Final = (
    (re.compile("context", re.IGNORECASE), _NO_WEBHOOK),
    (re.compile("plan|subscri|commercial|tariff|license|тариф|подписк|лиценз", re.IGNORECASE), _OTHER_PLAN),
    (re.compile("admin|админ", re.IGNORECASE), f"the webhook's owner is not an administrator: {_RIGHTS}"),
)
"""Meanings of `ACCESS_DENIED`, by its text (contract 9.17)."""

_UNKNOWN_METHOD: Final = frozenset({"error_method_not_found", "method_not_found"})
_METHODS_NEEDED: Final[Mapping[str, str]] = {
    "user.get": "the portal has no method user.get: its module for users (intranet) is switched off, or too"
    " old; switch it on in the portal",
    "batch": "the portal has no method batch: its module rest is switched off, or too old; switch it on in the portal",
}

_SCOPES_NEEDED: Final[Mapping[str, str]] = {
    "department.get": 'the webhook lacks a scope: tick "Departments" (department) on it in Bitrix24, or write = before'
    " each department in the settings, so that it means that one alone",
}

_CLIENT_ERRORS: Final = _UNKNOWN_METHOD | frozenset(
    {"error_batch_length_exceeded", "error_batch_method_not_allowed", "error_core", "error_argument"}
)

_RETRYABLE: Final[Mapping[str, Callable[[str], Bitrix24Error]]] = {
    "query_limit_exceeded": lambda where: RateLimited(f"{where}: too many requests a second"),
    "operation_time_limit": lambda where: OperationLimit(
        f"{where}: the method's execution time is used up for some minutes"
    ),
    "internal_server_error": lambda where: ServerError(f"{where}: internal error of the portal", first_pause=3.0),
    "error_unexpected_answer": lambda where: ServerError(f"{where}: the portal failed", first_pause=3.0),
}


def error_of_code(code: str, *, method: str, status: int, description: str, where: str) -> Bitrix24Error | None:
    """Return the error that a code means, None for a code that nobody knows. `where` begins its text."""
    folded = code.casefold()
    if folded in _RETRYABLE:
        return _RETRYABLE[folded](where)
    if folded == "portal_deleted" and status >= 500:  # on premises also while its public section is closed
        text = f"{where}: the portal says it was deleted, or its public section is closed for the moment"
        return ServerError(text, first_pause=10.0)
    if folded in _UNKNOWN_METHOD:
        advice = _METHODS_NEEDED.get(method)
    elif folded == "insufficient_scope" and method in _SCOPES_NEEDED:
        advice = _SCOPES_NEEDED[method]
    elif folded == "access_denied":
        advice = next((advice for pattern, advice in _ACCESS_DENIED if pattern.search(description)), _ACCOUNT[folded])
    else:
        advice = _ACCOUNT.get(folded)
    if advice is not None:
        return AccountError(f"{where}: {advice}")
    return RequestError(f"{where}: the portal rejected the request") if folded in _CLIENT_ERRORS else None


def error_of_status(method: str, status: int, where: str = "") -> Bitrix24Error:
    """Return the error that a status means where no code tells more."""
    where = where or f"{method}: HTTP {status}"
    if status == 429:
        return OperationLimit(f"{where}: the portal asks to wait")
    if status >= 500 or status == 408:
        return ServerError(f"{where}: the portal failed")
    advice = {401: REFUSED, 402: PAYMENT_REQUIRED, 403: REFUSED, 410: PORTAL_DELETED}.get(status)
    if advice is not None:
        return AccountError(f"{where}: {advice}")
    return RequestError(f"{where}: the portal rejected the request")
