"""Commands for every connection of the folder, one after the other."""

import sys
from collections.abc import Callable

from b24_pipeline import settings
from b24_pipeline.cli.errors import print_error
from b24_pipeline.cli.exit_codes import Exit
from b24_pipeline.cli.options import Place
from b24_pipeline.settings import SettingsError


def keys_of_connections() -> tuple[str, ...]:
    """Return the keys of all connections.

    Raises:
        SettingsError: there is no folder, or nothing in it.
    """
    folder = settings.connections()
    if folder is None or not folder.keys:
        raise SettingsError("--all: there are no connections. Example: connections/acme.env")
    return folder.keys


def for_each_connection(carry_out: Callable[[Place], Exit]) -> Exit:
    """Carry a command out for every connection, whatever becomes of one of them.

    Returns:
        The highest exit code.
    """
    codes = []
    for key in keys_of_connections():
        print(f"{key}:", file=sys.stderr, flush=True)
        try:
            codes.append(carry_out(Place(connection=key)))
        except Exception as error:  # noqa: BLE001 - what is wrong with one connection must not stop the others
            codes.append(print_error(error))
        sys.stdout.flush()
    return max(codes)
