"""R16b with many connections: an account belongs to one of them."""

from pathlib import Path

import pytest

from b24_pipeline.account import AccountIdentity
from b24_pipeline.audit.storage.claims import claim_account
from b24_pipeline.audit.storage.exceptions import DatabaseOfAnotherConnection
from b24_pipeline.cli import main
from b24_pipeline.cli.exit_codes import Exit
from b24_pipeline_tests.connections.conftest import FOLDER, Companies


def test_two_portals_into_one_account_are_refused_before_anything_is_written(companies: Companies) -> None:
    acme = companies.connect("acme")
    companies.import_people("acme")
    companies.connect(
        "globex", CALLGEAR_API_URL=acme.server.callgear_url, CALLGEAR_ACCESS_TOKEN=acme.server.access_token
    )
    acme.forget_requests()

    companies.import_people("globex")

    (run,) = companies.runs("globex")
    assert run["status"] == "failed"
    assert "belongs to the connection acme: two portals in one account would undo each other's work" in run["reason"]
    assert acme.writes() == []


def test_a_check_says_that_the_account_belongs_to_another_connection(
    companies: Companies, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("b24_pipeline.cli.group.is_checkout", lambda: False)
    acme = companies.connect("acme")
    companies.import_people("acme")
    companies.connect(
        "globex", CALLGEAR_API_URL=acme.server.callgear_url, CALLGEAR_ACCESS_TOKEN=acme.server.access_token
    )

    assert [main(["check", "--connection", key]) for key in ("acme", "globex")] == [Exit.DONE, Exit.FAILED]

    (failed,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("FAIL")]
    assert "belongs to the connection acme: two portals in one account" in failed


def test_an_account_is_free_again_when_its_connection_was_removed(companies: Companies) -> None:
    acme = companies.connect("acme")
    companies.import_people("acme")
    FOLDER.file("acme").unlink()
    companies.connect(
        "globex", CALLGEAR_API_URL=acme.server.callgear_url, CALLGEAR_ACCESS_TOKEN=acme.server.access_token
    )

    companies.import_people("globex")

    assert [run["status"] for run in companies.runs("globex")] == ["done"]


def test_accounts_without_a_number_or_with_another_one_are_told_apart(tmp_path: Path) -> None:
    def claim(number: str, key: str, host: str = "dataapi.callgear.com") -> None:
        claim_account(tmp_path / "notes", AccountIdentity(number), host=host, key=key, keys=("acme", "globex"))

    claim("1", "acme")
    claim("1", "acme")
    claim("2", "globex")
    claim("", "acme")
    claim("", "globex")
    claim("1", "globex", host="dataapi.example.com")
    with pytest.raises(DatabaseOfAnotherConnection, match=r"account number 1 belongs to the connection acme"):
        claim("1", "globex")
