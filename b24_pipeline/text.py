"""Texts of a portal or an account are data: they cannot break out of Markdown or a terminal where they are shown."""

import re
import unicodedata
from collections.abc import Mapping, Sequence

MARKDOWN_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+!|~:@&$^=-])")
LINK_BEGINS = re.compile(r"https?(?=\\://)|www(?=\.)", re.IGNORECASE)
WORD_JOINER = "\u2060"
"""Takes no room, and breaks no line."""
MAX_CELL_LENGTH = 120
UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
MOST_ROWS = 50


def one_line(text: object) -> str:
    """The text on one line, without control and formatting characters (escape sequences, bidirectional overrides)."""
    if text is None or text != text:  # noqa: PLR0124 - NaN is not equal to itself
        return ""
    kept = (" " if character.isspace() else character for character in str(text))
    return "".join(character for character in kept if unicodedata.category(character) not in UNPRINTABLE)


def printable(text: object) -> str:
    """The same, cut to the width of a table's cell."""
    return shortened(text, MAX_CELL_LENGTH)


def shortened(text: object, most: int) -> str:
    """The text on one line, cut to so many characters."""
    plain = one_line(text)
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def numbered(number: int, one: str, many: str) -> str:
    """So many of something: "1 link", "2 links"."""
    return f"{number:,} {one if number == 1 else many}"


def markdown_line(text: object) -> str:
    """The text on one line, as Markdown shows it to the letter.

    Addresses become no links: GitHub's Markdown looks for them once the escapes are gone, so an invisible character
    stands in each. E-mail addresses are left whole, as people copy them.
    """
    return LINK_BEGINS.sub(rf"\g<0>{WORD_JOINER}", MARKDOWN_SPECIAL.sub(r"\\\1", one_line(text)))


def markdown(text: object) -> str:
    """The same, cut to the width of a table's cell."""
    return markdown_line(printable(text))


def markdown_table(
    rows: Sequence[Mapping[str, object]], *, columns: Sequence[str], most: int = MOST_ROWS, rest: str = ""
) -> str:
    """A Markdown table of the first rows, which are by column title; a word when there are none.

    `rest` is the table of the audit that has all rows, for those who miss some.
    """
    if not rows:
        return "none"
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(markdown(row.get(column)) for column in columns) + " |" for row in rows[:most]]
    if len(rows) > most:
        lines.append(f"\n… and {len(rows) - most} more{f', in `{rest}`' if rest else ''}")
    return "\n".join(lines)
