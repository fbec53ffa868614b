"""Phone numbers as people type them; every number is from a range kept for fiction or made up."""

from collections.abc import Callable

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


def spelled(number: int) -> str:
    """A number of its own for every ``number``, in one of the spellings."""
    code = COUNTRY_CODES[number % len(COUNTRY_CODES)]
    rest = f"{900_555_0000 + number:010d}"
    return SPELLINGS[number % len(SPELLINGS)](code, rest)


def digits(number: int) -> str:
    """The same number as digits, without an extension."""
    return f"{COUNTRY_CODES[number % len(COUNTRY_CODES)]}{900_555_0000 + number:010d}"
