"""Each connection is imported on its own: its settings, its portal and account, its audit."""

from datetime import UTC, datetime

import dagster as dg

from b24_pipeline import schedules, settings
from b24_pipeline.partitions import NAME, PRIORITY_TAG
from b24_pipeline_tests.connections.conftest import FOLDER, Companies, project_of_connections
from b24_pipeline_tests.harness import STEPS

NOON = datetime(2026, 1, 12, 12, 0, tzinfo=UTC)


def due(companies: Companies) -> list[dg.RunRequest]:
    """The runs that the schedule requests."""
    found, _ = schedules.round_of_connections(companies.instance, FOLDER, at=NOON)
    return found


def test_a_run_of_a_partition_imports_that_connection_only(companies: Companies) -> None:
    acme, globex = companies.connect("acme"), companies.connect("globex", B24_PIPELINE_EXCLUDE_EMAILS="globex2@*")

    assert companies.run("globex").success

    assert sorted(globex.employees()) == ["(bitrix24) Globex1"]
    assert acme.employees() == {}
    (run,) = companies.runs("globex")
    assert (run["status"], run["created"]) == ("done", 1)


def test_the_schedule_requests_every_connection_once_an_interval(companies: Companies) -> None:
    for key in ("acme", "globex"):
        companies.connect(key)

    requests = due(companies)

    assert [request.partition_key for request in requests] == ["acme", "globex"]
    assert [request.run_key for request in requests] == [f"{key} 2026-01-12T12:00:00+00:00" for key in FOLDER.keys]
    assert {request.tags[PRIORITY_TAG] for request in requests} == {"-1"}
    assert companies.instance.get_dynamic_partitions(NAME) == ["acme", "globex"]


def test_a_connection_that_is_queued_or_active_is_left_out(companies: Companies) -> None:
    for key in ("acme", "globex"):
        companies.connect(key)
    due(companies)
    job = project_of_connections().resolve_job_def("employee_import")
    tags = {"dagster/partition": "acme"}
    run = companies.instance.create_run_for_job(job, tags=tags, status=dg.DagsterRunStatus.STARTED)

    assert [request.partition_key for request in due(companies)] == ["globex"]

    companies.instance.report_run_failed(run)
    assert [request.partition_key for request in due(companies)] == ["acme", "globex"]


def test_a_bad_file_is_named_and_the_others_go_on(companies: Companies) -> None:
    companies.connect("acme")
    companies.connect("globex", B24_PIPELINE_PHONES="some")
    FOLDER.file("Initech Ltd").touch()

    requests, problems = schedules.round_of_connections(companies.instance, FOLDER, at=NOON)

    assert [request.partition_key for request in requests] == ["acme"]
    misnamed, bad = problems
    assert misnamed.startswith("connections/Initech Ltd.env: is not the name of a connection")
    assert bad.startswith("connections/globex.env: B24_PIPELINE_PHONES: ")


def test_a_removed_connection_is_not_run_and_its_audit_stays(companies: Companies) -> None:
    for key in ("acme", "globex"):
        companies.connect(key)
    companies.import_people("globex")
    FOLDER.file("globex").unlink()

    assert [request.partition_key for request in due(companies)] == ["acme"]
    assert companies.instance.get_dynamic_partitions(NAME) == ["acme"]
    assert settings.database_settings(connection="globex").database.exists()
    assert [run["status"] for run in companies.runs("globex")] == ["done"]


def test_the_report_of_each_is_a_page_of_its_own(companies: Companies) -> None:
    companies.connect("acme")

    result = companies.run("acme", assets=(*STEPS, "import_report"))

    (shown,) = result.asset_materializations_for_node("import_report")
    assert str(shown.metadata["at_a_glance"].value).startswith("- 2 of 2 candidates are imported\n")
    assert str(shown.metadata["file"].value).endswith("data/connections/acme/report.html")


def test_a_run_of_no_partition_says_which_there_are(companies: Companies) -> None:
    for key in ("acme", "globex"):
        companies.connect(key)

    found = companies.run(None)

    assert not found.success
    failure = next(event for event in found.all_events if event.event_type is dg.DagsterEventType.RUN_FAILURE)
    error = failure.job_failure_data.error
    assert error is not None
    assert error.message.strip().endswith(
        "RunNotStarted: this run has no connection: choose a partition of acme, globex"
    )
