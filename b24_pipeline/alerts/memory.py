"""What each receiver was told, in a small file beside the database.

It is no part of the database, because the alarm must also work while a run has the database open, and when the database
is what is broken.
"""

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from filelock import FileLock

from b24_pipeline.alerts.troubles import Change, State

log = logging.getLogger(__name__)

WAIT_SECONDS = 60.0
Told = dict[State, datetime]


@dataclass(slots=True)
class Memory:
    """The states that each receiver knows to hold, and since when."""

    path: Path
    told: dict[str, Told] = field(default_factory=dict)

    def of(self, receiver: str) -> Told:
        """What this receiver knows."""
        return self.told.get(receiver, {})

    def remember(self, receiver: str, change: Change) -> None:
        """The receiver was told of a change; on the disk when this returns."""
        known = {state: since for state, since in self.of(receiver).items() if state in change.still}
        self.told[receiver] = known | {trouble.state: trouble.since for trouble in change.new}
        self._write()

    def _write(self) -> None:
        noted = {
            receiver: {state.name: since.isoformat() for state, since in states.items()}
            for receiver, states in self.told.items()
        }
        draft = self.path.with_suffix(".tmp")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            json.dump(noted, file)
        draft.replace(self.path)


@contextmanager
def memory_beside(database: Path) -> Iterator[Memory]:
    """The memory of this database's alerts, for one process at a time."""
    path = database.with_name(f"{database.stem}.alerts.json")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with FileLock(path.with_suffix(".lock"), timeout=WAIT_SECONDS, mode=0o600):
        yield Memory(path, read(path))


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
