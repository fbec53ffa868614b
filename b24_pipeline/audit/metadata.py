"""Small things worth remembering from run to run, and whom the database belongs to."""

from collections.abc import Mapping

from b24_pipeline.account import AccountIdentity, wrong_account_message
from b24_pipeline.audit.storage.database import Database
from b24_pipeline.audit.storage.exceptions import DatabaseOfAnotherConnection

PORTAL_HOST = "portal_host"
CALLGEAR_HOST = "callgear_host"
ACCOUNT_NUMBER = "callgear_app_id"
ACCOUNT_NAME = "callgear_account_name"
UNCHECKED_UPDATE = "callgear_unchecked_update"
"""The fact: what an employee had before an update that is still to be compared (contract 5.5)."""


def fact(database: Database, name: str) -> str | None:
    value: str | None = database.value("fact", {"name": name})
    return value


def put_facts(database: Database, named: Mapping[str, str]) -> None:
    """Remember values, all together; an equal one is not written again."""
    with database.transaction():
        database.execute("put_facts", {"names": list(named), "texts": list(named.values())})


def facts(database: Database) -> dict[str, str]:
    return {row["name"]: row["value"] for row in database.records("facts")}


def bind(database: Database, *, portal_host: str, callgear_host: str) -> None:
    """Remember the pair this database belongs to, the first time; later make sure that it is the same.

    Raises:
        DatabaseOfAnotherConnection: it belongs to another pair; links of two pairs must never mix.
    """
    noted = facts(database)
    known = (noted.get(PORTAL_HOST), noted.get(CALLGEAR_HOST))
    if known == (None, None):
        rebind(database, portal_host=portal_host, callgear_host=callgear_host)
    elif known != (portal_host, callgear_host):
        raise DatabaseOfAnotherConnection(
            f"{database.path} belongs to {known[0]} and {known[1]}, not to {portal_host} and {callgear_host}. Name"
            " another file in B24_PIPELINE_DATABASE; if only the address has changed, accept it:"
            " b24-pipeline rebind."
        )


def rebind(database: Database, *, portal_host: str, callgear_host: str) -> None:
    """Remember this pair from now on: the same portal and account under another address."""
    put_facts(database, {PORTAL_HOST: portal_host, CALLGEAR_HOST: callgear_host})


def account(database: Database) -> AccountIdentity:
    """The account that was imported into (R16b); `UNKNOWN_ACCOUNT` before the first write."""
    noted = facts(database)
    return AccountIdentity(noted.get(ACCOUNT_NUMBER, ""), noted.get(ACCOUNT_NAME, ""))


def bind_account(database: Database, found: AccountIdentity) -> None:
    """Remember the account that is imported into, the first time; later make sure that it is the same (R16b).

    Raises:
        DatabaseOfAnotherConnection: it is another one; links into two accounts must never mix.
    """
    known = account(database)
    if known.app_id and known.app_id != found.app_id:
        raise DatabaseOfAnotherConnection(wrong_account_message(known, found))
    rebind_account(database, found)


def rebind_account(database: Database, found: AccountIdentity) -> None:
    put_facts(database, {ACCOUNT_NUMBER: found.app_id, ACCOUNT_NAME: found.name})
