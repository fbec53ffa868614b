"""`b24-pipeline check`: can both systems be used? Nothing is changed; each line says pass, or what to do."""

import argparse
from contextlib import nullcontext

from rich.console import Console

from b24_pipeline import settings
from b24_pipeline.account import NOT_TOLD, AccountIdentity
from b24_pipeline.audit import Paths, Store, StoreError
from b24_pipeline.bitrix24 import Bitrix24
from b24_pipeline.bitrix24.departments import check_departments
from b24_pipeline.bitrix24.health_check import Bitrix24Check, check_bitrix24
from b24_pipeline.callgear.health_check import Check, check_callgear
from b24_pipeline.cli.exit_codes import Exit
from b24_pipeline.cli.prove_update import prove
from b24_pipeline.cli.sandbox import sandbox_settings
from b24_pipeline.cli.terminal import result_line
from b24_pipeline.connection import open_connection, utc_now
from b24_pipeline.settings import Settings


def check(arguments: argparse.Namespace) -> Exit:
    """Look at both systems, or prove with one employee what an update does."""
    with sandbox_settings() if arguments.sandbox else nullcontext():
        return check_both() if arguments.prove_update is None else prove(arguments.prove_update)


def check_both() -> Exit:
    """Print one line a check."""
    console = Console(highlight=False)
    chosen = settings.load()
    with open_connection(chosen) as connection:
        checks: list[Bitrix24Check | Check] = [
            *check_bitrix24(connection.bitrix24),
            *departments_named_in(chosen, connection.bitrix24),
            *check_callgear(connection.callgear, expected=known_account(connection.paths)),
        ]
    for found in checks:
        console.print(result_line(found.name, passed=found.passed, text=found.text), soft_wrap=True)
    return Exit.DONE if all(found.passed for found in checks) else Exit.FAILED


def departments_named_in(chosen: Settings, client: Bitrix24) -> list[Bitrix24Check]:
    """Whether the portal has the departments that the settings name; nothing where they name none."""
    wanted = chosen.include_departments | chosen.exclude_departments
    return [check_departments(client, wanted=wanted)] if wanted else []


def known_account(paths: Paths) -> AccountIdentity:
    """The account that the database belongs to; where there is no database, or it cannot be read, any is welcome."""
    try:
        with Store.reader(paths, now=utc_now) as store:
            return store.account()
    except StoreError:
        return NOT_TOLD
