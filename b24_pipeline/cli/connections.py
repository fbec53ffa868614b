"""Commands for every connection of the folder, one after the other."""

from collections.abc import Callable, Iterator, Mapping, Sequence

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


def keys_of_connections() -> tuple[str, ...]:
    """Return the keys of all connections.

    Raises:
        SettingsError: there is none.
    """
    return folder_of_connections().keys


def for_each_connection(carry_out: Callable[[Place], Exit], *, for_people: bool = True) -> Exit:
    """Carry a command out for every connection, whatever becomes of one of them.

    Args:
        carry_out: the command.
        for_people: print the key before what is printed of a connection, and in the end how many ended how.

    Returns:
        The highest exit code.
    """
    ended: dict[Exit, list[str]] = {}
    for key in keys_of_connections():
        if for_people:
            print(f"{key}:", flush=True)
        ended.setdefault(carry_out_one(carry_out, key), []).append(key)
        if for_people:
            print(flush=True)
    if misnamed := list(folder_of_connections().misnamed()):
        ended.setdefault(print_error(SettingsError("\n".join(misnamed))), [])
    if for_people:
        print("\n".join(how_they_ended(ended)))
    return max(ended)


def carry_out_one(carry_out: Callable[[Place], Exit], key: str) -> Exit:
    """Carry a command out for a connection; what is wrong with it does not stop the others."""
    try:
        return carry_out(Place(connection=key))
    except Exception as error:  # noqa: BLE001 - see above
        return print_error(error, about=f"{key}: ")


def how_they_ended(ended: Mapping[Exit, Sequence[str]]) -> Iterator[str]:
    """Yield how many connections are done, and which ones ended in another way."""
    number = sum(map(len, ended.values()))
    yield f"{len(ended.get(Exit.DONE, ()))} of {numbered(number, 'connection', 'connections')}: done"
    for code, keys in sorted(ended.items()):
        if code is not Exit.DONE and keys:
            yield f"{code.meaning}: {', '.join(keys)}"
