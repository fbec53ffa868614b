"""The report at the end of the chain: of real runs for everybody, redrawn when there is something new."""

import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from b24_pipeline import audit, settings
from b24_pipeline.assets.report import count_so_far, report
from b24_pipeline.audit import Store
from b24_pipeline.cli import main
from b24_pipeline.connection import open_connection
from b24_pipeline.definitions import defs
from b24_pipeline.rules.models import Trigger
from b24_pipeline.sandbox import Fault, FaultKind
from b24_pipeline.sync.launch import Launch, RunConfig
from b24_pipeline.sync.run import begin
from b24_pipeline_tests.harness import MATERIALIZE, STEPS, RunInTestTime, World
from b24_pipeline_tests.results import Result


def report_of(world: World) -> Path:
    return world.paths.published.with_name("report.html")


def run(world: World, **config: Any) -> Result:
    """A run of the whole chain, to its end."""
    return world.run(assets=(*STEPS, "import_report"), **config)


def test_a_run_shows_its_own_figures_findings_and_names(imported: World) -> None:
    imported.hire(None, EMAIL="nameless@x.test")
    imported.hire("Lebedeva")
    result = run(imported)
    shown = result.metadata("import_report")
    assert (shown["candidates"], shown["imported"], shown["share"]) == (11, 10, 0.9091)
    assert shown["at_a_glance"].splitlines()[:2] == ["- 10 of 11 candidates are imported", "- 2 of 2 runs went through"]
    assert r"| Ira | 10 | no last name in Bitrix24 |" in shown["rejected_or_in_conflict"]
    assert shown["file"] == str(report_of(imported))
    page = report_of(imported).read_text()
    assert "10 of 11 candidates are imported" in page
    assert f"<code>{result.run_id[:8]}</code>" in page
    assert stat.S_IMODE(report_of(imported).stat().st_mode) == 0o600


def test_no_event_is_as_large_as_a_picture(imported: World) -> None:
    result = run(imported)
    assert max(len(dg.serialize_value(event)) for event in imported.instance.all_logs(result.run_id)) < 15_000


@pytest.mark.parametrize("config", [{"dry_run": True}, {"only": [1]}])
def test_trials_leave_the_report_as_it_is(imported: World, config: dict[str, object]) -> None:
    report_of(imported).write_text("of real runs")
    result = run(imported, **config)
    assert result.success
    assert result.dagster.asset_materializations_for_node("import_report") == []
    assert report_of(imported).read_text() == "of real runs"


def test_r18a_materialized_alone_it_is_drawn_of_what_is_stored_and_says_of_which_run(imported: World) -> None:
    last_import = imported.run().run_id
    imported.forget_requests()
    imported.clock.sleep(90 * 60)
    result = imported.run(job=MATERIALIZE, trigger=None, assets=["import_report"])
    assert (result.success, result.status, result.audited["kind"]) == (True, "done", "partial")
    assert imported.sandbox.requests == []
    told = result.metadata("import_report")["computed_from"]
    assert told == f"the last import, run {last_import[:8]}, 90 minutes old"


def test_a_run_that_is_stopped_before_the_report_is_drawn_is_told_of_in_it(imported: World) -> None:
    imported.sandbox.faults.add(Fault(FaultKind.WEBHOOK_REVOKED_401, api="bitrix24", times=None))
    assert run(imported).status == "failed"
    page = report_of(imported).read_text()
    assert "The import is failing." in page
    assert "The import is healthy" not in page


def test_a_run_that_is_put_off_is_told_of_in_it(imported: World) -> None:
    imported.behave(day_limit=0)
    result = run(imported)
    assert (result.success, result.status) == (True, "partial")
    assert result.dagster.asset_materializations_for_node("import_report") == []
    assert "CallGear could not be read" in report_of(imported).read_text()


def test_a_report_that_cannot_be_written_never_makes_an_import_fail(imported: World) -> None:
    report_of(imported).mkdir()
    imported.hire("Lebedeva")
    result = run(imported)
    assert (result.success, result.status, result.counts.created) == (True, "done", 1)
    assert "the report could not be made" in result.metadata("import_report")["problem"]


def test_r18_a_run_is_running_while_its_report_is_drawn_although_the_report_tells_of_it(imported: World) -> None:
    with (
        open_connection(settings.load(), RunInTestTime.timing) as connection,
        Store.open(connection.paths, now=connection.now) as store,
    ):
        drawn = begin(connection, store, config=RunConfig(), launch=Launch("drawn", Trigger.CLI))
        count_so_far(drawn)
        shown = report(drawn)
        status = audit.runs.history(store.database, limit=1)["status"].item()
    assert (status, "file" in shown) == ("running", True)
    assert "<code>drawn</code>" in report_of(imported).read_text()


def test_an_import_that_has_not_succeeded_for_two_intervals_turns_red() -> None:
    policy = defs.resolve_asset_graph().get(dg.AssetKey("import_report")).freshness_policy
    assert policy == dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=1))


@pytest.mark.usefixtures("imported")
def test_the_command_writes_the_report_where_it_is_asked_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "mine.html"
    assert main(["report", "--output", str(target)]) == 0
    assert capsys.readouterr().out.strip() == str(target)
    assert "127.0.0.1 → 127.0.0.1" in target.read_text()


def test_the_command_says_in_one_line_what_keeps_it(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report"]) == 50
    world.import_people()
    assert main(["report", "--output", str(tmp_path / "nowhere" / "report.html")]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("b24-pipeline: --output: ")


@pytest.mark.usefixtures("imported")
def test_the_alarm_for_a_standstill_has_an_exit_code_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-freshness", "--after-minutes", "50000000"]) == 0
    assert main(["check-freshness"]) == 60
    assert capsys.readouterr().out.splitlines()[1].startswith("stale: No import has succeeded since 2026-01-12")


def test_who_is_forgotten_is_not_left_in_the_report(imported: World) -> None:
    nameless = imported.hire(None, NAME="Gustav", EMAIL="nameless@x.test")
    run(imported)
    assert "Gustav" in report_of(imported).read_text()
    assert main(["erase", str(nameless)]) == 0
    assert not report_of(imported).exists()


@pytest.mark.long
def test_neither_a_start_nor_a_quiet_run_pays_for_drawing() -> None:
    script = "import sys, b24_pipeline.definitions; print('matplotlib' in sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert loaded.stdout == "False\n"
