"""The project is one of `dg`: what Dagster's own command line checks, lists and serves is what we serve."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from b24_pipeline.definitions import defs
from b24_pipeline_tests.processes import PROJECT, START_SECONDS, free_port, started, wait_for

DG = (sys.executable, "-c", "from dagster_dg_cli.cli import main; main()")
LOCATIONS = {"query": "{workspaceOrError {... on Workspace {locationEntries {name loadStatus}}}}"}


@pytest.fixture
def dg_project(tmp_path: Path) -> dict[str, Any]:
    """The project in a folder of its own, so that neither `.env` nor the history of this one is touched."""
    for name in ("pyproject.toml", "dagster.yaml"):
        shutil.copy(PROJECT / name, tmp_path)
    (tmp_path / "b24_pipeline").symlink_to(PROJECT / "b24_pipeline")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "DAGSTER_HOME": str(tmp_path)}
    return {"cwd": tmp_path, "env": {**environment, "PYTHONPATH": str(tmp_path)}}


def test_the_location_has_one_name_wherever_dagster_starts_from() -> None:
    declared = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["dg"]["project"]
    (entry,) = yaml.safe_load((PROJECT / "workspace.yaml").read_text(encoding="utf-8"))["load_from"]
    assert declared["code_location_name"] == entry["python_module"]["location_name"]
    assert declared["code_location_target_module"] == entry["python_module"]["module_name"]


@pytest.mark.long
def test_dg_finds_the_definitions_good(dg_project: dict[str, Any]) -> None:
    said = subprocess.run([*DG, "check", "defs"], **dg_project, capture_output=True, text=True, check=False)
    assert (said.returncode, "All definitions loaded successfully." in said.stdout) == (0, True), said.stdout


@pytest.mark.long
def test_dg_lists_what_the_ui_shows(dg_project: dict[str, Any]) -> None:
    said = subprocess.run([*DG, "list", "defs", "--json"], **dg_project, capture_output=True, text=True, check=True)
    found = json.loads(said.stdout)
    assert {asset["asset_key"] for asset in found["assets"]} == {
        spec.key.to_user_string() for spec in defs.resolve_all_asset_specs()
    }
    assert "employee_import" in {job["name"] for job in found["jobs"]}


@pytest.mark.long
def test_dg_dev_serves_the_same_location(dg_project: dict[str, Any]) -> None:
    url, log = f"http://127.0.0.1:{free_port()}", dg_project["cwd"] / "dev.log"
    command = [*DG, "dev", "--host", "127.0.0.1", "--port", str(httpx.URL(url).port)]
    with started(*command, log=log, end=signal.SIGINT, **dg_project) as process:
        wait_for("the UI", lambda: httpx.get(f"{url}/server_info"), seconds=START_SECONDS, process=process)
        served = httpx.post(f"{url}/graphql", json=LOCATIONS, timeout=START_SECONDS).json()

    (location,) = served["data"]["workspaceOrError"]["locationEntries"]
    assert location == {"name": "b24_pipeline", "loadStatus": "LOADED"}
    assert "Traceback" not in log.read_text()
