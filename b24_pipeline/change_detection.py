"""Change detection (R17): one request to the portal, compared with what the last import read."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace

from b24_pipeline import audit, schemas
from b24_pipeline.audit import Paths, Store
from b24_pipeline.audit.storage.exceptions import DatabaseMissing
from b24_pipeline.bitrix24.client import Bitrix24
from b24_pipeline.bitrix24.exceptions import Bitrix24Error, TransportError
from b24_pipeline.bitrix24.polling import LastSnapshot, poll_changes
from b24_pipeline.connection import SYSTEM_CLOCK, Timing, portal_client, service_http, utc_now
from b24_pipeline.settings import Settings

TICK_SECONDS = 45.0
"""How long one tick may take, waits included."""
ROUNDING = 1.0
"""The deadline and the connection's time-out are measured by two clocks."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """The state of the sensor between ticks."""

    window_from: int = 0
    """Where the rotating check of all users continues."""
    requested: str = ""
    """The differences a run was last requested for. They are not requested again: the schedule retries them."""

    @classmethod
    def from_json(cls, text: str | None) -> "Cursor":
        """Read the text that Dagster stored; fields that are damaged or of another version get their defaults."""
        try:
            stored = dict(json.loads(text or "{}"))
        except (ValueError, TypeError):
            return cls()
        types = {field.name: type(field.default) for field in fields(cls)}
        return cls(**{name: stored[name] for name, kind in types.items() if type(stored.get(name)) is kind})


@dataclass(frozen=True, slots=True)
class TickResult:
    run_wanted: bool
    message: str
    cursor: str


def poll_portal(settings: Settings, *, cursor: str | None, timing: Timing = SYSTEM_CLOCK) -> TickResult:
    """Poll the portal once, within 45 seconds: Dagster ends a tick after 60, without an error of ours.

    Raises:
        Bitrix24Error: the portal could not be polled.
        StoreError: the database cannot be read now.
        SettingsError: the CA bundle cannot be read.
    """
    with service_http(settings) as http:
        client = portal_client(settings, timing, http=http, seconds=TICK_SECONDS)
        return poll_once(client, known_users(settings.paths), cursor=cursor, clock=timing.unix)


def poll_once(client: Bitrix24, known: LastSnapshot, *, cursor: str | None, clock: Callable[[], float]) -> TickResult:
    """Compare the portal with the known users, and want a run if no run was requested for the differences yet.

    Raises:
        Bitrix24Error: the portal could not be polled.
    """
    before, started = Cursor.from_json(cursor), clock()
    try:
        poll = poll_changes(client, snapshot=known, window_from=before.window_from)
    except Bitrix24Error as error:
        if clock() - started < TICK_SECONDS - ROUNDING:
            raise
        raise TransportError(f"gave up after {TICK_SECONDS:g} seconds: {error}") from None
    difference = poll.digest if poll.changed else ""
    after = replace(before, window_from=poll.next_window_from, requested=difference)
    asked_for = poll.changed and difference == before.requested
    note = ": already requested; the next scheduled run will retry" if asked_for else ""
    return TickResult(poll.changed and not asked_for, f"{poll.message}{note}", json.dumps(asdict(after)))


def known_users(paths: Paths) -> LastSnapshot:
    """Return the users as read by the last import that got as far as writing, and those whose edits need no run.

    What dry runs, single-person runs and partial runs have read was not acted upon, so a run is still requested for it.
    Linked users need no run, nor do erased ones: what is stored of them differs from the portal, and the schedule
    handles them.
    """
    users, ignored = schemas.empty_frame(schemas.Users), set[int]()
    try:
        with Store.reader(paths, now=utc_now) as database:
            ignored.update(audit.links.live_links(database)["bitrix24_id"])
            ignored |= audit.suppression.erased_people(database).users
            if past := audit.runs.last_import(database):
                users = audit.history.snapshot(database, schemas.Users, past.run_id)
    except DatabaseMissing:
        pass
    return LastSnapshot.of(users, linked=ignored)
