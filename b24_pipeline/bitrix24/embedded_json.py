"""Find the one JSON answer between PHP warnings and HTML, as some portals on premises send it.

Only looked at when the body is not JSON as a whole. Accepted is exactly one answer, whole, with nothing but markup or
warnings around it. Every character is looked at a few times at most.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Final

_MAX_DIGITS: Final = 40
_MAX_TRIES: Final = 100
"""Most places where an object may begin: more are no warnings."""

_OBJECT: Final = re.compile(r'\{\s*"')
_BLOCK: Final = re.compile(r"<(script|style)\b|<!(--)", re.IGNORECASE)
_WARNING: Final = re.compile(
    r"(PHP\s+)?((Recoverable |Catchable )?Fatal error|Parse error|Warning|Notice|Deprecated|Strict Standards)\b",
    re.IGNORECASE,
)
_ENDS: Final = {"script": "</script", "style": "</style", "--": "-->"}


def _whole_number(digits: str) -> int | float:
    """A number of any length: Python refuses thousands of digits, and one such field must not stop everybody."""
    return int(digits) if len(digits) <= _MAX_DIGITS else float("inf")


_DECODER: Final = json.JSONDecoder(parse_int=_whole_number)


@dataclass(frozen=True, slots=True)
class EmbeddedResponse:
    """An answer, and the text that came around it."""

    payload: dict[str, Any]
    extra_text: str


def find_response(body: bytes) -> EmbeddedResponse | None:
    """Return the one answer in the body; None where there is none, half of one, or more than one."""
    text = body.decode("utf-8", "surrogateescape").lstrip("\ufeff")
    found = _first_object(text)
    if found is None:
        return None
    payload, start, end = found
    before, after = text[:start], text[end:]
    if not (is_response(payload) and is_utf8(text[start:end]) and _is_noise(before) and _is_noise(after)):
        return None
    return EmbeddedResponse(payload, extra_text=" ".join(f"{before} {after}".split()))


def is_response(payload: object) -> bool:
    """Return whether this is an answer of Bitrix24's REST: a success or an error (contract 1.3, 1.4)."""
    return isinstance(payload, dict) and ("result" in payload or "error" in payload)


def _first_object(text: str) -> tuple[dict[str, Any], int, int] | None:
    """The first whole object outside of scripts, and where it begins and ends.

    After one that is broken the search goes on behind the place where it breaks, never within it.
    """
    place = 0
    for _ in range(_MAX_TRIES):
        match = _OBJECT.search(text, place)
        if match is None:
            return None
        block_end = _end_of_block(text, place, match.start())
        if block_end is not None:
            place = block_end
            continue
        try:
            payload, end = _DECODER.raw_decode(text, match.start())
        except json.JSONDecodeError as error:
            place = max(error.pos, match.end())
        except (ValueError, RecursionError):
            return None
        else:
            return payload, match.start(), end
    return None


def _end_of_block(text: str, place: int, upto: int) -> int | None:
    """Return the end of the script, style sheet or comment around `upto`; None without one."""
    while (block := _BLOCK.search(text, place, upto)) is not None:
        end = re.compile(_ENDS[(block[1] or block[2]).lower()], re.IGNORECASE).search(text, block.end())
        place = len(text) if end is None else end.end()
        if place > upto:
            return place
    return None


def _is_noise(text: str) -> bool:
    """Return whether this is nothing, or markup or a warning without another object in it."""
    rest = text.strip()
    if not rest:
        return True
    return (rest.startswith("<") or _WARNING.match(rest) is not None) and _first_object(rest) is None


def is_utf8(text: str) -> bool:
    """A lone surrogate is valid JSON and no valid text: one such name must not stop everybody's import."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
