"""Change detection of many connections (R17): all portals in one tick, with what is kept of them between ticks."""

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace

import httpx

from b24_pipeline import settings
from b24_pipeline.audit import StoreError
from b24_pipeline.audit.storage.changes import ChangeMark, change_marks
from b24_pipeline.bitrix24.exceptions import Bitrix24Error
from b24_pipeline.bitrix24.polling import LastSnapshot
from b24_pipeline.change_detection import TICK_SECONDS, TickResult, known_users, poll_once
from b24_pipeline.connection import SYSTEM_CLOCK, Timing, portal_client, service_http
from b24_pipeline.file_stamp import Stamp
from b24_pipeline.settings import Connections, Settings, SettingsError

THREADS = 32
"""So many portals are asked at once: nearly all of the time is waiting for their answers."""
UNREAD = object()
NOBODY = LastSnapshot({}, frozenset())


@dataclass(frozen=True, slots=True)
class Portal:
    """What is kept of one connection: settings and client until its files change, users until its database does."""

    of_settings: tuple[Stamp, ...]
    settings: Settings
    http: httpx.Client
    of_database: ChangeMark = UNREAD
    users: LastSnapshot = NOBODY


@dataclass(frozen=True, slots=True)
class RoundResult:
    """The findings of one tick by connection, and one line for each that could not be polled."""

    found: Mapping[str, TickResult]
    problems: tuple[str, ...]
    cursor: str


class Portals:
    """All portals of a folder, for as long as the process lasts."""

    def __init__(self, folder: Connections, timing: Timing = SYSTEM_CLOCK) -> None:
        self._folder = folder
        self._timing = timing
        self._kept: dict[str, Portal] = {}

    def poll(self, keys: tuple[str, ...], *, cursor: str | None, seconds: float = TICK_SECONDS) -> RoundResult:
        """Poll these portals side by side, and name who has not answered in time; others keep their cursors."""
        before = cursors_of(cursor)
        for key in self._kept.keys() - set(self._folder.keys):
            self.forget(key)
        ready = self._ready(keys)  # in this thread: 32 that read databases keep 60 MB
        pool = ThreadPoolExecutor(THREADS)
        jobs = {
            key: pool.submit(self._poll, key, portal, before.get(key))
            for key, portal in ready.items()
            if isinstance(portal, Portal)
        }
        wait(jobs.values(), timeout=seconds)
        pool.shutdown(wait=False, cancel_futures=True)
        found: dict[str, TickResult] = {}
        problems = []
        for key, portal in ready.items():
            result: TickResult | str = portal if isinstance(portal, str) else "not polled in time"
            if key in jobs and jobs[key].done() and not jobs[key].cancelled():
                result = jobs[key].result()
            if isinstance(result, TickResult):
                found[key] = result
            else:
                problems.append(f"{key}: {result}")
        known = {key: text for key, text in before.items() if key in self._folder.keys}
        after = known | {key: result.cursor for key, result in found.items()}
        return RoundResult(found, tuple(problems), json.dumps(after))

    def forget(self, key: str) -> None:
        """Keep nothing of a portal any longer."""
        if kept := self._kept.pop(key, None):
            kept.http.close()

    def _ready(self, keys: Iterable[str]) -> dict[str, Portal | str]:
        """Return each portal, kept or made anew, or why it cannot be polled."""
        opened = {key: self._opened(key) for key in keys}
        marks = change_marks(portal.settings.paths for portal in opened.values() if isinstance(portal, Portal))
        for key, portal in opened.items():
            if isinstance(portal, str) or portal.of_database == marks[portal.settings.paths]:
                continue
            try:
                users = known_users(portal.settings.paths)
            except StoreError as error:
                self.forget(key)
                opened[key] = str(error)
            else:
                mark = marks[portal.settings.paths]
                opened[key] = self._kept[key] = replace(portal, of_database=mark, users=users)
        return opened

    def _opened(self, key: str) -> Portal | str:
        """Return the portal with its settings and client, or why these cannot be used."""
        kept, of_settings = self._kept.get(key), self._folder.signature(key)
        if kept and kept.of_settings == of_settings:
            return kept
        self.forget(key)
        try:
            chosen = settings.load(key)
            self._kept[key] = Portal(of_settings, chosen, service_http(chosen))
        except SettingsError as error:
            return str(error)
        return self._kept[key]

    def _poll(self, key: str, portal: Portal, cursor: str | None) -> TickResult | str:
        """Poll one portal; return why it could not be polled."""
        try:
            client = portal_client(portal.settings, self._timing, http=portal.http, seconds=TICK_SECONDS)
            return poll_once(client, portal.users, cursor=cursor, clock=self._timing.unix)
        except Bitrix24Error as error:
            self.forget(key)  # a secret may have changed in a file of its own
            return str(error)


def cursors_of(text: str | None) -> dict[str, str]:
    """Return the cursor of each connection; of a damaged text none."""
    try:
        stored = dict(json.loads(text or "{}"))
    except (ValueError, TypeError):
        return {}
    return {str(key): value for key, value in stored.items() if isinstance(value, str)}
