"""A progress bar on long work, when the terminal is one."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from b24_pipeline.sync import progress as source


class BarHandler(logging.Handler):
    """Draws what `importing.progress` tells."""

    def __init__(self, bar: Progress) -> None:
        super().__init__(level=logging.DEBUG)
        self.bar = bar
        self.tasks = {task.description: task.id for task in bar.tasks}

    def emit(self, record: logging.LogRecord) -> None:
        """Move the bar of the step."""
        name = str(record.args[0]) if isinstance(record.args, tuple) and record.args else record.name
        if name not in self.tasks:
            self.tasks[name] = self.bar.add_task(name, total=None)
        self.bar.update(self.tasks[name], completed=record.__dict__["done"], total=record.__dict__["total"])


@contextmanager
def progress_bar() -> Iterator[None]:
    """Show a bar on standard error while work is going on."""
    if not sys.stderr.isatty():
        yield
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        handler, level = BarHandler(bar), source.log.level
        source.log.addHandler(handler)
        source.log.setLevel(logging.DEBUG)
        try:
            yield
        finally:
            source.log.setLevel(level)
            source.log.removeHandler(handler)
