"""The state of many connections for alerts: each audit is read again when it has changed, or may have become stale."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from b24_pipeline import settings
from b24_pipeline.alerts.notify import UNNAMED, FirstSeen, Memory, StatusReport, judge
from b24_pipeline.audit import Paths
from b24_pipeline.audit.health import Failure
from b24_pipeline.audit.storage.files import stamps
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
    paths: Paths | None = None


class ConnectionHealth:
    """The states of a folder of connections, for as long as the process lasts."""

    def __init__(self, folder: Connections) -> None:
        self._folder = folder
        self._judged: dict[str, Judged] = {}

    def reports(self, memory: Memory, *, now: datetime, lost: LostRuns) -> tuple[dict[str, StatusReport], Memory]:
        """Judge every connection.

        Args:
            memory: has the successes that lie in the future (R16c).
            now: the time.
            lost: the newest failed run of each connection that has one.
        """
        seen = dict(memory.first_seen)
        for key in self._folder.keys:
            run_id, failure = lost.get(key, ("", lambda: None))
            by = (self._folder.signature(key), self._stamps(key), run_id)
            last = self._judged.get(key)
            if last and last.by == by and now - last.at < JUDGED_AGAIN_AFTER:
                continue
            report, paths, first_seen = self._judge(key, seen.pop(key, None), now=now, failure=failure)
            by = (by[0], stamps(paths) if paths else None, run_id)
            self._judged[key] = Judged(by, now, report, paths)
            if first_seen:
                seen[key] = first_seen
        reports = {key: self._judged[key].report for key in self._folder.keys}
        return reports, replace(memory, first_seen={key: seen[key] for key in seen if key in reports})

    def _stamps(self, key: str) -> object:
        last = self._judged.get(key)
        return stamps(last.paths) if last and last.paths else None

    @staticmethod
    def _judge(
        key: str, first_seen: FirstSeen, *, now: datetime, failure: Callable[[], Failure | None]
    ) -> tuple[StatusReport, Paths | None, FirstSeen]:
        try:
            paths = settings.load(key).paths
        except SettingsError as error:
            return StatusReport(UNNAMED, (bad_settings(error, now=now),), judged=frozenset()), None, first_seen

        def failed_runs(_: datetime) -> list[Failure]:
            return [found] if (found := failure()) else []

        report, first_seen = judge(paths, first_seen, now=now, failed_runs=failed_runs)
        return report, paths, first_seen
