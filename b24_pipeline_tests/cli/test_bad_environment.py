"""Whatever is wrong around the command line is one clear line and an exit code, never a traceback."""

import io
import json
import os
import re
import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from filelock import FileLock

from b24_pipeline.cli import main, sandbox, sync
from b24_pipeline.cli.group import chdir_to_project
from b24_pipeline.project_folder import PROJECT_FILE
from b24_pipeline_tests.cli.conftest import Said, Terminal
from b24_pipeline_tests.databases import bound_by_modes
from b24_pipeline_tests.harness import World

BAD_PORT = "https://company.bitrix24.com:abc/rest/1/secretsecret/"
EMPTY_LABEL = "https://company..bitrix24.com/rest/1/secretsecret/"
PROJECT = Path(__file__).parents[2]
NO_UTF_8 = os.fsdecode(b"\xff")
EVERYTHING = ("history", "check", "check-freshness", "sync", "rebind")


def one_line(said: Said) -> str:
    """What a command complained of, in one line."""
    (line,) = said.err.splitlines()
    assert "Traceback" not in said.out
    return line.removeprefix("b24-pipeline: ")


@pytest.fixture
def taken_port() -> Iterator[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield int(listener.getsockname()[1])


@pytest.mark.parametrize("command", EVERYTHING)
def test_a_file_of_settings_that_is_no_utf_8_is_2(world: World, terminal: Terminal, command: str) -> None:
    assert world
    Path(".env").write_bytes(b"B24_PIPELINE_LAST_NAME_PREFIX=\xef\xf0 \n")

    said = terminal(command)

    assert (said.code, one_line(said)) == (2, ".env: is not text in UTF-8. Save it as UTF-8.")


@pytest.mark.parametrize("command", EVERYTHING)
def test_a_mistyped_setting_is_2(world: World, terminal: Terminal, command: str) -> None:
    world.set(B24_PIPELINE_DATABSE="mine.duckdb")
    Path(".env").write_text("\nBITRIX24_WEBHOK_URL=https://company.bitrix24.com/rest/1/secretsecret/\nsecretsecret\n")

    said = terminal(command)

    assert (said.code, said.err.splitlines()) == (
        2,
        [
            "b24-pipeline: .env: line 3 cannot be read: it is not of the form NAME=value.",
            "b24-pipeline: B24_PIPELINE_DATABSE: is not a setting. Did you mean B24_PIPELINE_DATABASE?",
            "b24-pipeline: BITRIX24_WEBHOK_URL: is not a setting. Did you mean BITRIX24_WEBHOOK_URL?",
        ],
    )


@pytest.mark.parametrize("command", EVERYTHING)
def test_where_the_current_folder_was_removed_the_installed_one_is_used(
    world: World, terminal: Terminal, tmp_path: Path, command: str
) -> None:
    assert world
    gone = tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()

    said = terminal(command)

    assert "Traceback" not in said.err
    assert "b24-pipeline: internal error" not in said.err
    assert Path.cwd() == PROJECT


def test_where_the_current_folder_may_not_be_entered_the_installed_one_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / PROJECT_FILE).touch()
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0)
    try:
        bound_by_modes(chdir_to_project)
    finally:
        tmp_path.chmod(0o700)

    assert Path.cwd() == PROJECT


def test_a_file_to_write_cannot_be_named_from_a_folder_that_was_removed(terminal: Terminal, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()

    said = terminal("report", "--output", "report.html")

    assert said.code == 2
    assert "'--output': the current folder cannot be used (No such file or directory)" in said.err


@pytest.mark.parametrize("database", ["", "/", "."])
@pytest.mark.parametrize("command", EVERYTHING)
def test_a_database_that_is_a_folder_is_2(world: World, terminal: Terminal, command: str, database: str) -> None:
    world.set(B24_PIPELINE_DATABASE=database)

    said = terminal(command)

    assert said.code == 2
    assert one_line(said) == (
        "B24_PIPELINE_DATABASE: must name a file, not a folder. Example: B24_PIPELINE_DATABASE=data/b24_pipeline.duckdb"
    )


@pytest.mark.parametrize("command", ["sync", "check", "rebind"])
@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("BITRIX24_WEBHOOK_URL", BAD_PORT, "is not a valid URL"),
        ("BITRIX24_WEBHOOK_URL", EMPTY_LABEL, "is not a valid URL"),
        ("CALLGEAR_API_URL", "https://[dataapi/v2.0", "is not a valid URL"),
        ("CALLGEAR_API_URL", "https://dataapi..callgear.com/v2.0", "is not a valid URL"),
        ("HTTPS_PROXY", "foo:bar", "is not a valid proxy URL"),
        ("HTTPS_PROXY", "http://proxy..company.com:3128", "is not a valid proxy URL"),
        ("B24_PIPELINE_KEEP_DAYS", "999999999", "must be at most 36500"),
    ],
)
def test_an_address_that_is_none_is_2(
    portal: World, terminal: Terminal, command: str, variable: str, value: str, says: str
) -> None:
    portal.set(**{variable: value})

    said = terminal(command)

    assert said.code == 2
    assert one_line(said).startswith(variable)
    assert says in said.err
    assert "secretsecret" not in said.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("history", "--limit", "-5"),
        ("history", "--limit", "9" * 30),
        ("check-freshness", "--after-minutes", "1e15"),
        ("check-freshness", "--after-minutes", "nan"),
        ("sandbox", "--port", "99999"),
        ("sandbox", "--port", "-1"),
        ("dev", "--port", "0"),
        ("webserver", "--port", "70000"),
        ("sync", "--only", "9" * 30),
        ("approve", "4711", "--user", "0"),
    ],
)
def test_a_number_out_of_bounds_is_2(terminal: Terminal, arguments: tuple[str, ...]) -> None:
    said = terminal(*arguments)

    assert (said.code, said.out) == (2, "")
    assert re.search(rf"'{arguments[-2]}'[^:]*: ", one_line(said))
    assert f" Example: b24-pipeline {arguments[0]} " in one_line(said)


@pytest.mark.parametrize(
    ("command", "example"), [("explain", "explain 42"), ("erase", "erase 42"), ("approve", "approve 1f0c2a9e")]
)
def test_an_argument_that_is_no_utf_8_is_2(portal: World, terminal: Terminal, command: str, example: str) -> None:
    assert portal
    said = terminal(command, NO_UTF_8)

    assert (said.code, said.out) == (2, "")
    assert said.err.splitlines()[-1].endswith(f": is not text in UTF-8. Example: b24-pipeline {example}")


@pytest.mark.parametrize("command", EVERYTHING)
def test_a_file_name_that_is_no_utf_8_is_2(world: World, terminal: Terminal, command: str) -> None:
    world.set(B24_PIPELINE_DATABASE=f"/tmp/{NO_UTF_8}.duckdb")

    said = terminal(command)

    assert (said.code, one_line(said)) == (
        2,
        "B24_PIPELINE_DATABASE: is not text in UTF-8. Example: B24_PIPELINE_DATABASE=data/b24_pipeline.duckdb",
    )


@pytest.mark.parametrize("command", ["explain", "erase"])
def test_an_id_of_47_digits_is_nobodys(portal: World, terminal: Terminal, command: str) -> None:
    assert portal
    said = terminal(command, "1" * 47)
    assert (said.code, "1" * 47 in one_line(said)) == (2, True)


@pytest.mark.parametrize("command", ["dev", "webserver", "sandbox"])
def test_a_port_that_is_taken_is_2(terminal: Terminal, taken_port: int, command: str) -> None:
    said = terminal(command, "--port", str(taken_port))

    assert (said.code, said.out) == (2, "")
    assert one_line(said).startswith(f"--port: port {taken_port} of 127.0.0.1 cannot be used (")


@pytest.mark.parametrize("host", ["0.0..0", NO_UTF_8])
def test_a_host_to_listen_on_that_is_none_is_2(terminal: Terminal, host: str) -> None:
    said = terminal("webserver", "--host", host)

    assert (said.code, one_line(said)) == (2, "--host: is not an address to listen on. Example: --host 0.0.0.0")


@pytest.mark.parametrize("name", ["https://dagster.example.com", "*", "", "a b", "dagster.example.com/", NO_UTF_8])
@pytest.mark.parametrize("command", ["dev", "webserver"])
def test_a_name_for_the_ui_that_is_none_is_2(terminal: Terminal, command: str, name: str) -> None:
    said = terminal(command, "--allowed-host", name)

    assert (said.code, said.out) == (2, "")
    assert said.err.endswith("--allowed-host dagster.example.com\n")
    assert "is not a host name. " in one_line(said)


@pytest.mark.parametrize("kept", ["{", "[]", '{"format": 99}'])
def test_a_damaged_state_of_the_sandbox_is_2_and_how_to_begin_anew(terminal: Terminal, kept: str) -> None:
    sandbox.sandbox_path(sandbox.STATE).parent.mkdir(parents=True)
    sandbox.sandbox_path(sandbox.STATE).write_text(kept)

    said = terminal("sync", "--sandbox", "--json")

    assert (said.code, one_line(said).endswith("b24-pipeline sandbox --reset")) == (2, True)
    assert json.loads(said.out.splitlines()[-1])["status"] == "not_started"


def test_a_sandbox_that_somebody_uses_is_not_reset(terminal: Terminal) -> None:
    state = sandbox.sandbox_path(sandbox.STATE)
    state.parent.mkdir(parents=True)
    state.write_text("{}")
    with FileLock(sandbox.sandbox_path(sandbox.LOCK)):
        said = terminal("sandbox", "--port", "0", "--reset")

    assert (said.code, one_line(said)) == (
        2,
        "--reset: the sandbox is used by another process; stop it first",
    )
    assert state.read_text() == "{}"


@pytest.mark.parametrize("text", ["storage: [", "nonsense: secretsecret", "storage: {mysql: {}}", "a letter", "\0"])
@pytest.mark.parametrize("arguments", [("sync", "--json"), ("daemon",), ("webserver", "--port", "39999")])
def test_a_configuration_of_dagster_that_is_none_is_2_and_named(
    portal: World, terminal: Terminal, arguments: tuple[str, ...], text: str
) -> None:
    assert portal
    Path("dagster.yaml").write_text(text)

    said = terminal(*arguments)

    assert (said.code, one_line(said).startswith(f"DAGSTER_HOME: {Path.cwd()}/dagster.yaml is no configuration")) == (
        2,
        True,
    )
    assert "secretsecret" not in said.err + said.out
    if "--json" in arguments:
        found = json.loads(said.out.splitlines()[-1])
        assert (found["status"], found["error"]) == ("not_started", one_line(said))


def test_what_nobody_expected_is_one_line_and_the_json_line_all_the_same(
    portal: World, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert portal
    monkeypatch.setattr(sync, "utc_now", {}.popitem)  # a clock that fails in a way nobody has thought of

    said = terminal("sync", "--json")

    assert (said.code, one_line(said)[:23]) == (50, "internal error: KeyErro")
    found = json.loads(said.out.splitlines()[-1])
    assert (found["status"], found["error"]) == ("not_started", one_line(said))


def test_a_terminal_that_cannot_show_a_name_shows_it_in_escapes(
    portal: World, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    del terminal
    portal.hire("Юлия", EMAIL="julia@x.test", NAME="Zoë 🙂")
    portal.import_people()
    printed = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(printed, encoding="ascii", write_through=True))

    assert main(["explain", "julia@x.test"]) == 0
    assert main(["explain", "julia@x.test", "--json"]) == 0

    *_, told = printed.getvalue().decode("ascii").splitlines()
    assert b"\\u042e\\u043b\\u0438\\u044f Zo\\xeb" in printed.getvalue()
    assert json.loads(told)[0]["person"].startswith("Юлия Zoë 🙂")


def test_who_stops_reading_gets_no_traceback(
    portal: World, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    del terminal
    assert portal
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w", encoding="utf-8") as pipe:  # noqa: PTH123 - there is no path
        monkeypatch.setattr(sys, "stdout", pipe)
        assert main(["history", "--json"]) == 141
