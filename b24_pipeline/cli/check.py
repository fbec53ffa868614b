"""`b24-pipeline check`: verify access to both systems, and with one employee what an update does to phones."""

from contextlib import closing
from functools import partial

from rich.console import Console

from b24_pipeline import audit, settings
from b24_pipeline.account import UNKNOWN_ACCOUNT, AccountIdentity
from b24_pipeline.audit import Paths, Store, StoreError
from b24_pipeline.audit.opening import check_published_file
from b24_pipeline.audit.storage import claims
from b24_pipeline.audit.storage.advisory_lock import Session
from b24_pipeline.audit.storage.exceptions import DatabaseMissing, LakeNotUsable, LockLost
from b24_pipeline.audit.storage.files import check_writable
from b24_pipeline.audit.storage.lock import connection_lock
from b24_pipeline.bitrix24.departments import check_departments
from b24_pipeline.bitrix24.health_check import check_bitrix24
from b24_pipeline.callgear.client import read_account
from b24_pipeline.callgear.health_check import check_callgear
from b24_pipeline.callgear.update_proof import NothingToProve, prove_update
from b24_pipeline.check_result import CheckResult
from b24_pipeline.cli.connections import for_each_connection
from b24_pipeline.cli.exit_codes import Exit
from b24_pipeline.cli.options import Place
from b24_pipeline.cli.output import result_line
from b24_pipeline.cli.sandbox import settings_of
from b24_pipeline.connection import Connection, open_connection, utc_now
from b24_pipeline.settings import SettingsError
from b24_pipeline.sync.handlers import load_capabilities, save_capabilities
from b24_pipeline.sync.run import account_host, notes_of_machine


def check(*, prove_update: int | None, place: Place, every: bool) -> Exit:
    if every:
        if prove_update is not None:
            raise SettingsError("--prove-update: needs the connection. Example: --connection acme")
        return for_each_connection(check_both)
    return check_both(place) if prove_update is None else prove(prove_update, place)


def check_both(place: Place) -> Exit:
    console = Console(highlight=False)
    with settings_of(place) as chosen, open_connection(chosen, key=place.connection) as connection:
        wanted = chosen.include_departments | chosen.exclude_departments
        checks: list[CheckResult] = [
            *check_bitrix24(connection.bitrix24),
            *([check_departments(connection.bitrix24, wanted=wanted)] if wanted else []),
            *check_callgear(
                connection.callgear,
                expected=known_account(connection.paths),
                refused=partial(claimed_by_another, connection),
            ),
            CheckResult.of("audit database", partial(can_be_used, connection.paths), failure=StoreError),
        ]
    for found in checks:
        console.print(result_line(found.name, passed=found.passed, text=found.text), soft_wrap=True)
    return Exit.DONE if all(found.passed for found in checks) else Exit.FAILED


def can_be_used(paths: Paths) -> tuple[bool, str]:
    """Return that a run can use the database, and where that is.

    Raises:
        StoreError: it cannot.
    """
    check_writable(paths)
    if paths.lake is None:
        check_published_file(paths)
    try:
        with Store.reader(paths, now=utc_now):
            return True, f"{paths.lake or paths.published} can be read and written"
    except DatabaseMissing:
        return True, f"{paths.lake or paths.published} will be made by the first run"


def known_account(paths: Paths) -> AccountIdentity:
    """Return the account that the database belongs to; without a readable database any account is right."""
    try:
        with Store.reader(paths, now=utc_now) as database:
            return audit.metadata.account(database)
    except StoreError:
        return UNKNOWN_ACCOUNT


def claimed_by_another(connection: Connection, account: AccountIdentity) -> str | None:
    """Return why this connection may not import into an account, where it is noted that another one does (R16b)."""
    folder, key, lake = settings.connections(), connection.key, connection.paths.lake
    if folder is None or key is None or not account.app_id:
        return None
    host = account_host(connection)
    if lake is None:
        owner = claims.owner_of_account(notes_of_machine(connection), account, host=host)
    else:
        try:
            with closing(Session(lake, name="b24-pipeline check")) as session:
                owner = claims.owner_of_account(session, account, host=host)
        except (LakeNotUsable, LockLost):  # Postgres cannot say
            return None
    if owner in (None, key) or owner not in folder.keys:
        return None
    return claims.refusal(account, owner=owner, key=key, keys=folder.keys)


def prove(callgear_id: int, place: Place) -> Exit:
    """Print in one line what an update that changes nothing did to this employee, in the account of this database.

    If updates are safe, the next run does those that wait for this.

    Raises:
        SettingsError: there is no such employee, or it has nothing that could get lost.
        RunInProgress: another run is active.
        StoreError: the database cannot be used, or belongs to another portal or account.
        CallGearError: the account refuses, or does not answer.
    """
    with (
        settings_of(place) as chosen,
        open_connection(chosen, key=place.connection) as connection,
        connection_lock(connection.paths, owner="b24-pipeline check --prove-update", now=connection.now()),
        Store.open(connection.paths, now=connection.now) as store,
    ):
        audit.metadata.bind(store.database, portal_host=connection.portal_host, callgear_host=connection.callgear_host)
        audit.metadata.bind_account(store.database, read_account(connection.callgear))
        try:
            proof = prove_update(
                connection.callgear,
                callgear_id,
                capabilities=load_capabilities(store.database),
                save=partial(save_capabilities, store.database),
                now=connection.now,
            )
        except NothingToProve as nothing:
            raise SettingsError(f"--prove-update: {nothing}") from None
        if proof.safe:
            audit.actions.retry_updates(store.database, now=connection.now())
        store.publish()
    Console(highlight=False).print(result_line("CallGear updates", passed=proof.safe, text=str(proof)), soft_wrap=True)
    return Exit.DONE if proof.safe else Exit.FAILED
