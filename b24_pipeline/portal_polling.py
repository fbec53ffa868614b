"""Change detection of many connections (R17): all portals in one tick, with what is kept of them between ticks."""

import json
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import httpx

from b24_pipeline import settings
from b24_pipeline.audit import StoreError
from b24_pipeline.audit.storage.files import stamps
from b24_pipeline.bitrix24.exceptions import Bitrix24Error
from b24_pipeline.bitrix24.polling import LastSnapshot
from b24_pipeline.change_detection import TICK_SECONDS, TickResult, known_users, poll_once
from b24_pipeline.connection import SYSTEM_CLOCK, Timing, portal_client, service_http
from b24_pipeline.file_stamp import Stamp
from b24_pipeline.settings import Connections, Settings, SettingsError

THREADS = 32
"""So many portals are asked at once: nearly all of the time is waiting for their answers."""
Stamps = tuple[Stamp, ...]


@dataclass(frozen=True, slots=True)
class Portal:
    """What is kept of one connection: settings and client until its files change, users until its database does."""

    of_settings: Stamps
    settings: Settings
    http: httpx.Client
    of_database: Stamps
    users: LastSnapshot


@dataclass(frozen=True, slots=True)
class RoundResult:
    """The findings of one tick by connection, and one line for each that could not be polled."""

    found: Mapping[str, TickResult]
    problems: tuple[str, ...]
    cursor: str


class Portals:
    """All portals of a folder, for as long as the process lasts.

    Args:
        folder: their settings.
        timing: how the time passes.
    """

    def __init__(self, folder: Connections, timing: Timing = SYSTEM_CLOCK) -> None:
        self._folder = folder
        self._timing = timing
        self._kept: dict[str, Portal] = {}

    def poll(self, keys: tuple[str, ...], *, cursor: str | None, seconds: float = TICK_SECONDS) -> RoundResult:
        """Poll these portals side by side; who has not answered in time is named.

        Args:
            keys: the connections to poll; the others keep their place in the cursor.
            cursor: what the tick before returned.
            seconds: how long all of it may take.
        """
        before = cursors_of(cursor)
        for key in self._kept.keys() - set(self._folder.keys):
            self.forget(key)
        ready = {key: self._ready(key) for key in keys}  # in this thread: 32 that read databases keep 60 MB
        pool = ThreadPoolExecutor(THREADS)
        jobs = {
            key: pool.submit(self._poll, key, portal, before.get(key))
            for key, portal in ready.items()
            if isinstance(portal, Portal)
        }
        wait(jobs.values(), timeout=seconds)
        pool.shutdown(wait=False, cancel_futures=True)
        results = {key: result_of(jobs[key]) if key in jobs else problem for key, problem in ready.items()}
        found = {key: result for key, result in results.items() if isinstance(result, TickResult)}
        problems = [f"{key}: {result}" for key, result in results.items() if key not in found]
        known = {key: text for key, text in before.items() if key in self._folder.keys}
        after = known | {key: result.cursor for key, result in found.items()}
        return RoundResult(found, tuple(problems), json.dumps(after))

    def forget(self, key: str) -> None:
        """Keep nothing of a portal any longer."""
        if kept := self._kept.pop(key, None):
            kept.http.close()

    def _ready(self, key: str) -> Portal | str:
        """Return the portal, kept or made anew, or why it cannot be polled."""
        try:
            self._kept[key] = self._portal(key)
        except (StoreError, SettingsError) as error:
            self.forget(key)
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

    def _portal(self, key: str) -> Portal:
        kept, of_settings = self._kept.get(key), self._folder.signature(key)
        if kept is None or kept.of_settings != of_settings:
            self.forget(key)
            kept, chosen = None, settings.load(key)
            http = service_http(chosen)
        else:
            chosen, http = kept.settings, kept.http
        paths = chosen.paths
        of_database = stamps(paths)
        is_kept = kept is not None and kept.of_database == of_database and paths.lake is None  # others write a lake
        users = kept.users if kept and is_kept else known_users(paths)
        return Portal(of_settings, chosen, http, of_database, users)


def result_of(job: "Future[TickResult | str]") -> TickResult | str:
    """Return what a poll found, or why it found nothing."""
    return job.result() if job.done() and not job.cancelled() else "not polled in time"


def cursors_of(text: str | None) -> dict[str, str]:
    """Return the cursor of each connection; of a damaged text none."""
    try:
        stored = json.loads(text or "{}")
    except ValueError:
        return {}
    return (
        {str(key): value for key, value in stored.items() if isinstance(value, str)} if isinstance(stored, dict) else {}
    )
