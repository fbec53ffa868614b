"""R04-R06: names, e-mails and phones brought into one form, a whole column at a time."""

import re
from collections.abc import Callable, Sequence

import pandas as pd

from b24_pipeline.rules.records import PhonesPolicy

WHITE = " \t-\r\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""All white space of Unicode, spelled out: with `\\s` pandas leaves Arrow's engine for Python's, which is slower."""
WHITE_SPACE = f"[{WHITE}]+"

LIST_SEPARATOR = ","
UNUSABLE_SEPARATOR = " | "
SHORTEST_PHONE, LONGEST_PHONE = 3, 15
"""How many digits a phone number has (R05); the texts that say so read it here."""


def tidy(texts: pd.Series) -> pd.Series:
    """R04: trimmed, inner white space collapsed to one space; a text of white space alone becomes no value."""
    collapsed = texts.str.replace(WHITE_SPACE, " ", regex=True).str.strip(" ")
    return collapsed.mask(collapsed == "")


def trimmed_email(emails: pd.Series) -> pd.Series:
    """R04: the e-mail as it is sent: trimmed, else as written in Bitrix24."""
    trimmed = emails.str.replace(f"^{WHITE_SPACE}|{WHITE_SPACE}$", "", regex=True)
    return trimmed.mask(trimmed == "")


def email_key(emails: pd.Series) -> pd.Series:
    """R04: the e-mail as it is compared: trimmed and casefolded."""
    return casefolded(trimmed_email(emails))


def name_key(names: pd.Series) -> pd.Series:
    """R09: a last name as it is compared: white space normalised and casefolded."""
    return casefolded(tidy(names))


def casefolded(texts: pd.Series) -> pd.Series:
    """R04: `str.casefold` of a column; for ASCII that is lower case."""
    return with_other_scripts(texts.str.lower(), texts=texts, convert=str.casefold)


def with_other_scripts(in_ascii: pd.Series, *, texts: pd.Series, convert: Callable[[str], str]) -> pd.Series:
    """`in_ascii` where a text is ASCII; the others converted by a Python function, which is slow and seldom needed."""
    others = texts[texts.notna() & ~texts.str.isascii()]
    return in_ascii.mask(in_ascii.index.isin(others.index), others.map(convert)) if len(others) else in_ascii


def callgear_last_name(last_names: pd.Series, *, prefix: str) -> pd.Series:
    """R06: the prefix and the Bitrix24 last name (tidy); a name that begins with the prefix does not get it twice."""
    has_prefix = last_names.str.startswith(re.sub(WHITE_SPACE, " ", prefix).lstrip())
    return last_names.where(has_prefix, prefix + last_names)


def decimal_digits(text: str) -> str:
    """R05: the decimal digits of any script in `text`, written as ASCII 0-9; everything else is dropped."""
    return "".join(str(int(character)) for character in text if character.isdecimal())


def phone_number(texts: pd.Series) -> pd.Series:
    """R05: the digits of each text, where they are as many as a phone number has; else no value."""
    digits = with_other_scripts(texts.str.replace("[^0-9]", "", regex=True), texts=texts, convert=decimal_digits)
    return digits.where(digits.str.len().between(SHORTEST_PHONE, LONGEST_PHONE))


def in_dialling_order(work: pd.Series, mobile: pd.Series, landline: pd.Series, *, policy: PhonesPolicy) -> pd.Series:
    """R05: each user's phone numbers, comma-separated: work, personal mobile, personal landline.

    Of equal numbers the first stays; policy `first` takes only the first. No value where a user has none.
    """
    if policy is PhonesPolicy.FIRST:
        return work.fillna(mobile).fillna(landline)
    landline = landline.mask((landline == work) | (landline == mobile))
    return joined(work, mobile.mask(mobile == work), landline, separator=LIST_SEPARATOR)


def unusable_phones(written: Sequence[pd.Series], *, numbers: Sequence[pd.Series]) -> pd.Series:
    """R05: the phone texts that gave no number, as they were written."""
    left_out = [texts.mask(number.notna()) for texts, number in zip(written, numbers, strict=True)]
    some = [tidy(texts) for texts in left_out if texts.notna().any()] or left_out[:1]
    return joined(*some, separator=UNUSABLE_SEPARATOR)


def joined(*parts: pd.Series, separator: str) -> pd.Series:
    """The values of each row, with the separator between them; no value where a row has none."""
    text = parts[0]
    for part in parts[1:]:
        text = (text + separator + part).fillna(text).fillna(part)
    return text
