"""Dagster's own programs: what is given in the environment wins over `.env` in them, too."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from b24_pipeline import settings
from b24_pipeline.cli import dagster, serve
from b24_pipeline.cli.dagster import set_dagster_home
from b24_pipeline.cli.sandbox import RECEIVERS, sandbox_settings, use_sandbox_home
from b24_pipeline.cli.serve import environment_of_real_systems
from b24_pipeline.schedules import every_30_minutes
from b24_pipeline.sensors import bitrix24_changes
from b24_pipeline.settings.dagster import GIVEN
from b24_pipeline_tests.cli.conftest import Said, Terminal

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def other_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder whose `.env` names another home, and a setting; both are taken back afterward."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setenv("B24_PIPELINE_PHONES", "all")
    home = tmp_path / "other"
    home.mkdir()
    Path(".env").write_text(f"DAGSTER_HOME={home}\nB24_PIPELINE_PHONES=first\nB24_PIPELINE_ON_ID_MATCH=refresh\n")
    return home


class Script:
    """A program of Dagster that does nothing."""

    def load(self) -> Callable[[], None]:
        return lambda: None


@pytest.mark.usefixtures("other_home")
@pytest.mark.parametrize("program", ["daemon", "webserver"])
def test_a_program_of_dagster_has_the_given_home_and_settings_whatever_the_file_says(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, program: str, tmp_path: Path
) -> None:
    monkeypatch.setattr(dagster, "entry_points", lambda **_: [Script()])
    monkeypatch.setattr(serve, "guard_webserver", lambda **_: None)
    monkeypatch.setattr(sys, "argv", ["b24-pipeline"])
    monkeypatch.setenv(GIVEN, "{}")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))

    assert terminal(program).code == 0

    (home,) = [argument for argument in sys.argv if argument.startswith("--instance-ref=")]
    with dg.DagsterInstance.from_ref(dg.deserialize_value(home.partition("=")[2])) as instance:
        assert instance.root_directory == str(tmp_path)
    assert json.loads(os.environ[GIVEN])["B24_PIPELINE_PHONES"] == "all"


def test_the_home_of_the_file_is_used_from_the_terminal_too(other_home: Path) -> None:
    set_dagster_home()
    assert os.environ["DAGSTER_HOME"] == str(other_home)


@pytest.mark.usefixtures("other_home")
def test_without_any_the_home_is_the_project_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").unlink()
    monkeypatch.setenv("DAGSTER_HOME", "")
    set_dagster_home()
    assert os.environ["DAGSTER_HOME"] == str(tmp_path)


@pytest.mark.usefixtures("other_home")
def test_the_sandbox_has_a_home_of_its_own_whatever_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "/nowhere")
    (tmp_path / "dagster.yaml").write_text("storage: [")

    use_sandbox_home()

    assert os.environ["DAGSTER_HOME"] == str(tmp_path / "data/sandbox/dagster")
    written = Path(os.environ["DAGSTER_HOME"], "dagster.yaml").read_text()
    assert written == (PROJECT / "dagster.yaml").read_text().replace("data/dagster", "data/sandbox/dagster")
    assert "data/sandbox/dagster/compute_logs" in written


def test_the_checkout_uses_the_folder_that_is_named_too(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("B24_PIPELINE_HOME", str(tmp_path / "named"))
    monkeypatch.delenv("DAGSTER_HOME")

    assert terminal("env") == Said(0, f"export DAGSTER_HOME={tmp_path}/named/dagster\n", "")
    assert settings.database_settings().database == tmp_path / "named/b24_pipeline.duckdb"


@pytest.mark.parametrize("named", ["~/b24", "$HOME/b24", __file__])
def test_a_folder_that_is_none_is_2_and_one_line(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.setenv("B24_PIPELINE_HOME", named)

    said = terminal("history")

    assert (said.code, said.out) == (2, "")
    assert said.err == (
        "b24-pipeline: B24_PIPELINE_HOME: must name a folder; ~ and $ are not expanded. "
        "Example: B24_PIPELINE_HOME=/var/lib/b24_pipeline\n"
    )


def test_a_shell_is_told_the_home(terminal: Terminal, tmp_path: Path) -> None:
    assert terminal("env") == Said(0, f"export DAGSTER_HOME={tmp_path}\n", "")


def test_without_a_sandbox_a_shell_is_given_no_credentials_at_all(terminal: Terminal, tmp_path: Path) -> None:
    said = terminal("env", "--sandbox")

    home, webhook, *_ = said.out.splitlines()
    assert (home, webhook) == (f"export DAGSTER_HOME={tmp_path}/data/sandbox/dagster", "export BITRIX24_WEBHOOK_URL=''")
    assert said.code == 0
    assert said.err.startswith("b24-pipeline: the sandbox is not running")


def test_on_real_systems_the_ui_starts_with_schedule_and_sensor_off(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    environment = environment_of_real_systems()

    assert "Schedule and sensor are off; switch them on in the UI" in capsys.readouterr().out
    assert {every_30_minutes.default_status.value, bitrix24_changes.default_status.value} == {"RUNNING"}
    assert states_when_loaded(environment) == ["STOPPED", "STOPPED"]


def states_when_loaded(environment: dict[str, str]) -> list[str]:
    """How schedule and sensor begin in a process with this environment."""
    script = (
        "from b24_pipeline.schedules import every_30_minutes\nfrom b24_pipeline.sensors import bitrix24_changes\n"
        "print(every_30_minutes.default_status.value, bitrix24_changes.default_status.value)"
    )
    said = subprocess.run(
        [sys.executable, "-c", script], env={**environment, "PYTHONPATH": str(PROJECT)}, capture_output=True, check=True
    )
    return said.stdout.decode().split()


@pytest.mark.parametrize("home", ["data", "/nowhere", str(PROJECT / "README.md")])
@pytest.mark.parametrize("arguments", [("sync",), ("dev",), ("daemon",), ("webserver",), ("env",)])
def test_a_home_that_is_no_folder_is_2_and_one_line(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], home: str
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", home)

    said = terminal(*arguments)

    assert (said.code, said.out) == (2, "")
    assert said.err == (
        "b24-pipeline: DAGSTER_HOME: must be the absolute path of a folder. Example: DAGSTER_HOME=/opt/b24_pipeline\n"
    )


def test_nothing_of_dagster_is_started_bare() -> None:
    places = [PROJECT / "Makefile", PROJECT / "deploy/entrypoint", *(PROJECT / "deploy").glob("*.service")]
    bare = ("dagster-daemon", "dagster-webserver", "dagster dev")
    assert [path.name for path in places if any(program in path.read_text() for program in bare)] == []


def test_the_sandbox_is_used_where_real_secrets_lie_in_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_text("https://company.bitrix24.com/rest/1/abcdefgh12345678/")
    Path(".env").write_text(f"BITRIX24_WEBHOOK_URL_FILE={tmp_path}/secret\n{RECEIVERS[0]}_FILE={tmp_path}/secret\n")
    monkeypatch.setenv("CALLGEAR_ACCESS_TOKEN_FILE", str(tmp_path / "secret"))

    with sandbox_settings() as address:
        found = settings.load()

    assert found.bitrix24_webhook_url.get_secret_value() == address.webhook_url
    assert found.callgear_access_token is not None
    assert found.callgear_access_token.get_secret_value() == address.access_token
    assert found.alert_webhook_url is None
