"""R03: glob patterns of e-mail addresses, and whether there can be an address that one matches."""

import re
from fnmatch import fnmatchcase
from unicodedata import category

from b24_pipeline.rules.normalization import INVISIBLE

TOKEN = re.compile(r"\*|\?|\[!?\]?[^\]]*\]|.", re.DOTALL)
"""A part of a glob pattern as `fnmatch` reads it; a bracket that is not closed is a character."""
LETTERS = tuple(map(chr, range(0x21, 0x250)))
"""Enough characters to find one that is in a set, if any letter, digit or sign is."""


def can_match(pattern: str) -> bool:
    """Return whether some address of the form text@text, in lower case and without white space, fits the pattern.

    A star need not stand for more than three characters: text, the @, and text again.
    """
    kinds = [kind(part) * 3 if part == "*" else kind(part) for part in TOKEN.findall(pattern.lower())]
    return re.fullmatch("[te]+[@e][te]+", "".join(kinds)) is not None


def kind(part: str) -> str:
    """Return what a character that fits the part can be in an address: text (t), the @, either (e) or neither (n)."""
    if len(part) == 1 and part not in "*?":
        fitting = [part]
    else:
        character = "?" if part == "*" else part
        fitting = [letter for letter in (*LETTERS, *part) if fnmatchcase(letter, character)]
    text = any(char != "@" and not char.isspace() and category(char) not in INVISIBLE for char in fitting)
    if "@" in fitting:
        return "e" if text else "@"
    return "t" if text else "n"
