"""Errors that end a command: one line a problem, without secrets, and the exit code."""

import sys
import traceback
from pathlib import Path

from b24_pipeline.audit import StoreError
from b24_pipeline.audit.storage.advisory_lock import RunInProgress
from b24_pipeline.audit.storage.exceptions import AmbiguousPerson, NotApprovable, NotLinked, UnknownPerson, UnknownRun
from b24_pipeline.callgear.exceptions import CallGearError
from b24_pipeline.cli.exit_codes import Exit
from b24_pipeline.settings import SettingsError


class LaunchFailed(Exception):  # noqa: N818 - beside RunInProgress
    """Dagster could not start the run: nothing was asked of either system. The text is one line."""


EXPECTED = (SettingsError, RunInProgress, LaunchFailed, StoreError, CallGearError)
"""Their texts are written for people."""
USAGE = (SettingsError, UnknownRun, NotApprovable, NotLinked, UnknownPerson, AmbiguousPerson)


def print_error(error: Exception, *, about: str = "") -> Exit:
    """Print the error on standard error, each line after what it is about, and return its exit code."""
    for line in to_message(error).splitlines():
        print(f"b24-pipeline: {about}{line}", file=sys.stderr)
    if isinstance(error, USAGE):
        return Exit.USAGE
    return Exit.IN_PROGRESS if isinstance(error, RunInProgress) else Exit.FAILED


def to_message(error: BaseException) -> str:
    """Return the text of an expected error; of another only its kind and place, because its text may hold a secret."""
    if isinstance(error, EXPECTED):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if isinstance(error, OSError) and error.strerror:
        about = f" ({error.filename})" if error.filename else ""
        return f"{error.strerror}{about}"
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}"
    return f"internal error: {where}. Please report it."
