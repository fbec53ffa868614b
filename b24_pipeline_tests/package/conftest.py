"""The package as it is after `pip install`: without the checkout around it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from b24_pipeline_tests.processes import PROJECT

Places = Callable[..., tuple[Path, Path]]
COMMAND = "import sys; from b24_pipeline.cli import main; sys.exit(main())"
PLACES = (
    "import os; from b24_pipeline import settings; from b24_pipeline.cli import dagster, group;"
    "group.chdir_to_project(); dagster.set_dagster_home(); print(os.environ['DAGSTER_HOME']);"
    "print(settings.database_settings().database)"
)


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
def places(installed: Path, empty: Path) -> Places:
    """Where the installed package keeps Dagster's runs and the database: `places(B24_PIPELINE_HOME="/data")`."""

    def ask(**variables: str) -> tuple[Path, Path]:
        given = {"PATH": os.environ["PATH"], "PYTHONPATH": str(installed), **variables}
        said = subprocess.run(
            [sys.executable, "-c", PLACES], cwd=empty, env=given, capture_output=True, text=True, check=True
        )
        home, database = said.stdout.splitlines()
        return Path(home), Path(database)

    return ask
