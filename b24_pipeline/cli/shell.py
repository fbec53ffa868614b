"""`b24-pipeline env`: what a shell needs for Dagster's own commands, such as `dg dev` and `dagster job execute`."""

import argparse
import os
import shlex
import sys

from b24_pipeline import settings
from b24_pipeline.cli.dagster import set_dagster_home
from b24_pipeline.cli.exit_codes import Exit
from b24_pipeline.cli.sandbox import Address, address_in_use, receivers, use_sandbox_home
from b24_pipeline.settings.dagster_home import NAME
from b24_pipeline.settings.env_precedence import GIVEN

NOT_SERVED = Address(page_url="", webhook_url="", callgear_url="http://127.0.0.1", access_token="")
"""Settings without credentials, so that nothing can reach the real systems."""


def env(arguments: argparse.Namespace) -> Exit:
    """Print one `export` a variable, for `eval`.

    Raises:
        SettingsError: DAGSTER_HOME is given, and is no folder.
    """
    for name, value in (variables_of_sandbox() if arguments.sandbox else variables()).items():
        print(f"export {name}={shlex.quote(value)}")
    return Exit.DONE


def variables() -> dict[str, str]:
    """Where Dagster keeps its runs; the settings are read from the environment and `.env` as always."""
    set_dagster_home()
    return {NAME: os.environ[NAME]}


def variables_of_sandbox() -> dict[str, str]:
    """The sandbox's home and settings, protected from the `.env` that Dagster's commands put over them."""
    address = address_in_use()
    if address is None:
        print(
            "b24-pipeline: nobody serves the sandbox now; to run something there: b24-pipeline sandbox", file=sys.stderr
        )
    use_sandbox_home()
    given = (address or NOT_SERVED).variables() | receivers()
    return {NAME: os.environ[NAME], **given, GIVEN: settings.protect_given_environment(given)[GIVEN]}
