"""Where Dagster keeps its runs: no setting of a connection, but read like one."""

import os
from pathlib import Path

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from b24_pipeline.settings.base import ENV_FILE

NAME = "DAGSTER_HOME"


class DagsterHome(BaseSettings):
    """Given in the environment, else in `.env`; an empty text is none."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE, env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    home: Path | None = Field(default=None, validation_alias=NAME)

    @field_validator("home")
    @classmethod
    def is_folder(cls, value: Path | None) -> Path | None:
        """As Dagster wants it."""
        if value is not None and not (value.is_absolute() and os.path.isdir(value)):  # noqa: PTH112 - never raises
            raise PydanticCustomError(
                "no_folder", f"{NAME}: must be the absolute path of a folder. Example: {NAME}=/opt/b24_pipeline"
            )
        return value
