"""The wheel, built and installed into an empty environment, is all that somebody needs."""

import shutil
import signal
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from b24_pipeline.project_folder import SHIPPED
from b24_pipeline_tests.processes import PROJECT, RUN_SECONDS, START_SECONDS, free_port, started, wait_for

FILES = ("README.md", "LICENSE", "pyproject.toml", "dagster.yaml", "workspace.yaml", ".env.example")
FOLDERS = ("b24_pipeline", "deploy")
RUNS = {"query": "{ runsOrError { ... on Runs { results { status } } } }"}
PIP = ("-m", "pip", "--quiet", "--disable-pip-version-check")

pytestmark = pytest.mark.long


@dataclass(frozen=True)
class Machine:
    """A machine on which nothing but the wheel and its dependencies is installed."""

    wheel: Path
    programs: Path
    home: Path
    temporary: Path

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": f"{self.programs}:/usr/bin:/bin", "HOME": str(self.home), "TMPDIR": str(self.temporary)}

    def run(self, *arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
        command = [str(self.programs / "b24-pipeline"), *arguments]
        return subprocess.run(command, cwd=folder, env=self.environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Made once: building takes seconds, installing what is pinned for the container a minute."""
    folder = tmp_path_factory.mktemp("machine")
    for name in ("sources", "home", "temporary"):
        (folder / name).mkdir()
    for name in FILES:
        shutil.copy(PROJECT / name, folder / "sources")
    for name in FOLDERS:
        shutil.copytree(PROJECT / name, folder / "sources" / name, symlinks=True)
    build = [sys.executable, *PIP, "wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), "."]
    subprocess.run(build, cwd=folder / "sources", check=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    install = [str(folder / "venv/bin/python"), *PIP, "install"]
    subprocess.run([*install, "--require-hashes", "-r", str(PROJECT / "deploy/requirements.lock")], check=True)
    subprocess.run([*install, "--no-deps", str(wheel)], check=True)
    return Machine(wheel, folder / "venv/bin", folder / "home", folder / "temporary")


def test_a_project_folder_is_made_in_which_the_sandbox_company_is_imported(machine: Machine, empty: Path) -> None:
    made = machine.run("init", "mine", folder=empty)
    said = machine.run("sync", "--sandbox", folder=empty / "mine")

    assert (made.returncode, made.stderr, said.returncode, said.stderr) == (0, "", 0, "")
    assert names(empty / "mine") == [".env.example", ".gitignore", "dagster.yaml", "data", "systemd", "workspace.yaml"]
    assert names(empty / "mine/data/sandbox/dagster") == ["compute_logs", "dagster.yaml", "history", "schedules"]
    assert (names(empty), names(machine.home)) == (["mine"], [])


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_wheel_brings_the_files_of_a_project_folder_as_they_are(machine: Machine) -> None:
    with zipfile.ZipFile(machine.wheel) as wheel:
        for file in (file for file in SHIPPED.rglob("*") if file.is_file()):
            assert wheel.read(f"b24_pipeline/project/{file.relative_to(SHIPPED)}") == file.read_bytes()
        assert not [name for name in wheel.namelist() if name.startswith("b24_pipeline_tests")]


def test_in_an_empty_folder_the_sandbox_company_is_imported_and_nothing_is_written_elsewhere(
    machine: Machine, empty: Path
) -> None:
    said = machine.run("sync", "--sandbox", folder=empty)

    assert (said.returncode, said.stderr) == (0, "")
    assert "created" in said.stdout
    assert (empty / "b24_pipeline_data/sandbox/report.html").stat().st_size > 10_000
    assert (names(empty), names(machine.home), names(machine.temporary)) == (["b24_pipeline_data"], [], [])


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM], ids=lambda stop: stop.name)
def test_in_an_empty_folder_the_ui_answers_the_daemon_imports_and_all_of_it_ends(
    machine: Machine, empty: Path, tmp_path: Path, stop: signal.Signals
) -> None:
    url, log = f"http://127.0.0.1:{free_port()}", tmp_path / "dev.log"
    command = [str(machine.programs / "b24-pipeline"), "dev", "--sandbox", "--port", str(httpx.URL(url).port)]
    with started(*command, log=log, cwd=empty, env=machine.environment) as process:
        wait_for("the UI", lambda: httpx.get(f"{url}/server_info"), seconds=START_SECONDS, process=process)
        wait_for(
            "an import",
            lambda: httpx.post(f"{url}/graphql", json=RUNS).text.count("SUCCESS") == 1,
            seconds=RUN_SECONDS,
            process=process,
        )
        children = psutil.Process(process.pid).children(recursive=True)

        process.send_signal(stop)

        assert process.wait(timeout=START_SECONDS) == 0
        gone, alive = psutil.wait_procs(children, timeout=START_SECONDS)
        assert (len(gone) >= 3, alive) == (True, [])
    assert "Traceback" not in log.read_text()
    assert (names(empty), names(machine.home)) == (["b24_pipeline_data"], [])
