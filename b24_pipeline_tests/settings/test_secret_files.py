"""A secret may lie in a file that a variable with `_FILE` names."""

from pathlib import Path

import pytest

from b24_pipeline import settings
from b24_pipeline.settings import SettingsError
from b24_pipeline_tests.settings.conftest import WEBHOOK


@pytest.fixture
def token(tmp_path: Path) -> Path:
    """A file with a token, as `echo` writes it."""
    path = tmp_path / "token"
    path.write_text("x9k2m4p6q8r0\n")
    return path


def test_a_secret_is_read_from_its_file(token: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BITRIX24_WEBHOOK_URL", WEBHOOK)
    monkeypatch.setenv("CALLGEAR_ACCESS_TOKEN_FILE", str(token))
    monkeypatch.setenv("CALLGEAR_ACCESS_TOKEN", "")

    found = settings.load().callgear_access_token

    assert found is not None
    assert found.get_secret_value() == "x9k2m4p6q8r0"


def test_every_secret_of_the_dotenv_file_may_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "webhook").write_text(WEBHOOK)
    (tmp_path / "password").write_text(" pass word ")
    Path(".env").write_text(
        f"BITRIX24_WEBHOOK_URL_FILE={tmp_path}/webhook\nCALLGEAR_LOGIN=api@company.com\n"
        f"CALLGEAR_PASSWORD_FILE={tmp_path}/password\n"
    )

    found = settings.load()

    assert found.bitrix24_webhook_url.get_secret_value() == WEBHOOK
    assert found.callgear_password is not None
    assert found.callgear_password.get_secret_value() == " pass word "


def test_a_secret_that_is_given_twice_is_refused(token: Path, given: pytest.MonkeyPatch) -> None:
    given.setenv("CALLGEAR_ACCESS_TOKEN_FILE", str(token))
    with pytest.raises(SettingsError, match=r"^CALLGEAR_ACCESS_TOKEN_FILE: CALLGEAR_ACCESS_TOKEN is set, too"):
        settings.load()


def test_a_file_that_is_not_there_is_one_line_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BITRIX24_WEBHOOK_URL", WEBHOOK)
    monkeypatch.setenv("CALLGEAR_ACCESS_TOKEN_FILE", "/run/secrets/nowhere")
    with pytest.raises(SettingsError) as refused:
        settings.load()
    assert str(refused.value) == (
        "CALLGEAR_ACCESS_TOKEN_FILE: /run/secrets/nowhere cannot be read (No such file or directory). "
        "Example: CALLGEAR_ACCESS_TOKEN_FILE=/run/secrets/callgear_access_token"
    )


def test_what_is_no_secret_has_no_file(given: pytest.MonkeyPatch) -> None:
    given.setenv("B24_PIPELINE_PHONES_FILE", "/run/secrets/phones")
    with pytest.raises(SettingsError, match=r"^B24_PIPELINE_PHONES_FILE: is not a setting"):
        settings.load()


def test_a_secret_of_the_environment_wins_over_a_file_of_the_dotenv_file(
    token: Path, given: pytest.MonkeyPatch
) -> None:
    Path(".env").write_text(f"CALLGEAR_ACCESS_TOKEN_FILE={token}\nB24_PIPELINE_ALERT_WEBHOOK_URL_FILE={token}\n")
    given.setenv("CALLGEAR_ACCESS_TOKEN", "given")
    given.setenv("B24_PIPELINE_ALERT_WEBHOOK_URL", "")

    found = settings.load()

    assert found.callgear_access_token is not None
    assert found.callgear_access_token.get_secret_value() == "given"
    assert found.alert_webhook_url is None


@pytest.mark.parametrize(("file", "problem"), [("/dev/null", "is empty"), ("/dev/zero", "is too large for a secret")])
def test_a_file_without_a_secret_is_one_line(given: pytest.MonkeyPatch, file: str, problem: str) -> None:
    given.delenv("CALLGEAR_ACCESS_TOKEN")
    given.setenv("CALLGEAR_ACCESS_TOKEN_FILE", file)
    with pytest.raises(SettingsError) as refused:
        settings.load()
    assert str(refused.value) == f"CALLGEAR_ACCESS_TOKEN_FILE: {file} {problem}."
