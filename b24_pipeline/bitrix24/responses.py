"""The border: one HTTP answer becomes an `Envelope` or an error, decided once (contract 1.3 - 1.5, 4.4).

The error code decides, whatever the status: errors may come with 200, and 503 has two meanings.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import httpx

from b24_pipeline.bitrix24.embedded_json import find_response
from b24_pipeline.bitrix24.error_codes import error_of_code, error_of_status
from b24_pipeline.bitrix24.exceptions import (
    AccountError,
    Bitrix24Error,
    IncompleteFetchError,
    OperationLimit,
    ServerError,
    TransportError,
)
from b24_pipeline.http import (
    ProxyRefused,
    ResponseRefused,
    asks_for_login,
    cleaned,
    describe_error,
    describe_sender,
    without_tags,
)

SAFE_ERROR_CODE: Final = re.compile(r"[A-Za-z]+(_[A-Za-z0-9]+)+")
"""Codes that may be repeated to people: words joined by underscores, which a webhook's secret never is."""

DIGITS: Final = 18
"""So many digits always fit into 64 bits; no count and no id has more."""

MAX_EXACT: Final = 2**53
"""Below this a JSON number with a decimal point or an exponent is exactly the whole number that was meant."""

_TOO_LARGE, _TOO_EARLY, _TIMEOUT, _TOO_MANY, _PROXY_LOGIN = 413, 425, 408, 429, 407
_EXPLAINED_BY_OTHERS: Final = frozenset({401, 403, 404})
"""Statuses that other web servers explain with an error object of their own."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A success (contract 1.3): the bare result, and what of the envelope is used.

    `extra_text` is the beginning of what came around the JSON: a PHP warning, or HTML.
    """

    result: Any
    total: int | None = None
    resets_at: float | None = None
    extra_text: str = ""


def read_response(
    method: str, status: int, body: bytes, *, headers: Mapping[str, str] = MappingProxyType({})
) -> Envelope:
    """The envelope of an answer.

    Raises:
        Bitrix24Error: the answer is an error, or cannot be read.
    """
    found = find_response(body)
    if found is None or _is_of_another_server(status, found[0]):
        raise _foreign_error(method, status, body, headers)
    payload, extra_text = found
    if payload.get("error") or "result" not in payload:
        raise error_of(method, status, payload)
    if status >= 300:
        raise error_of_status(method, status)
    time = mapping(payload.get("time"))
    return Envelope(
        payload["result"],
        whole_number(payload.get("total")),
        number(time.get("operating_reset_at")),
        extra_text=cleaned(without_tags(extra_text)),
    )


def error_of(method: str, status: int, payload: Mapping[str, Any]) -> Bitrix24Error:
    """The error that an error envelope, or one of a batch's sub-errors, means."""
    code = _code_in(payload)
    where = f"{method}: {code if SAFE_ERROR_CODE.fullmatch(code) else 'error'} (HTTP {status})"
    description = str(payload.get("error_description") or "")
    error = error_of_code(code, method=method, status=status, description=description, where=where)
    error = error or error_of_status(method, status, where)
    if isinstance(error, OperationLimit):
        error.resets_at = number(mapping(payload.get("time")).get("operating_reset_at"))
    return error


def _code_in(payload: Mapping[str, Any]) -> str:
    raw = payload.get("error")
    return str((raw.get("code") if isinstance(raw, dict) else raw) or "")


def _is_of_another_server(status: int, payload: Mapping[str, Any]) -> bool:
    """Return whether an error object is none of Bitrix24's, which have a code or a description."""
    if status not in _EXPLAINED_BY_OTHERS or "error" not in payload or "error_description" in payload:
        return False
    code = _code_in(payload)
    return bool(code) and SAFE_ERROR_CODE.fullmatch(code) is None


def _foreign_error(method: str, status: int, body: bytes, headers: Mapping[str, str]) -> Bitrix24Error:
    """Return the error that an answer means which is not Bitrix24's. Only what may pass by itself is retryable."""
    what = describe_sender(status, body, headers)
    if status in {_TOO_LARGE, _TOO_MANY} or (what is None and status >= 500):
        return error_of_status(method, status)
    if what is None:
        return TransportError(f"{method}: HTTP {status} with a body that is not a complete JSON answer")
    advice = (
        "put a user and a password that the proxy takes into HTTPS_PROXY"
        if status == _PROXY_LOGIN
        else "check the address in BITRIX24_WEBHOOK_URL, the proxy and the firewall"
    )
    text = f"{method}: HTTP {status}: something other than Bitrix24's REST answered, {what}: {advice}"
    if status >= 500 or status in {_TIMEOUT, _TOO_EARLY}:
        return ServerError(text)
    if status < 300 and not asks_for_login(body, headers):
        return TransportError(text)
    return AccountError(text)


def mapping(value: object) -> dict[str, Any]:
    """A map as the portal means it: an empty one may arrive as an empty list (contract 1.3, 3.3)."""
    return value if isinstance(value, dict) else {}


def whole_number(value: object) -> int | None:
    """A count or an id, given as a number or as digits, of at most 18 digits; None for anything else."""
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdigit() and len(value) <= DIGITS else None
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < MAX_EXACT else None
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**DIGITS else None


def number(value: object) -> float | None:
    """A number as a time can be; None for anything else, also for NaN and what no time can be."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 10**DIGITS:
        return float(value)
    return None


def transport_error(method: str, error: Exception, *, timeout: httpx.Timeout) -> Bitrix24Error:
    """Return the error of a call that got no answer; `timeout` is what the exchange was given."""
    text = f"{method}: {describe_error(error, system='the portal', timeout=timeout)}"
    if isinstance(error, ResponseRefused):
        return IncompleteFetchError(f"{text}: check what answers at BITRIX24_WEBHOOK_URL")
    if isinstance(error, ProxyRefused):
        return AccountError(text)
    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return AccountError(f"{method}: BITRIX24_WEBHOOK_URL is not a valid URL")
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return AccountError(
            f"{method}: the portal's TLS certificate is not trusted here: give the CA bundle of a private authority"
        )
    return TransportError(text)
