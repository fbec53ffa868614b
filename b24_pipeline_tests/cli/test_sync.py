"""`b24-pipeline sync`: exit codes, the JSON line, and what people read."""

import json
from typing import Any

import dagster as dg
import pytest
from filelock import FileLock

from b24_pipeline import audit
from b24_pipeline.cli.group import RENAMED
from b24_pipeline.dagster_runs import LOCK_TAG
from b24_pipeline.reporting.refresh import report_beside
from b24_pipeline.sandbox import Fault, FaultKind
from b24_pipeline.sandbox.bitrix24.behavior import Scope
from b24_pipeline.schedules import active_runs, is_orphaned
from b24_pipeline_tests.cli.conftest import Said, Terminal
from b24_pipeline_tests.harness import World

COUNTS = {
    "users",
    "candidates",
    "out_of_scope",
    "rejected",
    "matched_by_id",
    "matched_by_email",
    "created",
    "linked",
    "phones_added",
    "conflicts",
    "failed",
    "deferred",
    "responsible_removed",
    "bitrix24_requests",
    "callgear_points",
}


def result_of(said: Said) -> dict[str, Any]:
    """The JSON object that must be the last line."""
    *_, last = said.out.splitlines()
    found: dict[str, Any] = json.loads(last)
    assert said.out.count('"run_id"') == 1
    return found


def test_done_is_0_and_the_last_line_is_one_json_object_with_every_figure(portal: World, terminal: Terminal) -> None:
    portal.hire("Newcomer")

    said = terminal("sync", "--json")

    found = result_of(said)
    assert said.code == 0
    assert (found["status"], found["dry_run"], found["error"]) == ("done", False, None)
    assert set(found["counts"]) >= COUNTS
    assert (found["counts"]["created"], found["counts"]["left_alone"], found["counts"]["users"]) == (1, 9, 10)
    assert all(type(number) is int for number in found["counts"].values())
    with portal.database() as database:
        assert audit.runs.history(database, limit=1)["run_id"].item() == found["run_id"]


def test_a_dry_run_for_one_person_shows_the_plan_and_sends_nothing(portal: World, terminal: Terminal) -> None:
    first, second = portal.hire("First"), portal.hire("Second")

    said = terminal("sync", "--dry-run", "--only", str(second), "--json")

    found = result_of(said)
    assert (said.code, found["dry_run"], found["planned"], portal.writes()) == (0, True, {"create": 1}, [])
    assert first != second


def test_single_people_are_shown_step_by_step_and_an_id_of_nobody_is_said_to_be_none(
    portal: World, terminal: Terminal
) -> None:
    newcomer = portal.hire("Newcomer")
    portal.hire("Mailless", EMAIL=None)

    said = terminal("sync", "--only", str(newcomer), "99999")

    printed = " ".join(said.out.split())
    assert (said.code, said.err, len(portal.links())) == (0, "", 10)
    assert f"Newcomer Ira, newcomer@x.test (Bitrix24 user {newcomer})" in printed
    assert "R10 create in CallGear (employee" in printed
    assert "Bitrix24 has no user 99999: it is not among the 11 users that were read" in printed
    assert "Mailless" not in printed


def test_people_read_who_was_imported_and_who_was_not_and_why(portal: World, terminal: Terminal) -> None:
    portal.hire("Newcomer", WORK_PHONE="7900")
    portal.hire("Mailless", EMAIL=None)
    portal.hire("Twin", EMAIL="person1@x.test")
    portal.hire(None, EMAIL=None, NAME="\x1b[2J\x1b]0;owned\x07 \u202eIra [bold]")

    said = terminal("sync")

    assert (said.code, said.err) == (0, "")
    printed = " ".join(said.out.split())
    for text in (
        "Import finished.",
        "13 users read from Bitrix24",
        "1 created in CallGear",
        "Mailless Ira",
        "no e-mail in Bitrix24",
        "another user in Bitrix24 has the same e-mail",
        "phone numbers: 7900",
        str(portal.paths.published),
        "b24-pipeline explain ID",
    ):
        assert text in printed
    assert "[2J]0;owned Ira [bold]" in printed
    assert not {"\x1b", "\x07", "\u202e"} & set(said.out), "a text of the portal can steer the terminal"


def test_some_failed_is_10(portal: World, terminal: Terminal) -> None:
    portal.hire("Newcomer")
    portal.sandbox.faults.add(Fault(FaultKind.MNEMONIC, method="create.employees", times=None))

    said = terminal("sync", "--json")

    assert (said.code, result_of(said)["status"], result_of(said)["counts"]["failed"]) == (10, "partial", 1)


def test_held_is_20_and_the_next_step_is_named(portal: World, terminal: Terminal) -> None:
    portal.hire_many(11, prefix="Newcomer")

    said = terminal("sync")

    assert said.code == 20
    assert "11 held by a safety limit" in " ".join(said.out.split())
    assert "Held for approval (11)" in said.out
    assert "b24-pipeline approve " in said.out


def test_an_untrusted_source_is_30_with_the_reason_in_words(portal: World, terminal: Terminal) -> None:
    portal.behave(scope=Scope.BRIEF)

    said = terminal("sync", "--json")

    assert (said.code, result_of(said)["status"]) == (30, "untrusted")
    assert result_of(said)["error"].startswith("no user came with an e-mail field")
    assert "Traceback" not in said.out + said.err


def test_r17_a_run_is_known_by_the_lock_that_its_process_holds(portal: World, terminal: Terminal) -> None:
    alive = set()

    def look(*_: object) -> None:
        with dg.DagsterInstance.get() as instance:
            (run,) = active_runs(instance)
            alive.add((run.tags[LOCK_TAG], is_orphaned(run)))

    portal.sandbox.on_request = look
    terminal("sync", "--dry-run")

    assert alive == {(str(portal.paths.lock), False)}


def test_another_run_in_progress_is_40_and_leaves_no_failed_run_behind(portal: World, terminal: Terminal) -> None:
    with FileLock(portal.paths.lock):
        said = terminal("sync", "--json")

    assert (said.code, result_of(said)["status"], result_of(said)["run_id"]) == (40, "not_started", None)
    assert said.err.startswith("b24-pipeline: another run is in progress: run ")
    assert portal.sandbox.requests == []


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Fault(FaultKind.WEBHOOK_REVOKED_401, api="bitrix24", times=None), "webhook"),
        (Fault(FaultKind.ACCOUNT_INACTIVE, api="callgear", times=None), "account"),
    ],
    ids=["bitrix24", "callgear"],
)
def test_a_dead_account_is_50_and_one_line(portal: World, terminal: Terminal, fault: Fault, says: str) -> None:
    portal.sandbox.faults.add(fault)

    said = terminal("sync", "--json")

    assert (said.code, result_of(said)["status"]) == (50, "failed")
    assert says in result_of(said)["error"]
    assert "Traceback" not in said.out + said.err
    assert "The import is failing." in report_beside(portal.paths.published).read_text()


def test_a_database_of_another_connection_is_50_and_says_how_to_accept_it(portal: World, terminal: Terminal) -> None:
    portal.set(BITRIX24_WEBHOOK_URL=portal.server.webhook_url.replace("127.0.0.1", "localhost"))

    refused = terminal("sync", "--json")
    accepted = terminal("rebind")

    assert (refused.code, accepted.code, portal.import_people().status) == (50, 0, "done")
    assert "b24-pipeline rebind" in refused.err
    assert result_of(refused)["status"] == "not_started"
    assert accepted.out == "Rebound: the database belongs to localhost and 127.0.0.1.\n"


def test_r16b_another_account_is_50_and_says_how_to_accept_it(portal: World, terminal: Terminal) -> None:
    portal.behave(app_id=666)
    portal.hire("Snow")

    refused = terminal("sync", "--json")
    checked = terminal("check")
    written = len(portal.account.employees)
    accepted = terminal("rebind")

    assert (refused.code, written, checked.code) == (50, 9, 50)
    assert "belongs to the CallGear account Sandbox (number 31337), but" in result_of(refused)["error"]
    assert result_of(refused)["error"].endswith("; if the other account is meant from now on: b24-pipeline rebind")
    assert "FAIL  CallGear account: this database belongs to the CallGear account Sandbox (number 31337)" in checked.out
    assert "the CallGear account Sandbox (number 666) replaces Sandbox (number 31337)" in accepted.out
    assert (terminal("sync").code, terminal("check").code) == (0, 0)


def test_a_damaged_database_is_50_and_nothing_is_asked(portal: World, terminal: Terminal) -> None:
    portal.paths.working.write_bytes(b"not a database" * 1000)

    said = terminal("sync")

    assert (said.code, portal.sandbox.requests, said.out) == (50, [], "")
    assert len(said.err.splitlines()) == 1


BAD_SETTINGS = {
    "BITRIX24_WEBHOOK_URL": ("", "is missing", "https://company.bitrix24.com/rest/1/abcdefgh12345678/"),
    "B24_PIPELINE_PHONES": ("some", "must be 'all' or 'first'", "first"),
    "B24_PIPELINE_CA_BUNDLE": (
        "/nowhere.pem",
        "/nowhere.pem is not a readable file of certificates (PEM)",
        "/etc/ssl/private-ca.pem",
    ),
}


@pytest.mark.parametrize("name", BAD_SETTINGS)
def test_a_bad_setting_is_2_and_one_line_with_its_name_and_an_example(
    portal: World, terminal: Terminal, name: str
) -> None:
    value, wrong, example = BAD_SETTINGS[name]
    portal.set(**{name: value})
    line = f"b24-pipeline: {name}: {wrong}. Example: {name}={example}"

    said = terminal("sync", "--json")

    assert (said.code, said.err.splitlines()) == (2, [line])
    assert result_of(said)["error"] == line.removeprefix("b24-pipeline: ")
    assert portal.sandbox.requests == []


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("sync", "--only", "Ira"),
        ("sync", "--only"),
        ("sync", "--failed", "--only", "1"),
        ("sync", "--frobnicate"),
        ("approve",),
        ("history", "--limit", "x"),
    ],
)
def test_bad_usage_is_2_and_one_line_with_an_example(terminal: Terminal, arguments: tuple[str, ...]) -> None:
    said = terminal(*arguments)

    assert (said.code, said.out, len(said.err.splitlines())) == (2, "", 1)
    assert f"Example: b24-pipeline {arguments[0] if arguments else '--help'}" in said.err


@pytest.mark.parametrize(
    ("command", "option"), [("sync", "--only"), ("history", "--limit"), ("check", "--prove-update"), ("dev", "--port")]
)
def test_the_example_has_the_option_whose_value_is_wrong(terminal: Terminal, command: str, option: str) -> None:
    assert f" {option} " in terminal(command, option, "0").err.partition("Example: ")[2]


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_an_old_spelling_of_a_command_is_understood(terminal: Terminal, old: str, new: str) -> None:
    said = terminal(old, "--help")

    assert (said.code, said.err) == (0, f"b24-pipeline: `{old}` is now called `{new}`\n")
    assert f"Example: b24-pipeline {new}" in said.out
    assert old not in terminal("--help").out.split()


def test_secrets_are_in_no_output_also_when_verbose(portal: World, terminal: Terminal) -> None:
    portal.sandbox.faults.add(Fault(FaultKind.WEBHOOK_REVOKED_403, api="bitrix24", times=None))

    said = terminal("sync", "--json", "--verbose")

    assert "sandboxsecret16" not in said.out + said.err
    assert portal.server.access_token not in said.out + said.err
