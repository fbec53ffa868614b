"""Commands with many connections: each takes one of them, some take all, and a missing choice lists them."""

import json
import shutil
import time

import pytest

from b24_pipeline.cli import main
from b24_pipeline.cli.connections import for_each_connection
from b24_pipeline.cli.exit_codes import Exit
from b24_pipeline.cli.options import Place
from b24_pipeline_tests.alerts.receivers import web_receiver
from b24_pipeline_tests.connections.conftest import FOLDER, Companies
from b24_pipeline_tests.harness import CLOCK
from b24_pipeline_tests.processes import PROJECT


@pytest.fixture
def both(companies: Companies, monkeypatch: pytest.MonkeyPatch) -> Companies:
    """Two connections in a project folder of their own."""
    monkeypatch.setattr("b24_pipeline.cli.group.is_checkout", lambda: False)
    shutil.copy(PROJECT / "dagster.yaml", ".")
    for key in ("acme", "globex"):
        companies.connect(key)
    return companies


def test_sync_imports_the_connection_that_is_named(both: Companies, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sync", "--connection", "globex", "--json"]) == 0

    assert json.loads(capsys.readouterr().out)["connection"] == "globex"
    assert len(both["globex"].employees()) == 2
    assert both["acme"].employees() == {}


def test_sync_all_goes_on_after_a_bad_file_and_returns_the_highest_code(
    both: Companies, capsys: pytest.CaptureFixture[str]
) -> None:
    both.connect("acme", B24_PIPELINE_PHONES="some")

    assert main(["sync", "--all", "--json"]) == 2

    out, err = capsys.readouterr()
    assert [json.loads(line)["connection"] for line in out.splitlines()] == ["acme", "globex"]
    assert err.startswith("b24-pipeline: acme: connections/acme.env: B24_PIPELINE_PHONES: ")
    assert len(both["globex"].employees()) == 2


def test_history_all_names_the_connection_of_each_run(both: Companies, capsys: pytest.CaptureFixture[str]) -> None:
    for key in ("acme", "globex"):
        both.import_people(key)

    assert main(["history", "--all"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.startswith("connection run")
    assert sorted(row.split()[0] for row in rows) == ["acme", "globex"], rows

    assert main(["history", "--all", "--json"]) == 0
    assert {row["connection"] for row in json.loads(capsys.readouterr().out)} == {"acme", "globex"}


def test_history_all_goes_on_after_a_bad_file(both: Companies, capsys: pytest.CaptureFixture[str]) -> None:
    both.import_people("globex")
    FOLDER.file("acme").write_text("CALLGEAR_ACCESS_TOKEN\n")

    assert main(["history", "--all"]) == Exit.USAGE

    out, err = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines()] == ["connection", "globex"]
    assert err.startswith("b24-pipeline: acme: connections/acme.env: line 1 cannot be read: ")


def test_check_all_looks_at_both_systems_of_every_connection(
    both: Companies, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--all"]) == 0

    out, err = capsys.readouterr()
    assert [line for line in out.splitlines() if line.startswith(("acme", "globex", "pass  owner: "))] == [
        "acme:",
        "pass  owner: Ira Acme1 (id 1)",
        "globex:",
        "pass  owner: Ira Globex1 (id 1)",
    ]
    assert (out.splitlines()[-2:], err) == (["", "2 of 2 connections: done"], "")
    assert [len(world.sandbox.requests) > 0 for world in both.worlds.values()] == [True, True]


def test_all_ends_with_who_is_not_done_and_names_a_file_that_is_no_connection(
    both: Companies, capsys: pytest.CaptureFixture[str]
) -> None:
    for key in ("initech", "umbrella"):
        both.connect(key, CALLGEAR_ACCESS_TOKEN="wrong")
    both.connect("hooli", B24_PIPELINE_PHONES="some")
    FOLDER.file("Bad Name").touch()

    assert main(["check", "--all"]) == Exit.FAILED

    out, err = capsys.readouterr()
    assert out.splitlines()[-3:] == [
        "2 of 5 connections: done",
        "bad usage or settings: hooli",
        "failed: initech, umbrella",
    ]
    assert "b24-pipeline: connections/Bad Name.env: is not the name of a connection" in err


def test_check_freshness_of_all_is_one_message_that_names_who_is_stale(
    both: Companies, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("b24_pipeline.cli.check_freshness.utc_now", CLOCK.now)
    both.import_people("acme")
    both.connect("initech", B24_PIPELINE_PHONES="some")
    with web_receiver() as hook:
        monkeypatch.setenv("B24_PIPELINE_ALERT_WEBHOOK_URL", hook.url)

        assert main(["check-freshness", "--all"]) == Exit.STALE

    phones = "B24_PIPELINE_PHONES"
    bad = f"connections/initech.env: {phones}: must be 'all' or 'first'. Example: {phones}=first"
    (text,) = hook.texts
    assert text.splitlines()[0] == "2 of 3 connections need attention: stale: 1; failed: 1"
    assert capsys.readouterr().out.splitlines() == [
        "acme: The import is healthy.",
        "globex: stale: No import has succeeded yet.",
        f"initech: failed: Its settings cannot be used. {bad}",
        "alert sent via webhook",
    ]


READING = [
    ["history"],
    ["explain", "1"],
    ["report", "--output", "report.html"],
    ["export", "out"],
    ["check-freshness"],
    ["unlink", "1"],
    ["resolve-duplicates"],
    ["erase", "1"],
    ["rebind"],
    ["check"],
    ["sync"],
]


@pytest.mark.usefixtures("both")
@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_without_a_choice_the_keys_are_listed(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command) == 2
    assert (
        "b24-pipeline: --connection: choose one of acme, globex. Example: --connection acme" in capsys.readouterr().err
    )


@pytest.mark.usefixtures("both")
@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_a_key_that_is_none_lists_the_keys(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--connection", "acne"]) == 2
    assert "b24-pipeline: --connection: acne is not a connection. There are: acme, globex" in capsys.readouterr().err


def test_what_is_known_of_a_person_is_told_by_connection(both: Companies, capsys: pytest.CaptureFixture[str]) -> None:
    both.import_people("acme")

    assert main(["explain", "1", "--connection", "acme"]) == 0

    assert "Acme1" in capsys.readouterr().out


@pytest.mark.usefixtures("both")
def test_a_run_that_no_connection_has_is_said_to_be_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["approve", "12345678"]) == 2
    assert capsys.readouterr().err.startswith(
        "b24-pipeline: No run 12345678 is known in any connection that can be read."
    )


def test_a_run_is_approved_without_a_choice_because_its_id_names_the_connection(
    both: Companies, capsys: pytest.CaptureFixture[str]
) -> None:
    CLOCK.seconds = time.time()  # the command asks the machine what time it is
    both.import_people("globex")
    both.import_people("acme")
    both["globex"].hire_many(30, prefix="Bogus")
    both.import_people("globex")
    held = both.runs("globex")[0]
    assert held["status"] == "held"
    FOLDER.file("acme").write_text("CALLGEAR_ACCESS_TOKEN\n")

    assert main(["approve", held["run_id"][:8], "--comment", "a merger"]) == 0

    said = capsys.readouterr()
    assert "30 new employees: Bogus1" in said.out
    assert said.err.startswith("b24-pipeline: acme: connections/acme.env: line 1 cannot be read: ")
    both.import_people("globex")
    assert both.runs("globex")[0]["created"] == 30


@pytest.mark.usefixtures("both")
def test_choices_that_exclude_each_other_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sync", "--all", "--connection", "acme"]) == 2
    assert "--sandbox, --connection and --all exclude each other." in capsys.readouterr().err


@pytest.mark.usefixtures("both")
def test_connections_that_are_taken_away_meanwhile_lose_no_summary(capsys: pytest.CaptureFixture[str]) -> None:
    def take_away(place: Place) -> Exit:
        FOLDER.file(str(place.connection)).unlink()
        return Exit.PARTIAL

    assert for_each_connection(take_away) == Exit.PARTIAL
    assert capsys.readouterr().out.splitlines()[-1].endswith(": acme, globex")


@pytest.mark.usefixtures("companies")
def test_all_without_connections_says_how_to_add_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("b24_pipeline.cli.group.is_checkout", lambda: False)
    assert main(["sync", "--all"]) == 2
    assert "--all: there are no connections. Example: connections/acme.env" in capsys.readouterr().err
    FOLDER.folder.mkdir()
    assert main(["history", "--all"]) == 2


def test_metrics_tell_every_connection_also_one_that_was_never_imported(
    both: Companies, capsys: pytest.CaptureFixture[str]
) -> None:
    both.import_people("acme")

    assert main(["metrics"]) == 50

    said = capsys.readouterr()
    assert 'b24_pipeline_last_import_status{connection="acme",status="done"} 1.0' in said.out
    assert 'b24_pipeline_audit_readable{connection="globex"} 0.0' in said.out
    assert said.err.count("\n") == 1
    assert "data/connections/globex/b24_pipeline.duckdb" in said.err
    assert main(["metrics", "--connection", "acme"]) == 0
    assert "globex" not in capsys.readouterr().out


@pytest.mark.long
def test_the_sandbox_is_one_connection_also_beside_a_folder_of_them(
    both: Companies, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sync", "--sandbox", "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert found["status"] == "done"
    assert "connection" not in found
    assert both["acme"].employees() == {}
