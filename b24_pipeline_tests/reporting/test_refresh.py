"""The report is redrawn when there is something new to show, else at most once an hour."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from b24_pipeline.reporting.refresh import CurrentReport, refresh_report, report_beside
from b24_pipeline.rules.models import RunStatus
from b24_pipeline_tests.reporting.conftest import History


class Shelf:
    """Where the report of a history lies."""

    def __init__(self, history: History, folder: Path) -> None:
        self.history = history
        self.file = report_beside(folder / "b24.duckdb")

    def after_a_run(self, status: RunStatus = RunStatus.DONE, **counts: int) -> CurrentReport:
        self.history.run(status, **counts)
        return self.look()

    def look(self) -> CurrentReport:
        return refresh_report(self.history.store, self.file, now=self.history.now)

    def is_redrawn_by(self, current: CurrentReport) -> bool:
        return current.drawn_at == self.history.now


@pytest.fixture(scope="module")
def just_drawn(tmp_path_factory: pytest.TempPathFactory) -> History:
    """What `shelf` begins with: recorded and drawn once."""
    folder = tmp_path_factory.mktemp("just_drawn")
    history = History(folder)
    with history.store:
        found = Shelf(history, folder)
        history.run()
        assert found.is_redrawn_by(found.after_a_run())
    return history


@pytest.fixture
def shelf(just_drawn: History, tmp_path: Path) -> Iterator[Shelf]:
    """A report after two runs, just drawn."""
    history = just_drawn.going_on_in(tmp_path)
    with history.store:
        yield Shelf(history, tmp_path)


def test_a_quiet_run_shows_what_was_drawn(shelf: Shelf) -> None:
    html, drawn = shelf.file.read_text(), shelf.look()
    quiet = shelf.after_a_run()
    assert not shelf.is_redrawn_by(quiet)
    assert (shelf.file.read_text(), quiet) == (html, drawn)
    assert "2 of 2 runs went through" in quiet.findings


def test_after_an_hour_it_is_redrawn(shelf: Shelf) -> None:
    shelf.after_a_run()
    assert shelf.is_redrawn_by(shelf.after_a_run())


def test_r16c_a_report_drawn_in_the_future_is_redrawn(shelf: Shelf) -> None:
    year = timedelta(days=365)
    shelf.history.now += year
    shelf.after_a_run()
    shelf.history.now -= year
    assert shelf.is_redrawn_by(shelf.look())
    assert not shelf.is_redrawn_by(shelf.after_a_run())


@pytest.mark.parametrize(
    ("status", "counts"),
    [
        (RunStatus.DONE, {"created": 1}),
        (RunStatus.DONE, {"responsible_removed": 1}),
        (RunStatus.DONE, {"conflicts": 1}),
        (RunStatus.PARTIAL, {}),
    ],
)
def test_something_new_is_drawn_at_once(shelf: Shelf, status: RunStatus, counts: dict[str, int]) -> None:
    assert shelf.is_redrawn_by(shelf.after_a_run(status, **counts))


def test_a_trial_hides_nothing_of_what_is_new(shelf: Shelf) -> None:
    shelf.history.run(only=(1,))
    assert shelf.is_redrawn_by(shelf.after_a_run())


def test_what_is_missing_is_drawn_again(shelf: Shelf) -> None:
    shelf.file.unlink()
    shelf.history.now += timedelta(minutes=1)
    assert shelf.is_redrawn_by(shelf.look())
    assert shelf.file.exists()
