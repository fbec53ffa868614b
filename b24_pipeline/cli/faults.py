"""Whatever ends a command, in words for people: one line a problem, without secrets."""

import traceback
from pathlib import Path

from b24_pipeline.audit import StoreError
from b24_pipeline.audit.run_lock import RunInProgress
from b24_pipeline.callgear.exceptions import CallGearError
from b24_pipeline.settings import SettingsError
from b24_pipeline.sync.run import RunNotStarted

EXPECTED = (SettingsError, RunInProgress, RunNotStarted, StoreError, CallGearError)
"""Their texts are for people already."""


def in_words(error: Exception) -> str:
    """Of an error that was not expected only its kind and place: its text may hold a secret."""
    if isinstance(error, EXPECTED):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        about = f" ({error.filename})" if error.filename else ""
        return f"the operating system says: {error.strerror}{about}"
    place = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"a fault of b24-pipeline: {type(error).__name__} in {Path(place.filename).name}, line {place.lineno}. "
        "Please report it."
    )
