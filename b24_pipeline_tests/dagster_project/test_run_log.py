"""What a run's page in the UI lists: a long outage, and what waits for a person, with the loggers of `dagster.yaml`."""

import logging
import re
from pathlib import Path

import dagster as dg
import pytest
import yaml

from b24_pipeline.dagster_runs import without_class
from b24_pipeline.resources import RunNotStarted
from b24_pipeline.sandbox import Fault, FaultKind
from b24_pipeline.sandbox.bitrix24.api import SECRET
from b24_pipeline_tests.harness import World
from b24_pipeline_tests.results import Result

PROJECT = Path(__file__).parents[2]
AT = r"; the next attempt is at \d\d:\d\d:\d\d UTC"
FAULTS = [
    (FaultKind.TIMEOUT_BEFORE, "{} did not answer within 0.3 s"),
    (FaultKind.RESET_BEFORE, "the connection to {} was reset"),
    (FaultKind.CONNECTION_REFUSED, "{} closed the connection without an answer"),
    (FaultKind.TRUNCATED_BODY, "{} closed the connection in the middle of the answer"),
    (FaultKind.BODY_FALLS_SILENT, "{} did not answer within 0.3 s"),
]
SYSTEMS = {"bitrix24": ("batch", "the portal"), "callgear": ("get.employees", "CallGear")}


@pytest.fixture
def logged(imported: World) -> World:
    """Nine imported people, and a Dagster that logs what the project's `dagster.yaml` says."""
    settings = yaml.safe_load((PROJECT / "dagster.yaml").read_text(encoding="utf-8"))
    imported.instance = dg.DagsterInstance.ephemeral(settings={"python_logs": settings["python_logs"]})
    return imported


def log_of(world: World, result: Result, *, level: int = logging.INFO) -> list[str]:
    """The lines of our own in the event log of a run, from this level on."""
    entries = world.instance.all_logs(result.run_id)
    return [entry.user_message for entry in entries if not entry.is_dagster_event and entry.level >= level]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize(("kind", "words"), FAULTS)
def test_each_retry_is_a_line_in_words(logged: World, system: str, kind: FaultKind, words: str) -> None:
    method, name = SYSTEMS[system]
    logged.set(B24_PIPELINE_HTTP_TIMEOUT_SECONDS="0.3")
    logged.sandbox.faults.add(Fault(kind, api=system, method=method, times=2))

    result = logged.run()

    told = [line for line in log_of(logged, result, level=logging.WARNING) if "next attempt" in line]
    assert result.status == "done"
    assert len(told) == 2
    for line in told:
        assert re.fullmatch(f"{re.escape(method)}: {words.format(name)}{AT}", line)
        assert SECRET not in line
        assert "127.0.0.1" not in line


def test_a_retry_of_a_create_is_a_line_too(logged: World) -> None:
    logged.hire("Newcomer")
    logged.sandbox.faults.add(Fault(FaultKind.RESET_BEFORE, api="callgear", method="create.employees"))
    told = log_of(logged, logged.run(), level=logging.WARNING)
    assert any(re.fullmatch(f"create.employees: the connection to CallGear was reset{AT}", line) for line in told)


def test_a_wait_for_the_minutes_points_is_a_line_that_says_until_when(logged: World) -> None:
    logged.behave(minute_limit=10)
    logged.set(B24_PIPELINE_LIMIT_CREATES="100")
    logged.hire_many(30, prefix="Newcomer")
    waits = [line for line in log_of(logged, logged.run()) if line.startswith("Waiting until ")]
    assert 2 <= len(waits) <= 4
    assert all(line.startswith("Waiting until 12:") for line in waits), "the run began at noon"
    assert all(re.search(r"\d\d:\d\d:\d\d UTC: CallGear's points of this minute are used up", line) for line in waits)


def test_an_outage_ends_in_words(logged: World) -> None:
    logged.sandbox.faults.add(Fault(FaultKind.RESET_BEFORE, api="callgear", times=None))
    result = logged.run()
    assert result.status == "failed"
    assert "the connection to CallGear was reset" in str(result.reason)


def test_r16_what_is_held_is_a_warning_that_says_how_to_approve(logged: World) -> None:
    logged.set(B24_PIPELINE_LIMIT_CREATES="1", B24_PIPELINE_LIMIT_CREATES_SHARE="0")
    logged.hire_many(3, prefix="Newcomer")
    result = logged.run()
    held = f"3 held by a safety limit; approve with b24-pipeline approve {result.run_id}"
    assert held in log_of(logged, result, level=logging.WARNING)


OF_DAGSTER = [found for found in vars(dg).values() if isinstance(found, type) and issubclass(found, Exception)]


@pytest.mark.parametrize("error", [*OF_DAGSTER, RunNotStarted], ids=lambda error: error.__name__)
def test_r20_the_reason_of_a_run_is_the_sentence_of_an_error_not_its_class(error: type[Exception]) -> None:
    assert (
        without_class(f"{error.__module__}.{error.__qualname__}: no run\n  has read: users\n")
        == "no run has read: users"
    )


@pytest.mark.parametrize("text", ["MemoryError", "OSError: [Errno 28] No space left on device"])
def test_r20_the_class_of_any_other_error_stays_in_the_reason(text: str) -> None:
    assert without_class(f"{text}\n") == text
