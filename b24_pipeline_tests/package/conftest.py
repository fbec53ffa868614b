"""The package as it is after `pip install`: without the checkout around it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from b24_pipeline_tests.e2e.desk import PROJECT

Run = Callable[..., "subprocess.CompletedProcess[str]"]
COMMAND = "import sys; from b24_pipeline.cli import main; sys.exit(main())"


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages with ours in it, as a wheel unpacks it: links have become files."""
    site = tmp_path_factory.mktemp("site")
    shutil.copytree(PROJECT / "b24_pipeline", site / "b24_pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    return site


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A folder with nothing in it."""
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


@pytest.fixture
def run(installed: Path, empty: Path, tmp_path: Path) -> Run:
    """Type a command of the installed package in the empty folder: `run("env", B24_PIPELINE_HOME="/data")`."""

    def type_command(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        given = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(installed), **variables}
        command = [sys.executable, "-c", COMMAND, *arguments]
        return subprocess.run(command, cwd=empty, env=given, capture_output=True, text=True, check=False)

    return type_command
