"""Where tables are printed."""

import json
import sys
from collections.abc import Mapping, Sequence

from rich.console import Console

WIDTH_WITHOUT_TERMINAL = 160


def wide_console() -> Console:
    """The terminal, or lines as long as they are where there is none: nothing is cut off in a file or a pipe."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH_WITHOUT_TERMINAL)


def as_json(found: Mapping[str, object] | Sequence[Mapping[str, object]]) -> str:
    """As JSON that is right also where standard output cannot write every character."""
    return json.dumps(found, ensure_ascii=not shows_every_character(), default=str)


def shows_every_character() -> bool:
    """Whether standard output takes all of Unicode."""
    return (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
