"""Dagster's own variables: where it keeps its runs, and that the given environment wins over `.env`.

Dagster's processes load `.env` over their environment.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict

ENV_FILE = ".env"
HOME_VARIABLE = "DAGSTER_HOME"
GIVEN = "B24_PIPELINE_GIVEN_ENVIRONMENT"
"""The settings that were given in the environment before Dagster loaded `.env` over it."""
AUTOMATION = "B24_PIPELINE_AUTOMATION"
"""Set to `off` for `b24-pipeline dev` on real systems: schedule and sensor start switched off."""
OFF = "off"


class GivenEnvironment(EnvSettingsSource):
    """The variables that were given before Dagster loaded `.env` over them."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        given = json.loads(os.environ.get(GIVEN, "{}"))
        return {name.lower(): value for name, value in given.items()}


class DagsterHome(BaseSettings):
    """The variable from the environment, else from `.env`; an empty text counts as absent."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE, env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    home: Path | None = Field(default=None, validation_alias=HOME_VARIABLE)

    @field_validator("home")
    @classmethod
    def is_folder(cls, value: Path | None) -> Path | None:
        """Require the absolute path of a folder, as Dagster does."""
        if value is not None and not (value.is_absolute() and os.path.isdir(value)):  # noqa: PTH112 - never raises
            raise PydanticCustomError(
                "no_folder",
                f"{HOME_VARIABLE}: must be the absolute path of a folder. Example: {HOME_VARIABLE}=/opt/b24_pipeline",
            )
        return value
