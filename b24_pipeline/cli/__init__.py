"""The command line: `b24-pipeline`. Heavy imports happen in the command that needs them; `--help` is instant."""

import atexit
import io
import os
import sys
from collections.abc import Sequence

import click

from b24_pipeline.cli import commands
from b24_pipeline.cli.exit_codes import Exit
from b24_pipeline.short_process import collect_rarely, end_at_once

OWNER_ONLY = 0o077
"""Dagster's run storage holds names too (previews of changes): only the owner may read what is written."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code says how it ended (see `Exit`).

    Args:
        arguments: as typed. Without them, those of this process are used, which then ends at once.
    """
    if arguments is not None:
        return run(arguments)
    codes: list[int] = []
    atexit.register(end_at_once, codes)  # registered first, called last
    codes.append(run(None))
    return codes[0]


def run(arguments: Sequence[str] | None) -> int:
    allow_unencodable_output()
    collect_rarely()
    os.umask(OWNER_ONLY)
    try:
        code = invoke(list(sys.argv[1:] if arguments is None else arguments))
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return int(Exit.STOPPED)
    except BrokenPipeError:
        silence_stdout()
        return int(Exit.NOT_READ)
    return code


def invoke(arguments: list[str]) -> int:
    """Carry out the command; whatever it raises is one line on standard error."""
    try:
        return int(commands.run(arguments))
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.UsageError as error:
        print(f"b24-pipeline: {commands.usage_line(error, arguments)}", file=sys.stderr)
        return int(Exit.USAGE)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the last place where a fault of ours can become one line
        from b24_pipeline.cli.errors import print_error  # noqa: PLC0415 - loads pandas and more

        return int(print_error(error))


def allow_unencodable_output() -> None:
    """Escape characters that the terminal cannot show, so that printing never ends a command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def silence_stdout() -> None:
    """Discard further output: nobody reads it, and Python would complain once more at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
