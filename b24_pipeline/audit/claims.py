"""Which connection imports into which account: two portals in one account would undo each other's work.

The ids on the list of responsible employees are those of Bitrix24 users, so those of two portals collide; and a
database knows only its own links.
"""

import os
import re
from collections.abc import Collection
from pathlib import Path

from b24_pipeline.account import AccountIdentity
from b24_pipeline.audit.exceptions import DatabaseOfAnotherConnection
from b24_pipeline.audit.files import writing


def claim_account(folder: Path, account: AccountIdentity, *, host: str, key: str, keys: Collection[str]) -> None:
    """Note that a connection imports into an account, unless another one does.

    Args:
        folder: of the notes, one file for each account.
        account: as it answered; without a number nothing can be told apart, and nothing is noted.
        host: the account's API host, with its port if it has one.
        key: the connection.
        keys: the connections that there are; what a removed one has noted does not count.

    Raises:
        DatabaseOfAnotherConnection: another connection imports into it.
        DatabaseNotWritable: the folder cannot be written.
    """
    if not account.app_id:
        return
    note = folder / re.sub(r"[^\w.-]", "_", f"{host}_{account.app_id}")
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        owner = note_owner(note, key)
        if owner != key and owner not in keys:
            note.unlink(missing_ok=True)
            owner = note_owner(note, key)
    if owner != key:
        raise DatabaseOfAnotherConnection(
            f"the CallGear account {account} belongs to the connection {owner}: two portals in one account would undo "
            f"each other's work. Give {key} an account of its own, or remove the file of {owner}."
        )


def note_owner(note: Path, key: str) -> str:
    """Write a note where there is none, in one step; return whose it is."""
    try:
        descriptor = os.open(note, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return note.read_text(encoding="utf-8")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(key)
    return key
