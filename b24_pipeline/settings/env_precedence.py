"""The given environment wins over `.env`, also in Dagster's processes, which load `.env` over their environment."""

import json
import os
from collections.abc import Mapping

from pydantic_settings import EnvSettingsSource

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
