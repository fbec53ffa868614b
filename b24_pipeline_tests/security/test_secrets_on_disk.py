"""After runs full of faults: every byte of every file that they left, searched for what opens the two systems."""

import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from b24_pipeline.sandbox import Fault, FaultKind
from b24_pipeline.sandbox.bitrix24.api import SECRET
from b24_pipeline_tests import scenarios
from b24_pipeline_tests.faults.kill import Desk

LOGIN = {"CALLGEAR_ACCESS_TOKEN": "", "CALLGEAR_LOGIN": "sandbox", "CALLGEAR_PASSWORD": "sandbox-password"}
NO_LIMIT = {"B24_PIPELINE_LIMIT_CREATES": "1000"}
"""The runs follow within 24 hours, and all of them create people (R16)."""
EVIL = f"https://evil.example/rest/1/{SECRET}/batch"


def portal(kind: FaultKind, **given: Any) -> Fault:
    """A fault of Bitrix24."""
    return Fault(kind, "bitrix24", **given)


def account(kind: FaultKind, method: str, **given: Any) -> Fault:
    """A fault of CallGear."""
    return Fault(kind, "callgear", method, **given)


RUNS: tuple[tuple[tuple[str, ...], dict[str, str], tuple[Fault, ...]], ...] = (
    (("--json",), LOGIN, ()),
    (
        ("--json", "-v"),
        {},
        (
            portal(FaultKind.HTTP_500, nth=1),
            account(FaultKind.RESET_BEFORE, "get.employees", nth=1),
            account(FaultKind.EMPTY_BODY, "create.employees", nth=1),
            account(FaultKind.MNEMONIC, "create.employees", nth=2, mnemonic="error", field="access_token"),
        ),
    ),
    (
        ("-v",),
        LOGIN,
        (account(FaultKind.TOKEN_EXPIRED, "get.employees", nth=1), account(FaultKind.OK_HTML, "login.user", nth=1)),
    ),
    (("-v",), {}, (portal(FaultKind.REDIRECT_302, times=None, location=EVIL),)),
    (("--json", "-v"), {}, (portal(FaultKind.WEBHOOK_REVOKED_401, times=None),)),
    ((), {}, (account(FaultKind.IP_NOT_WHITELISTED, "get.employees", times=None),)),
    (("-v",), {}, (account(FaultKind.TOKEN_BLOCKED, "create.employees"),)),
)
"""Options, settings and faults of each run."""


@pytest.fixture(scope="module")
def after_faults(desk: Desk) -> Desk:
    """Runs that met every sort of fault, verbose and with a login too; what each printed is kept."""
    scenarios.newcomers(desk.server.sandbox)
    for number, (options, settings, faults) in enumerate(RUNS):
        desk.server.sandbox.faults.clear()
        for fault in faults:
            desk.server.sandbox.faults.add(fault)
        for person in range(2):
            scenarios.hire(desk.server.sandbox, f"Lebedeva{number}{person}")
        desk.type("sync", *options, settings={**NO_LIMIT, **settings})
        assert {fault.kind.name for fault in faults} <= {r.fault for r in desk.server.sandbox.requests}
        (desk.folder / "said.txt").rename(desk.folder / f"said-{number}.txt")
    return desk


def secrets(desk: Desk) -> Iterator[str]:
    """All that opens one of the systems."""
    yield from (SECRET, desk.server.access_token, desk.server.password, *desk.server.sandbox.account.sessions)
    yield urllib.parse.urlsplit(desk.server.webhook_url).path.strip("/")


def texts_of_database(path: Path) -> str:
    """Every text in a DuckDB file, which may hold them compressed."""
    with duckdb.connect(path, read_only=True) as database:
        tables = database.execute("SELECT table_schema, table_name FROM information_schema.tables").fetchall()
        rows = [database.execute(f'SELECT * FROM "{schema}"."{table}"').fetchall() for schema, table in tables]
    return json.dumps(rows, default=str, ensure_ascii=False)


@pytest.mark.long
def test_no_secret_is_in_any_file_or_output_or_page_after_runs_full_of_faults(after_faults: Desk) -> None:
    desk = after_faults
    files = {path: path.read_bytes() for path in desk.folder.rglob("*") if path.is_file()}
    texts = {path: texts_of_database(path) for path in (desk.paths.working, desk.paths.published)}
    with urllib.request.urlopen(desk.server.page_url) as page:
        shown = page.read().decode()

    assert {"said-0.txt", "b24.duckdb", "b24.working.duckdb", "index.db"} <= {path.name for path in files}
    assert any(path.suffix in (".out", ".err") for path in files), "no compute logs were searched"
    assert any(b"Lebedeva00" in content for path, content in files.items() if path.name.endswith(".db"))
    assert all("Lebedeva00" in text for text in texts.values())
    for secret in secrets(desk):
        assert [path.name for path, content in files.items() if secret.encode() in content] == []
        assert [path.name for path, text in texts.items() if secret in text] == []
        assert secret not in shown


@pytest.mark.long
def test_files_with_personal_data_are_their_owners_only(after_faults: Desk) -> None:
    ours = {path for path in after_faults.folder.rglob("*") if path.is_file()}
    ours -= {path for path in ours if path.name.startswith(("said", "dagster.yaml"))}
    open_to_others = {
        str(path.relative_to(after_faults.folder)): oct(path.stat().st_mode & 0o777)
        for path in ours
        if path.stat().st_mode & 0o077
    }
    assert open_to_others == {}
