"""Dagster's run storage and the audit do not grow without bound."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import select

from b24_pipeline import audit
from b24_pipeline.checks import ALL_CHECKS
from b24_pipeline.dagster_runs import TRIGGER_TAG, job_origin
from b24_pipeline.jobs import CHECK_RESULTS, CHECKED_ASSETS, is_ours, location_of, purge_old_audit, purge_old_runs
from b24_pipeline_tests.harness import QUIET, World

PROJECT = Path(__file__).parents[2]
NOW = datetime.now(UTC)


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """An instance from the project's own dagster.yaml, in an empty folder."""
    (tmp_path / "dagster.yaml").write_text((PROJECT / "dagster.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path)) as found:
        yield found


def run_of(
    instance: dg.DagsterInstance,
    *,
    days_ago: int,
    status: dg.DagsterRunStatus = dg.DagsterRunStatus.SUCCESS,
    job: str = purge_old_audit.name,
    location: str | None = None,
    tags: dict[str, str] | None = None,
) -> str:
    """A run of so many days ago, with an event log and a compute log."""
    origin = job_origin(job, location=location) if location else None
    run = dg.DagsterRun(job_name=job, status=status, tags=tags or {}, remote_job_origin=origin)
    instance.run_storage.add_historical_run(run, NOW - timedelta(days=days_ago))
    instance.report_engine_event("something happened", run)
    instance.report_dagster_event(found_by_a_check(), run.run_id)
    log = Path(f"data/dagster/compute_logs/{run.run_id}/compute_logs/step.err")
    log.parent.mkdir(parents=True)
    log.write_text("said")
    return run.run_id


def found_by_a_check(asset: str = "employees", check: str = "required_fields") -> dg.DagsterEvent:
    """What a check of an asset says, with a name in it."""
    found = dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(asset),
        check_name=check,
        passed=False,
        metadata={"who": dg.MetadataValue.md("Antonova")},
    )
    return dg.DagsterEvent(dg.DagsterEventType.ASSET_CHECK_EVALUATION.value, "any", event_specific_data=found)


def with_check_results(instance: dg.DagsterInstance) -> set[str]:
    """The runs of which a check result is kept."""
    with instance.event_log_storage.index_connection() as connection:
        return {row.run_id for row in connection.execute(select(CHECK_RESULTS))}


def left_of(run_id: str) -> list[str]:
    """The files and folders of a run that are still there."""
    return sorted(str(path) for path in Path("data").rglob(f"*{run_id}*"))


def test_runs_older_than_thirty_days_go_with_all_their_files(instance: dg.DagsterInstance) -> None:
    old = [
        run_of(instance, days_ago=31, status=status)
        for status in (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
    ]
    recent = run_of(instance, days_ago=29, status=dg.DagsterRunStatus.SUCCESS)
    going_on = run_of(instance, days_ago=31, status=dg.DagsterRunStatus.STARTED)
    assert all(left_of(run) for run in old)

    result = purge_old_runs.execute_in_process(instance=instance, run_config={"loggers": QUIET})

    assert result.output_for_node("purge_dagster_runs") == 3
    assert [left_of(run) for run in old] == [[], [], []]
    assert {run.run_id for run in instance.get_runs()} == {recent, going_on, result.run_id}
    assert left_of(recent)
    assert with_check_results(instance) == {recent, going_on}


def test_a_setting_says_after_how_many_days_runs_go(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("B24_PIPELINE_KEEP_RUN_DAYS", "7")
    old, recent = (run_of(instance, days_ago=days, status=dg.DagsterRunStatus.SUCCESS) for days in (8, 6))

    result = purge_old_runs.execute_in_process(instance=instance, run_config={"loggers": QUIET})

    assert {run.run_id for run in instance.get_runs()} == {recent, result.run_id}
    assert left_of(old) == []


def test_what_checks_found_in_a_run_that_a_person_deleted_goes_too(instance: dg.DagsterInstance) -> None:
    instance.delete_run(run_of(instance, days_ago=1, status=dg.DagsterRunStatus.SUCCESS))
    assert len(with_check_results(instance)) == 1

    purge_old_runs.execute_in_process(instance=instance, run_config={"loggers": QUIET})

    assert with_check_results(instance) == set()


def test_the_results_of_every_check_are_purged() -> None:
    assert {spec.asset_key.to_user_string() for checks in ALL_CHECKS for spec in checks.check_specs} == {
        *CHECKED_ASSETS
    }


def test_in_a_shared_dagster_only_what_this_project_has_launched_goes(instance: dg.DagsterInstance) -> None:
    ours = [
        run_of(instance, days_ago=31, location="b24_pipeline"),
        run_of(instance, days_ago=31, location="b24_pipeline", job="__ASSET_JOB"),
        run_of(instance, days_ago=31, job="__ASSET_JOB", tags={TRIGGER_TAG: "cli"}),
    ]
    theirs = [
        run_of(instance, days_ago=31, location="warehouse", job="__ASSET_JOB"),
        run_of(instance, days_ago=31, location="warehouse", job="employee_import"),
        run_of(instance, days_ago=31, job="nightly_load"),
        run_of(instance, days_ago=31, job="__ASSET_JOB"),
    ]

    result = purge_old_runs.execute_in_process(instance=instance, run_config={"loggers": QUIET})

    assert [left_of(run) for run in ours] == [[], [], []]
    assert all(left_of(run) for run in theirs)
    assert {run.run_id for run in instance.get_runs()} == {*theirs, result.run_id}
    assert with_check_results(instance) == set(theirs)


def test_in_a_shared_dagster_what_others_have_checked_stays(instance: dg.DagsterInstance) -> None:
    theirs = run_of(instance, days_ago=0, location="warehouse")
    instance.report_dagster_event(found_by_a_check("orders", "no_nulls"), theirs)
    instance.delete_run(theirs)
    instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(asset_key=dg.AssetKey("employees"), check_name="required_fields", passed=True)
    )

    purge_old_runs.execute_in_process(instance=instance, run_config={"loggers": QUIET})

    with instance.event_log_storage.index_connection() as connection:
        left = {(row.run_id, row.check_name) for row in connection.execute(select(CHECK_RESULTS))}
    assert left == {(theirs, "no_nulls"), ("", "required_fields")}


def test_a_run_that_the_daemon_launched_purges_what_its_own_code_location_has_launched() -> None:
    run = dg.DagsterRun(job_name="purge_old_runs", remote_job_origin=job_origin("purge_old_runs", location="renamed"))
    old = dg.DagsterRun(job_name="any", remote_job_origin=job_origin("any", location="renamed"))
    assert is_ours(old, location=location_of(run))
    assert not is_ours(old, location=location_of(dg.DagsterRun(job_name="purge_old_runs")))


def test_the_audit_keeps_as_many_days_as_the_setting_says(imported: World) -> None:
    assert imported.run().status == "done"
    imported.set(B24_PIPELINE_KEEP_DAYS="1")
    assert imported.clock.now() < NOW - timedelta(days=1)

    result = purge_old_audit.execute_in_process(instance=imported.instance, run_config={"loggers": QUIET})

    assert result.success
    with imported.database() as database:
        assert len(audit.runs.history(database)) == 1
    assert len(imported.links()) == 9


def test_a_night_without_the_bucket_purges_the_audit_and_only_tells_of_the_copy(
    imported: World, caplog: pytest.LogCaptureFixture
) -> None:
    assert imported.run().status == "done"
    imported.set(B24_PIPELINE_KEEP_DAYS="1", B24_PIPELINE_PUBLISH="gs://lake/it")

    result = purge_old_audit.execute_in_process(instance=imported.instance, run_config={"loggers": QUIET})

    assert result.success
    assert "not published to gs://lake/it/b24_pipeline.duckdb, where the one before stays" in caplog.text
    with imported.database() as database:
        assert len(audit.runs.history(database)) == 1


def test_what_keeps_the_audit_from_being_purged_is_one_line(world: World) -> None:
    world.set(BITRIX24_WEBHOOK_URL="nonsense")

    result = purge_old_audit.execute_in_process(
        instance=world.instance, raise_on_error=False, run_config={"loggers": QUIET}
    )

    (failed,) = result.filter_events(lambda event: event.is_step_failure)
    assert "Failure: BITRIX24_WEBHOOK_URL: is not the address" in failed.step_failure_data.error.message
