import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from b24_pipeline.sandbox import Sandbox, serve
from b24_pipeline.sandbox.server import kept_sandbox
from b24_pipeline_tests.clock import Clock


def held(sandbox: Sandbox) -> tuple[Any, ...]:
    portal, account = sandbox.portal, sandbox.account
    return (
        portal.users,
        portal.departments,
        portal.changed_at,
        portal.ids,
        portal.last_id,
        account.employees,
        account.numbers,
        account.sip_lines,
        account.groups,
        account.responsible,
        account.owners_with_deals,
        account.last_employee,
    )


def test_a_saved_company_is_loaded_as_it_was(tmp_path: Path, clock: Clock) -> None:
    sandbox = Sandbox.company(clock=clock)
    sandbox.portal.hire(LAST_NAME="Newcomer", EMAIL="newcomer@corp.example")
    sandbox.portal.dismiss(2)
    sandbox.portal.delete(3)
    sandbox.save(tmp_path / "state.json")

    loaded = Sandbox.load(tmp_path / "state.json", clock=clock)

    assert held(loaded) == held(sandbox)


def test_shared_numbers_are_still_shared_after_loading(tmp_path: Path) -> None:
    sandbox = Sandbox()
    holders = [sandbox.account.add_employee(last_name=name, phone_numbers=["100"]) for name in "AB"]
    sandbox.save(tmp_path / "state.json")

    account = Sandbox.load(tmp_path / "state.json").account

    first, second = (account.employees[holder]["phone_numbers"][0] for holder in holders)
    assert first is second
    assert account.number_of("100") is first


def test_the_file_is_its_owner_s_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "state.json"

    Sandbox().save(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["state.json"]


def test_every_change_is_kept_whoever_makes_it(tmp_path: Path, http: httpx.Client) -> None:
    path = tmp_path / "state.json"
    sandbox = kept_sandbox(path)
    hired = sandbox.portal.hire(NAME="New", LAST_NAME="Person")
    with serve(sandbox) as server:
        params = {"access_token": server.access_token, "last_name": "By API"}
        call = {"jsonrpc": "2.0", "id": 1, "method": "create.employees", "params": params}
        created = http.post(server.callgear_url, json=call).json()["result"]["id"]

    again = kept_sandbox(path)

    assert again.portal.users[hired]["LAST_NAME"] == "Person"
    assert again.account.employees[created]["last_name"] == "By API"
    assert again.callgear.minute_limit == sandbox.callgear.minute_limit


def test_no_secret_is_in_the_state_file(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    with serve(kept_sandbox(path)) as server:
        text = path.read_text(encoding="utf-8")

        assert server.access_token not in text
        assert "sandboxsecret16" not in text


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 99}', '{"format": 1, "portal": {}}', "null"])
def test_a_foreign_file_is_named_in_the_error(tmp_path: Path, text: Any) -> None:
    path = tmp_path / "state.json"
    path.write_text(text)

    with pytest.raises(ValueError, match=r"state\.json is no state of the sandbox"):
        Sandbox.load(path)


def test_a_taken_port_is_an_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        with pytest.raises(OSError, match="in use"), serve(Sandbox(), port=taken.getsockname()[1]):
            pass


def test_a_port_can_be_chosen_and_used_again_at_once() -> None:
    with serve(Sandbox()) as first:
        port = first.port
    with serve(Sandbox(), port=port) as second:
        assert second.callgear_url == f"http://127.0.0.1:{port}/v2.0"


def test_importing_the_sandbox_loads_no_web_server() -> None:
    program = "import sys, b24_pipeline.sandbox; print([m for m in sys.modules if m.partition('.')[0] in HEAVY])"
    heavy = "HEAVY = {'uvicorn', 'starlette', 'httptools', 'jinja2', 'httpx', 'pandas', 'duckdb', 'dagster'}; "

    shown = subprocess.run([sys.executable, "-c", heavy + program], capture_output=True, text=True, check=True)

    assert shown.stdout.strip() == "[]"
