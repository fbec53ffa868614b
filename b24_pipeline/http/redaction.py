"""Redaction of our own secrets, which a service may echo, and of personal data."""

import html
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, quote_plus

import httpx

BLANK: Final = b"***"
MIN_KEY_LENGTH: Final = 8
"""A shorter one would be found by chance in what is data."""
MIN_LENGTH_IN_ERRORS: Final = 4
_ESCAPED: Final = re.compile(rb"\\u00([2-7][0-9a-fA-F])")
_MUST_STAY_ESCAPED: Final = frozenset({0x22, 0x5C, 0x7F})

_ADDRESS: Final = re.compile(r"(?<![a-z0-9+.-])[a-z0-9+.-]++://\S++", re.IGNORECASE)
_EMAIL: Final = re.compile(r"(?<![^\s@<>,;:\"'])[^\s@<>,;:\"']++@[^\s@<>,;\"']++")
"""Each begins where its first part does, and gives nothing back: every character is looked at a few times at most."""
_OCTET: Final = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_NO_PHONES: Final = (
    r"\b(?:HTTP|status) \d{3}\b",
    r"\bcode -?\d{1,5}\b",
    r"\b(?:process|employee|users?) \d{1,9}\b",
    r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b",
    rf"(?<![\d.])(?:{_OCTET}\.){{3}}{_OCTET}(?![\d.])",
    r"\b20\d\d-[01]\d-[0-3]\d(?:[ T][0-2]\d:[0-5]\d(?::[0-5]\d)?)?\b",
    r"(?<![\w,])[\d,]++ (?:different |active )?(?:users|employees|owners|rows|characters|MiB)\b",
    r"\bexpected [\d,]++",
    r"\b(?:counts|reports) [\d,]+(?: before and [\d,]+ after)?",
)
"""Numbers in our messages that are not phone numbers: statuses, codes, ids, runs, hosts, times, counts."""
_NUMBER: Final = re.compile(
    rf"(?P<kept>{'|'.join(_NO_PHONES)})|(?<![+(])[+(]*+\d(?:[\s().\-/]{{0,3}}\d){{2,}}", re.IGNORECASE
)
"""Every other number as long as CallGear's shortest phone number, three digits (R05)."""


def redact_personal_data(text: str) -> str:
    """Take addresses, e-mails, and numbers that may be phones out of a text."""
    text = _EMAIL.sub("(e-mail)", _ADDRESS.sub("(address)", text))
    return _NUMBER.sub(lambda match: match["kept"] or "(number)", text)


@dataclass(frozen=True, slots=True)
class Secrets:
    """Secrets to blank in responses, in every encoding that a service may use.

    `in_data` are keys, which are like nothing else: they are blanked wherever they come. A password may be a common
    word: it is blanked in errors, pages and headers, but not in what is read of people, where it may be a name.
    """

    in_data: tuple[bytes, ...] = field(default=(), repr=False)
    in_failures: tuple[bytes, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, *, keys: Iterable[str | None] = (), passwords: Iterable[str | None] = ()) -> "Secrets":
        known = [key for key in keys if key]
        every = [*known, *(password for password in passwords if password)]
        return cls(
            in_data=_spellings(key for key in known if len(key) >= MIN_KEY_LENGTH),
            in_failures=_spellings(secret for secret in every if len(secret) >= MIN_LENGTH_IN_ERRORS),
        )

    def blank_body(self, body: bytes, *, status: int) -> bytes:
        """The body of an answer without them."""
        is_data = status < 400 and body.lstrip()[:1] in {b"{", b"["} and b'"error"' not in body
        if is_data:
            return _blanked(body, self.in_data)
        readable = _ESCAPED.sub(_unescaped, body)
        blanked = _blanked(readable, self.in_failures)
        return body if blanked == readable else blanked

    def blank_headers(self, headers: httpx.Headers) -> httpx.Headers:
        """The headers of an answer without them; of where a redirect leads, only the host, which may be said."""
        blanked = []
        for name, value in headers.raw:
            if name.lower() == b"location":
                before, slashes, rest = value.partition(b"//")
                host, slash, path = rest.partition(b"/")
                host = _blanked(host.lower(), tuple(spelling.lower() for spelling in self.in_failures))
                blanked.append((name, before + slashes + host + slash + path))
            else:
                blanked.append((name, _blanked(value, self.in_failures)))
        return httpx.Headers(blanked)


def _blanked(text: bytes, spellings: tuple[bytes, ...]) -> bytes:
    for spelling in spellings:
        if spelling in text:
            text = text.replace(spelling, BLANK)
    return text


def _unescaped(found: re.Match[bytes]) -> bytes:
    number = int(found[1], 16)
    return found[0] if number in _MUST_STAY_ESCAPED else bytes([number])


def _spellings(secrets: Iterable[str]) -> tuple[bytes, ...]:
    """As it is, in URLs, in JSON and in HTML; the longest first, as one may be a part of another."""
    found: set[str] = set()
    for secret in secrets:
        in_urls = (quote(secret), quote(secret, safe=""), quote_plus(secret))
        in_lower_case = (re.sub("%[0-9A-F]{2}", lambda code: code[0].lower(), in_url) for in_url in in_urls)
        in_json = [json.dumps(secret, ensure_ascii=in_ascii)[1:-1] for in_ascii in (True, False)]
        escaped_slashes = (text.replace("/", r"\/") for text in in_json)
        found.update((secret, html.escape(secret), *in_urls, *in_lower_case, *in_json, *escaped_slashes))
    return tuple(sorted((spelling.encode("utf-8", "replace") for spelling in found), key=len, reverse=True))
