"""Answers that are not from the service that was asked: a login page, a proxy, a firewall, another web server."""

import html
import json
import re
from collections.abc import Mapping
from typing import Final

MAX_SHOWN: Final = 80
"""So many characters of a text from outside are repeated."""

_MAX_READ: Final = 64 * 1024
"""So many bytes of a page are looked at."""

_PAGE: Final = (b"<!doctype html", b"<html", b"<head", b"<body", b"<title")
_PASSWORD_FIELD: Final = re.compile(rb"""type\s*=\s*["']?password""", re.IGNORECASE)
_LOGIN: Final = re.compile(
    r"\b(log|sign)[ -]?(in|on)\b|\bauthori[sz]ation\b|\bauthentication\b|авториз|вход", re.IGNORECASE
)


def cleaned(text: str) -> str:
    """A text from outside as one short line without control characters; our secrets were blanked on the way."""
    visible = "".join(sign if sign.isprintable() else " " for sign in text[:_MAX_READ])
    line = " ".join(visible.split())
    return line if len(line) <= MAX_SHOWN else f"{line[:MAX_SHOWN].rstrip()}…"


def without_tags(text: str) -> str:
    """A text without its HTML tags, as far as it is shown."""
    return html.unescape(re.sub(r"<[^<>]*>", " ", text[: 10 * MAX_SHOWN]))


def describe_sender(status: int, body: bytes, headers: Mapping[str, str]) -> str | None:
    """Describe the sender; None for a partial or an empty response, whose sender is unknown."""
    login = headers.get("WWW-Authenticate") or headers.get("Proxy-Authenticate")
    if login:
        return f"which asks for a login ({cleaned(login)})"
    begin = body[:_MAX_READ].lower()
    calls_itself_html = "text/html" in headers.get("Content-Type", "").lower() and bool(begin.strip())
    if any(mark in begin for mark in _PAGE) or (calls_itself_html and b"{" not in begin):
        title = cleaned(_title(body))
        return f'an HTML page "{title}"' if title else "an HTML page without a title"
    if _is_json(body):
        return "JSON of another kind"
    if not body.strip():
        return "without any text" if 400 <= status < 500 else None
    if b"{" in begin:
        return None
    shown = cleaned(body[:_MAX_READ].decode("utf-8", "replace"))
    return f'text that is no JSON, "{shown}"'


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


def asks_for_login(body: bytes, headers: Mapping[str, str]) -> bool:
    """Return whether the answer is a login page, or demands a login."""
    if headers.get("WWW-Authenticate"):
        return True
    begin = body[:_MAX_READ]
    return _PASSWORD_FIELD.search(begin) is not None or _LOGIN.search(_title(body)) is not None
