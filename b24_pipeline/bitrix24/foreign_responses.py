"""Answers that are not from Bitrix24's REST but from a login page, a proxy, a firewall, another web server."""

import html
import json
import re
from collections.abc import Mapping
from typing import Final

from b24_pipeline.bitrix24.error_codes import error_of_status
from b24_pipeline.bitrix24.exceptions import AccountError, Bitrix24Error, ServerError, TransportError

MAX_SHOWN: Final = 80
"""So many characters of a text from outside are repeated."""

_MAX_READ: Final = 64 * 1024
"""So many bytes of a page are looked at."""

_ADVICE: Final = "check the address in BITRIX24_WEBHOOK_URL, the proxy and the firewall"
_PROXY_ADVICE: Final = "put a user and a password that the proxy takes into HTTPS_PROXY"
_PAGE: Final = (b"<!doctype html", b"<html", b"<head", b"<body", b"<title")
_PASSWORD_FIELD: Final = re.compile(rb"""type\s*=\s*["']?password""", re.IGNORECASE)
_LOGIN: Final = re.compile(
    r"\b(log|sign)[ -]?(in|on)\b|\bauthori[sz]ation\b|\bauthentication\b|авториз|вход", re.IGNORECASE
)
_TOO_LARGE, _TOO_EARLY, _TIMEOUT, _TOO_MANY, _PROXY_LOGIN = 413, 425, 408, 429, 407


def foreign_error(method: str, status: int, body: bytes, *, headers: Mapping[str, str]) -> Bitrix24Error:
    """Return the error that an answer means which is not Bitrix24's. Only what may pass by itself is retryable."""
    what = _what(status, body, headers)
    if status in {_TOO_LARGE, _TOO_MANY} or (what is None and status >= 500):
        return error_of_status(method, status)
    if what is None:
        return TransportError(f"{method}: HTTP {status} with a body that is not a complete JSON answer")
    advice = _PROXY_ADVICE if status == _PROXY_LOGIN else _ADVICE
    text = f"{method}: HTTP {status}: something other than Bitrix24's REST answered, {what}: {advice}"
    if status >= 500 or status in {_TIMEOUT, _TOO_EARLY}:
        return ServerError(text)
    if status < 300 and not _asks_for_login(body, headers):
        return TransportError(text)
    return AccountError(text)


def cleaned(text: str) -> str:
    """A text from outside as one short line without control characters; our secrets were blanked on the way."""
    visible = "".join(sign if sign.isprintable() else " " for sign in text[:_MAX_READ])
    line = " ".join(visible.split())
    return line if len(line) <= MAX_SHOWN else f"{line[:MAX_SHOWN].rstrip()}…"


def without_tags(text: str) -> str:
    """A text without its HTML tags, as far as it is shown."""
    return html.unescape(re.sub(r"<[^<>]*>", " ", text[: 10 * MAX_SHOWN]))


def _what(status: int, body: bytes, headers: Mapping[str, str]) -> str | None:
    """Describe the sender; None for a partial or an empty response, whose sender is unknown."""
    login = headers.get("WWW-Authenticate") or headers.get("Proxy-Authenticate")
    if login:
        return f"which asks for a login ({cleaned(login)})"
    if _is_page(body, headers):
        title = cleaned(_title(body))
        return f'an HTML page "{title}"' if title else "an HTML page without a title"
    if _is_json(body):
        return "JSON of another kind"
    if not body.strip():
        return "without any text" if 400 <= status < 500 else None
    if b"{" in body[:_MAX_READ]:
        return None
    shown = cleaned(body[:_MAX_READ].decode("utf-8", "replace"))
    return f'text that is no JSON, "{shown}"'


def _is_page(body: bytes, headers: Mapping[str, str]) -> bool:
    begin = body[:_MAX_READ].lower()
    if any(mark in begin for mark in _PAGE):
        return True
    return "text/html" in headers.get("Content-Type", "").lower() and b"{" not in begin and bool(begin.strip())


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def _title(body: bytes) -> str:
    text = body[:_MAX_READ].decode("utf-8", "replace")
    lower = text.lower() if len(text.lower()) == len(text) else text
    for name in ("title", "h1"):
        begin = lower.find(">", lower.find(f"<{name}")) + 1 if f"<{name}" in lower else 0
        end = lower.find(f"</{name}", begin)
        if begin and end > begin and (title := without_tags(text[begin:end]).strip()):
            return title
    return ""


def _asks_for_login(body: bytes, headers: Mapping[str, str]) -> bool:
    if headers.get("WWW-Authenticate"):
        return True
    begin = body[:_MAX_READ]
    return _PASSWORD_FIELD.search(begin) is not None or _LOGIN.search(_title(body)) is not None
