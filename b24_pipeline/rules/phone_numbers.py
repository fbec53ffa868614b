"""R05: the phone numbers of users as CallGear takes them, a whole column at a time where that is possible."""

import re
from collections.abc import Iterator, Sequence

import pandas as pd

from b24_pipeline.rules.models import PhonesPolicy
from b24_pipeline.rules.normalization import join_non_null, normalize_name, normalize_names, replaced, without_invisible
from b24_pipeline.schemas import MAX_PHONE_DIGITS, MAX_PHONES, MIN_PHONE_DIGITS

LIST_SEPARATOR = ","
UNUSABLE_SEPARATOR = " | "
EXTENSION_MARK = "..."
"""The mark between a number and its extension in CallGear (contract 5.3)."""
MAX_EXTENSION_DIGITS = 10

SPECIAL = r"[^ $-+\-./0-9]|\.\.\."
"""A pattern of texts that may be more than one plain number: letters, other scripts, separators, extensions."""
BETWEEN_NUMBERS = re.compile("([,;\uff0c\uff1b\u3001\u060c\u061b\n\r\v\f\x1c-\x1e\x85\u2028\u2029])")
WORDS = "x|\u0445|ext|extn|extension|доб|добавочный|вн|внутр|внутренний"
MARK = rf"(?:#|\.\.\.|…|(?<![^\W\d_])(?:{WORDS})(?![^\W\d_]))[\s.:=№(\-]{{0,5}}"
MARKED_DIGITS = re.compile(rf"{MARK}\d", re.IGNORECASE)
EXTENSION = re.compile(rf"{MARK}(?P<digits>\d(?:[ \-]?\d)*+)\D*$", re.IGNORECASE)


def phone_numbers(written: Sequence[pd.Series], *, policy: PhonesPolicy) -> pd.DataFrame:
    """The columns `phones` and `unusable_phones` of users, given their phone texts in dialing order.

    Of equal numbers the first stays; policy `first` takes only the first. No value where a user has none.
    """
    digits = [texts.str.replace("[^0-9]", "", regex=True) for texts in written]
    numbers = [number.where(number.str.len().between(MIN_PHONE_DIGITS, MAX_PHONE_DIGITS)) for number in digits]
    phones = dialing_order(numbers, policy=policy)
    left_out = [texts.mask(number.notna()) for texts, number in zip(written, numbers, strict=True)]
    some = [normalize_names(texts) for texts in left_out if texts.notna().any()] or left_out[:1]
    unusable = join_non_null(*some, separator=UNUSABLE_SEPARATOR)
    rows = pd.concat(written, axis=1)
    special = rows[pd.concat([texts.str.contains(SPECIAL, regex=True) for texts in written], axis=1).any(axis=1)]
    if len(special):
        read = [numbers_of_user(texts, policy=policy) for texts in special.itertuples(index=False)]
        phones, unusable = (
            replaced(column, pd.Series(values, index=special.index, dtype="str"))
            for column, values in zip((phones, unusable), zip(*read, strict=True), strict=True)
        )
    return pd.DataFrame({"phones": phones, "unusable_phones": unusable})


def dialing_order(numbers: Sequence[pd.Series], *, policy: PhonesPolicy) -> pd.Series:
    """The numbers of each user, comma-separated, without duplicates; with policy `first` the first."""
    work, mobile, landline = numbers
    if policy is PhonesPolicy.FIRST:
        return work.fillna(mobile).fillna(landline)
    landline = landline.mask((landline == work) | (landline == mobile))
    return join_non_null(work, mobile.mask(mobile == work), landline, separator=LIST_SEPARATOR)


def numbers_of_user(texts: Sequence[object], *, policy: PhonesPolicy) -> tuple[str | None, str | None]:
    """The same two values for one user, whatever the texts hold; no more numbers than CallGear takes."""
    parts = [part for text in texts if isinstance(text, str) for part in parts_of(without_invisible(text))]
    read = [(part, number_in(part)) for part in parts]
    numbers = list(dict.fromkeys(number for _, number in read if number))
    taken = numbers[: 1 if policy is PhonesPolicy.FIRST else MAX_PHONES]
    too_many = frozenset(numbers[MAX_PHONES:])
    unusable = [normalize_name(part) for part, number in read if not number or number in too_many]
    return LIST_SEPARATOR.join(taken) or None, UNUSABLE_SEPARATOR.join(filter(None, unusable)) or None


def parts_of(text: str) -> Iterator[str]:
    """The numbers of a text as they are written; an extension after a comma belongs to the number before it."""
    number, *others = BETWEEN_NUMBERS.split(text)
    for separator, part in zip(others[::2], others[1::2], strict=True):
        if EXTENSION.match(part.lstrip(" \t(")) and number_in(number) and not EXTENSION.search(number):
            number += separator + part
        else:
            yield number
            number = part
    yield number


def number_in(part: str) -> str | None:
    """The number in CallGear's form: digits, and the extension after `EXTENSION_MARK`; None where it is none."""
    found = EXTENSION.search(part)
    main = part[: found.start()] if found else part
    digits, extension = decimal_digits(main), decimal_digits(found["digits"]) if found else ""
    usable = MIN_PHONE_DIGITS <= len(digits) <= MAX_PHONE_DIGITS and len(extension) <= MAX_EXTENSION_DIGITS
    if not usable or MARKED_DIGITS.search(main):
        return None
    return f"{digits}{EXTENSION_MARK}{extension}" if extension else digits


def decimal_digits(text: str) -> str:
    """The decimal digits of any script in `text`, written as ASCII 0-9; everything else is dropped."""
    return "".join(str(int(character)) for character in text if character.isdecimal())
