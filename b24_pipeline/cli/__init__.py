"""The command line: `b24-pipeline`. Heavy imports happen in the command that needs them; `--help` is instant."""

import gc
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from b24_pipeline.cli.exits import Exit
from b24_pipeline.cli.parser import build_parser

OWNER_ONLY = 0o077
"""Dagster's run storage holds names too (previews of what changed): whatever is written, its owner alone reads it."""
GARBAGE_THRESHOLDS = (200_000, 50, 1_000)
"""Python's own ones make it look for garbage after every 700 new objects: half a second of a command of five."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code says how it ended (see `Exit`)."""
    write_to_any_terminal()
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    try:
        parsed = build_parser().parse_args(arguments)
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
    """Relative paths count from the project folder."""
    here, installed = Path.cwd(), Path(__file__).resolve().parents[2]
    folder = next((path for path in (here, installed) if (path / "dagster.yaml").is_file()), here)
    os.chdir(folder)
