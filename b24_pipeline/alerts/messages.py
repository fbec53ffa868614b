"""What a receiver reads: a subject and a few lines, without a secret, and nothing of people but names."""

import unicodedata
from dataclasses import dataclass

from b24_pipeline.alerts.conditions import Change, Trouble
from b24_pipeline.alerts.defanging import defanged
from b24_pipeline.alerts.masking import masked
from b24_pipeline.text import printable

MOST_NAMES = 10
LONGEST_ANSWER = 300
NAME_CATEGORIES = ("L", "M", "N")
NAME_CHARACTERS = frozenset(" .'’-()")
MARKUP = str.maketrans(
    {"<": "‹", ">": "›", "&": "+", "*": "·", "`": "'", "~": "-", "|": "/", "[": "(", "]": ")", "{": "(", "}": ")"}
)


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent."""

    subject: str
    text: str


def message_of(change: Change, *, connection: str) -> Message:
    """The message of a change."""
    subject = f"{connection}: {headline(change)}"
    lines = [line for trouble in change.new for line in lines_of(trouble)]
    if change.over:
        lines.append(f"Over: {'; '.join(change.over)}")
    if change.still:
        lines.append(f"Still: {'; '.join(change.still)}")
    return Message(subject=subject, text="\n".join([subject, *lines]))


def headline(change: Change) -> str:
    """The change in a few words."""
    if change.new:
        return "; ".join(trouble.state for trouble in change.new)
    return "recovered" if change.recovered else f"over: {'; '.join(change.over)}"


def lines_of(trouble: Trouble) -> list[str]:
    """One trouble: why, since when, who."""
    lines = [trouble.words]
    if trouble.said:
        lines.append(f"The reason: {without_personal_data(trouble.said)}")
    lines.append(f"Since: {trouble.since:%Y-%m-%d %H:%M} UTC")
    if trouble.people:
        shown = ", ".join(plain_name(name) for name in trouble.people[:MOST_NAMES])
        more = len(trouble.people) - MOST_NAMES
        lines.append(f"Who: {shown}{f' and {more} more' if more > 0 else ''}")
    return lines


def without_personal_data(said: str) -> str:
    """An answer in words, without the addresses, e-mails and numbers that it may quote, markup or a link."""
    text = " ".join(printable(word) for word in said.split())
    return defanged(masked(text).translate(MARKUP))[:LONGEST_ANSWER]


def plain_name(name: str) -> str:
    """A name that is no more than a name: letters, marks, digits and what names consist of; nothing to a chat."""
    kept = "".join(
        character
        if character in NAME_CHARACTERS or unicodedata.category(character).startswith(NAME_CATEGORIES)
        else " "
        for character in masked(printable(name))
    )
    return defanged(" ".join(kept.split())) or "(no name)"
