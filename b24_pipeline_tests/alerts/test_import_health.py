"""The sensor of alerts: also for runs of the command line, for runs that could not begin, never for trials."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from filelock import FileLock

from b24_pipeline import audit
from b24_pipeline import sensors as module
from b24_pipeline.cli import main
from b24_pipeline.cli.exit_codes import Exit
from b24_pipeline.dagster_runs import TRIGGER_TAG
from b24_pipeline.definitions import defs
from b24_pipeline.sensors import import_health
from b24_pipeline_tests.alerts.receivers import Hook, web_receiver
from b24_pipeline_tests.harness import HALF_AN_HOUR, QUIET, World


@pytest.fixture
def hook(imported: World) -> Iterator[Hook]:
    with web_receiver() as found:
        imported.set(B24_PIPELINE_ALERT_WEBHOOK_URL=found.url)
        yield found


class Sensor:
    """The sensor with its cursor, tick after tick."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.cursor: str | None = None

    def tick(self) -> str:
        """What the sensor's page shows of a tick."""
        found = import_health(dg.build_sensor_context(self.world.instance, cursor=self.cursor))
        if isinstance(found, dg.SkipReason):
            return str(found.skip_message)
        assert isinstance(found, dg.SensorResult)
        self.cursor = found.cursor
        return str(found.skip_reason.skip_message if found.skip_reason else "")


@pytest.fixture
def sensor(imported: World, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> Sensor:
    assert hook.url
    monkeypatch.setattr(module, "utc_now", imported.clock.now)
    return Sensor(imported)


def test_a_failure_is_sent_once_and_the_recovery(imported: World, sensor: Sensor, hook: Hook) -> None:
    imported.set(CALLGEAR_ACCESS_TOKEN="wrong")
    imported.run()
    assert sensor.tick() == "alert sent via webhook"
    imported.run(trigger=None)
    assert sensor.tick() == "no alert needed"
    imported.set(CALLGEAR_ACCESS_TOKEN=imported.server.access_token)
    imported.clock.seconds += HALF_AN_HOUR
    imported.run()
    assert sensor.tick() == "alert sent via webhook"
    assert hook.subjects == ["failed", "recovered"]
    assert "set a valid CALLGEAR_ACCESS_TOKEN" in hook.texts[0]


def test_r16_a_held_run_is_sent_by_name_with_the_way_to_approve(imported: World, sensor: Sensor, hook: Hook) -> None:
    imported.hire_many(11, prefix="New")
    result = imported.run()
    sensor.tick()
    assert hook.subjects == ["held: employees to create"]
    assert "Who: New1 Ira, New10 Ira, New11 Ira" in hook.texts[0]
    assert f"b24-pipeline approve {result.run_id}" in hook.texts[0]
    assert "@" not in hook.texts[0]


def test_r07a_r14_conflicts_that_a_person_decides_are_sent(imported: World, sensor: Sensor, hook: Hook) -> None:
    imported.portal.edit(1, LAST_NAME="Other", NAME="Tom", EMAIL="other@x.test")
    imported.list_responsible(2)
    imported.account.responsible["2"] = "Somebody Else"
    imported.portal.edit(2, ACTIVE="N")
    imported.run()
    sensor.tick()
    assert hook.subjects == [
        "conflict: a linked user is another person now; conflict: another name on the responsible list"
    ]


def test_a_run_that_could_not_begin_is_sent_with_its_own_error(imported: World, sensor: Sensor, hook: Hook) -> None:
    imported.set(B24_PIPELINE_PHONES="some")
    imported.run()
    assert [sensor.tick() for _ in range(2)] == ["alert sent via webhook", "no alert needed"]
    assert "B24_PIPELINE_PHONES" in hook.texts[0]


def test_a_run_that_dagster_could_not_start_is_sent(imported: World, sensor: Sensor, hook: Hook) -> None:
    run = imported.instance.create_run_for_job(defs.resolve_job_def("employee_import"), tags={TRIGGER_TAG: "schedule"})
    imported.instance.report_run_failed(run, "Caught an unrecoverable error: amqp://b24:secret@broker")
    assert sensor.tick() == "alert sent via webhook"
    assert "Dagster could not start it; the run's page in the Dagster UI says why" in hook.texts[0]
    assert "secret" not in hook.texts[0]


def test_a_run_whose_machine_died_is_sent(imported: World, sensor: Sensor, hook: Hook) -> None:
    instance = imported.instance
    run = instance.create_run_for_job(defs.resolve_job_def("employee_import"), tags={TRIGGER_TAG: "schedule"})
    instance.report_dagster_event(dg.DagsterEvent("PIPELINE_START", run.job_name), run_id=run.run_id)
    instance.report_run_failed(instance.get_run_by_id(run.run_id) or run, "The run's process died.")
    assert sensor.tick() == "alert sent via webhook"
    assert "it ended without an error: the process was killed or the host went down" in hook.texts[0]


def test_a_run_that_only_found_another_one_active_is_no_failure(imported: World, sensor: Sensor, hook: Hook) -> None:
    with FileLock(imported.paths.lock, timeout=0, thread_local=False):
        result = imported.run()
    assert "another run is in progress" in result.failures()[0]
    assert sensor.tick() == "no alert needed"
    assert hook.posted == []


@pytest.mark.parametrize("config", [{"dry_run": True}, {"only": [1]}])
def test_a_trial_that_fails_is_not_sent(imported: World, sensor: Sensor, hook: Hook, config: dict[str, Any]) -> None:
    imported.set(CALLGEAR_ACCESS_TOKEN="wrong")
    imported.run(**config)
    assert sensor.tick() == "no alert needed"
    assert hook.posted == []


@pytest.mark.parametrize(
    "config",
    [{"approve": "zzzzzzzz"}, {"comment": "ok"}, {"approve_users": [1]}, {"approve": "zzzzzzzz", "dry_run": True}],
)
def test_r18a_a_run_that_is_refused_for_its_own_choices_is_not_sent(
    imported: World, sensor: Sensor, hook: Hook, config: dict[str, Any]
) -> None:
    result = imported.run(**config)
    assert (result.success, sensor.tick(), hook.posted) == (False, "no alert needed", [])
    (refused,) = imported.instance.get_runs(dg.RunsFilter(run_ids=[result.run_id]))
    assert refused.tags["b24_pipeline/outcome"] == "refused"


def test_r18a_some_of_the_steps_that_could_not_begin_are_not_sent(imported: World, sensor: Sensor, hook: Hook) -> None:
    imported.set(B24_PIPELINE_PHONES="some")
    imported.run(assets=["employees"])
    assert (sensor.tick(), hook.posted) == ("no alert needed", [])


def test_r18a_a_step_of_an_import_that_was_good_fails_alone_when_it_is_executed_again(
    imported: World, sensor: Sensor, hook: Hook
) -> None:
    good = imported.run().run_id
    imported.set(CALLGEAR_ACCESS_TOKEN="wrong")
    again = {"dagster/parent_run_id": good, "dagster/root_run_id": good}
    result = imported.run(assets=["callgear_employees"], trigger=None, tags=again)
    assert (result.status, sensor.tick(), hook.posted) == ("failed", "no alert needed", [])


def test_a_receiver_that_is_down_is_reported_without_its_address_and_tried_again(
    imported: World, sensor: Sensor, hook: Hook
) -> None:
    hook.status = 500
    imported.set(CALLGEAR_ACCESS_TOKEN="wrong")
    imported.run()
    assert sensor.tick() == "alert webhook returned HTTP 500"
    hook.status = 200
    assert sensor.tick() == "alert sent via webhook"


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("B24_PIPELINE_ALERT_WEBHOOK_URL", "", "no alert sent: no receiver is configured"),
        ("B24_PIPELINE_ALERT_WEBHOOK_URL", "no url", "no alert sent: "),
    ],
)
def test_without_a_usable_receiver_nothing_is_judged(
    imported: World, sensor: Sensor, name: str, value: str, reason: str
) -> None:
    imported.set(**{name: value})
    assert sensor.tick().startswith(reason)
    assert sensor.cursor is None


@pytest.mark.parametrize("job", ["purge_old_runs", "purge_old_audit"])
def test_housekeeping_is_no_import(imported: World, sensor: Sensor, hook: Hook, job: str) -> None:
    ended = defs.resolve_job_def(job).execute_in_process(instance=imported.instance, run_config={"loggers": QUIET})
    imported.instance.report_run_failed(ended.dagster_run)
    assert sensor.tick() == "no alert needed"
    with imported.database() as database:
        assert len(audit.runs.history(database)) == 1
    assert hook.posted == []


def test_the_sensor_is_on_by_default() -> None:
    assert import_health.default_status is dg.DefaultSensorStatus.RUNNING


@pytest.fixture
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "dagster.yaml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    return tmp_path


def test_the_command_sends_one_message_each_time_while_the_import_is_stale(
    in_empty_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with web_receiver() as hook:
        os.environ["B24_PIPELINE_ALERT_WEBHOOK_URL"] = hook.url
        assert [main(["check-freshness"]) for _ in range(2)] == [Exit.STALE] * 2
        assert hook.subjects == ["stale", "stale"]
        hook.status = 500
        assert main(["check-freshness"]) == Exit.STALE
    assert capsys.readouterr().out.splitlines()[-3:] == [
        "alert sent via webhook",
        "stale: No import has succeeded yet.",
        "not delivered: alert webhook returned HTTP 500",
    ]
    assert not (in_empty_folder / "data").exists()


def test_the_command_sends_that_the_audit_cannot_be_read(in_empty_folder: Path) -> None:
    (in_empty_folder / "b24.duckdb").write_bytes(b"no database")
    with web_receiver() as hook:
        os.environ |= {
            "B24_PIPELINE_ALERT_WEBHOOK_URL": hook.url,
            "B24_PIPELINE_DATABASE": str(in_empty_folder / "b24.duckdb"),
        }
        assert main(["check-freshness"]) == Exit.FAILED
        assert hook.subjects == ["failed"]
        assert "The audit cannot be read." in hook.texts[0]


def test_the_sandbox_alerts_only_receivers_that_are_given_for_it(
    in_empty_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with web_receiver() as real, web_receiver() as given:
        (in_empty_folder / ".env").write_text(f"B24_PIPELINE_ALERT_WEBHOOK_URL={real.url}\n")
        assert main(["check-freshness", "--sandbox"]) == Exit.STALE
        os.environ["B24_PIPELINE_ALERT_WEBHOOK_URL"] = given.url
        assert main(["check-freshness", "--sandbox"]) == Exit.STALE
    assert (real.posted, len(given.posted)) == ([], 1)
    assert "alert sent via webhook" in capsys.readouterr().out
