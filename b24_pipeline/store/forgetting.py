"""Erasing a person on request: the texts go, ids and counts stay, so that every total remains right."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from b24_pipeline.rules import frames
from b24_pipeline.store.columns import personal_columns
from b24_pipeline.store.database import Database
from b24_pipeline.store.errors import AmbiguousPerson, UnknownPerson
from b24_pipeline.store.paths import Paths
from b24_pipeline.store.people import emails_of, employees_named, users_named
from b24_pipeline.store.schema import HISTORIES
from b24_pipeline.store.store import Store

FORGOTTEN = "(forgotten)"

_JSON = frozenset({"before", "after", "phone_numbers"})
"""Columns that hold JSON, where a word would be no value: these lose theirs."""

_ANSWERS = ("error",)
"""What a service answered may name the person."""

_OF_USER: Mapping[str, tuple[str, ...]] = {
    **{
        table: personal_columns(model)
        for model, table in HISTORIES.items()
        if personal_columns(model) and model is not frames.CallGearEmployees
    },
    "events": (*personal_columns(frames.Actions), *_ANSWERS),
    "standing_actions": (*personal_columns(frames.Actions), *_ANSWERS),
    "dead_letters": (*personal_columns(frames.DeadLetters), *_ANSWERS),
    "pending_creates": personal_columns(frames.PendingCreates),
}
_MENTIONING: Mapping[str, tuple[str, ...]] = {
    "events": ("before", "after", "error"),
    "standing_actions": ("before", "after", "error"),
    "dead_letters": ("after", "error"),
    "runs": ("reason", "policy"),
}


def forget(paths: Paths, id_or_email: str, *, now: datetime) -> int | None:
    """Erase the texts of one person from the whole database, rewrite the file and publish it.

    Ids, links and counts stay. Somebody who still is in Bitrix24 is read anew by the next run.

    Returns:
        The Bitrix24 id; None for somebody who is only in CallGear.

    Raises:
        UnknownPerson: nobody of that id or address is known.
        AmbiguousPerson: several users have or had the address.
        StoreError: the database cannot be used.
    """
    with Store.open(paths, now=lambda: now) as store:
        user = _the_one(store.database, id_or_email)
        emails = emails_of(store.database, user) if user is not None else [id_or_email.strip()]
        with store.transaction():
            erase(store.database, user, emails)
        store.compact()
        store.publish()
    return user


def erase(database: Database, user: int | None, emails: Iterable[str]) -> None:
    """Erase the user's texts, those of its CallGear employee, and every mention of its addresses."""
    addresses = list(emails)
    for table, columns in _OF_USER.items():
        database.execute("forget_user", {"user": user}, table=table, forgotten=_forgotten(columns))
    database.execute(
        "forget_employees",
        {"user": user, "emails": [email.lower() for email in addresses]},
        forgotten=_forgotten(personal_columns(frames.CallGearEmployees)),
    )
    for email in addresses:
        for table, columns in _MENTIONING.items():
            database.execute(
                "forget_mentions",
                {"email": email},
                table=table,
                forgotten=", ".join(f'"{name}" = replace("{name}", $email, \'{FORGOTTEN}\')' for name in columns),
                mentioned=" OR ".join(f'contains("{name}", $email)' for name in columns),
            )


def _forgotten(columns: Iterable[str]) -> str:
    return ", ".join(
        f'"{name}" = NULL' if name in _JSON else f'"{name}" = CASE WHEN "{name}" IS NOT NULL THEN \'{FORGOTTEN}\' END'
        for name in columns
    )


def _the_one(database: Database, id_or_email: str) -> int | None:
    users = users_named(database, id_or_email)
    if len(users) > 1:
        raise AmbiguousPerson(
            f"{len(users)} users have or had the address {id_or_email}: {', '.join(map(str, users))}."
            " Name one of these ids."
        )
    if not users and not employees_named(database, id_or_email):
        raise UnknownPerson(f"Nobody is known by {id_or_email}.")
    return users[0] if users else None
