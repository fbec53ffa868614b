"""The sensors that tell people: also of runs from the terminal, of runs that could not begin, never of trials."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from filelock import FileLock

from b24_pipeline.alerts.sensors import alert_after_failure, alert_after_success, told_in_words
from b24_pipeline.audit.health import Failure
from b24_pipeline.cli import main
from b24_pipeline.cli.exit_codes import Exit
from b24_pipeline.definitions import defs
from b24_pipeline.rules.models import RunStatus
from b24_pipeline_tests.alerts.receivers import SECRET, Hook, web_receiver
from b24_pipeline_tests.harness import HALF_AN_HOUR, QUIET, World
from b24_pipeline_tests.results import Result


@pytest.fixture
def hook(imported: World) -> Iterator[Hook]:
    with web_receiver() as found:
        imported.set(B24_PIPELINE_ALERT_WEBHOOK_URL=found.url)
        yield found


def told(world: World, result: Result) -> str:
    """What the sensors say of a run."""
    run = world.instance.get_run_by_id(result.run_id)
    event = result.dagster.get_run_success_event() if result.success else result.dagster.get_run_failure_event()
    given: dict[str, Any] = {"dagster_instance": world.instance, "dagster_run": run, "dagster_event": event}
    if result.success:
        found = alert_after_success(dg.build_run_status_sensor_context(sensor_name="success", **given))
    else:
        context = dg.build_run_status_sensor_context(sensor_name="failure", **given).for_run_failure()
        found = alert_after_failure(context)
    assert isinstance(found, dg.SkipReason)
    return str(found.skip_message)


def test_a_failure_is_told_and_the_recovery(imported: World, hook: Hook) -> None:
    imported.set(CALLGEAR_ACCESS_TOKEN="wrong")
    assert told(imported, imported.run()) == "told by webhook"
    assert told(imported, imported.run(trigger=None)) == "nobody had to be told"
    imported.set(CALLGEAR_ACCESS_TOKEN=imported.server.access_token)
    imported.clock.seconds += HALF_AN_HOUR
    assert told(imported, imported.run()) == "told by webhook"
    assert hook.subjects == ["failed", "recovered"]
    assert "set CALLGEAR_ACCESS_TOKEN to a valid key" in hook.texts[0]


def test_r16_a_held_run_is_told_by_name_with_the_way_to_approve(imported: World, hook: Hook) -> None:
    imported.hire_many(11, prefix="New")
    result = imported.run()
    told(imported, result)
    assert hook.subjects == ["held: employees to create"]
    assert "Who: New1 Ira, New10 Ira, New11 Ira" in hook.texts[0]
    assert f"b24-pipeline approve {result.run_id}" in hook.texts[0]
    assert "@" not in hook.texts[0]


def test_a_run_that_could_not_begin_is_told_in_its_own_words(imported: World, hook: Hook) -> None:
    imported.set(B24_PIPELINE_PHONES="some")
    assert told(imported, imported.run()) == "told by webhook"
    assert "B24_PIPELINE_PHONES" in hook.texts[0]


def test_a_run_that_only_found_another_one_going_on_is_no_failure(imported: World, hook: Hook) -> None:
    with FileLock(imported.paths.lock, timeout=0, thread_local=False):
        result = imported.run()
    assert "another run is in progress" in result.failures()[0]
    assert told(imported, result) == "nobody had to be told"
    assert hook.posted == []


@pytest.mark.parametrize("config", [{"dry_run": True}, {"only": [1]}])
def test_a_trial_that_fails_is_not_told(imported: World, hook: Hook, config: dict[str, Any]) -> None:
    imported.set(CALLGEAR_ACCESS_TOKEN="wrong")
    assert told(imported, imported.run(**config)) == "not a run of the whole import"
    assert hook.posted == []


def test_a_receiver_that_is_down_is_said_without_its_address(imported: World, hook: Hook) -> None:
    hook.status = 500
    imported.set(CALLGEAR_ACCESS_TOKEN="wrong")
    words = told(imported, imported.run())
    assert words == "the webhook for alerts answered with status 500"
    assert SECRET not in words


def test_what_cannot_be_noted_is_said_and_nobody_is_told(imported: World, hook: Hook) -> None:
    imported.paths.published.with_suffix(".alerts.tmp").mkdir()
    words = told_in_words(lost=Failure("run-9", datetime.now(UTC), RunStatus.FAILED, "it was killed"))
    assert words.startswith("nobody is told: The folder ")
    assert hook.posted == []


@pytest.mark.parametrize("job", ["purge_old_runs", "purge_old_audit"])
def test_housekeeping_is_no_import(imported: World, hook: Hook, job: str) -> None:
    ended = defs.resolve_job_def(job).execute_in_process(instance=imported.instance, run_config={"loggers": QUIET})
    context = dg.build_run_status_sensor_context(
        sensor_name="success",
        dagster_instance=imported.instance,
        dagster_run=ended.dagster_run,
        dagster_event=ended.get_run_success_event(),
    )
    found = alert_after_success(context)
    assert isinstance(found, dg.SkipReason)
    assert found.skip_message == "not a run of the import"
    with imported.store() as store:
        assert len(store.history()) == 1
    assert hook.posted == []


def test_both_sensors_are_on_by_default() -> None:
    assert {sensor.default_status for sensor in (alert_after_success, alert_after_failure)} == {
        dg.DefaultSensorStatus.RUNNING
    }


def test_the_sandbox_alarms_only_receivers_that_are_given_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with web_receiver() as real, web_receiver() as given:
        (tmp_path / ".env").write_text(f"B24_PIPELINE_ALERT_WEBHOOK_URL={real.url}\n")
        (tmp_path / "dagster.yaml").touch()
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(os, "environ", dict(os.environ))
        assert main(["stale", "--sandbox"]) == Exit.STALE
        os.environ["B24_PIPELINE_ALERT_WEBHOOK_URL"] = given.url
        assert main(["stale", "--sandbox"]) == Exit.STALE
    assert (real.posted, len(given.posted)) == ([], 1)
    assert "told by webhook" in capsys.readouterr().out
