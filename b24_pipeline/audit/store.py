"""The audit store of one connection: everything a run remembers, and everything people may ask later (R20)."""

import time
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from datetime import datetime
from typing import Self, cast

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.audit import actions, approvals, history, links, opening, runs, suppression
from b24_pipeline.audit.actions import Step
from b24_pipeline.audit.links import Approver, LinkWritten
from b24_pipeline.audit.runs import COUNTS, CurrentRun, RunCounts, RunStart
from b24_pipeline.audit.schema import HISTORIES
from b24_pipeline.audit.storage.database import Database
from b24_pipeline.audit.storage.exceptions import RunNotBegun
from b24_pipeline.audit.storage.files import Paths, check_writable
from b24_pipeline.audit.storage.lock import writer_lock
from b24_pipeline.audit.suppression import Suppressed
from b24_pipeline.rules.models import RunStatus

UNKNOWN_APPROVER = Approver()


class _TrialOver(Exception):  # noqa: N818 - a way out, not a fault
    """Undoes a transaction that was a trial."""


class Store:
    """The database, opened by the one process that writes. Every method is a transaction, or part of the caller's."""

    def __init__(self, paths: Paths, database: Database, *, now: Callable[[], datetime], lock: ExitStack) -> None:
        self.database = database
        self.paths = paths
        self.now = now
        self._lock = lock
        self._run: CurrentRun | None = None
        self._suppressed = Suppressed()
        self._whole: dict[type[schemas.Frame], pd.DataFrame] = {}

    @classmethod
    def open(
        cls,
        paths: Paths,
        *,
        now: Callable[[], datetime],
        wait_seconds: float = 10.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Self:
        """Open the working file, created or upgraded where needed; whatever is wrong shows here, before any write.

        Raises:
            StoreError: one line that says what is wrong, where, and what to do.
        """
        check_writable(paths)
        with ExitStack() as lock:
            if paths.lake is None:
                lock.enter_context(writer_lock(paths, wait_seconds=wait_seconds, sleep=sleep))
            database = opening.open_working(paths, at=now(), wait_seconds=wait_seconds, sleep=sleep)
            return cls(paths, database, now=now, lock=lock.pop_all())

    reader = staticmethod(opening.open_for_reading)

    def close(self) -> None:
        with self._lock:
            self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def run(self) -> CurrentRun:
        """The run that is recorded.

        Raises:
            RunNotBegun: there is none.
        """
        if self._run is None:
            raise RunNotBegun("No run was begun: call begin_run first.")
        return self._run

    def publish(self) -> None:
        """Replace the published file by the present state."""
        opening.publish(self.paths, self.database)

    def compact(self) -> None:
        """Rewrite the working file, so that nothing of deleted rows is left in it."""
        self.database = opening.compacted(self.paths, self.database)

    def begin_run(self, start: RunStart) -> list[str]:
        """Begin to record a run; gives the ids of earlier ones that died, now `interrupted`.

        Raises:
            RunNotBegun: a run of that id was begun before.
        """
        self._run, interrupted = runs.begin(self.database, start)
        approvals.correct_future_times(self.database, now=start.started_at)
        self.store_texts_of(frozenset())
        return interrupted

    def store_texts_of(self, candidates: AbstractSet[int]) -> None:
        """Of erased people, let the current run store the texts of these users only: they are imported."""
        self._suppressed = suppression.suppressed(self.database, candidates=candidates)

    def finish_run(self, status: RunStatus, reason: str | None, counts: RunCounts) -> None:
        ended = {"number": self.run.number, "finished_at": self.now(), "status": str(status), "reason": reason}
        figures = ", ".join(f"{name} = ${name}" for name in COUNTS)
        with self.database.transaction():
            self.database.execute("finish_run", ended | asdict(counts), counts=figures)

    @contextmanager
    def seen_as_ended(self, status: RunStatus, reason: str | None, counts: RunCounts) -> Iterator[None]:
        """Let the current run be seen as ended like this for the block; after it, or if we die in it, it is running."""
        with suppress(_TrialOver), self.database.transaction():
            self.finish_run(status, reason, counts)
            yield
            raise _TrialOver

    def record_snapshot(self, model: type[schemas.Model], frame: DataFrame[schemas.Model]) -> None:
        """Store what the current run saw, as changes: an unchanged frame adds no row.

        What is withheld of erased people is kept in memory, for the steps of this run.
        """
        stored = self._suppressed.without_texts(model, frame)
        history.record_snapshot(self.database, self.run, model, stored)
        if stored is frame:
            self._whole.pop(model, None)
        else:
            self._whole[model] = frame

    def current_snapshot(self, model: type[schemas.Model]) -> DataFrame[schemas.Model]:
        """The frame that the current run recorded, with what is withheld from the database."""
        if model in self._whole:
            return cast("DataFrame[schemas.Model]", self._whole[model])
        return history.snapshot(self.database, model)

    def recorded(self, model: type[schemas.Frame]) -> bool:
        """Return whether the current run has recorded this snapshot."""
        what = {"run": self.run.number, "what": HISTORIES[model]}
        return self.database.value("recorded", what) is not None

    def put_links(self, written: Sequence[LinkWritten]) -> None:
        """Store links; each ends the former one of its user and of its employee, and settles an announced create."""
        if written:
            links.put_links(self.database, self.run, written, at=self.now())

    def put_identities(self, frame: DataFrame[schemas.Identities]) -> None:
        """Replace the accepted persons of all links (R07a)."""
        links.put_identities(self.database, self._suppressed.without_texts(schemas.Identities, frame))

    def announce_creates(self, announced: Sequence[tuple[int, str]]) -> None:
        """Store (user, e-mail) of creates before they are sent (R18); on the disk when this returns."""
        links.announce_creates(self.database, self.run, announced)

    def record_open_actions(self, step: str, frame: DataFrame[schemas.Actions]) -> None:
        """Let exactly these actions of a `Step` stand; to be called once a step, before its first `record_events`."""
        stored = self._suppressed.without_texts(schemas.Actions, frame)
        actions.record_open_actions(self.database, self.run, Step(step), stored)

    def record_events(self, frame: DataFrame[schemas.Actions]) -> None:
        """Store what became of actions, in as many portions as wanted."""
        actions.record_events(self.database, self.run, self._suppressed.without_texts(schemas.Actions, frame))

    def approve(
        self, run_id: str, *, bitrix24_ids: Sequence[int] | None = None, approver: Approver = UNKNOWN_APPROVER
    ) -> DataFrame[schemas.Actions]:
        """Approve all that a run held (R16), or the conflicts of these users in it (R07a, R09, R14).

        The first 8 characters of its id are enough. Returns what was approved.

        Raises:
            UnknownRun: there is no such run, or there are several.
            NotApprovable: it began more than 24 hours ago, or lists nothing of the kind.
        """
        named = runs.run_named(self.database, run_id)
        return approvals.approve(self.database, named, bitrix24_ids, approver=approver, now=self.now())
