"""Ordinary people, as many as wanted, always the same ones for the same number.

Every phone number is from a range kept for fiction or made up, and spelled as people type them.
"""

from collections.abc import Callable

from b24_pipeline.sandbox.bitrix24.fields import iso
from b24_pipeline.sandbox.company.names import CULTURES, POSITIONS
from b24_pipeline.sandbox.portal import User

FOUNDED = 1_546_300_800  # 2019-01-01
DAY = 86_400
Spelling = Callable[[str, str], str]
ARABIC_INDIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
FULL_WIDTH = str.maketrans("0123456789+", "０１２３４５６７８９＋")

SPELLINGS: tuple[Spelling, ...] = (
    lambda code, rest: f"+{code} {rest[:3]} {rest[3:6]}-{rest[6:8]}-{rest[8:]}",
    lambda code, rest: f"+{code}({rest[:3]}){rest[3:6]}-{rest[6:]}",
    lambda code, rest: f"{code}{rest}",
    lambda code, rest: f"+{code}{rest}",
    lambda code, rest: f"+{code}-{rest[:3]}-{rest[3:]}",
    lambda code, rest: f"{code} ({rest[:3]}) {rest[3:6]} {rest[6:8]} {rest[8:]}",
    lambda code, rest: f"+{code}.{rest[:3]}.{rest[3:6]}.{rest[6:]}",
    lambda code, rest: f"tel:+{code}{rest}",
    lambda code, rest: f" +{code} {rest[:3]} {rest[3:]} ",
    lambda code, rest: f"+{code}\u00a0{rest[:3]}\u00a0{rest[3:]}",
    lambda code, rest: f"+{code}{rest}".translate(ARABIC_INDIC),
    lambda code, rest: f"+{code} {rest[:3]} {rest[3:]}".translate(FULL_WIDTH),
    lambda code, rest: f"+{code} {rest[:3]} {rest[3:6]}-{rest[6:8]}-{rest[8:]} доб. {rest[-3:]}",
)
COUNTRY_CODES = ("7", "971", "44", "1", "7", "90")


def person(number: int) -> User:
    """The fields of ordinary person ``number``; the e-mail address is nobody else's."""
    culture = CULTURES[number % len(CULTURES)]
    step = number // len(CULTURES)
    first, first_latin = culture.first[step % len(culture.first)]
    last, last_latin = culture.last[(step // len(culture.first) + step) % len(culture.last)]
    fields: User = {
        "NAME": first,
        "LAST_NAME": last,
        "EMAIL": f"{first_latin}.{last_latin}.{number}@corp.example",
        "WORK_POSITION": POSITIONS[number % len(POSITIONS)],
        "UF_DEPARTMENT": [1 + number % 9],
        "DATE_REGISTER": iso(FOUNDED + number * 11 % 2_500 * DAY),
        **_phones(number),
    }
    if culture.patronymics:
        fields["SECOND_NAME"] = culture.patronymics[step % len(culture.patronymics)]
    if number % 5 == 0:
        fields["UF_PHONE_INNER"] = str(100 + number % 900)
    return fields


def _phones(number: int) -> User:
    """Work, mobile, both, landline too, or none; the mobile at times the work number once more."""
    work, mobile = spelled(3 * number), spelled(3 * number + 1)
    variants: tuple[User, ...] = (
        {"WORK_PHONE": work},
        {"WORK_PHONE": work, "PERSONAL_MOBILE": mobile},
        {"PERSONAL_MOBILE": mobile},
        {"WORK_PHONE": work, "PERSONAL_MOBILE": mobile, "PERSONAL_PHONE": spelled(3 * number + 2)},
        {"WORK_PHONE": digits(3 * number), "PERSONAL_MOBILE": f"+{digits(3 * number)}"},
        {},
        {"PERSONAL_PHONE": spelled(3 * number + 2)},
    )
    return variants[number % len(variants)]


def spelled(number: int) -> str:
    """A number of its own for every ``number``, in one of the spellings."""
    code = COUNTRY_CODES[number % len(COUNTRY_CODES)]
    rest = f"{900_555_0000 + number:010d}"
    return SPELLINGS[number % len(SPELLINGS)](code, rest)


def digits(number: int) -> str:
    """The same number as digits, without an extension."""
    return f"{COUNTRY_CODES[number % len(COUNTRY_CODES)]}{900_555_0000 + number:010d}"
