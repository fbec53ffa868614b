"""Where Dagster keeps its runs: a variable of Dagster, read like a setting."""

import os
from pathlib import Path

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from b24_pipeline.settings.base import ENV_FILE

NAME = "DAGSTER_HOME"


class DagsterHome(BaseSettings):
    """The variable from the environment, else from `.env`; an empty text counts as absent."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE, env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    home: Path | None = Field(default=None, validation_alias=NAME)

    @field_validator("home")
    @classmethod
    def is_folder(cls, value: Path | None) -> Path | None:
        """Require the absolute path of a folder, as Dagster does."""
        if value is not None and not (value.is_absolute() and os.path.isdir(value)):  # noqa: PTH112 - never raises
            raise PydanticCustomError(
                "no_folder", f"{NAME}: must be the absolute path of a folder. Example: {NAME}=/opt/b24_pipeline"
            )
        return value
