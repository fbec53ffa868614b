"""What the sensor does in one tick (R17): one request to the portal, compared with what the last import saw."""

import json
from dataclasses import asdict, dataclass, fields, replace

from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.audit import Paths, Reader, Store
from b24_pipeline.audit.exceptions import DatabaseMissing
from b24_pipeline.bitrix24.exceptions import Bitrix24Error, TransportFault
from b24_pipeline.bitrix24.polling import Poll, poll_changes
from b24_pipeline.bitrix24.snapshot_diff import KnownUsers
from b24_pipeline.connection import MACHINE_TIME, Timing, open_connection, utc_now
from b24_pipeline.settings import Settings

TICK_SECONDS = 45.0
"""How long one tick may take, with everything that it waits for."""
ROUNDING = 1.0
"""Two clocks measure a tick: that of its deadline, and that of the connection's time-out."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """What the sensor keeps between ticks."""

    window_from: int = 0
    """Where the rotating look at everybody goes on."""
    asked_for: str = ""
    """The differences a run was last asked for. The same ones are not asked for again: the schedule tries them."""

    @classmethod
    def of(cls, text: str | None) -> "Cursor":
        """From the text that Dagster kept. What is broken in it, or of another version, is as if it were not there."""
        try:
            kept = json.loads(text or "{}")
        except ValueError:
            return cls()
        known = {field.name: type(field.default) for field in fields(cls)}
        if not isinstance(kept, dict):
            return cls()
        return cls(**{name: kept[name] for name, kind in known.items() if type(kept.get(name)) is kind})


@dataclass(frozen=True, slots=True)
class Seen:
    """The result of one tick."""

    run_wanted: bool
    words: str
    cursor: str


def look_for_changes(settings: Settings, *, cursor: str | None, timing: Timing = MACHINE_TIME) -> Seen:
    """Poll the portal once, within 45 seconds: Dagster ends a tick after 60, without a word of ours.

    Raises:
        Bitrix24Error: the portal could not be asked.
        StoreError: the database cannot be read now.
        SettingsError: the CA bundle cannot be read.
    """
    before, started = Cursor.of(cursor), timing.unix()
    try:
        with open_connection(settings, timing, seconds=TICK_SECONDS) as connection:
            known = known_users(connection.paths)
            poll = poll_changes(connection.bitrix24, known=known, window_from=before.window_from)
    except Bitrix24Error as error:
        if timing.unix() - started < TICK_SECONDS - ROUNDING:
            raise
        raise TransportFault(f"gave up after {TICK_SECONDS:g} seconds: {error}") from None
    return decide(before, poll)


def known_users(paths: Paths) -> KnownUsers:
    """What the last import saw, and whose edits are nothing to us: the linked. Nobody before the first one.

    Nor are those of the forgotten: what is stored of them is not what the portal has, and the schedule sees to them.
    """
    try:
        with Store.reader(paths, now=utc_now) as store:
            settled = {*store.links()["bitrix24_id"], *store.forgotten().users}
            return KnownUsers.of(seen_by_last_import(store), linked=settled)
    except DatabaseMissing:
        return KnownUsers.of(schemas.empty(schemas.Users), linked=set())


def seen_by_last_import(store: Reader) -> DataFrame[schemas.Users]:
    """The users as the last run saw them that was for everybody and for real, and got as far as writing.

    What a dry run saw, or one for some people or of single assets, was not acted upon: it is still to be asked for.
    """
    past = store.last_import()
    return store.snapshot(schemas.Users, past.run_id) if past else schemas.empty(schemas.Users)


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
