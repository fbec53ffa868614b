"""What the sensor does in one tick (R17): one request to the portal, compared with what the last run saw."""

import json
from dataclasses import asdict, dataclass, replace

from b24_pipeline.bitrix24.changes import Poll, poll_changes
from b24_pipeline.bitrix24.known import KnownUsers
from b24_pipeline.connection import open_connection, utc_now
from b24_pipeline.rules import frames
from b24_pipeline.settings import Settings
from b24_pipeline.store import Paths, Store
from b24_pipeline.store.errors import DatabaseMissing


@dataclass(frozen=True, slots=True)
class Cursor:
    """What the sensor keeps between ticks."""

    window_from: int = 0
    """Where the rotating look at everybody goes on."""
    asked_for: str = ""
    """The differences a run was last asked for. The same ones are not asked for again: the schedule tries them."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The result of one tick."""

    run_wanted: bool
    words: str
    cursor: str


def look_for_changes(settings: Settings, *, cursor: str | None) -> Seen:
    """Poll the portal once.

    Raises:
        Bitrix24Error: the portal could not be asked.
        StoreError: the database cannot be read now.
    """
    before = Cursor(**json.loads(cursor)) if cursor else Cursor()
    with open_connection(settings) as connection:
        known = known_users(connection.paths)
        poll = poll_changes(connection.bitrix24, known=known, window_from=before.window_from)
    return decide(before, poll)


def known_users(paths: Paths) -> KnownUsers:
    """What the last run saw, and whose edits are nothing to us: the linked. Nobody before the first run.

    Nor are those of the forgotten: what is stored of them is not what the portal has, and the schedule sees to them.
    """
    try:
        with Store.reader(paths, now=utc_now) as store:
            settled = {*store.links()["bitrix24_id"], *store.forgotten().users}
            return KnownUsers.of(store.snapshot(frames.Users), linked=settled)
    except DatabaseMissing:
        return KnownUsers.of(frames.empty(frames.Users), linked=set())


def decide(before: Cursor, poll: Poll) -> Seen:
    """A run is wanted when there are differences that no run was asked for yet."""
    difference = poll.digest if poll.changed else ""
    after = replace(before, window_from=poll.next_window_from, asked_for=difference)
    if not difference:
        return Seen(run_wanted=False, words=poll.words, cursor=json.dumps(asdict(after)))
    if difference == before.asked_for:
        words = f"{poll.words}: a run was asked for already; the schedule tries again"
        return Seen(run_wanted=False, words=words, cursor=json.dumps(asdict(after)))
    return Seen(run_wanted=True, words=poll.words, cursor=json.dumps(asdict(after)))
