"""What may be typed after `b24-pipeline`."""

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from b24_pipeline import __version__
from b24_pipeline.cli.exit_codes import Exit, described

BUT_STALE = tuple(code for code in Exit if code is not Exit.STALE)

LARGEST = 2**63 - 1
"""The largest id that the database holds."""
CENTURY_OF_MINUTES = 100 * 366 * 24 * 60


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="b24-pipeline",
        description="Imports the employees of a Bitrix24 portal into a CallGear account.",
        epilog=described(*Exit),
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    sync = commands.add_parser("sync", help="one run of the import, through Dagster", epilog=described(*BUT_STALE))
    sync.add_argument("--dry-run", action="store_true", help="read everything, show the plan, change nothing")
    people = sync.add_mutually_exclusive_group()
    people.add_argument(
        "--failed",
        action="store_true",
        help="only for everybody whose action has failed and waits for another try: they are tried now",
    )
    people.add_argument(
        "--only",
        nargs="+",
        action="extend",
        type=user_id,
        default=[],
        metavar="ID",
        help="only for these Bitrix24 user ids, with the step trace of each: what was read, decided and sent",
    )
    sync.add_argument("--sandbox", action="store_true", help="against the built-in sandbox instead of the real systems")
    sync.add_argument("--json", action="store_true", help="print the result as one JSON object, on the last line")
    sync.add_argument("-v", "--verbose", action="store_true", help="show Dagster's log on standard error")

    sandbox = commands.add_parser("sandbox", help="serve a stand-in for both systems, to try things out")
    sandbox.add_argument(
        "--port",
        type=between(0, 65_535),
        default=8024,
        help="port on 127.0.0.1, 0 for a free one (default %(default)s)",
    )
    sandbox.add_argument("--reset", action="store_true", help="begin with the company as it was at first")

    dev = commands.add_parser("dev", help="the Dagster UI on 127.0.0.1; schedule and sensor are off until switched on")
    dev.add_argument("--sandbox", action="store_true", help="against the built-in sandbox instead of the real systems")
    dev.add_argument("--port", type=port, default=3000, help="port of the UI (default %(default)s)")
    add_allowed_host(dev)

    commands.add_parser("daemon", help="Dagster's daemon, for production: schedule, sensors and runs")
    webserver = commands.add_parser("webserver", help="the Dagster UI alone, for production beside the daemon")
    webserver.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    webserver.add_argument("--port", type=port, default=3000, help="port of the UI (default %(default)s)")
    webserver.add_argument("--read-only", action="store_true", help="for people who may only look")
    add_allowed_host(webserver)

    add_sandbox_option(
        commands.add_parser("env", help='what a shell needs for Dagster\'s own commands: eval "$(b24-pipeline env)"'),
        "run them against the built-in sandbox, while that is served",
    )

    add_check_options(
        commands.add_parser("check", help="look whether both systems can be used, without changing anything")
    )

    history = commands.add_parser("history", help="the last runs")
    history.add_argument(
        "--since",
        metavar="DATE",
        help="runs since then, in UTC if it names no zone, e.g. 2026-01-31 or 2026-01-31T08:00+03:00",
    )
    history.add_argument(
        "--limit", type=between(1, 1_000_000), default=20, help="how many runs at most (default %(default)s)"
    )
    add_reading_options(history)

    explain = commands.add_parser("explain", help="the life of one person, newest first")
    explain.add_argument(
        "person",
        type=text(example="b24-pipeline explain 42"),
        metavar="ID|EMAIL",
        help="a Bitrix24 user id or an e-mail address",
    )
    add_reading_options(explain)

    report = commands.add_parser("report", help="the report as one HTML file: people, runs, rejects, links, points")
    report.add_argument(
        "--output", type=from_here, metavar="FILE", help="where to write it (default: report.html beside the database)"
    )
    add_sandbox_option(report)

    export = commands.add_parser("export", help="write every table of the audit as Parquet files, one folder a table")
    export.add_argument(
        "address",
        type=folder_or_address,
        metavar="FOLDER",
        help="a folder, or an address of an object store, for example s3://company-lake/b24_pipeline",
    )
    add_sandbox_option(export)

    stale = commands.add_parser(
        "stale",
        help="the alarm for when nothing runs at all, for cron: tells the receivers of alerts",
        epilog=f"exit codes: {Exit.DONE:d} an import has succeeded lately; {Exit.STALE:d} none has; "
        f"{Exit.USAGE:d} bad usage or settings",
    )
    stale.add_argument(
        "--after-minutes",
        type=minutes,
        default=60,
        metavar="N",
        help="how old the last successful import may be (default %(default)s: two intervals)",
    )
    add_sandbox_option(stale)

    add_decisions(commands)

    forget = commands.add_parser("forget", help="erase a person's data from snapshots and actions; counts stay")
    forget.add_argument("person", type=text(example="b24-pipeline forget 42"), metavar="ID|EMAIL")
    add_sandbox_option(forget)

    add_sandbox_option(
        commands.add_parser(
            "accept-address", help="the database's portal and account have moved to the addresses in the settings"
        )
    )
    return parser


def add_check_options(check: argparse.ArgumentParser) -> None:
    """Options of `check`."""
    check.add_argument(
        "--prove-update",
        type=between(1, LARGEST),
        metavar="CALLGEAR_ID",
        help="instead: send this CallGear employee its own last name, unchanged, and see whether its phones stay",
    )
    add_sandbox_option(check, "against the built-in sandbox instead of the real systems")


def add_decisions(commands: Any) -> None:  # noqa: ANN401 - argparse gives this type no public name
    """The commands with which a person decides: approve, end links, settle what became double."""
    approve = commands.add_parser("approve", help="let the next run do what a held run listed, for 24 hours")
    approve.add_argument(
        "run_id",
        type=text(example="b24-pipeline approve 1f0c2a9e"),
        metavar="RUN_ID",
        help="the first 8 characters are enough",
    )
    approve.add_argument(
        "--user",
        "--only",
        nargs="+",
        action="extend",
        type=user_id,
        default=[],
        metavar="ID",
        help="approve the conflicts of these users: email_reused, similar_email, identity_changed, other_name",
    )
    approve.add_argument(
        "--comment",
        default="",
        metavar="TEXT",
        help="why it is right; kept in audit.approvals, with the name of the operating system's user",
    )
    add_sandbox_option(approve)

    unlink = commands.add_parser(
        "unlink", help="end the links of users who are not the people they were linked for; they are matched afresh"
    )
    unlink.add_argument("users", nargs="+", type=user_id, metavar="ID", help="a Bitrix24 user id")
    unlink.add_argument(
        "--comment", default="", metavar="TEXT", help="why; kept in audit.links_history, with who did it"
    )
    add_sandbox_option(unlink)

    add_sandbox_option(
        commands.add_parser(
            "resolve-duplicates", help="say that employees whom another import has doubled are settled: create again"
        )
    )


def text(*, example: str) -> Callable[[str], str]:
    """What the database can be asked for; it refuses the halves of surrogate pairs that bytes outside UTF-8 become."""

    def in_utf_8(typed: str) -> str:
        try:
            typed.encode()
        except UnicodeEncodeError:
            raise argparse.ArgumentTypeError(f"is not text in UTF-8. Example: {example}") from None
        return typed

    return in_utf_8


def between(least: int, most: int) -> Callable[[str], int]:
    """A whole number in these bounds."""

    def number(text: str) -> int:
        found = int(text)
        if not least <= found <= most:
            raise argparse.ArgumentTypeError(f"must be {least} to {most}")
        return found

    return number


user_id = between(1, LARGEST)
port = between(1, 65_535)


def minutes(text: str) -> float:
    """A number above zero, of a century at most."""
    number = float(text)
    if not 0 < number <= CENTURY_OF_MINUTES:
        raise argparse.ArgumentTypeError(f"must be more than 0, and {CENTURY_OF_MINUTES} at most")
    return number


def from_here(text: str) -> Path:
    """A file as it was typed: seen from where the command was called, not from the project folder."""
    try:
        return Path(text).absolute()
    except OSError as error:
        raise argparse.ArgumentTypeError(
            f"the current folder cannot be used ({error.strerror}): give a whole path"
        ) from None


def folder_or_address(typed: str) -> str:
    """A folder, seen from where the command was called; what names a protocol stays as it is."""
    return typed if "://" in typed else str(from_here(typed))


def host_name(text: str) -> str:
    """A name as browsers put it into an address, with or without a port."""
    if not re.fullmatch(r"(?:[\w.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?", text, re.ASCII | re.IGNORECASE):
        raise argparse.ArgumentTypeError("is no host name. Example: --allowed-host dagster.example.com")
    return text


def add_allowed_host(command: argparse.ArgumentParser) -> None:
    """Under which names browsers may reach the UI."""
    command.add_argument(
        "--allowed-host",
        type=host_name,
        action="append",
        default=[],
        metavar="NAME",
        help="a host name, or name:port, under which browsers reach the UI, for example that of the proxy before it; "
        "may be repeated (127.0.0.1 and localhost with this port are always allowed)",
    )


def add_reading_options(command: argparse.ArgumentParser) -> None:
    """Options of the commands that read the audit."""
    command.add_argument("--json", action="store_true", help="print JSON")
    add_sandbox_option(command)


def add_sandbox_option(
    command: argparse.ArgumentParser, meaning: str = "the sandbox's database instead of the real one"
) -> None:
    """Which database is meant."""
    command.add_argument("--sandbox", action="store_true", help=meaning)
