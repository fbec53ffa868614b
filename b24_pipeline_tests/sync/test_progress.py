"""Progress is told in about twenty lines, whatever there is to do."""

import io
import logging

import pytest
from rich.console import Console
from rich.progress import Progress as Bar

from b24_pipeline.cli.output import BarHandler, progress_bar
from b24_pipeline.sync import progress as source
from b24_pipeline.sync.progress import Progress


@pytest.mark.parametrize(("total", "at_once", "lines"), [(1, 1, 1), (7, 1, 7), (1000, 1, 20), (1000, 90, 12)])
def test_every_twentieth_part_and_the_end_are_lines(
    caplog: pytest.LogCaptureFixture, total: int, at_once: int, lines: int
) -> None:
    progress = Progress("callgear_upsert", total=total)

    with caplog.at_level(logging.INFO, logger=source.log.name):
        while progress.done < total:
            progress.advance(min(at_once, total - progress.done))

    assert len(caplog.messages) == lines
    assert caplog.messages[-1] == f"callgear_upsert: {total} of {total}"


def test_a_bar_moves_with_every_action() -> None:
    bar = Bar(console=Console(file=io.StringIO()))
    handler, progress = BarHandler(bar), Progress("callgear_upsert", total=1000)
    source.log.addHandler(handler)
    source.log.setLevel(logging.DEBUG)
    try:
        progress.advance(1)
        progress.advance(2)
    finally:
        source.log.removeHandler(handler)
        source.log.setLevel(logging.NOTSET)

    (task,) = bar.tasks
    assert (task.description, task.completed, task.total) == ("callgear_upsert", 3, 1000)


def test_where_there_is_no_terminal_there_is_no_bar() -> None:
    with progress_bar():
        assert not any(isinstance(handler, BarHandler) for handler in source.log.handlers)
