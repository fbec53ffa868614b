"""`b24-pipeline check`: can both systems be used? Nothing is changed; each line says pass, or what to do."""

import argparse

from rich.console import Console
from rich.text import Text

from b24_pipeline import settings
from b24_pipeline.bitrix24.preflight import check_bitrix24
from b24_pipeline.callgear.preflight import preflight as check_callgear
from b24_pipeline.cli.exits import Exit
from b24_pipeline.connection import open_connection
from b24_pipeline.reporting.texts import printable


def check(arguments: argparse.Namespace) -> Exit:  # noqa: ARG001
    """Print one line a check."""
    console = Console(highlight=False)
    with open_connection(settings.load()) as connection:
        checks = [
            (found.name, found.passed, found.text)
            for found in (*check_bitrix24(connection.bitrix24), *check_callgear(connection.callgear))
        ]
    for name, passed, text in checks:
        mark = Text("pass  ", style="green") if passed else Text("FAIL  ", style="bold red")
        console.print(mark + Text(f"{name}: {printable(text)}"))
    return Exit.DONE if all(passed for _, passed, _ in checks) else Exit.FAILED
