"""The capabilities of the account learned by updating employees, as the database stores them (contract 5.5)."""

from b24_pipeline import audit
from b24_pipeline.audit import Database
from b24_pipeline.audit.metadata import UNCHECKED_UPDATE
from b24_pipeline.callgear.capabilities import AccountCapabilities, UnverifiedUpdate, UpdateMode

UPDATE_MODE = "callgear_update_mode"


def load_capabilities(database: Database) -> AccountCapabilities:
    """Return what earlier runs have learned of the account."""
    noted = audit.metadata.facts(database)
    unverified = noted.get(UNCHECKED_UPDATE)
    return AccountCapabilities(
        update_mode=UpdateMode(noted.get(UPDATE_MODE, UpdateMode.UNKNOWN.value)),
        unverified=UnverifiedUpdate.of_json(unverified) if unverified else None,
    )


def save_capabilities(database: Database, facts: AccountCapabilities) -> None:
    """Keep what was learned at once: a run that dies must not learn it again."""
    unverified = facts.unverified.as_json() if facts.unverified else ""
    audit.metadata.put_facts(database, {UPDATE_MODE: facts.update_mode.value, UNCHECKED_UPDATE: unverified})
