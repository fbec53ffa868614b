"""Texts of a portal and an account are data: they break out of nothing on their way to the account and the screen."""

import duckdb
import pytest

from b24_pipeline_tests.faults.kill import Desk

pytestmark = pytest.mark.long

HOSTILE = {
    "markup": "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "markdown": "| a | b |`code`[link](javascript:alert(1))![x](data:image/png;base64,AAAA)",
    "ansi": "\x1b[31mred\x1b[2J\x1b]0;title\x07",
    "bidi": "\u202efdp.exe\u2066\u200b",
    "sql": "Robert'); DROP TABLE store.links;--",
    "json": '","after":{"x":1},"',
    "formula": "=cmd|'/c calc'!A1",
    "newlines": "first\nb24-pipeline: all is well\rsecond",
    "surrogate": "half a pair \ud800",
    "rich": "[bold red]loud[/bold red][link=https://x.test]here[/link]",
}
FORBIDDEN = ("\x1b", "\x07", "\u202e", "\u2066", "\u200b", "\r")


COMMANDS = (
    ("sync", "--dry-run"),
    ("sync",),
    ("explain", "3"),
    ("explain", "sql@x.test"),
    ("history",),
)


@pytest.fixture(scope="module")
def said(desk: Desk) -> dict[tuple[str, ...], str]:
    """What each command says of hostile people; one of them is rejected, one is in conflict."""
    for number, (name, text) in enumerate(HOSTILE.items()):
        desk.server.sandbox.portal.hire(NAME=text, LAST_NAME=text, EMAIL=f"{name}@x.test", WORK_PHONE=f"+7 495 {text}")
        if number % 2:
            desk.server.sandbox.account.add_employee(last_name=text, first_name=text, email=f"{name}@x.test")
    desk.server.sandbox.portal.hire(LAST_NAME=HOSTILE["markup"], EMAIL=HOSTILE["sql"])
    desk.server.sandbox.portal.hire(LAST_NAME=HOSTILE["markup"], EMAIL="MARKUP@x.test")
    heard = {}
    for command in COMMANDS:
        assert desk.type(*command) == 0, desk.said
        heard[command] = desk.said
    return heard


@pytest.mark.usefixtures("said")
def test_hostile_texts_reach_the_account_and_the_database_to_the_letter(desk: Desk) -> None:
    by_email = {employee["email"]: employee for employee in desk.server.sandbox.account.employees.values()}
    for name in ("markup", "markdown", "sql", "json", "formula", "rich"):
        assert by_email[f"{name}@x.test"]["last_name"] == "(bitrix24) " + " ".join(HOSTILE[name].split())
    with duckdb.connect(desk.paths.published, read_only=True) as database:
        linked = database.execute("SELECT count(*) FROM audit.links").fetchone()
        names = {row[0] for row in database.execute("SELECT last_name FROM audit.bitrix24_users").fetchall()}
    assert linked == (len(HOSTILE),)
    assert {HOSTILE[name] for name in ("markup", "ansi", "bidi", "sql", "newlines")} <= names


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_hostile_texts_do_not_steer_the_terminal(said: dict[tuple[str, ...], str], command: tuple[str, ...]) -> None:
    assert [mark for mark in FORBIDDEN if mark in said[command]] == []
    assert "\nb24-pipeline: all is well" not in said[command]
