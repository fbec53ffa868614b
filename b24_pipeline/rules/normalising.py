"""R04-R06: names, e-mails and phones brought into one form, a whole column at a time."""

import pandas as pd

from b24_pipeline.rules.records import PhonesPolicy

WHITE_SPACE = "[ \t-\r\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
"""Every character that Unicode calls white space, spelled out: `\\s` would send pandas from RE2 to Python's slower engine."""

LIST_SEPARATOR = ","
UNUSABLE_SEPARATOR = " | "
SHORTEST_PHONE, LONGEST_PHONE = 3, 15


def tidy(texts: pd.Series) -> pd.Series:
    """R04: trimmed, inner white space collapsed to one space; a text of white space alone becomes no value."""
    collapsed = texts.str.replace(f"{WHITE_SPACE}+", " ", regex=True).str.strip(" ")
    return collapsed.mask(collapsed == "")


def trimmed_email(emails: pd.Series) -> pd.Series:
    """R04: the e-mail as it is sent: trimmed, else as written in Bitrix24."""
    trimmed = emails.str.replace(f"^{WHITE_SPACE}+|{WHITE_SPACE}+$", "", regex=True)
    return trimmed.mask(trimmed == "")


def email_key(emails: pd.Series) -> pd.Series:
    """R04: the e-mail as it is compared: trimmed and casefolded."""
    return trimmed_email(emails).str.casefold()


def name_key(names: pd.Series) -> pd.Series:
    """R09: a last name as it is compared: white space normalised and casefolded."""
    return tidy(names).str.casefold()


def callgear_last_name(last_names: pd.Series, *, prefix: str) -> pd.Series:
    """R06: the prefix and the Bitrix24 last name (tidy); a name that begins with the prefix does not get it twice."""
    return last_names.where(last_names.str.startswith(prefix) | last_names.isna(), prefix + last_names)


def decimal_digits(text: str) -> str:
    """R05: the decimal digits of any script in `text`, written as ASCII 0-9; everything else is dropped."""
    return "".join(str(int(character)) for character in text if character.isdecimal())


def digits(texts: pd.Series) -> pd.Series:
    """R05: `decimal_digits` of a column; no value stays no value."""
    ascii_digits = texts.str.replace("[^0-9]", "", regex=True)
    other_scripts = texts.notna() & ~texts.str.isascii().fillna(value=True).astype(bool)
    if not other_scripts.any():
        return ascii_digits
    return ascii_digits.mask(other_scripts, texts[other_scripts].map(decimal_digits).reindex(texts.index))


def is_phone(digit_texts: pd.Series) -> pd.Series:
    """R05: 3 to 15 digits are a phone number."""
    return digit_texts.str.len().between(SHORTEST_PHONE, LONGEST_PHONE)


def phones(*, work: pd.Series, mobile: pd.Series, landline: pd.Series, policy: PhonesPolicy) -> pd.Series:
    """R05: the phone numbers in dialling order, comma-separated: work, personal mobile, personal landline.

    What is no phone number is left out; of equal numbers the first stays. No value where nothing is left.
    """
    first, second, third = (d.where(is_phone(d)) for d in map(digits, (work, mobile, landline)))
    if policy is PhonesPolicy.FIRST:
        return first.fillna(second).fillna(third)
    second = second.mask((second == first).fillna(value=False))
    third = third.mask(((third == first) | (third == second)).fillna(value=False))
    return joined(first, second, third, separator=LIST_SEPARATOR)


def unusable_phones(*, work: pd.Series, mobile: pd.Series, landline: pd.Series) -> pd.Series:
    """R05: the phone texts that were left out because they are not 3 to 15 digits, as they were written."""
    written = [tidy(texts) for texts in (work, mobile, landline)]
    return joined(*(t.mask(is_phone(digits(t))) for t in written), separator=UNUSABLE_SEPARATOR)


def joined(*parts: pd.Series, separator: str) -> pd.Series:
    """The values of each row, with the separator between them; no value where a row has none."""
    text = parts[0]
    for part in parts[1:]:
        both = text.notna() & part.notna()
        text = text.fillna(part).mask(both, text + separator + part)
    return text
