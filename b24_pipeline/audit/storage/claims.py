"""Which connection imports into which account: two portals in one account would undo each other's work.

The ids on the list of responsible employees are those of Bitrix24 users, so those of two portals collide; and a
database knows only its own links.
"""

import os
import re
from collections.abc import Collection
from pathlib import Path

from b24_pipeline.account import AccountIdentity
from b24_pipeline.audit.storage.advisory_lock import Session
from b24_pipeline.audit.storage.exceptions import DatabaseOfAnotherConnection
from b24_pipeline.audit.storage.files import writing


def claim_account(
    notes: Path | Session, account: AccountIdentity, *, host: str, key: str, keys: Collection[str] | None
) -> None:
    """Note that a connection imports into an account, unless another one does.

    The notes are a folder with one file for each account; of several machines the lake's Postgres. An account without
    a number cannot be told apart, and is not noted. What a connection has noted that is not in `keys` does not count:
    it was removed. Where nobody knows the connections, each counts as long as its schema is there.

    Raises:
        DatabaseOfAnotherConnection: another connection imports into it.
        StoreError: the notes cannot be written.
    """
    if not account.app_id:
        return
    name = name_of_note(account, host=host)
    if isinstance(notes, Session):
        listed = None if keys is None else list(keys)
        ((owner,),) = notes.ask("claim_account", account=name, key=key, keys=listed)
    else:
        owner = owner_in_folder(notes / name, key=key, keys=keys or ())
    if owner != key:
        raise DatabaseOfAnotherConnection(refusal(account, owner=owner, key=key, keys=keys))


def owner_of_account(notes: Path | Session, account: AccountIdentity, *, host: str) -> str | None:
    """Return which connection imports into an account, as far as that was noted; nothing is changed.

    Raises:
        LockLost: Postgres has no notes yet, or is gone.
    """
    name = name_of_note(account, host=host)
    if isinstance(notes, Session):
        return next((str(owner) for (owner,) in notes.ask("account_owner", account=name)), None)
    return (notes / name).read_text(encoding="utf-8") if (notes / name).exists() else None


def refusal(account: AccountIdentity, *, owner: str, key: str, keys: Collection[str] | None) -> str:
    """Return why a connection may not import into the account of another one."""
    way_out = "drop the schema" if keys is None else "remove the file"
    return (
        f"the CallGear account {account} belongs to the connection {owner}: two portals in one account would undo "
        f"each other's work. Give {key} an account of its own, or {way_out} of {owner}."
    )


def name_of_note(account: AccountIdentity, *, host: str) -> str:
    return re.sub(r"[^\w.-]", "_", f"{host}_{account.app_id}")


def owner_in_folder(note: Path, *, key: str, keys: Collection[str]) -> str:
    """Return whose a note is; it becomes that of the connection where its owner was removed."""
    with writing(note.parent):
        note.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        owner = note_owner(note, key)
        if owner != key and owner not in keys:
            note.unlink(missing_ok=True)
            owner = note_owner(note, key)
    return owner


def note_owner(note: Path, key: str) -> str:
    """Write a note where there is none, in one step; return whose it is."""
    try:
        descriptor = os.open(note, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return note.read_text(encoding="utf-8")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(key)
    return key
