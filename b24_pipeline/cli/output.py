"""Output of the command line: consoles, JSON, the lines of a check, a progress bar."""

import json
import logging
import re
import sys
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from b24_pipeline.sync import executor as source
from b24_pipeline.text import UNPRINTABLE, one_line

WIDTH_WITHOUT_TERMINAL = 160
CONTROL_CHARACTERS = UNPRINTABLE | {"Zl", "Zp"}
"""Categories of characters that control a terminal, or end a line for a reader line by line."""
BEYOND_ASCII = re.compile(r"[^\x20-\x7e]")


def wide_console() -> Console:
    """Return the terminal, or a wide console without one: nothing is cut off in a file or a pipe."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH_WITHOUT_TERMINAL)


def to_json(found: Mapping[str, object] | Sequence[Mapping[str, object]]) -> str:
    """Return JSON that is right also where standard output cannot encode every character."""
    return without_control_characters(json.dumps(found, ensure_ascii=not shows_every_character(), default=str))


def without_control_characters(written: str) -> str:
    """Return the same JSON with all characters escaped that control a terminal."""

    def escaped(found: re.Match[str]) -> str:
        return json.dumps(found[0])[1:-1] if unicodedata.category(found[0]) in CONTROL_CHARACTERS else found[0]

    return BEYOND_ASCII.sub(escaped, written)


def shows_every_character() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")


def result_line(name: str, *, passed: bool, text: str) -> Text:
    mark = Text("pass  ", style="green") if passed else Text("FAIL  ", style="bold red")
    return mark + Text(f"{name}: {one_line(text)}")


class BarHandler(logging.Handler):
    def __init__(self, bar: Progress) -> None:
        super().__init__(level=logging.DEBUG)
        self.bar = bar
        self.tasks = {task.description: task.id for task in bar.tasks}

    def emit(self, record: logging.LogRecord) -> None:
        name = str(record.args[0]) if isinstance(record.args, tuple) and record.args else record.name
        if name not in self.tasks:
            self.tasks[name] = self.bar.add_task(name, total=None)
        self.bar.update(self.tasks[name], completed=record.__dict__["done"], total=record.__dict__["total"])


@contextmanager
def progress_bar() -> Iterator[None]:
    """Show a bar on standard error for as long as the block lasts, if that is a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        handler, level = BarHandler(bar), source.progress_log.level
        source.progress_log.addHandler(handler)
        source.progress_log.setLevel(logging.DEBUG)
        try:
            yield
        finally:
            source.progress_log.setLevel(level)
            source.progress_log.removeHandler(handler)
