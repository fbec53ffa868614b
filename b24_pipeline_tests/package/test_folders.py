"""Where files go: under `data` in a project folder, elsewhere into one folder; never scattered."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from b24_pipeline.project_folder import SHIPPED
from b24_pipeline_tests.package.conftest import COMMAND, Places
from b24_pipeline_tests.processes import PROJECT

FOREIGN = "telemetry: {enabled: true}\n"


@pytest.mark.parametrize(
    "file", sorted(file for file in SHIPPED.rglob("*") if not file.is_dir()), ids=lambda file: file.name
)
def test_what_the_package_ships_exists_once(file: Path) -> None:
    assert file.is_symlink()
    assert file.resolve().is_relative_to(PROJECT)
    assert not file.resolve().is_relative_to(SHIPPED)


def test_in_an_empty_folder_everything_goes_into_one_folder_and_dagster_sends_no_telemetry(
    places: Places, empty: Path
) -> None:
    home, database = places()

    assert home == empty / "b24_pipeline_data/dagster"
    assert database == Path("b24_pipeline_data/b24_pipeline.duckdb")
    config = yaml.safe_load((home / "dagster.yaml").read_text())
    assert config["telemetry"] == {"enabled": False}
    assert config["storage"]["sqlite"]["base_dir"] == "b24_pipeline_data/dagster"
    assert config["compute_logs"]["config"]["base_dir"] == "b24_pipeline_data/dagster/compute_logs"
    assert [path.name for path in empty.iterdir()] == ["b24_pipeline_data"]


def test_the_folder_that_is_named_is_used_whatever_its_name(places: Places, empty: Path, tmp_path: Path) -> None:
    named = tmp_path / "Our data, {all}: #1"

    assert places(B24_PIPELINE_HOME=str(named)) == (named / "dagster", named / "b24_pipeline.duckdb")
    config = yaml.safe_load((named / "dagster/dagster.yaml").read_text())
    assert config["storage"]["sqlite"]["base_dir"] == str(named / "dagster")
    assert list(empty.iterdir()) == []


def test_the_folder_may_be_named_in_the_file_of_settings(places: Places, empty: Path, tmp_path: Path) -> None:
    (empty / ".env").write_text(f"B24_PIPELINE_HOME={tmp_path}/named\n")
    assert places() == (tmp_path / "named/dagster", tmp_path / "named/b24_pipeline.duckdb")


def test_a_project_folder_keeps_its_files_as_the_checkout_does(places: Places, empty: Path) -> None:
    shutil.copy(PROJECT / "dagster.yaml", empty)
    assert places() == (empty, Path("data/b24_pipeline.duckdb"))


def test_in_the_folder_of_another_dagster_project_everything_goes_into_one_folder(places: Places, empty: Path) -> None:
    (empty / "dagster.yaml").write_text(FOREIGN)

    assert places() == (empty / "b24_pipeline_data/dagster", Path("b24_pipeline_data/b24_pipeline.duckdb"))
    assert (empty / "dagster.yaml").read_text() == FOREIGN


def test_in_a_folder_that_was_removed_an_installed_command_is_2_and_one_line(installed: Path, empty: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", f"import os; os.rmdir({str(empty)!r}); {COMMAND}", "history"],
        cwd=empty,
        env={"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr == (
        "b24-pipeline: The current folder was removed or may not be entered: go to another one. "
        "Example: b24-pipeline history --limit 50\n"
    )
