"""Employees that became double because somebody else imports into the account, until a person settles it (R16b)."""

from collections.abc import Collection
from datetime import datetime

from b24_pipeline.audit.column_types import column_list, table_of
from b24_pipeline.audit.database import Database
from b24_pipeline.audit.runs import CurrentRun
from b24_pipeline.rules.duplicates import Duplicate

_PAIRS = {"bitrix24_id": int, "callgear_id": int, "other_callgear_id": int}


def open_duplicates(database: Database) -> list[Duplicate]:
    """What no person has settled yet."""
    return [Duplicate(**row) for row in database.records("open_duplicates", columns=column_list(_PAIRS))]


def put_duplicates(database: Database, run: CurrentRun, found: Collection[Duplicate], *, at: datetime) -> None:
    """Note pairs that were found; one that is known, settled or not, stays as it is."""
    rows = table_of(_PAIRS, [(pair.bitrix24_id, pair.callgear_id, pair.other_callgear_id) for pair in found])
    with database.transaction(), database.seen(rows):
        database.execute("add_duplicates", {"run_id": run.run_id, "found_at": at})


def resolve_duplicates(database: Database, *, by: str | None, now: datetime) -> list[Duplicate]:
    """Note that a person has settled all that is open; gives what that was."""
    with database.transaction():
        resolved = open_duplicates(database)
        database.execute("resolve_duplicates", {"now": now, "by": by})
    return resolved
