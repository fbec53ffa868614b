"""The installed command as a process of its own: what cannot be seen from within."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import dagster as dg
import httpx
import pytest

from b24_pipeline.cli.exit_codes import Exit
from b24_pipeline_tests.processes import PROJECT, START_SECONDS, free_port, started, wait_for

COMMAND = [sys.executable, "-c", "import sys; from b24_pipeline.cli import main; sys.exit(main())"]
SETTINGS = (
    "import os, dotenv; dotenv.load_dotenv(override=True)\n"
    "from b24_pipeline import settings\n"
    "print(os.environ['DAGSTER_HOME'], settings.load().bitrix24_webhook_url.get_secret_value())"
)
"""What Dagster's own commands do: they put `.env` over their environment, and load the definitions."""
HEAVY = ("dagster", "duckdb", "httpx", "pandas", "pandera", "pydantic", "rich", "uvicorn")


@pytest.fixture
def environment(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Nothing set but where programs are; the folder is a project folder, the home folder is empty."""
    shutil.copy(PROJECT / "dagster.yaml", tmp_path)
    home = tmp_path_factory.mktemp("home")
    return {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(PROJECT)}


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys\nfrom b24_pipeline.cli import main\n"
        "print(main(['--help']))\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    *_, code, loaded = said.stdout.splitlines()
    assert (code, loaded) == ("0", "[]")
    exit_codes = " ".join(said.stdout.split()).partition("exit codes: ")[2]
    assert [int(meaning.split()[0]) for meaning in exit_codes.split("; ")] == [*Exit]


def test_a_process_of_its_own_ends_at_once_after_everything_that_was_to_be_done_at_its_end() -> None:
    script = (
        "import atexit, sys, threading\nfrom b24_pipeline import cli\n"
        "class Kept:\n    def __del__(self): print('taken apart')\n"
        "kept = Kept()\n"
        "def work():\n    threading.main_thread().join()\n    print('worked')\n"
        "def command(arguments):\n"
        "    threading.Thread(target=work).start()\n"
        "    atexit.register(print, 'put away')\n"
        "    print('done', arguments)\n"
        "    return 3\n"
        "cli.run = command\nsys.exit(cli.main())"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stderr) == (3, "")
    assert said.stdout.splitlines() == ["done None", "worked", "put away"]


def test_a_process_whose_command_breaks_off_ends_as_python_ends() -> None:
    script = (
        "import sys\nfrom b24_pipeline import cli\n"
        "def command(arguments):\n    raise OSError('nowhere to write')\n"
        "cli.run = command\nsys.exit(cli.main())"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert said.returncode == 1
    assert said.stderr.splitlines()[-1] == "OSError: nowhere to write"


@pytest.mark.long
def test_an_import_of_the_sandbox_company(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = subprocess.run(
        [*COMMAND, "sync", "--sandbox", "--json"],
        cwd=tmp_path,
        env={**environment, "DAGSTER_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(said.stdout.splitlines()[-1])

    assert (said.returncode, found["status"], said.stderr) == (0, "done", "")
    assert found["counts"]["created"] > 100
    assert {path.name for path in tmp_path.iterdir()} == {"dagster.yaml", "data"}
    assert (tmp_path / "data/sandbox/b24_pipeline.duckdb").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["sandbox"], "made-up people in the real history"
    monkeypatch.chdir(tmp_path)
    with dg.DagsterInstance.from_config("data/sandbox/dagster") as instance:
        assert [run.run_id for run in instance.get_runs()] == [found["run_id"]]


def test_the_sandbox_serves_until_it_is_interrupted(tmp_path: Path, environment: dict[str, str]) -> None:
    with subprocess.Popen(
        [*COMMAND, "sandbox", "--port", "0"], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().strip() for _ in range(6)]
        variables = dict(line.split("=", 1) for line in lines if "=" in line)
        answer = httpx.post(variables["BITRIX24_WEBHOOK_URL"] + "profile", json={})
        (tmp_path / ".env").write_text("BITRIX24_WEBHOOK_URL=https://company.bitrix24.com/rest/1/abcdefgh12345678/\n")
        shell = (
            f'eval "$({shlex.join([*COMMAND, "env", "--sandbox"])})" && {shlex.join([sys.executable, "-c", SETTINGS])}'
        )
        seen = subprocess.run(
            shell, check=False, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        process.send_signal(signal.SIGINT)
        process.communicate()

    assert answer.json()["result"]["ID"]
    assert set(variables) == {
        "BITRIX24_WEBHOOK_URL",
        "CALLGEAR_API_URL",
        "CALLGEAR_ACCESS_TOKEN",
        "B24_PIPELINE_DATABASE",
    }
    assert process.returncode == 0
    home, webhook = seen.stdout.split()
    assert home == str(tmp_path / "data/sandbox/dagster"), seen.stderr
    assert webhook == variables["BITRIX24_WEBHOOK_URL"]


@pytest.mark.long
def test_dev_serves_the_guarded_ui_beside_the_daemon_until_it_is_interrupted(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    shutil.copy(PROJECT / "workspace.yaml", tmp_path)
    url, log = f"http://127.0.0.1:{free_port()}/server_info", tmp_path / "dev.log"
    command = [*COMMAND, "dev", "--port", str(httpx.URL(url).port)]
    with started(*command, log=log, cwd=tmp_path, env=environment) as process:
        wait_for("the UI", lambda: httpx.get(url), seconds=START_SECONDS, process=process)
        loaded = "configured with the following daemons"
        wait_for("the daemon", lambda: loaded in log.read_text(), seconds=START_SECONDS, process=process)

        statuses = [httpx.get(url, headers=headers).status_code for headers in ({}, {"Host": "evil.example"})]
        process.send_signal(signal.SIGINT)

        assert (process.wait(timeout=START_SECONDS), statuses) == (0, [200, 403])
    assert "Traceback" not in log.read_text()
