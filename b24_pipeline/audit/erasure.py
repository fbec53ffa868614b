"""Erasing a person on request: the texts go, ids and counts stay, so that every total remains right."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from b24_pipeline import schemas
from b24_pipeline.audit.metadata import UNCHECKED_UPDATE, fact
from b24_pipeline.audit.schema import HISTORIES
from b24_pipeline.audit.storage.column_types import personal_columns
from b24_pipeline.audit.storage.database import Database
from b24_pipeline.audit.storage.exceptions import AmbiguousPerson, UnknownPerson, UpdateUnchecked
from b24_pipeline.audit.storage.files import Paths
from b24_pipeline.audit.store import Store
from b24_pipeline.audit.suppression import JSON_COLUMNS, note_erased_people
from b24_pipeline.rules.models import ERASED
from b24_pipeline.rules.normalization import address_key

_DIGITS = 18
"""So many digits always fit into an id."""

_OF_USER: Mapping[str, tuple[str, ...]] = {
    **{
        table: personal_columns(model)
        for model, table in HISTORIES.items()
        if personal_columns(model) and model is not schemas.CallGearEmployees
    },
    "events": (*personal_columns(schemas.Actions), "error"),
    "open_actions": (*personal_columns(schemas.Actions), "error"),
    "dead_letters": (*personal_columns(schemas.DeadLetters), "error"),
    "pending_creates": personal_columns(schemas.PendingCreates),
    "identities": personal_columns(schemas.Identities),
    "links": ("end_comment",),
}
"""A service's error may name the person, too."""
_MENTIONING: Mapping[str, tuple[str, ...]] = {
    "events": ("before", "after", "error"),
    "open_actions": ("before", "after", "error"),
    "dead_letters": ("after", "error"),
    "runs": ("reason", "policy"),
}


_BEFORE_OF_OTHERS: Mapping[str, str] = {"events": "run", "open_actions": "valid_from_run"}
"""Tables in which another user's action on the person's employee shows its former name, and their column of the run."""

_BEFORE_ADDRESS = r"(^|\\[nrt]|[^\p{L}\p{N}.+_%\-])"
_AFTER_ADDRESS = r"([.\-]*(?:$|[^\p{L}\p{N}.\-]))"
"""The surroundings of an address that is no part of a longer one. A full stop may end a sentence; `\\n` is JSON."""


def erase_person(paths: Paths, id_or_email: str, *, now: datetime) -> int | None:
    """Erase the texts of one person from the whole database, rewrite the file and publish it.

    Ids, links and counts stay. While they are no candidates, what is read again of them is stored without texts.
    Returns the Bitrix24 id; None for somebody who is only in CallGear.

    Raises:
        UnknownPerson: nobody of that id or address is known.
        AmbiguousPerson: several users have or had the address.
        UpdateUnchecked: a run must look at the person's employee first.
        StoreError: the database cannot be used.
    """
    with Store.open(paths, now=lambda: now) as store:
        user = _the_one(store.database, id_or_email)
        emails = store.database.column("emails_of_user", {"user": user}) if user is not None else [id_or_email.strip()]
        with store.database.transaction():
            erase(store.database, user, emails)
        store.compact()
        store.publish()
    return user


def erase(database: Database, user: int | None, emails: Iterable[str]) -> None:
    """Erase the texts of the user and its CallGear employees, and every mention of its addresses; note their ids."""
    named = [email.lower() for email in emails if email != ERASED]
    employees = database.column("employees_of_person", {"user": user, "emails": named})
    # The phone numbers that an update is still to be compared with, a run may have to put back (R11).
    unchecked = fact(database, UNCHECKED_UPDATE)
    if unchecked and (employee := json.loads(unchecked)["employee"]["id"]) in employees:
        raise UpdateUnchecked(
            f"The last update of employee {employee} may have removed phone numbers, and no run could look yet."
            " Run an import first: b24-pipeline sync"
        )
    theirs = {"user": user, "employees": employees}
    addresses = {*named, *database.column("emails_of_employees", theirs)}
    for table, columns in _OF_USER.items():
        database.execute("erase_user", {"user": user}, table=table, erased=_erased(columns))
    database.execute("erase_employees", theirs, erased=_erased(personal_columns(schemas.CallGearEmployees)))
    for email in sorted(addresses - {ERASED}):
        for table, columns in _MENTIONING.items():
            erase_mentions(database, email, table=table, columns=columns)
    for table, until in _BEFORE_OF_OTHERS.items():
        database.execute("erase_before_of_others", theirs, table=table, run=until)
    note_erased_people(database, users=set() if user is None else {user}, employees=set(employees))


def erase_mentions(database: Database, email: str, *, table: str, columns: Iterable[str]) -> None:
    """Erase the address wherever the columns hold it, in capitals or not; not where it is part of a longer one.

    It is replaced twice, because what stands between two mentions is found with the first of them only.
    """
    once = f"regexp_replace({{}}, $mention, '\\1{ERASED}\\2', 'gi')"
    twice = once.format(once.format('"{}"'))
    database.execute(
        "erase_mentions",
        {"mention": f"{_BEFORE_ADDRESS}{re.escape(email)}{_AFTER_ADDRESS}"},
        table=table,
        erased=", ".join(f'"{name}" = {twice.format(name)}' for name in columns),
        mentioned=" OR ".join(f"regexp_matches(\"{name}\", $mention, 'i')" for name in columns),
    )


def _erased(columns: Iterable[str]) -> str:
    return ", ".join(
        f'"{name}" = NULL'
        if name in JSON_COLUMNS
        else f'"{name}" = CASE WHEN "{name}" IS NOT NULL THEN \'{ERASED}\' END'
        for name in columns
    )


def _the_one(database: Database, id_or_email: str) -> int | None:
    users = users_named(database, id_or_email)
    if id_or_email.strip() == ERASED:
        raise UnknownPerson(f"{ERASED} stands where an address was erased. Name the person's Bitrix24 id.")
    if len(users) > 1:
        raise AmbiguousPerson(
            f"{len(users)} users have or had the address {id_or_email}: {', '.join(map(str, users))}."
            " Name one of these ids."
        )
    if not users and not database.column("employees_by_email", {"email": id_or_email.strip()}):
        raise UnknownPerson(f"Nobody is known by {id_or_email}.")
    return users[0] if users else None


def users_named(database: Database, id_or_email: str) -> list[int]:
    """The Bitrix24 ids of that id or address, now or ever; addresses are compared as in R04."""
    text = id_or_email.strip()
    if text == ERASED:
        return []
    if text.isdecimal():
        return database.column("user_known", {"user": int(text)}) if len(text) <= _DIGITS else []
    return database.column("users_by_email", {"email": address_key(text)})
