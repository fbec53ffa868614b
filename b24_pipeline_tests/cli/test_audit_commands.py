"""`history`, `explain`, `approve`, `erase` and `check`: what people ask, and what they decide."""

import json
from pathlib import Path

import pytest
from filelock import FileLock

from b24_pipeline import audit
from b24_pipeline.sandbox import Fault, FaultKind
from b24_pipeline.sandbox.bitrix24.behavior import Scope
from b24_pipeline.sandbox.callgear.behavior import OtherImporter
from b24_pipeline_tests.audit.helpers import ask
from b24_pipeline_tests.cli.conftest import Terminal
from b24_pipeline_tests.harness import HALF_AN_HOUR, World

READING = [("history",), ("explain", "1")]


def test_history_lists_the_runs_newest_first(portal: World, terminal: Terminal) -> None:
    portal.import_people()

    said = terminal("history", "--json")
    table = terminal("history")

    runs = json.loads(said.out)
    assert (said.code, [run["matched_by_id"] for run in runs]) == (0, [9, 0])
    assert runs[1]["started_at"].startswith("2026-01-12T11:30:00")
    assert "2026-01-12 11:30:00" in table.out
    assert "done" in table.out


def test_history_fits_100_columns_with_short_ids_marks_and_reasons(portal: World, terminal: Terminal) -> None:
    portal.hire("Newcomer")
    runs = [
        portal.run(dry_run=True),
        portal.run(only=[1]),
        portal.run(assets=["bitrix24_users", "employees"]),
    ]
    portal.behave(scope=Scope.BRIEF)
    runs.append(portal.run())

    printed = terminal("history").out.splitlines()

    assert max(map(len, printed)) <= 100
    assert printed[0].split()[:3] == ["run", "started", "(UTC)"]
    assert [text for run in runs for text in printed if text.startswith(run.run_id[:8] + " ")] == [
        next(text for text in printed if run.run_id[:8] in text and mark in text)
        for run, mark in zip(runs, ["dry run", "single", "partial", "untrusted"], strict=True)
    ]
    assert all(run.run_id not in text for run in runs for text in printed)
    reason = " ".join(text.strip() for text in printed if text.startswith(" " * 9))
    assert runs[-1].row["reason"] in reason


def test_times_are_shown_with_their_zone(portal: World, terminal: Terminal) -> None:
    assert portal
    assert "started (UTC)" in terminal("history").out
    assert "2026-01-12 11:30 UTC  " in terminal("explain", "1").out
    assert "in UTC if it names no zone" in " ".join(terminal("history", "--help").out.split())
    assert terminal("history", "--since", "2026-01-13T02:00+02:00").out == "no runs since 2026-01-13 00:00 UTC\n"


@pytest.mark.parametrize(("since", "runs"), [("2026-01-12T12:00:00+01:00", 1), ("2026-01-13", 0)])
def test_history_since(portal: World, terminal: Terminal, since: str, runs: int) -> None:
    assert portal
    assert len(json.loads(terminal("history", "--since", since, "--json").out)) == runs


@pytest.mark.parametrize("text", ["yesterday", "9999-12-31T23:59-12:00", "0001-01-01T00:00+12:00"])
@pytest.mark.usefixtures("portal")
def test_history_since_what_is_no_date_is_2(text: str, terminal: Terminal) -> None:
    said = terminal("history", "--since", text)
    assert (said.code, said.err.splitlines()) == (
        2,
        [f"b24-pipeline: --since: {text!r} is not a date. Example: --since 2026-01-31"],
    )


@pytest.mark.parametrize("person", ["1", "PERSON1@x.test"])
def test_explain_tells_one_persons_timeline(portal: World, terminal: Terminal, person: str) -> None:
    portal.portal.edit(1, LAST_NAME="Married")
    portal.import_people()

    said = terminal("explain", person)
    (timeline,) = json.loads(terminal("explain", person, "--json").out)

    assert said.code == 0
    assert "Married" in said.out
    assert "created" in said.out
    assert len(timeline["events"]) >= 2


@pytest.mark.parametrize("command", READING)
def test_reading_needs_no_credentials(portal: World, terminal: Terminal, command: tuple[str, ...]) -> None:
    portal.set(BITRIX24_WEBHOOK_URL="", CALLGEAR_ACCESS_TOKEN="")

    assert terminal(*command).code == 0


@pytest.mark.parametrize(
    "command", [*READING, ("erase", "1"), ("approve", "4711"), ("unlink", "1"), ("rebind",), ("resolve-duplicates",)]
)
def test_before_the_first_run_there_is_one_clear_line_and_no_database(
    world: World, terminal: Terminal, command: tuple[str, ...]
) -> None:
    said = terminal(*command)

    assert (said.code, said.out) == (50, "")
    assert said.err == f"b24-pipeline: There is no database {world.paths.published} yet; run an import first.\n"
    assert list(world.paths.published.parent.glob("b24*")) == []


def test_a_missing_database_is_named_with_the_folder_that_its_path_is_relative_to(
    world: World, terminal: Terminal
) -> None:
    world.set(B24_PIPELINE_DATABASE="elsewhere/b24.duckdb")
    assert f"no database {Path.cwd() / 'elsewhere/b24.duckdb'} yet" in terminal("explain", "1").err


def test_an_approved_run_lets_the_next_one_go_on(portal: World, terminal: Terminal) -> None:
    portal.list_responsible(1, 2, 3, 4)
    for user in (1, 2, 3, 4):
        portal.portal.dismiss(user)
    held = portal.import_people()

    approved = terminal("approve", held.run_id)
    portal.clock.sleep(HALF_AN_HOUR)
    after = portal.import_people()

    assert (held.status, approved.code, approved.err, after.status) == ("held", 0, "", "done")
    assert after.counts.responsible_removed == 4


def test_r16_approve_says_what_how_many_and_who_and_keeps_the_comment(
    portal: World, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("b24_pipeline.cli.audit.system_user", lambda: "clerk")
    portal.list_responsible(1, 2, 3, 4)
    for user in (1, 2, 3, 4):
        portal.portal.dismiss(user)
    portal.hire_many(12, prefix="Newcomer")
    held = portal.import_people()

    said = terminal("approve", held.run_id, "--comment", "agreed with Oleg")

    assert said.out.splitlines()[0].startswith("Approved for 24 hours by clerk:")
    assert "  4 removals from the responsible list: " in said.out
    assert "  12 new employees: Newcomer1 Ira, " in said.out
    assert said.out.endswith(", and 2 more\n")
    query = "SELECT approved_by, comment FROM audit.approvals"
    assert ask(portal.paths, query) == [("clerk", "agreed with Oleg")]


@pytest.mark.parametrize("comment", ["two\nlines", "\x1b[31mred", "\u202eturned", "x" * 501, "half \udcff"])
def test_r16_a_comment_that_is_no_line_of_text_is_bad_usage(terminal: Terminal, comment: str) -> None:
    said = terminal("approve", "4711", "--comment", comment)

    assert (said.code, said.out, len(said.err.splitlines())) == (2, "", 1)


def test_approving_what_was_never_listed_is_bad_usage(portal: World, terminal: Terminal) -> None:
    assert portal
    said = terminal("approve", "4711")
    assert (said.code, said.err) == (
        2,
        "b24-pipeline: No run 4711 is known; `b24-pipeline history` lists the runs.\n",
    )


def strangers(world: World, *users: int) -> None:
    """Another person under each of these ids, as in a restored portal."""
    for user in users:
        world.portal.give_id_to(user, NAME=f"Boris{user}", LAST_NAME=f"Stranger{user}", EMAIL=f"boris{user}@x.test")


def test_r07a_unlink_ends_a_link_says_who_did_it_and_the_next_run_matches_afresh(
    portal: World, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("b24_pipeline.cli.audit.system_user", lambda: "clerk")
    strangers(portal, 1)
    portal.import_people()
    employee = portal.links()[1]

    said = terminal("unlink", "1", "1", "--comment", "restored from a backup")
    result = portal.import_people()

    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"Unlinked by clerk: user 1 from employee {employee}.\n")
    assert (result.outcomes(), portal.links()[1] != employee) == ({1: "create: done"}, True)
    ended = (
        "SELECT callgear_id, end_reason, ended_by, end_comment FROM audit.links_history WHERE valid_to_run IS NOT NULL"
    )
    assert ask(portal.paths, ended) == [(employee, "unlinked", "clerk", "restored from a backup")]
    timeline = terminal("explain", "1").out
    assert "ended: clerk ended it with b24-pipeline unlink: restored from a backup\n" in timeline


def test_r07a_unlink_ends_all_links_or_none(portal: World, terminal: Terminal) -> None:
    said = terminal("unlink", "1", "99")

    assert (said.code, said.out) == (2, "")
    assert said.err == "b24-pipeline: No link was ended: Bitrix24 user 99 has none.\n"
    assert 1 in portal.links()


def test_r07a_unlink_while_a_run_is_in_progress_is_40(portal: World, terminal: Terminal) -> None:
    with FileLock(portal.paths.lock):
        assert terminal("unlink", "1").code == 40
    assert 1 in portal.links()


def test_r07a_conflicts_of_a_run_that_was_not_trusted_are_approved_by_user(portal: World, terminal: Terminal) -> None:
    strangers(portal, 1, 2, 3, 4)
    listed = portal.import_people()

    said = terminal("approve", listed.run_id, "--only", "1", "2")
    refused = terminal("approve", listed.run_id, "--user", "9")
    result = portal.import_people()

    assert (listed.status, said.code) == ("untrusted", 0)
    assert "2 the linked id now shows another" in said.out
    assert (refused.code, len(refused.err.splitlines())) == (2, 1)
    assert refused.err.endswith("for 9; it does for 3 (identity_changed), 4 (identity_changed).\n")
    assert set(result.outcomes()) == {3, 4}


def test_forgetting_erases_a_person_from_every_file_and_keeps_the_figures(portal: World, terminal: Terminal) -> None:
    portal.portal.delete(1)

    said = terminal("erase", "person1@x.test")

    assert said.code == 0
    files = [path for path in portal.paths.published.parent.glob("b24*") if b"person1@x.test" in path.read_bytes()]
    assert files == []
    with portal.database() as database:
        assert audit.runs.history(database)["created"].tolist() == [9]


def test_where_the_copy_in_a_store_stays_the_person_is_erased_from_all_else_and_the_command_fails(
    portal: World, terminal: Terminal
) -> None:
    portal.portal.delete(1)
    report = portal.paths.published.with_name("report.html")
    report.write_text("person1@x.test")
    portal.set(B24_PIPELINE_PUBLISH="gs://lake")

    said = terminal("erase", "person1@x.test")

    assert (said.code, said.out) == (50, "")
    assert "not published to gs://lake/b24_pipeline.duckdb, where the one before stays" in said.err
    assert not report.exists()
    files = [path for path in portal.paths.published.parent.glob("b24*") if b"person1@x.test" in path.read_bytes()]
    assert files == []


def test_a_decision_is_told_also_where_the_copy_in_a_store_stays(portal: World, terminal: Terminal) -> None:
    portal.set(B24_PIPELINE_PUBLISH="gs://lake")

    ended, resolved = terminal("unlink", "1"), terminal("resolve-duplicates")

    assert (ended.code, resolved.code) == (0, 0)
    assert ended.out.startswith("Unlinked by ")
    assert all("not published to gs://lake" in said.err for said in (ended, resolved))


def test_the_report_is_written_where_the_command_was_called(
    portal: World, terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert portal
    here = tmp_path / "somewhere else"
    here.mkdir()
    monkeypatch.chdir(here)

    said = terminal("report", "--output", "mine.html")

    assert (said.code, said.out) == (0, f"{here / 'mine.html'}\n")
    assert (here / "mine.html").exists()


def test_r16b_what_is_settled_is_named_and_creates_go_on(portal: World, terminal: Terminal) -> None:
    portal.behave(other_importer=OtherImporter.ALONGSIDE)
    portal.hire("Double")
    first = portal.import_people()
    portal.behave(other_importer=OtherImporter.NONE)
    portal.hire("Later")
    second = portal.import_people()

    settled = terminal("resolve-duplicates")

    assert (first.status, second.status, settled.code) == ("partial", "partial", 0)
    assert settled.out.startswith("Resolved: employee 704010 and employee 704011, Bitrix24 user 10")
    assert portal.import_people().status == "done"
    assert terminal("resolve-duplicates").out == "Nothing to resolve: no duplicates are known.\n"


@pytest.mark.parametrize("command", [("erase", "1"), ("approve", "4711"), ("rebind",), ("resolve-duplicates",)])
def test_what_writes_waits_for_no_run(portal: World, terminal: Terminal, command: tuple[str, ...]) -> None:
    with FileLock(portal.paths.lock):
        assert terminal(*command).code == 40


@pytest.mark.parametrize("command", [("history",), ("explain", "1"), ("approve", "4711"), ("report",), ("erase", "1")])
def test_with_sandbox_the_real_database_of_the_file_is_neither_read_nor_changed(
    portal: World, terminal: Terminal, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.delenv("B24_PIPELINE_DATABASE")
    Path(".env").write_text(f"B24_PIPELINE_DATABASE={portal.paths.published}\n")
    before = {path: path.read_bytes() for path in portal.paths.published.parent.glob("b24*")}

    said = terminal(*command, "--sandbox")

    assert said.code != 0
    assert "Person1" not in said.out
    assert {path: path.read_bytes() for path in portal.paths.published.parent.glob("b24*")} == before


@pytest.mark.parametrize("command", [("explain", ""), ("erase", " "), ("approve", "")])
def test_an_argument_that_is_empty_is_2(portal: World, terminal: Terminal, command: tuple[str, str]) -> None:
    assert portal
    said = terminal(*command)
    assert (said.code, said.out, "is empty." in said.err) == (2, "", True)


def test_a_report_is_no_folder(portal: World, terminal: Terminal) -> None:
    assert portal
    said = terminal("report", "--output", "/")
    assert (said.code, said.err) == (2, "b24-pipeline: --output: / is a folder. Example: --output report.html\n")


def test_users_without_a_link_are_named(portal: World, terminal: Terminal) -> None:
    assert portal
    assert "Bitrix24 user 98 has none." in terminal("unlink", "1", "98").err
    assert "Bitrix24 users 98, 99 have none." in terminal("unlink", "98", "99").err


def test_explaining_a_stranger_is_2_and_one_line(portal: World, terminal: Terminal) -> None:
    assert portal
    said = terminal("explain", "4711")
    assert (said.code, said.out, len(said.err.splitlines())) == (2, "", 1)


def test_check_names_the_departments_of_the_settings_and_those_that_the_portal_does_not_have(
    portal: World, terminal: Terminal
) -> None:
    portal.portal.add_department("Sales")
    assert "departments" not in terminal("check").out
    portal.set(B24_PIPELINE_INCLUDE_DEPARTMENTS="1,=2")
    found = terminal("check")
    portal.set(B24_PIPELINE_EXCLUDE_DEPARTMENTS="99,=98")
    missing = terminal("check")
    portal.behave(other_scopes=())
    refused = terminal("check")

    assert (found.code, missing.code, refused.code) == (0, 50, 50)
    assert "pass  departments: the portal has 1 Company, 2 Sales" in found.out
    assert "FAIL  departments: the portal has no department 98, 99: correct B24_PIPELINE_INCLUDE_D" in missing.out
    assert 'FAIL  departments: department.get: insufficient_scope (HTTP 403): the webhook lacks a scope: tick "De' in (
        refused.out
    )


def test_check_passes_and_changes_nothing(portal: World, terminal: Terminal) -> None:
    said = terminal("check")

    assert (said.code, portal.writes()) == (0, [])
    assert {line.split()[0] for line in said.out.splitlines()} == {"pass"}


def test_check_fails_where_a_run_could_not_use_the_database(portal: World, terminal: Terminal) -> None:
    good = terminal("check")
    portal.paths.working.write_text("no database")
    portal.paths.published.unlink()
    damaged = terminal("check")
    portal.set(B24_PIPELINE_DATABASE="/proc/nowhere/b24.duckdb")
    nowhere = terminal("check")

    assert f"pass  audit database: {portal.paths.published} can be read and written" in good.out
    assert (damaged.code, nowhere.code) == (50, 50)
    assert f"FAIL  audit database: The database {portal.paths.working} is damaged or no DuckDB file" in damaged.out
    assert "FAIL  audit database: The folder /proc/nowhere of the database cannot be written" in nowhere.out


@pytest.mark.parametrize(
    ("scope", "fault", "says"),
    [
        (Scope.BRIEF, None, "user_brief"),
        (Scope.FULL, Fault(FaultKind.IP_NOT_WHITELISTED, api="callgear", times=None), "IP address"),
        (Scope.FULL, Fault(FaultKind.WEBHOOK_REVOKED_401, api="bitrix24", times=None), "webhook"),
    ],
)
def test_check_says_what_to_do(portal: World, terminal: Terminal, scope: Scope, fault: Fault | None, says: str) -> None:
    portal.behave(scope=scope)
    if fault is not None:
        portal.sandbox.faults.add(fault)

    said = terminal("check")

    assert said.code == 50
    assert any(line.startswith("FAIL") and says in line for line in said.out.splitlines())
    assert "sandboxsecret16" not in said.out
