"""The stored links, the person and the doubles of each, and the creates announced before they are sent (R18)."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime

from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.audit.history import HistorySpec, replace
from b24_pipeline.audit.runs import CurrentRun
from b24_pipeline.audit.storage.column_types import column_list, from_arrow, sql_columns, table_of, to_arrow
from b24_pipeline.audit.storage.database import Database
from b24_pipeline.audit.storage.exceptions import NotLinked
from b24_pipeline.rules.duplicates import Duplicate
from b24_pipeline.rules.models import ERASED

_IDS = {"bitrix24_id": int}
_WRITTEN = {"bitrix24_id": int, "callgear_id": int, "linked_by": str, "has_ended": bool}
_PAIRS = {"bitrix24_id": int, "callgear_id": int, "other_callgear_id": int}
_IDENTITIES = HistorySpec("identities", tuple(sql_columns(schemas.Identities)))


@dataclass(frozen=True, slots=True)
class Approver:
    """The person who approves, and the comment; a name of None is not known."""

    name: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class LinkWritten:
    """A link to store; `linked_by` is create, email, rehire or approval."""

    bitrix24_id: int
    callgear_id: int
    linked_by: str


def live_links(database: Database) -> DataFrame[schemas.Links]:
    """The live links, with the names each user had when it was seen last."""
    return from_arrow(schemas.Links, database.table("live_links"))


def people_imported(database: Database) -> int:
    return int(database.value("people_imported"))


def employees_linked_since_read(database: Database) -> list[int]:
    """The employees of live links that the account's newest frame lacks, because the import created them afterward."""
    return database.column("employees_linked_since_read")


def ever_linked(database: Database) -> frozenset[int]:
    return frozenset(database.column("ever_linked"))


def linked(database: Database) -> frozenset[int]:
    return frozenset(database.column("linked"))


def put_links(database: Database, run: CurrentRun, written: Sequence[LinkWritten], *, at: datetime) -> None:
    """Store links: each ends the former link of its user and of its employee, and settles the user's announced create.

    Where two of `written` name one user or one employee, the later one holds; the earlier is stored as ended.
    """
    users, employees, rows = set[int](), set[int](), []
    for link in reversed(written):
        rows.append((*astuple(link), link.bitrix24_id in users or link.callgear_id in employees))
        users.add(link.bitrix24_id)
        employees.add(link.callgear_id)
    with database.transaction(), database.incoming(table_of(_WRITTEN, reversed(rows))):
        database.execute("end_links", {"run": run.number, "at": run.started_at})
        database.execute("add_links", {"run": run.number, "run_id": run.run_id, "at": run.started_at, "linked_at": at})
        database.execute("drop_identities")
        database.execute("add_identities")
        database.execute("drop_pending_creates")
        database.execute("finish_links")


def unfinished_links(database: Database) -> frozenset[int]:
    """The users whose link by e-mail is stored, and whose employee is not as it shall be yet (R09a)."""
    return frozenset(database.column("unfinished_links"))


def put_unfinished_links(database: Database, run: CurrentRun, users: Collection[int]) -> None:
    """Store that the employees of these users' live links are still to get last name and phones (R09a)."""
    if not users:
        return
    with database.transaction(), database.incoming(table_of(_IDS, [(user,) for user in users])):
        database.execute("finish_links")
        database.execute("add_unfinished_links", {"run_id": run.run_id})


def finish_links(database: Database, bitrix24_ids: Collection[int]) -> None:
    """Note that the employees of these users' links are as they shall be."""
    if not bitrix24_ids:
        return
    with database.transaction(), database.incoming(table_of(_IDS, [(user,) for user in bitrix24_ids])):
        database.execute("finish_links")


def unlink(database: Database, users: Sequence[int], by: Approver, *, at: datetime) -> list[int]:
    """End the live links of these users, all or none; gives the CallGear ids of their employees.

    Raises:
        NotLinked: one of them has no live link.
    """
    employees = [database.value("live_link", {"bitrix24_id": user}) for user in users]
    strangers = [str(user) for user, employee in zip(users, employees, strict=True) if employee is None]
    if strangers:
        none_has = "user {} has" if len(strangers) == 1 else "users {} have"
        raise NotLinked(f"No link was ended: Bitrix24 {none_has.format(', '.join(strangers))} none.")
    with database.transaction():
        for user in users:
            which = {"bitrix24_id": user, "at": at, "by": by.name, "comment": by.comment or None}
            database.execute("unlink", which)
    return [int(employee) for employee in employees]


def pending_creates(database: Database) -> DataFrame[schemas.PendingCreates]:
    """The creates whose outcome is not known."""
    columns = column_list(sql_columns(schemas.PendingCreates))
    return schemas.from_records(schemas.PendingCreates, database.records("pending_creates", columns=columns))


def created_since(database: Database, since: datetime) -> dict[int, int]:
    """The employees that were created since then and are still linked, each with its user."""
    return {row["callgear_id"]: row["bitrix24_id"] for row in database.records("created_since", {"since": since})}


def creates_in_doubt_until(database: Database, now: datetime) -> datetime | None:
    """Return until when a create whose outcome is not known may have been sent; none when there is no such create."""
    sent_until: datetime | None = database.value("creates_in_doubt_until", {"now": now})
    return sent_until


def announce_creates(database: Database, run: CurrentRun, announced: Sequence[tuple[int, str]]) -> None:
    """Store that these (user, e-mail) are about to be created; must be on the disk before the create is sent (R18)."""
    with database.transaction(), database.incoming(table_of({"bitrix24_id": int, "email": str}, announced)):
        database.execute("drop_pending_creates")
        database.execute("add_pending_creates", {"run_id": run.run_id})


def clear_pending_creates(database: Database, bitrix24_ids: Iterable[int]) -> None:
    """Forget the announced creates of these users: they are known to have happened, or not to have."""
    with database.transaction(), database.incoming(table_of(_IDS, [(user,) for user in bitrix24_ids])):
        database.execute("drop_pending_creates")


def identities(database: Database) -> DataFrame[schemas.Identities]:
    """The accepted person of every live link; of whom nothing is known, erased texts."""
    return from_arrow(schemas.Identities, database.table("identities", {"unknown": ERASED}))


def changed_identities(database: Database) -> frozenset[int]:
    """The linked users who seem to be another person, and whom nobody has approved (R07a)."""
    return frozenset(database.column("changed_identities"))


def put_identities(database: Database, frame: DataFrame[schemas.Identities]) -> None:
    replace(database, _IDENTITIES, to_arrow(schemas.Identities, frame))


def identities_of_run(database: Database, run_id: str) -> frozenset[int]:
    """The users whom this run has seen as another person, and who are so still."""
    return frozenset(database.column("identities_of_run", {"run_id": run_id}))


def accept_identities(database: Database, run_id: str, users: Sequence[int]) -> None:
    """Let the links of these users belong to the persons whom the run has seen, from now on."""
    database.execute("accept_identities", {"run_id": run_id, "users": list(users)})


def open_duplicates(database: Database) -> list[Duplicate]:
    """Return the doubles that no person has resolved yet."""
    return [Duplicate(**row) for row in database.records("open_duplicates", columns=column_list(_PAIRS))]


def put_duplicates(database: Database, run: CurrentRun, found: Collection[Duplicate], *, at: datetime) -> None:
    """Note pairs that were found; one that is known, settled or not, stays as it is."""
    if not found:
        return
    with database.transaction(), database.incoming(table_of(_PAIRS, map(astuple, found))):
        database.execute("add_duplicates", {"run_id": run.run_id, "found_at": at})


def resolve_duplicates(database: Database, *, by: str | None, now: datetime) -> list[Duplicate]:
    """Note that a person has settled all that is open; gives what that was."""
    with database.transaction():
        resolved = open_duplicates(database)
        database.execute("resolve_duplicates", {"now": now, "by": by})
    return resolved
