"""`b24-pipeline init`: a project folder of one's own."""

import re
import shutil
import sys
from pathlib import Path

from b24_pipeline.cli.exit_codes import Exit
from b24_pipeline.project_folder import SHIPPED
from b24_pipeline.settings import SettingsError

FOLDER_OF_UNITS = "/opt/b24_pipeline"
"""The project folder in the systemd units of `deploy/`, with its own environment in `.venv`."""
IN_A_UNIT = re.compile(r"[^\s%$\"'\\]+")
"""A path that means the same in every line of a unit."""
IGNORED_BY_GIT = ".env\nconnections/\ndata/\n"
"""What has secrets and personal data."""
NEXT = """
Next, in this folder:
  b24-pipeline sync --sandbox   imports a made-up company
  b24-pipeline dev --sandbox    opens the Dagster UI on it
  cp .env.example .env          and fill it in, to import from your own portal
  systemd/                      has the units for production"""


def init(*, folder: str) -> Exit:
    """Make the folder and put the files of a project into it.

    Raises:
        SettingsError: the folder is not empty, cannot be made, or cannot be named in systemd units.
    """
    project, program = Path(folder), Path(sys.executable).with_name("b24-pipeline")
    if not (IN_A_UNIT.fullmatch(str(project)) and IN_A_UNIT.fullmatch(str(program))):
        raise SettingsError(
            f"init: {project}: in systemd units a path has no blanks, quotes, % or $: take another one."
        )
    try:
        project.mkdir(parents=True, exist_ok=True)
        if any(project.iterdir()):
            raise SettingsError(f"init: {project} is not empty. Example: b24-pipeline init my_project")
        shutil.copytree(SHIPPED, project, dirs_exist_ok=True, copy_function=shutil.copyfile)
        (project / ".gitignore").write_text(IGNORED_BY_GIT)
        for unit in (project / "systemd").iterdir():
            text = unit.read_text().replace(f"{FOLDER_OF_UNITS}/.venv/bin/b24-pipeline", str(program))
            unit.write_text(text.replace(FOLDER_OF_UNITS, str(project)))
    except OSError as error:
        raise SettingsError(f"init: {project} cannot be used ({error.strerror or error}).") from None
    print(f"{project} is a project folder.{NEXT}")
    return Exit.DONE
