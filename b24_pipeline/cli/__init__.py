"""The command line: `b24-pipeline`. Heavy imports happen in the command that needs them; `--help` is instant."""

import atexit
import io
import os
import sys
from collections.abc import Sequence

import click

from b24_pipeline.cli.commands import COMMANDS, GROUP
from b24_pipeline.cli.exit_codes import Exit
from b24_pipeline.cli.group import RENAMED
from b24_pipeline.short_process import collect_rarely, end_at_once
from b24_pipeline.text import one_line


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code says how it ended (see `Exit`).

    Without arguments, those of this process are used, which then ends at once.
    """
    if arguments is not None:
        return run(arguments)
    codes: list[int] = []
    atexit.register(end_at_once, codes)  # registered first, called last
    codes.append(run(None))
    return codes[0]


def run(arguments: Sequence[str] | None) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # printing never ends a command
    collect_rarely()
    os.umask(0o077)  # what is written holds names, also Dagster's run storage: only its owner may read it
    try:
        code = invoke(list(sys.argv[1:] if arguments is None else arguments))
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return int(Exit.STOPPED)
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)  # or Python would complain once more at its end
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        return int(Exit.NOT_READ)
    return code


def invoke(arguments: list[str]) -> int:
    """Carry out the command; whatever it raises is one line on standard error."""
    try:
        with GROUP.make_context("b24-pipeline", arguments) as context:
            return int(GROUP.invoke(context))
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.UsageError as error:
        name = next(iter(arguments), "")
        examples = {command.name: command.example for command in COMMANDS}
        example = examples.get(RENAMED.get(name, name), "b24-pipeline --help")
        print(f"b24-pipeline: {one_line(error.format_message())} Example: {example}", file=sys.stderr)
        return int(Exit.USAGE)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the last place where a fault of ours can become one line
        from b24_pipeline.cli.errors import print_error  # noqa: PLC0415 - loads pandas and more

        return int(print_error(error))
