"""Types of arguments, and options that several commands share."""

import math
import re
from dataclasses import dataclass
from pathlib import Path

import click

HOST_NAME = re.compile(r"(?:[\w.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?", re.ASCII | re.IGNORECASE)
CENTURY = 100 * 366 * 24 * 60
MAX_ID = 2**63 - 1
"""The largest id that the database holds."""
PORT = click.IntRange(1, 65_535)
FREE_PORT = click.IntRange(0, 65_535)


@dataclass(frozen=True, slots=True)
class Place:
    """Which systems and which database are meant: the sandbox's, a connection's, or those of the environment."""

    sandbox: bool = False
    connection: str | None = None


def number(typed: str) -> int:
    if not (typed.isascii() and typed.isdigit() and 0 < int(typed) <= MAX_ID):
        raise click.BadParameter(f"{typed} is not an id: a whole number from 1 to {MAX_ID}.")
    return int(typed)


def text(typed: str) -> str:
    """Return a text that the database can be asked for: bytes outside UTF-8 become halves of surrogate pairs."""
    if not typed.strip():
        raise click.BadParameter("is empty.")
    try:
        typed.encode()
    except UnicodeEncodeError:
        raise click.BadParameter("is not text in UTF-8.") from None
    return typed


def host_name(typed: str) -> str:
    """Return a name as browsers put it into an address, with or without a port."""
    if not HOST_NAME.fullmatch(typed):
        raise click.BadParameter("is not a host name.")
    return typed


def listen_address(typed: str) -> tuple[str, int]:
    """Return host and port; without a host the port is one of this machine alone."""
    host, _, port = typed.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) <= 65_535) or (host and not HOST_NAME.fullmatch(host)):
        raise click.BadParameter(f"{typed} is not [HOST:]PORT.")
    return host.strip("[]") or "127.0.0.1", int(port)


def minutes(typed: str | float) -> float:
    """Return a number above zero, at most a century."""
    try:
        number = float(typed)
    except ValueError:
        number = math.nan
    if not 0 < number <= CENTURY:
        raise click.BadParameter(f"must be a number above 0, and {CENTURY} at most.")
    return number


def from_here(typed: str) -> str:
    """Return a path as seen from where the command was called, not from the project folder; addresses stay."""
    try:
        return typed if "://" in typed else str(Path(typed).absolute())
    except OSError as error:
        raise click.BadParameter(f"the current folder cannot be used ({error.strerror}): give a whole path.") from None


def sandbox(meaning: str) -> click.Option:
    return click.Option(["--sandbox"], is_flag=True, help=meaning)


def place(meaning: str = "use the sandbox's database") -> tuple[click.Option, click.Option]:
    """Return the options that say which systems and which database are meant, a `Place`."""
    connection = click.Option(
        ["--connection"], type=text, metavar="KEY", help="the connection: the name of its file in connections/"
    )
    return sandbox(meaning), connection


def every_connection(meaning: str = "every connection, one after the other") -> click.Option:
    return click.Option(["--all", "every"], is_flag=True, help=meaning)


def as_json(meaning: str = "print JSON") -> click.Option:
    return click.Option(["--json", "as_json"], is_flag=True, help=meaning)


def comment(meaning: str) -> click.Option:
    return click.Option(["--comment"], default="", metavar="TEXT", help=meaning)


def ids(*names: str, meaning: str) -> click.Option:
    return click.Option([*names], type=number, multiple=True, metavar="ID...", help=meaning)


def allowed_host() -> click.Option:
    return click.Option(
        ["--allowed-host"],
        type=host_name,
        multiple=True,
        metavar="NAME",
        help="a host name, or name:port, under which browsers reach the UI, for example that of the proxy before it; "
        "may be repeated (127.0.0.1 and localhost with this port are always allowed)",
    )
