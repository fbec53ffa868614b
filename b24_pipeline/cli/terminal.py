"""Where tables are printed."""

import json
import re
import sys
import unicodedata
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.text import Text

from b24_pipeline.text import UNPRINTABLE, one_line

WIDTH_WITHOUT_TERMINAL = 160
STEERING = UNPRINTABLE | {"Zl", "Zp"}
"""Categories of characters that steer a terminal, or end a line for whoever reads line by line."""
BEYOND_ASCII = re.compile(r"[^\x20-\x7e]")


def wide_console() -> Console:
    """The terminal, or lines as long as they are where there is none: nothing is cut off in a file or a pipe."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH_WITHOUT_TERMINAL)


def as_json(found: Mapping[str, object] | Sequence[Mapping[str, object]]) -> str:
    """As JSON that is right also where standard output cannot write every character."""
    return without_steering(json.dumps(found, ensure_ascii=not shows_every_character(), default=str))


def without_steering(written: str) -> str:
    """The same JSON, in which each character by which a text could steer the terminal is escaped."""
    return BEYOND_ASCII.sub(lambda found: escaped(found[0]), written)


def escaped(character: str) -> str:
    """The character as it is, or as JSON escapes it."""
    return json.dumps(character)[1:-1] if unicodedata.category(character) in STEERING else character


def shows_every_character() -> bool:
    """Whether standard output takes all of Unicode."""
    return (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")


def result_line(name: str, *, passed: bool, text: str) -> Text:
    """One line of a check."""
    mark = Text("pass  ", style="green") if passed else Text("FAIL  ", style="bold red")
    return mark + Text(f"{name}: {one_line(text)}")
