"""Finding a person by what somebody types: a Bitrix24 id or an e-mail address."""

from collections.abc import Iterable, Sequence

import pandas as pd

from b24_pipeline.audit.column_types import to_pandas
from b24_pipeline.audit.database import Database, Parameters
from b24_pipeline.rules.normalization import address_key

_DIGITS = 18
"""So many digits always fit into an id."""


def users_named(database: Database, id_or_email: str) -> list[int]:
    """The Bitrix24 ids of that id or address, now or ever; addresses are compared as in R04."""
    text = id_or_email.strip()
    if text.isdecimal():
        return _ids(database, "user_known", {"user": int(text)}) if len(text) <= _DIGITS else []
    return _ids(database, "users_by_email", {"email": address_key(text)})


def employees_named(database: Database, email: str) -> list[int]:
    """The CallGear ids of employees that have or had the address."""
    return _ids(database, "employees_by_email", {"email": email.strip()})


def emails_of(database: Database, user: int) -> list[str]:
    """All addresses that the user has or had."""
    return [row["email"] for row in database.records("emails_of_user", {"user": user})]


def names_of_users(database: Database, users: Iterable[int]) -> pd.DataFrame:
    """The names that these users have or had, in the columns of `list_names.NAMES`; who was never seen has no row."""
    return to_pandas(database.table("names_of_users", {"users": sorted(users)}))


def employees_of(database: Database, user: int | None, emails: Sequence[str]) -> list[int]:
    """The CallGear ids that are or were linked with the user, or have or had an address and no link with others."""
    return _ids(database, "employees_of_person", {"user": user, "emails": emails})


def emails_of_employees(database: Database, user: int | None, employees: Sequence[int]) -> list[str]:
    """All addresses that these employees have or had while they were the user's, in small letters."""
    rows = database.records("emails_of_employees", {"user": user, "employees": employees})
    return [row["email"] for row in rows]


def _ids(database: Database, name: str, parameters: Parameters) -> list[int]:
    return [int(found) for row in database.records(name, parameters) for found in row.values()]
