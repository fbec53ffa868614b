"""Retention: actions, ended rows and runs go after a while; links never do, and the file shrinks."""

import logging
from datetime import datetime, timedelta

from b24_pipeline import schemas
from b24_pipeline.audit.runs import end_first_import, first_import
from b24_pipeline.audit.schema import HISTORIES
from b24_pipeline.audit.storage.column_types import column_list, personal_columns
from b24_pipeline.audit.storage.database import Database
from b24_pipeline.audit.storage.exceptions import NotUploaded, PublishedFileMounted
from b24_pipeline.audit.storage.files import Paths
from b24_pipeline.audit.store import Store
from b24_pipeline.rules.models import ERASED

log = logging.getLogger(__name__)

KEEP_DAYS = 400

_EXPIRING = (*(table for model, table in HISTORIES.items() if model is not schemas.Users), "open_actions")
_OF_LEAVERS = tuple(name for name in personal_columns(schemas.Users) if name != "last_name")


def apply_retention(paths: Paths, keep_days: int = KEEP_DAYS, *, now: datetime) -> int:
    """Delete what is older than `keep_days`, compact the file and publish it.

    Every run that is kept can still be shown exactly as it was. Links stay, and of every linked user who is gone the
    last name that was known last (R09), and nothing else. The newest run always stays. Where people's copy cannot be
    replaced, that is logged only: each run tries again. Returns how many runs were deleted.

    Raises:
        StoreError: the database cannot be used.
    """
    with Store.open(paths, now=lambda: now) as store:
        deleted = expire(store.database, since=now - timedelta(days=keep_days))
        store.compact()
        try:
            store.publish()
        except (PublishedFileMounted, NotUploaded) as error:
            log.warning("%s", error)
    return deleted


def expire(database: Database, *, since: datetime) -> int:
    """Delete what no run begun since then needs; gives the number of runs deleted."""
    oldest = database.value("oldest_kept_run", {"since": since})
    if oldest is None:
        return 0
    kept = {"oldest": oldest}
    before = int(database.value("row_count", table="runs"))
    with database.transaction():
        if not first_import(database):  # the runs that prove it are about to be deleted
            end_first_import(database)
        database.execute("expire_users", kept)
        blanked = ", ".join(f'"{name}" = NULL' for name in _OF_LEAVERS)
        database.execute("blank_leavers", kept, blanked=blanked, columns=column_list(_OF_LEAVERS))
        database.execute("blank_identities", {**kept, "erased": ERASED})
        for table in _EXPIRING:
            database.execute("expire_rows", kept, table=table)
        for table in ("events", "run_steps"):
            database.execute("expire_of_runs", kept, table=table)
        database.execute("expire_runs", kept)
        database.execute("expire_pending_creates")
        database.execute("expire_approvals")
    return before - int(database.value("row_count", table="runs"))
