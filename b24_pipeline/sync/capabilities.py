"""What was learnt of the account by updating its employees, as the database keeps it (contract 5.5)."""

from b24_pipeline.audit import Reader, Store
from b24_pipeline.audit.metadata import UNCHECKED_UPDATE
from b24_pipeline.callgear.capabilities import AccountFacts, Unchecked, UpdateMode

UPDATE_MODE = "callgear_update_mode"


def stored_facts(store: Reader) -> AccountFacts:
    """What earlier runs have learnt of the account."""
    noted = store.facts()
    unchecked = noted.get(UNCHECKED_UPDATE)
    return AccountFacts(
        update_mode=UpdateMode(noted.get(UPDATE_MODE, UpdateMode.UNKNOWN.value)),
        unchecked=Unchecked.of_json(unchecked) if unchecked else None,
    )


def store_facts(store: Store, facts: AccountFacts) -> None:
    """Keep what was learnt at once: a run that dies must not learn it again."""
    unchecked = facts.unchecked.as_json() if facts.unchecked else ""
    store.put_facts({UPDATE_MODE: facts.update_mode.value, UNCHECKED_UPDATE: unchecked})
