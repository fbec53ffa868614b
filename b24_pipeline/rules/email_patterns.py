"""R03: glob patterns of e-mail addresses, and whether there can be an address that one matches."""

import re
import unicodedata
from collections.abc import Callable
from enum import IntEnum
from fnmatch import fnmatchcase

TOKEN = re.compile(r"\*|\?|\[!?\]?[^\]]*\]|.", re.DOTALL)
"""A part of a glob pattern as `fnmatch` reads it; a bracket that is not closed is a character."""
LETTERS = tuple(map(chr, range(0x21, 0x250)))
"""Enough characters to find one that is in a set, if any letter, digit or sign is."""


class Place(IntEnum):
    """The place of the next character in an address of the form text@text (R02)."""

    BEFORE = 0
    LOCAL_PART = 1
    AT_SIGN = 2
    DOMAIN = 3


def can_match(pattern: str) -> bool:
    """Return whether some address of the form text@text, in lower case and without white space, fits the pattern."""
    places = {Place.BEFORE}
    for part in TOKEN.findall(pattern.lower()):
        following = {after for place in places for after in step(place, part)}
        if part == "*":
            while following - places:
                places |= following
                following = {after for place in places for after in step(place, part)}
        else:
            places = following
    return Place.DOMAIN in places


def step(place: Place, part: str) -> set[Place]:
    """The places that one character of the part leads to."""
    text, at_sign = accepts(part, is_text), accepts(part, "@".__eq__)
    after = set()
    if text:
        after.add(Place.LOCAL_PART if place <= Place.LOCAL_PART else Place.DOMAIN)
    if at_sign and place is Place.LOCAL_PART:
        after.add(Place.AT_SIGN)
    return after


def accepts(part: str, wanted: Callable[[str], bool]) -> bool:
    """Return whether a character of the wanted kind fits the part."""
    if len(part) == 1 and part not in "*?":
        return wanted(part)
    character = "?" if part == "*" else part
    return any(wanted(letter) and fnmatchcase(letter, character) for letter in (*LETTERS, *part))


def is_text(character: str) -> bool:
    """Return whether the character can stand before or after the @ of an address (R02, R04)."""
    return character != "@" and not character.isspace() and unicodedata.category(character) not in ("Cc", "Cf")
