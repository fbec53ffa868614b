"""`b24-pipeline check --prove-update`: does an update leave phone numbers alone? One employee, named by a person."""

from functools import partial

from rich.console import Console

from b24_pipeline import settings
from b24_pipeline.audit import Store
from b24_pipeline.audit.run_lock import run_lock
from b24_pipeline.callgear.account import read_account
from b24_pipeline.callgear.update_proof import NothingProven, UpdateProof, prove_update
from b24_pipeline.cli.exit_codes import Exit
from b24_pipeline.cli.terminal import result_line
from b24_pipeline.connection import Connection, open_connection
from b24_pipeline.settings import SettingsError
from b24_pipeline.sync.capabilities import store_facts, stored_facts


def prove(callgear_id: int) -> Exit:
    """Print one line: what an update that changes nothing did to this employee.

    Raises:
        SettingsError: there is no such employee, or it has nothing that could be lost.
        RunInProgress: a run is going on.
        StoreError: the database cannot be used, or belongs to another portal or account.
        CallGearError: the account refuses, or does not answer.
    """
    with (
        open_connection(settings.load()) as connection,
        run_lock(connection.paths.lock, holder="b24-pipeline check --prove-update", now=connection.now()),
        Store.open(connection.paths, now=connection.now) as store,
    ):
        try:
            proof = proven(connection, store, callgear_id)
        except NothingProven as nothing:
            raise SettingsError(f"--prove-update: {nothing}") from None
        store.publish()
    Console(highlight=False).print(result_line("CallGear updates", passed=proof.safe, text=str(proof)), soft_wrap=True)
    return Exit.DONE if proof.safe else Exit.FAILED


def proven(connection: Connection, store: Store, callgear_id: int) -> UpdateProof:
    """Ask the account of this database, and let those who wait for a good answer be tried by the next run."""
    store.claim(portal_host=connection.portal_host, callgear_host=connection.callgear_host)
    store.claim_account(read_account(connection.callgear))
    proof = prove_update(
        connection.callgear,
        callgear_id,
        facts=stored_facts(store),
        keep=partial(store_facts, store),
        now=connection.now,
    )
    if proof.safe:
        store.retry_updates()
    return proof
