"""The command line: `b24-pipeline`. Heavy imports happen in the command that needs them; `--help` is instant."""

import atexit
import gc
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from b24_pipeline.cli.exit_codes import Exit
from b24_pipeline.cli.parser import build_parser

OWNER_ONLY = 0o077
"""Dagster's run storage holds names too (previews of what changed): whatever is written, its owner alone reads it."""
GOING_ON = frozenset({"sandbox", "dev", "daemon", "webserver"})
"""Commands that end when somebody stops them."""
GARBAGE_AFTER, GARBAGE_AFTER_GOING_ON = 1_000_000, 200_000
"""After how many new objects Python looks for garbage: a command is over by then, except with tens of thousands of
people. Python's own 700 are half a second of a command of five; a process that goes on must not grow."""
PROJECT_FILE = "dagster.yaml"
"""What makes a folder a project folder."""
GARBAGE_SELDOM = (50, 1_000)
"""How many of these looks there are to one at what has survived some, and how many of those to one at everything."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code says how it ended (see `Exit`).

    Args:
        arguments: as a person types them. Left out, they are those of this process, which is there for the command
            alone: it then ends at once.
    """
    if arguments is not None:
        return run(arguments)
    codes: list[int] = []
    atexit.register(end_at_once, codes)  # the first that is registered is the last that is called
    codes.append(run(None))
    return codes[0]


def end_at_once(codes: Sequence[int]) -> None:
    """Leave it to the system to take everything apart: Python takes a fifth of a command for it.

    Threads have ended by now, and whatever was to be done at the end is done.

    Args:
        codes: how the command ended; nothing where it did not get that far.
    """
    for code in codes:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def run(arguments: Sequence[str] | None) -> int:
    """Run one command."""
    write_to_any_terminal()
    try:
        parsed = build_parser().parse_args(arguments)
        gc.set_threshold(GARBAGE_AFTER_GOING_ON if parsed.command in GOING_ON else GARBAGE_AFTER, *GARBAGE_SELDOM)
        os.umask(OWNER_ONLY)
        enter_project_folder()
        from b24_pipeline.cli import commands  # noqa: PLC0415 - only now: it loads pandas and more

        code = commands.run(parsed)
        sys.stdout.flush()
        return int(code)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return int(Exit.STOPPED)
    except BrokenPipeError:
        let_go_of_output()
        return int(Exit.NOT_READ)


def write_to_any_terminal() -> None:
    """What a terminal cannot show, in the characters it has: nothing that is done ends because it cannot be printed."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def let_go_of_output() -> None:
    """Nobody reads any more; Python would complain once more when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def enter_project_folder() -> None:
    """Relative paths count from the project folder: the current one, where it is one, else the installed one."""
    here, installed = current_folder(), Path(__file__).resolve().parents[2]
    if here is None or not (here / PROJECT_FILE).is_file():
        os.chdir(installed if here is None or (installed / PROJECT_FILE).is_file() else here)


def current_folder() -> Path | None:
    """Where the command was called; None where that was removed meanwhile, or may not be entered."""
    try:
        here = Path.cwd()
        (here / PROJECT_FILE).is_file()
    except OSError:
        return None
    return here
