"""R04, R06: names and e-mails brought into one form, a whole column at a time."""

import re
from collections.abc import Callable
from typing import Literal
from unicodedata import category, combining, normalize

import pandas as pd

WHITE = " \t-\r\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""All white space of Unicode, spelled out: with `\\s` pandas leaves Arrow's engine for Python's, which is slower."""

PLAIN = "!-~\u00a1-\u00ac\u00ae-\u02ff\u0400-\u0482\u048a-\u052f\u05d0-\u05ea\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff"
"""Visible characters that NFC leaves alone in every neighborhood: Latin, Cyrillic, Hebrew, Japanese, Chinese."""
UNTIDY_NAME = f"[^ {PLAIN}]|^ |  | $|^$"
UNTIDY_EMAIL = "[^!-~]|^$"
"""Patterns of texts that a Python function has to normalize; most texts need none."""
INVISIBLE = ("Cc", "Cf")
JOINERS = "\u200c\u200d"
"""ZWNJ and ZWJ, which Persian and Indic scripts need."""
JOINER_BETWEEN_LETTERS = re.compile("(?P<letter>LM*)J+(?=M*L)")
"""In a text of general categories; marks count with their letter."""
KELVIN_SIGN = "\u212a"
MAX_MARKS = 30
"""On one letter (UAX #15, stream-safe text): no script needs more, and to put them in order takes quadratic time."""


def normalize_names(names: pd.Series) -> pd.Series:
    """R04: names as they are sent (`normalize_name`); an empty one becomes no value."""
    return converted(names, texts=names[names.str.contains(UNTIDY_NAME, regex=True)], convert=normalize_name)


def normalize_emails(emails: pd.Series) -> pd.Series:
    """R04: e-mails as they are sent (`normalize_address`); an empty one becomes no value."""
    return converted(emails, texts=emails[emails.str.contains(UNTIDY_EMAIL, regex=True)], convert=normalize_address)


def email_key(emails: pd.Series) -> pd.Series:
    """R04: e-mails as they are compared (`address_key`)."""
    return lower_case_email(normalize_emails(emails), received=emails)


def lower_case_email(tidied: pd.Series, *, received: pd.Series) -> pd.Series:
    """R04: the tidy e-mails as they are compared, given what they were received as."""
    not_ascii = received[received.notna() & ~received.str.isascii()]
    return converted(tidied.str.lower(), texts=not_ascii, convert=address_key)


def name_key(names: pd.Series) -> pd.Series:
    """R09: names as they are compared: tidy, in lower case."""
    tidied = normalize_names(names)
    not_ascii = tidied[tidied.notna() & ~tidied.str.isascii()]
    return converted(tidied.str.lower(), texts=not_ascii, convert=lambda name: normal_form(name.lower()))


def normalize_name(name: str) -> str:
    """R04: NFC without invisible characters, trimmed, with single spaces."""
    return normal_form(" ".join(without_invisible(name).split()))


def normalize_address(email: str) -> str:
    """R04: NFC without invisible characters, trimmed."""
    return normal_form(visible_address(email))


def address_key(email: str) -> str:
    """R04: the tidy address in lower case. The Kelvin sign, which both NFC and lower case make a k, stays (R09)."""
    parts = visible_address(email).split(KELVIN_SIGN)
    return KELVIN_SIGN.join(normal_form(normal_form(part).lower()) for part in parts)


def normal_form(text: str, form: Literal["NFC", "NFD", "NFKC"] = "NFC") -> str:
    """A text in a form of Unicode, without the marks of a letter beyond `MAX_MARKS`."""
    if text.isascii() or len(text) <= MAX_MARKS:
        return normalize(form, text)
    kept, marks = [], 0
    for sign in text:
        marks = marks + 1 if combining(sign) else 0
        if marks <= MAX_MARKS:
            kept.append(sign)
    return normalize(form, "".join(kept))


def without_invisible(text: str) -> str:
    """R04: no control and format characters but white space, and joiners only between two letters, one at a place."""
    if text.isprintable():
        return text
    shown = [sign for sign in text if sign in JOINERS or sign.isspace() or category(sign) not in INVISIBLE]
    kinds = "".join("J" if sign in JOINERS else category(sign)[0] for sign in shown)
    needed = {found.end("letter") for found in JOINER_BETWEEN_LETTERS.finditer(kinds)}
    return "".join(sign for place, sign in enumerate(shown) if sign not in JOINERS or place in needed)


def visible_address(email: str) -> str:
    """R04: no invisible characters, no joiners either, trimmed."""
    return without_invisible(email).translate(dict.fromkeys(map(ord, JOINERS))).strip()


def converted(column: pd.Series, *, texts: pd.Series, convert: Callable[[str], str]) -> pd.Series:
    """The column, in the rows of `texts` these, converted by a Python function, which is slow and seldom needed.

    An empty text becomes no value.
    """
    return replaced(column, texts.map(lambda text: convert(text) or None)) if len(texts) else column


def replaced(column: pd.Series, values: pd.Series) -> pd.Series:
    """The column with other values in the rows of `values`."""
    return column.mask(column.index.isin(values.index), values.astype("str"))


def callgear_last_name(last_names: pd.Series, *, prefix: str) -> pd.Series:
    """R06: the prefix and the Bitrix24 last name (tidy); a name that begins with the prefix does not get it twice."""
    has_prefix = last_names.str.startswith(normalize_name(f"{prefix}|").removesuffix("|"))
    return last_names.where(has_prefix, prefix + last_names)


def join_non_null(*parts: pd.Series, separator: str) -> pd.Series:
    """The values of each row, with the separator between them; no value where a row has none."""
    text = parts[0]
    for part in parts[1:]:
        text = (text + separator + part).fillna(text).fillna(part)
    return text
