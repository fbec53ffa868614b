"""`--json`: the same JSON for every reader, without a character that a terminal would obey."""

import io
import json
import sys

import duckdb
import pytest

from b24_pipeline.cli.output import to_json, without_control_characters
from b24_pipeline_tests.cli.conftest import Terminal
from b24_pipeline_tests.harness import World

STEERING = "\x7f\x85\x9b31m\u200b\u202efdp.exe\u2066\u2028\ue000\U000e0041\ud800"


@pytest.fixture
def utf_8(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that shows every character."""
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))


@pytest.mark.usefixtures("utf_8")
def test_what_would_steer_the_terminal_is_escaped_and_the_json_means_the_same() -> None:
    written = to_json({"name": STEERING})

    assert written == (r'{"name": "\u007f\u0085\u009b31m\u200b\u202efdp.exe\u2066\u2028\ue000\udb40\udc41\ud800"}')
    assert json.loads(written) == {"name": STEERING}


@pytest.mark.usefixtures("utf_8")
def test_what_people_read_is_left_as_it_is() -> None:
    assert to_json({"name": "Юлия Zoë 🙂"}) == '{"name": "Юлия Zoë 🙂"}'


def test_what_is_escaped_already_is_not_escaped_twice() -> None:
    assert without_control_characters(r'{"name": "\\u009b\n\u009b"}') == r'{"name": "\\u009b\n\u009b"}'


@pytest.mark.parametrize("command", [("history",), ("explain", "steering@x.test")])
def test_no_command_writes_json_that_steers_the_terminal(
    portal: World, terminal: Terminal, command: tuple[str, ...]
) -> None:
    portal.hire("\x9b31m\u202eIvanova", EMAIL="steering@x.test")
    portal.import_people()
    with duckdb.connect(portal.paths.working) as database:
        database.execute("UPDATE store.runs SET reason = '\x9b31m\u202eno reason'")

    said = terminal(*command, "--json")

    assert r"\u009b31m\u202e" in said.out
    assert not {"\x9b", "\u202e"} & set(said.out)
