"""`b24-pipeline check`: can both systems be used? Nothing is changed; each line says pass, or what to do."""

import argparse

from rich.console import Console
from rich.text import Text

from b24_pipeline import settings
from b24_pipeline.bitrix24.preflight import Bitrix24Check, check_bitrix24
from b24_pipeline.callgear.preflight import Check
from b24_pipeline.callgear.preflight import preflight as check_callgear
from b24_pipeline.cli.exits import Exit
from b24_pipeline.connection import open_connection
from b24_pipeline.reporting.texts import one_line


def check_both(arguments: argparse.Namespace) -> Exit:  # noqa: ARG001
    """Print one line a check."""
    console = Console(highlight=False)
    with open_connection(settings.load()) as connection:
        checks: list[Bitrix24Check | Check] = [
            *check_bitrix24(connection.bitrix24),
            *check_callgear(connection.callgear),
        ]
    for check in checks:
        mark = Text("pass  ", style="green") if check.passed else Text("FAIL  ", style="bold red")
        console.print(mark + Text(f"{check.name}: {one_line(check.text)}"))
    return Exit.DONE if all(check.passed for check in checks) else Exit.FAILED
