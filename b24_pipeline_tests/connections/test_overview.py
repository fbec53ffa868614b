"""All connections at a glance: one row each, those that fail first, and a check that names them."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from b24_pipeline import settings
from b24_pipeline.assets import connections as overview
from b24_pipeline.overview import states_of
from b24_pipeline_tests.connections.conftest import FOLDER, Companies, project_of_connections
from b24_pipeline_tests.harness import CLOCK, HALF_AN_HOUR


@pytest.fixture(autouse=True)
def test_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview, "utc_now", CLOCK.now)


def look(companies: Companies) -> tuple[dg.AssetCheckEvaluation, Mapping[str, Any]]:
    """What the asset says: its check and its figures."""
    found = (
        project_of_connections()
        .resolve_job_def("connections_overview")
        .execute_in_process(instance=companies.instance, raise_on_error=False)
    )
    assert found.success
    (materialization,) = found.asset_materializations_for_node("connections")
    (check,) = found.get_asset_check_evaluations()
    return check, {name: value.value for name, value in materialization.metadata.items()}


def test_every_connection_has_a_row_with_its_figures(companies: Companies) -> None:
    for key in ("acme", "globex"):
        companies.connect(key)
        companies.import_people(key)
    CLOCK.seconds += HALF_AN_HOUR

    check, figures = look(companies)

    assert check.passed
    assert check.description == "all 2 connections are imported"
    assert (figures["dagster/row_count"], figures["people"], figures["failing"]) == (2, 4, 0)
    assert "| acme | done |  | 30 minutes ago | 2 | 0 | 0 |" in figures["connections"]


def test_those_that_fail_are_stale_or_cannot_be_read_come_first_and_are_named(companies: Companies) -> None:
    for key in ("acme", "globex", "initech", "umbrella"):
        companies.connect(key)
    companies.import_people("acme")
    CLOCK.seconds += 3 * HALF_AN_HOUR
    companies.import_people("globex")
    companies.connect("initech", B24_PIPELINE_PHONES="some")

    check, figures = look(companies)

    assert not check.passed
    assert check.description == "2 of 4 connections are failing or stale: acme, initech"
    rows = [row.split(" | ")[0].strip("| ") for row in figures["connections"].splitlines()[2:]]
    assert rows == ["acme", "initech", "globex", "umbrella"]
    states = {state.key: state.status for state in states_of(FOLDER, now=CLOCK.now())}
    assert states == {"acme": "done", "globex": "done", "initech": "not configured", "umbrella": "never imported"}


def test_the_page_links_to_each_report_and_shows_no_markup_of_others(companies: Companies) -> None:
    companies.connect("acme")
    companies.connect("globex", B24_PIPELINE_PHONES="<b>some</b>")
    companies.connect("initech", B24_PIPELINE_DATABASE=str(Path("else where/b24.duckdb").absolute()))
    companies.connect("umbrella")
    for folder in ("data/connections/acme", "else where"):
        Path(folder).mkdir(parents=True)
        Path(folder, "report.html").touch()

    _, figures = look(companies)

    html = (settings.folders().data_folder / "connections/connections.html").read_text(encoding="utf-8")
    assert figures["file"].endswith("data/connections/connections.html")
    assert re.findall("<a href=.*</a>", html) == [
        '<a href="acme/report.html">acme</a>',
        '<a href="../../else%20where/report.html">initech</a>',
    ]
    assert "1 of 4 connections are failing or stale" in html
    assert "<b>" not in html


def test_a_single_connection_has_no_overview() -> None:
    from b24_pipeline.definitions import defs  # noqa: PLC0415

    keys = {key.to_user_string() for key in defs.resolve_asset_graph().get_all_asset_keys()}
    assert "connections" not in keys
    assert "connections" in {
        key.to_user_string() for key in project_of_connections().resolve_asset_graph().get_all_asset_keys()
    }
    assert "import_report" in keys
