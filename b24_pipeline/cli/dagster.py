"""Dagster's own programs, started with the home that our commands use.

They put `.env` over the environment that they are started with. The home is therefore passed as an argument, and the
given settings in a variable of their own (`env_precedence`).
"""

import os
import sys
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Literal

from b24_pipeline import settings
from b24_pipeline.settings.dagster_home import NAME

Program = Literal["dagster-daemon", "dagster-webserver"]


def set_dagster_home() -> None:
    """Use the given home of Dagster, else the project folder, where we are.

    Raises:
        SettingsError: it is not a folder.
    """
    os.environ[NAME] = str(settings.dagster_home() or Path.cwd())


def run_program(program: Program, arguments: Sequence[str]) -> None:
    """Become one of Dagster's programs; this process ends with it.

    Raises:
        SettingsError, StoreError: Dagster cannot be started from its home.
    """
    home = instance_argument()
    os.environ.update(settings.protect_given_environment(os.environ))
    (script,) = entry_points(group="console_scripts", name=program)
    sys.argv = [program, *arguments, home]
    script.load()()


def instance_argument() -> str:
    """Open Dagster's instance once, and return the argument with which its programs use the same one."""
    import dagster as dg  # noqa: PLC0415 - takes a second

    from b24_pipeline.cli.dagster_storage import dagster_instance  # noqa: PLC0415

    with dagster_instance() as instance:
        return f"--instance-ref={dg.serialize_value(instance.get_ref())}"
