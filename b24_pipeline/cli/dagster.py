"""Dagster's own programs, started so that what is given in the environment wins over `.env`.

They put `.env` over the environment they are started with. Here it only fills in what is missing there; in the further
processes that they start, the settings that are given are protected.
"""

import os
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from b24_pipeline import settings
from b24_pipeline.settings.dagster_home import NAME

Program = Literal["dagster", "dagster._daemon", "dagster_webserver"]
"""As Python knows them."""


def set_dagster_home() -> None:
    """Dagster's home is the one that is given, else the project folder, where we are.

    Raises:
        SettingsError: it is no folder.
    """
    os.environ[NAME] = str(settings.dagster_home() or Path.cwd())


def run_program(program: Program, arguments: Sequence[str]) -> None:
    """Become one of Dagster's programs; this process ends with it."""
    os.environ.update(settings.protect_given_environment(os.environ))
    let_environment_win()
    sys.argv = [program, *arguments]
    runpy.run_module(program, run_name="__main__", alter_sys=True)


def let_environment_win() -> None:
    """From now on, whatever of Dagster is started in this process takes from `.env` only what is not given."""
    from dagster._cli import utils  # noqa: PLC0415

    read = utils.get_env_var_dict  # type: ignore[attr-defined]

    def not_given(folder: str) -> dict[str, str]:
        return {name: value for name, value in read(folder).items() if name not in os.environ}

    utils.get_env_var_dict = not_given  # type: ignore[attr-defined, assignment]
