"""`b24-pipeline init`: a project folder of one's own."""

import os
import sys
from pathlib import Path

import pytest

from b24_pipeline.cli.dagster import PROJECT_STORAGE
from b24_pipeline_tests.cli.conftest import Said, Terminal
from b24_pipeline_tests.processes import PROJECT

UNITS = ("b24-pipeline-check-freshness", "b24-pipeline-daemon", "b24-pipeline-webserver")


def test_a_new_folder_has_settings_to_fill_in_the_configuration_of_dagster_and_units(
    terminal: Terminal, tmp_path: Path
) -> None:
    umask = os.umask(0o077)
    said = terminal("init", "mine")
    os.umask(umask)

    mine = tmp_path / "mine"
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"{mine} is a project folder.\n")
    for name in (".env.example", "dagster.yaml", "workspace.yaml"):
        assert (mine / name).read_bytes() == (PROJECT / name).read_bytes()
    assert PROJECT_STORAGE in (mine / "dagster.yaml").read_text()
    assert (mine / ".gitignore").read_text().splitlines() == [".env", "connections/", "data/"]
    assert (mine / ".env.example").stat().st_mode & 0o777 == 0o600, "a copy of it will hold secrets"


def test_its_units_run_this_program_in_the_new_folder(terminal: Terminal, tmp_path: Path) -> None:
    terminal("init", "mine")

    mine = tmp_path / "mine"
    units = sorted((mine / "systemd").glob("*.service"))
    assert tuple(unit.stem for unit in units) == UNITS
    assert (mine / "systemd/b24-pipeline-check-freshness.timer").exists()
    for unit in units:
        text = unit.read_text()
        assert f"WorkingDirectory={mine}\n" in text
        assert f"ReadWritePaths={mine}/data\n" in text
        assert f"ExecStart={Path(sys.executable).with_name('b24-pipeline')} " in text
        assert "/opt/" not in text


def test_a_folder_that_is_not_empty_is_refused_and_left_as_it_is(terminal: Terminal, tmp_path: Path) -> None:
    before = (tmp_path / "dagster.yaml").read_text()

    assert terminal("init", ".") == Said(
        2, "", f"b24-pipeline: init: {tmp_path} is not empty. Example: b24-pipeline init my_project\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["dagster.yaml"]
    assert (tmp_path / "dagster.yaml").read_text() == before


@pytest.mark.parametrize("folder", ["my project", "100%", "$HOME", 'the "one"'])
def test_a_path_that_systemd_reads_otherwise_is_refused(terminal: Terminal, tmp_path: Path, folder: str) -> None:
    said = terminal("init", folder)

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"b24-pipeline: init: {tmp_path / folder}: in systemd units a path has no blanks")
    assert not (tmp_path / folder).exists()


def test_a_file_in_the_place_of_the_folder_is_one_line(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    assert terminal("init", "mine") == Said(
        2, "", f"b24-pipeline: init: {tmp_path}/mine cannot be used (File exists).\n"
    )
