"""The border: one HTTP answer becomes an `Envelope` or an error, decided once (contract 1.3 - 1.5, 4.4).

The error code decides, whatever the status: errors may come with 200, and 503 has two meanings.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from b24_pipeline.bitrix24.errors import (
    AccountError,
    Bitrix24Error,
    OperationLimit,
    OursError,
    RateLimited,
    ServerFault,
    TransportFault,
)

SAYABLE_CODE: Final = re.compile(r"[A-Za-z]+(_[A-Za-z0-9]+)+")
"""Codes that may be repeated to people: words joined by underscores, which a webhook's secret never is."""

DIGITS: Final = 18
"""So many digits always fit into 64 bits; no count and no id has more."""

_NEW_WEBHOOK: Final = "create a new incoming webhook in Bitrix24 and put its address into BITRIX24_WEBHOOK_URL"
_RIGHTS: Final = "let an administrator of the portal own the webhook"

_ACCOUNT: Final[Mapping[str, str]] = {
    "no_auth_found": f"the webhook is not valid (deleted, expired or changed): {_NEW_WEBHOOK}",
    "expired_token": f"the webhook has expired: {_NEW_WEBHOOK}",
    "invalid_credentials": f"the webhook's owner lacks the rights, or the webhook is disabled: {_RIGHTS}",
    "user_access_error": f"the webhook's owner has no access to the application: {_RIGHTS}",
    "insufficient_scope": "the webhook lacks a scope: tick «Users» (user or user_basic) on it in Bitrix24",
    "wrong_auth_type": "the portal does not take a webhook for this: check that the address is an incoming webhook's",
    "access_denied": "the portal refuses REST to this webhook: it needs a commercial plan and an administrator",
    "invalid_request": "the portal takes https only: put the https:// address into BITRIX24_WEBHOOK_URL",
    "overload_limit": "Bitrix24 has blocked REST for this portal because of overload: ask Bitrix24's support",
    "method_confirm_waiting": "an administrator of the portal has to confirm this call in Bitrix24",
    "method_confirm_denied": "an administrator of the portal has denied this call in Bitrix24",
}

_OURS: Final = frozenset(
    {
        "error_batch_length_exceeded",
        "error_batch_method_not_allowed",
        "error_method_not_found",
        "method_not_found",
        "error_core",
        "error_argument",
    }
)


def _portal_closed(where: str) -> Bitrix24Error:
    text = f"{where}: the portal says it was deleted, or its public section is closed for the moment"
    return ServerFault(text, first_pause=10.0)


_LATER: Final[Mapping[str, Callable[[str], Bitrix24Error]]] = {
    "query_limit_exceeded": lambda where: RateLimited(f"{where}: too many requests a second"),
    "operation_time_limit": lambda where: OperationLimit(
        f"{where}: the method's execution time is used up for some minutes", resets_at=None
    ),
    "internal_server_error": lambda where: ServerFault(f"{where}: internal error of the portal", first_pause=3.0),
    "error_unexpected_answer": lambda where: ServerFault(f"{where}: the portal failed", first_pause=3.0),
    "portal_deleted": _portal_closed,
}


@dataclass(frozen=True, slots=True)
class Envelope:
    """A success (contract 1.3): the bare result, and what of the envelope is used."""

    result: Any
    total: int | None = None
    resets_at: float | None = None


def read_answer(method: str, status: int, body: bytes) -> Envelope:
    """The envelope of an answer.

    Raises:
        Bitrix24Error: the answer is an error, or cannot be read.
    """
    payload = _parsed(body)
    if payload is None:
        raise _error_without_json(method, status)
    if payload.get("error"):
        raise error_of(method, status, payload)
    if status >= 300:
        raise _error_by_status(method, status, "")
    if "result" not in payload:
        raise TransportFault(f"{method}: an answer without a result (HTTP {status})")
    time = mapping(payload.get("time"))
    return Envelope(payload["result"], whole_number(payload.get("total")), number(time.get("operating_reset_at")))


def error_of(method: str, status: int, payload: Mapping[str, Any]) -> Bitrix24Error:
    """The error that an error envelope, or one of a batch's sub-errors, means."""
    raw = payload.get("error")
    code = str(raw.get("code") if isinstance(raw, dict) else raw)
    where = f"{method}: {code} (HTTP {status})" if SAYABLE_CODE.fullmatch(code) else f"{method}: error (HTTP {status})"
    folded = code.casefold()
    if folded in _LATER:
        return _with_reset(_LATER[folded](where), payload)
    if folded in _ACCOUNT:
        return AccountError(f"{where}: {_ACCOUNT[folded]}")
    if folded in _OURS:
        return OursError(f"{where}: the portal does not take this request")
    return _error_by_status(method, status, where)


def _error_by_status(method: str, status: int, where: str) -> Bitrix24Error:
    where = where or f"{method}: HTTP {status}"
    if status == 429:
        return OperationLimit(f"{where}: the portal asks to wait", resets_at=None)
    if status >= 500 or status == 408:
        return ServerFault(f"{where}: the portal failed")
    if status in {401, 403}:
        return AccountError(f"{where}: the portal refuses the webhook: {_NEW_WEBHOOK}")
    return OursError(f"{where}: the portal does not take this request")


def _error_without_json(method: str, status: int) -> Bitrix24Error:
    if status in {404, 410}:
        return AccountError(f"{method}: HTTP {status}: no Bitrix24 answers at this address: check BITRIX24_WEBHOOK_URL")
    if status < 300:
        return TransportFault(f"{method}: HTTP {status} with a body that is not a complete JSON answer")
    return _error_by_status(method, status, "")


def _with_reset(error: Bitrix24Error, payload: Mapping[str, Any]) -> Bitrix24Error:
    if isinstance(error, OperationLimit):
        error.resets_at = number(mapping(payload.get("time")).get("operating_reset_at"))
    return error


def _parsed(body: bytes) -> dict[str, Any] | None:
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return payload if isinstance(payload, dict) else None


def mapping(value: object) -> dict[str, Any]:
    """A map as the portal means it: an empty one may arrive as an empty list (contract 1.3, 3.3)."""
    return value if isinstance(value, dict) else {}


def whole_number(value: object) -> int | None:
    """A count or an id, given as a number or as digits, of at most 18 digits; None for anything else."""
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdigit() and len(value) <= DIGITS else None
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**DIGITS else None


def number(value: object) -> float | None:
    """A number; None for anything else."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
