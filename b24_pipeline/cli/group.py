"""The command and the group of commands; the module that carries a command out is imported when it is called."""

import gc
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import click

from b24_pipeline.cli import options
from b24_pipeline.cli.exit_codes import Exit, described
from b24_pipeline.project_folder import CHECKOUT, PROJECT_FILE, is_checkout

LONG_RUNNING = frozenset({"sandbox", "dev", "daemon", "webserver", "metrics"})
"""Commands that run until they are stopped: their garbage is collected more often than that of a short one."""
LONG_RUNNING_GARBAGE = 200_000
USUAL_CODES = (Exit.DONE, Exit.USAGE, Exit.FAILED)
RENAMED = {"stale": "check-freshness", "accept-address": "rebind", "forget": "erase"}
"""Old spellings, understood until version 0.3."""


class Command(click.Command):
    """One command: `target` names the function that carries it out, as module and function."""

    def __init__(
        self,
        name: str,
        target: str,
        meaning: str,
        *parameters: click.Parameter,
        example: str,
        codes: Sequence[Exit] = USUAL_CODES,
    ) -> None:
        super().__init__(
            name,
            params=[*parameters],
            help=f"{meaning}\n\nExample: b24-pipeline {example}",
            short_help=meaning,
            epilog=described(*codes),
        )
        self.target = target
        self.example = f"b24-pipeline {example}"

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments, `--only 1 2` as `--only 1 --only 2`."""
        several = {name for option in self.params if option.metavar == "ID..." for name in option.opts}
        repeated: list[str] = []
        option = None
        for previous, argument in pairwise(["", *args]):
            if argument.startswith("-"):
                option = argument if argument in several else None
            elif option is not None and previous != option:
                repeated.append(option)
            repeated.append(argument)
        return super().parse_args(ctx, repeated)

    def invoke(self, ctx: click.Context) -> Exit:
        """Carry the command out in the project folder."""
        if self.name in LONG_RUNNING:
            gc.set_threshold(LONG_RUNNING_GARBAGE, *gc.get_threshold()[1:])
        params = dict(ctx.params)
        if sum(bool(params.get(name)) for name in ("sandbox", "connection", "every")) > 1:
            raise click.UsageError("--sandbox, --connection and --all exclude each other.", ctx)
        if "connection" in params:
            params["place"] = options.Place(sandbox=params.pop("sandbox"), connection=params.pop("connection"))
        chdir_to_project()
        module, _, function = self.target.partition(".")
        carry_out: Callable[..., Exit] = getattr(import_module(f"b24_pipeline.cli.{module}"), function)
        return carry_out(**params)


class Group(click.Group):
    """The commands, with the old spelling of some."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        name = RENAMED.get(cmd_name, cmd_name)
        if name != cmd_name:
            print(f"b24-pipeline: `{cmd_name}` is now called `{name}`", file=sys.stderr)
        return super().get_command(ctx, name)


def chdir_to_project() -> None:
    """Enter the folder that relative paths count from: the checkout, unless we are in a project folder.

    Raises:
        click.UsageError: the code is an installed package, and the current folder cannot be used.
    """
    try:
        is_project = (Path.cwd() / PROJECT_FILE).is_file()
    except OSError:
        if not is_checkout():
            problem = "The current folder was removed or may not be entered: go to another one."
            raise click.UsageError(problem) from None
        is_project = False
    if is_checkout() and not is_project:
        os.chdir(CHECKOUT)
