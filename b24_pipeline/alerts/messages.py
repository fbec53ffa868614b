"""Messages of alerts: a subject and a few lines, without a secret, and nothing of people but names."""

import re
import unicodedata
from dataclasses import dataclass

from b24_pipeline.alerts.conditions import Change, Condition
from b24_pipeline.http import redact_personal_data
from b24_pipeline.text import printable

MAX_NAMES = 10
MAX_DETAIL = 300
NAME_CATEGORIES = ("L", "M", "N")
NAME_CHARACTERS = frozenset(" .'’-()")
MARKUP = str.maketrans(
    {"<": "‹", ">": "›", "&": "+", "*": "·", "`": "'", "~": "-", "|": "/", "[": "(", "]": ")", "{": "(", "}": ")"}
)
OUR_NAMES = (
    r"\b(?:user\.(?:get|current|search)|department\.get|log(?:in|out)\.user)\b",
    r"\b(?:create|delete|get|update)\.(?:account|(?:deal_)?employees|sip_lines)\b",
    r"\.duckdb\b",
)
"""Methods and files that our own messages name; none ends in a top-level domain."""
DOTS = ".。．｡․"
"""Those that browsers, too, take for one in a host name."""
DOT_OF_A_HOST = rf"(?<=\S)[{DOTS}](?=[\d_-]*[^\W\d_][^\s.,;:!?)])"
"""Before a label of two characters or more that is no number: not in `e.g.`, `J. Smith` or 203.0.113.70."""
BREAKABLE = re.compile(rf"(?P<kept>{'|'.join(OUR_NAMES)})|{DOT_OF_A_HOST}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Message:
    subject: str
    text: str


def message_of(change: Change, *, connection: str) -> Message:
    headline = "recovered" if change.recovered else f"over: {'; '.join(change.over)}"
    if change.new:
        headline = "; ".join(condition.state for condition in change.new)
    subject = f"{connection}: {headline}"
    lines = [line for condition in change.new for line in lines_of(condition)]
    if change.over:
        lines.append(f"Over: {'; '.join(change.over)}")
    if change.still:
        lines.append(f"Still: {'; '.join(change.still)}")
    return Message(subject=subject, text="\n".join([subject, *lines]))


def lines_of(condition: Condition) -> list[str]:
    """One condition: why, since when, who."""
    lines = [condition.message]
    if condition.detail:
        lines.append(f"Reason: {without_personal_data(condition.detail)}")
    lines.append(f"Since: {condition.since:%Y-%m-%d %H:%M} UTC")
    if condition.people:
        shown = ", ".join(plain_name(name) for name in condition.people[:MAX_NAMES])
        more = len(condition.people) - MAX_NAMES
        lines.append(f"Who: {shown}{f' and {more} more' if more > 0 else ''}")
    return lines


def without_personal_data(detail: str) -> str:
    """An error without the addresses, e-mails and numbers that it may quote, markup or a link."""
    text = " ".join(printable(word) for word in detail.split())
    return defang(redact_personal_data(text).translate(MARKUP))[:MAX_DETAIL]


def plain_name(name: str) -> str:
    """A name that is no more than a name: letters, marks, digits and what names consist of; nothing to a chat."""
    kept = "".join(
        character
        if character in NAME_CHARACTERS or unicodedata.category(character).startswith(NAME_CATEGORIES)
        else " "
        for character in redact_personal_data(printable(name))
    )
    return defang(" ".join(kept.split())) or "(no name)"


def defang(text: str) -> str:
    """Write `[.]` within what could be a host name: mail clients and chats make a link of every name with a dot."""
    return BREAKABLE.sub(lambda match: match["kept"] or "[.]", text)
