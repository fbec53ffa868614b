"""Progress of long work, told to whoever listens: the terminal draws a bar, Dagster's log takes a line now and then."""

import logging
from contextlib import suppress
from dataclasses import dataclass

log = logging.getLogger(__name__)

LINES = 20


@dataclass(slots=True)
class Progress:
    """Counts actions of one step; every twentieth part, and the last one, is a log record with `done` and `total`."""

    name: str
    total: int
    done: int = 0

    def advance(self, actions: int) -> None:
        """Some more are done."""
        before, self.done = self.done, self.done + actions
        level = logging.INFO if self.is_milestone(before) else logging.DEBUG
        figures = {"done": self.done, "total": self.total}
        with suppress(Exception):  # Dagster's log raises where its own storage cannot be used; the import goes on
            log.log(level, "%s: %d of %d", self.name, self.done, self.total, extra=figures)

    def is_milestone(self, before: int) -> bool:
        """Whether a twentieth part was passed."""
        return self.done == self.total or before * LINES // self.total != self.done * LINES // self.total
