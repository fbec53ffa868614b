"""What receivers were told is noted before they are told, by one process at a time."""

import json
from pathlib import Path

import pytest
from filelock import FileLock

from b24_pipeline.alerts import state
from b24_pipeline.alerts.conditions import Change, State, Trouble
from b24_pipeline.alerts.state import MemoryHeld, memory_beside
from b24_pipeline_tests.factories import NOON

FAILED = Change(new=(Trouble(State.FAILED, since=NOON, words="Words."),), still=(), over=())


def noted(folder: Path, suffix: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads((folder / f"b24.alerts.{suffix}").read_text())
    return found


def test_what_is_told_is_on_the_disk_before_it_is_told_and_holds_afterwards(tmp_path: Path) -> None:
    with memory_beside(tmp_path / "b24.duckdb") as kept:
        with kept.told_of("webhook", FAILED):
            assert noted(tmp_path, "tmp") == {"webhook": {"FAILED": NOON.isoformat()}}
            assert kept.of("webhook") == {}
        assert kept.of("webhook") == {State.FAILED: NOON}
    assert noted(tmp_path, "json") == {"webhook": {"FAILED": NOON.isoformat()}}


def test_another_process_that_tells_for_too_long_is_an_error_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "WAIT_SECONDS", 0)
    other = FileLock(tmp_path / "b24.alerts.lock")
    with other, pytest.raises(MemoryHeld, match="Another process"), memory_beside(tmp_path / "b24.duckdb"):
        pass
