"""The timeline of one person, read from the database: what was seen, decided, sent and answered, newest first."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from b24_pipeline import schemas
from b24_pipeline.audit.erasure import users_named
from b24_pipeline.audit.schema import HISTORIES
from b24_pipeline.audit.storage.database import Database
from b24_pipeline.reporting import timeline_text as words
from b24_pipeline.reporting.timeline_text import UNLINKED

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """One thing that happened, in plain words; `run_id` is None where the run is deleted already."""

    at: datetime
    run_id: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """Everything known of one Bitrix24 user."""

    bitrix24_id: int
    person: str
    """The name and e-mail address, as far as they are known."""
    now: str
    """One sentence: whether the person is in CallGear, and why or why not."""
    events: tuple[TimelineEvent, ...]
    """Newest first."""


def explain(database: Database, id_or_email: str) -> tuple[Timeline, ...]:
    """The timelines of the users of that id or e-mail address, now or ever; several may have had one address."""
    return tuple(timeline_of(database, user) for user in users_named(database, id_or_email))


def timeline_of(database: Database, user: int) -> Timeline:
    seen = _history(database, "bitrix24_users", user)
    matches = _history(database, "employee_matches", user)
    links = _history(database, "links", user)
    open_actions = _history(database, "open_actions", user)
    now = words.now(
        seen=_last(seen),
        match=_last(matches),
        link=links[-1] if links else None,
        employee_is_gone=bool(links) and _is_gone(database, links[-1]),
        outcome_unknown=bool(_of_table(database, "pending_creates", user)),
    )
    events = [
        *_changes(seen, words.USER),
        *(event for link in links for event in _changes(_employee_of(database, link), words.EMPLOYEE)),
        *_changes(_history(database, "employees", user), words.ELIGIBILITY),
        *_changes(matches, words.MATCH),
        *_open_actions(open_actions),
        *(
            TimelineEvent(row["at"] or row["started_at"], row["run_id"], words.done(row))
            for row in database.records("timeline_events", {"id": user})
        ),
        *_links(links),
        *_changes(_history(database, "responsible_employees", user), words.RESPONSIBLE),
    ]
    in_order = sorted(dict.fromkeys(events), key=lambda event: event.at)
    return Timeline(
        bitrix24_id=user,
        person=words.person(seen[-1]) if seen else words.NOT_SEEN,
        now=f"{now}{words.outstanding(open_actions, _of_table(database, 'dead_letters', user))}.",
        events=tuple(reversed(in_order)),
    )


def _history(database: Database, table: str, number: int, *, key: str = "bitrix24_id") -> list[Row]:
    return [*database.records("timeline_rows", {"id": number}, table=table, key=key)]


def _of_table(database: Database, table: str, user: int) -> list[Row]:
    return [*database.records("timeline_of_table", {"id": user}, table=table)]


def _employee_of(database: Database, link: Row) -> list[Row]:
    """The employee's history as far as it is this user's: what comes after the link is another person's."""
    found = _history(database, "callgear_employees", link["callgear_id"], key="callgear_id")
    rows = [words.with_numbers(row) for row in found]
    if link["valid_to_run"] is None:
        return rows
    own = [row for row in rows if row["valid_from_run"] < link["valid_to_run"]]
    return [row if (row["valid_to_run"] or 0) <= link["valid_to_run"] else {**row, "valid_to_run": None} for row in own]


def _is_gone(database: Database, link: Row) -> bool:
    """Return whether a run after the link was made has read the account, and the employee was not in it (R08)."""
    read_in = database.value("last_recording", {"what": HISTORIES[schemas.CallGearEmployees]})
    return read_in is not None and read_in > link["valid_from_run"] and _last(_employee_of(database, link)) is None


def _last(rows: list[Row]) -> Row | None:
    return rows[-1] if rows and rows[-1]["valid_to_run"] is None else None


def _changes(rows: list[Row], subject: words.Subject) -> Iterator[TimelineEvent]:
    """A history as events: there since, changed, gone, back."""
    for row in rows[:1]:
        yield _began(row, subject.first(row))
    for before, after in pairwise(rows):
        if before["valid_to_run"] == after["valid_from_run"]:
            text = subject.changed(before, after)
            if text:
                yield _began(after, text)
        else:
            yield from _ended(before, subject.gone(before))
            yield _began(after, subject.back(after))
    if rows and rows[-1]["valid_to_run"] is not None:
        yield from _ended(rows[-1], subject.gone(rows[-1]))


def _links(rows: list[Row]) -> Iterator[TimelineEvent]:
    for row in rows:
        yield TimelineEvent(row["linked_at"], row["run_id"], words.linked(row))
        if row["valid_to_run"] is not None:
            by_hand = {"valid_to_run_id": None} if row["end_reason"] == UNLINKED else {}
            yield from _ended({**row, **by_hand}, words.unlinked(row))


def _open_actions(rows: list[Row]) -> Iterator[TimelineEvent]:
    for row in rows:
        yield _began(row, words.stands(row))
        if row["valid_to_run"] is not None:
            yield from _ended(row, f"no longer {words.open_action(row)}")


def _began(row: Row, text: str) -> TimelineEvent:
    return TimelineEvent(row["valid_from"], row["valid_from_run_id"], text)


def _ended(row: Row, text: str) -> Iterator[TimelineEvent]:
    """Its end; none where the first layout of the database has lost the time of it."""
    if row["valid_to"] is not None:
        yield TimelineEvent(row["valid_to"], row["valid_to_run_id"], text)
