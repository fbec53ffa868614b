"""Commands for every connection of the folder, one after the other."""

from collections.abc import Callable

from b24_pipeline import settings
from b24_pipeline.cli.errors import print_error
from b24_pipeline.cli.exit_codes import Exit
from b24_pipeline.cli.options import Place
from b24_pipeline.settings import Connections, SettingsError
from b24_pipeline.text import numbered


def folder_of_connections() -> Connections:
    """Return the folder of all connections.

    Raises:
        SettingsError: there is no folder, or nothing in it.
    """
    folder = settings.connections()
    if folder is None or not folder.keys:
        raise SettingsError("--all: there are no connections. Example: connections/acme.env")
    return folder


def for_each_connection(carry_out: Callable[[Place], Exit], *, for_people: bool = True) -> Exit:
    """Carry a command out for every connection, whatever becomes of one of them, and return the highest exit code.

    For people, print the key before what is printed of a connection, and in the end how many ended how.
    """
    folder, ended = folder_of_connections(), dict[Exit, list[str]]()
    for key in folder.keys:
        if for_people:
            print(f"{key}:", flush=True)
        try:
            code = carry_out(Place(connection=key))
        except Exception as error:  # noqa: BLE001 - what is wrong with one does not stop the others
            code = print_error(error, about=f"{key}: ")
        ended.setdefault(code, []).append(key)
        if for_people:
            print(flush=True)
    if misnamed := list(folder.misnamed()):
        ended.setdefault(print_error(SettingsError("\n".join(misnamed))), [])
    if for_people:
        number = sum(map(len, ended.values()))
        print(f"{len(ended.get(Exit.DONE, ()))} of {numbered(number, 'connection', 'connections')}: done")
        for code, keys in sorted(ended.items()):
            if code is not Exit.DONE and keys:
                print(f"{code.meaning}: {', '.join(keys)}")
    return max(ended)
