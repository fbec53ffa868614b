"""From a parsed command line to what it does; every expected error is one line and an exit code of its own."""

import argparse
import sys
from collections.abc import Callable

from b24_pipeline.audit.exceptions import AmbiguousPerson, NotApprovable, NotLinked, UnknownPerson, UnknownRun
from b24_pipeline.audit.run_lock import RunInProgress
from b24_pipeline.cli.exit_codes import Exit
from b24_pipeline.cli.faults import in_words
from b24_pipeline.settings import SettingsError


def run(arguments: argparse.Namespace) -> Exit:
    """Do the command."""
    try:
        return command(arguments.command)(arguments)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the last place where a fault of ours can become one line
        return complain(in_words(error), code_of(error))


def code_of(error: Exception) -> Exit:
    """What an error that nobody has dealt with is to whoever called."""
    match error:
        case SettingsError() | UnknownRun() | NotApprovable() | NotLinked() | UnknownPerson() | AmbiguousPerson():
            return Exit.USAGE
        case RunInProgress():
            return Exit.IN_PROGRESS
        case _:
            return Exit.FAILED


def complain(text: str, code: Exit) -> Exit:
    """One clear line a problem, on standard error."""
    for line in text.splitlines():
        print(f"b24-pipeline: {line}", file=sys.stderr)
    return code


def command(name: str) -> Callable[[argparse.Namespace], Exit]:
    """The function of a command; its module is loaded only now."""
    match name:
        case "sync":
            from b24_pipeline.cli.sync import sync  # noqa: PLC0415

            return sync
        case "sandbox" | "dev" | "daemon" | "webserver" | "env":
            from b24_pipeline.cli import serve, shell  # noqa: PLC0415

            return {
                "sandbox": serve.sandbox,
                "dev": serve.dev,
                "daemon": serve.daemon,
                "webserver": serve.webserver,
                "env": shell.env,
            }[name]
        case "check":
            from b24_pipeline.cli.check import check  # noqa: PLC0415

            return check
        case "stale":
            from b24_pipeline.cli.check_freshness import check_freshness  # noqa: PLC0415

            return check_freshness
        case "report":
            from b24_pipeline.cli.report import report  # noqa: PLC0415

            return report
        case _:
            from b24_pipeline.cli import audit  # noqa: PLC0415

            return {
                "export": audit.export,
                "history": audit.history,
                "explain": audit.explain,
                "approve": audit.approve,
                "unlink": audit.unlink,
                "resolve-duplicates": audit.resolve_duplicates,
                "forget": audit.forget,
                "accept-address": audit.accept_address,
            }[name]
