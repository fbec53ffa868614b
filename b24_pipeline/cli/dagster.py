"""Dagster's own programs, started with the home that our commands use.

They put `.env` over the environment that they are started with. The home is therefore passed as an argument, and the
given settings in a variable of their own (`settings.dagster`).
"""

import json
import os
import re
import sys
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Literal

from b24_pipeline import settings
from b24_pipeline.project_folder import PROJECT_FILE, SHIPPED, is_checkout
from b24_pipeline.settings.dagster import HOME_VARIABLE

PROJECT_STORAGE = "data/dagster"
"""Where `dagster.yaml` of a project folder keeps the runs of the real import."""


def set_dagster_home() -> None:
    """Use the given home of Dagster, else the project folder, where we are; elsewhere one among our own files.

    Raises:
        SettingsError: it is not a folder.
    """
    keep_cache()
    own = settings.folders().own_folder
    os.environ[HOME_VARIABLE] = str(settings.dagster_home() or (made_home(own / "dagster") if own else Path.cwd()))


def keep_cache() -> None:
    """Let an installed package keep Matplotlib's cache among its files, not in the home folder.

    Raises:
        SettingsError: the folder of all files has no valid name.
    """
    if settings.folders().own_folder or not is_checkout():
        os.environ.setdefault("MPLCONFIGDIR", str((settings.folders().data_folder / "matplotlib").absolute()))


def made_home(folder: Path) -> Path:
    """Make a home of Dagster that is configured like a project folder, with all files in the home itself."""
    project = (SHIPPED / PROJECT_FILE).read_text(encoding="utf-8")
    place = folder.as_posix()
    text = re.sub(rf"{PROJECT_STORAGE}([\w/]*)", lambda found: quoted(f"{place}{found[1]}"), project)
    file = folder / PROJECT_FILE
    folder.mkdir(parents=True, exist_ok=True)
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        file.write_text(text, encoding="utf-8")
    return folder.absolute()


def quoted(path: str) -> str:
    """Return the path for YAML, quoted where it needs it."""
    return path if re.fullmatch(r"[\w./-]+", path) else json.dumps(path, ensure_ascii=False)


def run_program(program: Literal["dagster-daemon", "dagster-webserver"], arguments: Sequence[str]) -> None:
    """Become one of Dagster's programs, with the instance that opens here; this process ends with it.

    Raises:
        SettingsError, StoreError: Dagster cannot be started from its home.
    """
    import dagster as dg  # noqa: PLC0415 - takes a second

    from b24_pipeline.cli.dagster_storage import dagster_instance  # noqa: PLC0415

    with dagster_instance() as instance:
        home = f"--instance-ref={dg.serialize_value(instance.get_ref())}"
    os.environ.update(settings.protect_given_environment(os.environ))
    (script,) = entry_points(group="console_scripts", name=program)
    sys.argv = [program, *arguments, home]
    script.load()()
