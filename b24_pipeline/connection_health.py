"""The state of many connections for alerts: each audit is read again when it has changed, or may have become stale."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from b24_pipeline import settings
from b24_pipeline.alerts.notify import UNNAMED, FirstSeen, Memory, StatusReport, judge
from b24_pipeline.audit import Paths
from b24_pipeline.audit.health import Failure
from b24_pipeline.audit.storage.changes import change_marks
from b24_pipeline.file_stamp import Stamp
from b24_pipeline.overview import bad_settings
from b24_pipeline.settings import Connections, SettingsError

JUDGED_AGAIN_AFTER = timedelta(minutes=5)
LostRuns = Mapping[str, tuple[str, Callable[[], Failure | None]]]
"""The newest failed run of a connection as Dagster knows it: its id, and what it says, which takes a query."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The state of one connection, and what it was judged by."""

    by: tuple[object, ...]
    at: datetime
    report: StatusReport
    of_settings: tuple[Stamp, ...]
    place: Paths | SettingsError


class ConnectionHealth:
    """The states of a folder of connections, for as long as the process lasts."""

    def __init__(self, folder: Connections) -> None:
        self._folder = folder
        self._judged: dict[str, Judged] = {}

    def reports(self, memory: Memory, *, now: datetime, lost: LostRuns) -> tuple[dict[str, StatusReport], Memory]:
        """Judge every connection; the memory has the successes that lie in the future (R16c)."""
        seen = dict(memory.first_seen)
        places = {key: self._place(key, now=now) for key in self._folder.keys}
        marks = change_marks(place for _, place in places.values() if isinstance(place, Paths))
        for key, (of_settings, place) in places.items():
            run_id, failure = lost.get(key, ("", lambda: None))
            by = (of_settings, marks[place] if isinstance(place, Paths) else None, run_id)
            last = self._judged.get(key)
            if last and last.by == by and now - last.at < JUDGED_AGAIN_AFTER:
                continue
            report, first_seen = self._judge(place, seen.pop(key, None), now=now, failure=failure)
            self._judged[key] = Judged(by, now, report, of_settings, place)
            if first_seen:
                seen[key] = first_seen
        reports = {key: self._judged[key].report for key in places}
        return reports, replace(memory, first_seen={key: seen[key] for key in seen if key in reports})

    def _place(self, key: str, *, now: datetime) -> tuple[tuple[Stamp, ...], Paths | SettingsError]:
        """Return the stamps of the settings of a connection, and where its database is, or why that is not known."""
        of_settings, last = self._folder.signature(key), self._judged.get(key)
        if last and last.of_settings == of_settings and now - last.at < JUDGED_AGAIN_AFTER:
            return of_settings, last.place
        try:
            return of_settings, settings.load(key).paths
        except SettingsError as error:
            return of_settings, error

    @staticmethod
    def _judge(
        place: Paths | SettingsError, first_seen: FirstSeen, *, now: datetime, failure: Callable[[], Failure | None]
    ) -> tuple[StatusReport, FirstSeen]:
        if isinstance(place, SettingsError):
            return StatusReport(UNNAMED, (bad_settings(place, now=now),), judged=frozenset()), first_seen
        return judge(place, first_seen, now=now, failed_runs=lambda _: filter(None, [failure()]))
