"""Progress is told in about twenty lines, whatever there is to do."""

import io
import logging

import pytest
from rich.console import Console
from rich.progress import Progress as Bar

from b24_pipeline.cli.output import BarHandler, progress_bar
from b24_pipeline.sync import executor as source
from b24_pipeline.sync.executor import log_progress


@pytest.mark.parametrize(("total", "at_once", "lines"), [(1, 1, 1), (7, 1, 7), (1000, 1, 20), (1000, 90, 12)])
def test_every_twentieth_part_and_the_end_are_lines(
    caplog: pytest.LogCaptureFixture, total: int, at_once: int, lines: int
) -> None:
    with caplog.at_level(logging.INFO, logger=source.progress_log.name):
        for before in range(0, total, at_once):
            log_progress("callgear_upsert", before=before, done=min(before + at_once, total), total=total)

    assert len(caplog.messages) == lines
    assert caplog.messages[-1] == f"callgear_upsert: {total} of {total}"


def test_a_bar_moves_with_every_action() -> None:
    bar = Bar(console=Console(file=io.StringIO()))
    handler = BarHandler(bar)
    source.progress_log.addHandler(handler)
    source.progress_log.setLevel(logging.DEBUG)
    try:
        log_progress("callgear_upsert", before=0, done=1, total=1000)
        log_progress("callgear_upsert", before=1, done=3, total=1000)
    finally:
        source.progress_log.removeHandler(handler)
        source.progress_log.setLevel(logging.NOTSET)

    (task,) = bar.tasks
    assert (task.description, task.completed, task.total) == ("callgear_upsert", 3, 1000)


def test_where_there_is_no_terminal_there_is_no_bar() -> None:
    with progress_bar():
        assert not any(isinstance(handler, BarHandler) for handler in source.progress_log.handlers)
