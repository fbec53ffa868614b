"""R16b: before a run's first write it is made sure that the account is the one that was imported into before."""

from b24_pipeline.callgear.account import read_account
from b24_pipeline.sync.run import ImportRun


def confirm_account(run: ImportRun) -> None:
    """Ask once a run which account answers; the first one that is written to is remembered.

    Raises:
        DatabaseOfAnotherConnection: another account than before: nothing may be written.
        CallGearError: it could not be asked.
    """
    if run.account_confirmed:
        return
    run.store.bind_account(read_account(run.connection.callgear))
    run.account_confirmed = True
