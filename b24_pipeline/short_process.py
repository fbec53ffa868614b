"""What a process that ends in seconds, a command or one run, is spared: a third of its time."""

import gc
import os
import sys
from collections.abc import Sequence

GARBAGE = (1_000_000, 50, 1_000)
"""After how many new objects Python collects garbage, and how rarely older ones: all is over by then, except with tens
of thousands of people. Python's own 700 are half a second of a command of five."""


def collect_rarely() -> None:
    """Collect garbage when there is much of it."""
    gc.set_threshold(*GARBAGE)


def end_at_once(codes: Sequence[int]) -> None:
    """Let the system free the memory, as the last exit handler: Python takes a fifth of a command's time for it.

    All threads have ended by now. There is one code, or none if the process raised.
    """
    for code in codes:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
