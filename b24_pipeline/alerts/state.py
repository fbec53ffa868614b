"""What each receiver was told, in a small file beside the database.

It is no part of the database, because the alarm must also work while a run has the database open, and when the database
is what is broken.
"""

import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from filelock import Timeout

from b24_pipeline.alerts.conditions import Change, State
from b24_pipeline.audit import StoreError
from b24_pipeline.audit.files import private_file, writing
from b24_pipeline.audit.locks import file_lock, locking

log = logging.getLogger(__name__)

WAIT_SECONDS = 60.0
LATEST = datetime.max.replace(tzinfo=UTC)
Told = dict[State, datetime]


class MemoryHeld(StoreError):  # noqa: N818 - a state, not a fault
    """Another process has been telling for so long that it was not waited for."""


@dataclass(slots=True)
class Memory:
    """The states that each receiver knows to hold, and since when."""

    path: Path
    told: dict[str, Told] = field(default_factory=dict)

    def of(self, receiver: str) -> Told:
        """What this receiver knows."""
        return self.told.get(receiver, {})

    @contextmanager
    def told_of(self, receiver: str, change: Change) -> Iterator[None]:
        """Note that a receiver is told of a change: on the disk before it is told, and in force when it was.

        Raises:
            DatabaseNotWritable: it cannot be noted, so the receiver must not be told: it would be told for ever.
        """
        known = {state: since for state, since in self.of(receiver).items() if state in change.still}
        told = self.told | {receiver: known | {trouble.state: trouble.since for trouble in change.new}}
        draft = write_draft(self.path, as_json(told))
        try:
            yield
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        with writing(self.path.parent):
            draft.replace(self.path)
        self.told = told


def write_draft(path: Path, content: object) -> Path:
    """Write JSON beside the file, where it waits to replace it.

    Raises:
        DatabaseNotWritable: there is no place for it.
    """
    draft = path.with_suffix(".tmp")
    with writing(path.parent), private_file(draft) as descriptor:
        write_whole(descriptor, json.dumps(content).encode())
    return draft


def replace_file(path: Path, content: object) -> None:
    """Replace the file by this JSON.

    Raises:
        DatabaseNotWritable: it cannot be written.
    """
    draft = write_draft(path, content)
    with writing(path.parent):
        draft.replace(path)


def first_seen(database: Path, run_id: str, *, now: datetime) -> datetime:
    """Return when a run was first seen whose time lies in the future (R16c): it is noted at the first time.

    Raises:
        DatabaseNotWritable: it cannot be noted.
    """
    path = database.with_name(f"{database.stem}.first_seen.json")
    try:
        noted = json.loads(path.read_text())
        seen_at = datetime.fromisoformat(noted["seen_at"])
        if noted["run_id"] == run_id and seen_at <= now:
            return seen_at
    except (OSError, ValueError, KeyError, TypeError):
        pass
    replace_file(path, {"run_id": run_id, "seen_at": now.isoformat()})
    return now


def write_whole(descriptor: int, content: bytes) -> None:
    """All of it, flushed to the disk."""
    with os.fdopen(descriptor, "wb", closefd=False) as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def as_json(told: Mapping[str, Told]) -> dict[str, dict[str, str]]:
    """What is noted, as it stands in the file."""
    return {
        receiver: {state.name: since.isoformat() for state, since in states.items()}
        for receiver, states in told.items()
    }


@contextmanager
def memory_beside(database: Path, *, now: datetime = LATEST) -> Iterator[Memory]:
    """The memory of this database's alerts, for one process at a time.

    What was told in the future was told now (R16c): that is noted, or no success would ever be later.

    Raises:
        StoreError: there is no place for it.
        MemoryHeld: another process does not let go of it.
    """
    path = database.with_name(f"{database.stem}.alerts.json")
    lock = file_lock(path.with_suffix(".lock"), wait_seconds=WAIT_SECONDS)
    with writing(path.parent), locking(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            lock.acquire()
        except Timeout:
            raise MemoryHeld("Another process has been telling the receivers of alerts for too long.") from None
    try:
        noted = read(path)
        told = {receiver: {state: min(since, now) for state, since in of.items()} for receiver, of in noted.items()}
        if told != noted:
            replace_file(path, as_json(told))
        yield Memory(path, told)
    finally:
        lock.release()


def read(path: Path) -> dict[str, Told]:
    """What is noted; nothing where the file is missing or damaged: then what holds is told once more."""
    try:
        noted = json.loads(path.read_text())
        return {
            receiver: {State[name]: datetime.fromisoformat(since) for name, since in states.items()}
            for receiver, states in noted.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        log.warning("what was told of alerts cannot be read from %s; what holds now is told once more", path.name)
        return {}
