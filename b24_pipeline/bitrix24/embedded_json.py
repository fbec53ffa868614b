"""Find the one JSON answer in a body, also between PHP warnings and HTML, as some portals on premises send it.

Where the body is not JSON as a whole, accepted is exactly one answer, whole, with nothing but markup or warnings around
it. Every character is looked at a few times at most.
"""

import json
import re
from contextlib import suppress
from typing import Any, Final

_MAX_TRIES: Final = 100
"""Most places where an object may begin: more are no warnings."""

_OBJECT_OR_BLOCK: Final = re.compile(
    r"""(?P<object>\{\s*") | <script\b.*?(</script|\Z) | <style\b.*?(</style|\Z) | <!--.*?(-->|\Z)""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
"""Where an object begins, or a whole script, style sheet or comment."""

_WARNING: Final = re.compile(
    r"(PHP\s+)?((Recoverable |Catchable )?Fatal error|Parse error|Warning|Notice|Deprecated|Strict Standards)\b",
    re.IGNORECASE,
)


_DECODER: Final = json.JSONDecoder(parse_int=lambda digits: int(digits) if len(digits) <= 40 else float("inf"))
"""Python refuses numbers of thousands of digits, and one such field must not stop everybody."""


def find_response(body: bytes) -> tuple[dict[str, Any], str] | None:
    """Return the one answer in the body and the text around it; None where there is none, half of one, or several."""
    with suppress(ValueError, RecursionError):
        payload = json.loads(body)
        return (payload, "") if _is_response(payload) else None
    text = body.decode("utf-8", "surrogateescape").lstrip("\ufeff")
    found = _first_object(text)
    if found is None:
        return None
    payload, start, end = found
    before, after = text[:start], text[end:]
    is_utf8 = re.search("[\ud800-\udfff]", text[start:end]) is None
    if not (_is_response(payload) and is_utf8 and _is_noise(before) and _is_noise(after)):
        return None
    return payload, " ".join(f"{before} {after}".split())


def _is_response(payload: object) -> bool:
    """Return whether this is an answer of Bitrix24's REST: a success or an error (contract 1.3, 1.4)."""
    return isinstance(payload, dict) and ("result" in payload or "error" in payload)


def _first_object(text: str) -> tuple[dict[str, Any], int, int] | None:
    """The first whole object outside of scripts, and where it begins and ends.

    After one that is broken the search goes on behind the place where it breaks, never within it.
    """
    place = tries = 0
    while tries < _MAX_TRIES and (match := _OBJECT_OR_BLOCK.search(text, place)):
        place = match.end()
        if match["object"] is None:
            continue
        tries += 1
        try:
            payload, end = _DECODER.raw_decode(text, match.start())
        except json.JSONDecodeError as error:
            place = max(error.pos, place)
        except (ValueError, RecursionError):
            return None
        else:
            return payload, match.start(), end
    return None


def _is_noise(text: str) -> bool:
    """Return whether this is nothing, or markup or a warning without another object in it."""
    rest = text.strip()
    if not rest:
        return True
    return (rest.startswith("<") or _WARNING.match(rest) is not None) and _first_object(rest) is None
