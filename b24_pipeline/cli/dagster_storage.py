"""Dagster's own storage, for one command: a problem with it is one line that names the file or the server."""

import io
import os
import re
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, redirect_stderr
from pathlib import Path
from typing import cast

import dagster as dg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from b24_pipeline.audit import StoreError
from b24_pipeline.dagster_runs import fault_of, first_line, storage_errors
from b24_pipeline.project_folder import PROJECT_FILE
from b24_pipeline.settings import SettingsError
from b24_pipeline.settings.dagster import HOME_VARIABLE

NOT_PRINTED = ("Exception while writing logger call to event log", "WARNING:root:Retrying failed database connection")
"""What Dagster prints about an event that it cannot store, followed by the event, which may hold names; and about a
server that it cannot reach, several times."""
NOT_SET = re.compile(r'environment variable "(\w+)" which is not set')
FOLDERS = frozenset({"history", "runs", "schedules"})
"""Dagster's names for the folders of its databases."""


class DagsterStorageError(StoreError):
    """Dagster's own storage is locked, damaged, or cannot be written."""


@contextmanager
def dagster_instance() -> Iterator[dg.DagsterInstance]:
    """Open Dagster's instance for as long as the block lasts.

    Raises:
        SettingsError: its configuration is not valid.
        DagsterStorageError: its storage cannot be used, most often because the disk is full.
    """
    try:
        with redirect_stderr(cast("io.TextIOBase", WithoutEvents(sys.stderr))), open_instance() as instance:
            yield instance
    except storage_errors() as error:
        raise DagsterStorageError(described(fault_of(error))) from None


def open_instance() -> dg.DagsterInstance:
    """Return Dagster's instance.

    Raises:
        SettingsError: its configuration is not valid, or a variable that it names is not set.
        Exception: one of `storage_errors`, its storage cannot be used.
    """
    try:
        return dg.DagsterInstance.get()
    except storage_errors():
        raise
    except Exception as error:  # noqa: BLE001 - the configuration may name any class of anybody
        file = Path(os.environ[HOME_VARIABLE], PROJECT_FILE)
        if unset := NOT_SET.search(str(error)):
            raise SettingsError(f"{unset[1]}: is missing; {file} reads it from the environment.") from None
        raise SettingsError(
            f"{HOME_VARIABLE}: {file} is no configuration that this Dagster takes "
            f"({type(error).__name__}). Correct it, or name a folder of this project's own; "
            "`dagster instance info` says what is wrong in it."
        ) from None


def described(fault: Exception) -> str:
    """Return what is wrong with Dagster's storage, and what to do: a file of SQLite's, or a server."""
    if isinstance(fault, DBAPIError) and not isinstance(fault.orig, sqlite3.Error):
        said = first_line(fault).partition(") ")[2]
        return (
            f"Dagster's own storage cannot be used ({said}): start its server, or correct what "
            f"{Path(os.environ[HOME_VARIABLE], PROJECT_FILE)} and the variables in it say of it."
        )
    file, problem = unusable_file() or (os.environ[HOME_VARIABLE], first_line(fault))
    return (
        f"Dagster's own storage, {file}, cannot be used ({problem}): free up space, give this user the right to "
        "write there, end the process that uses it, or, if it is damaged, move it away."
    )


def unusable_file() -> tuple[Path, str] | None:
    """Return the first of Dagster's databases that cannot be written, and the error of SQLite."""
    try:
        with dg.DagsterInstance.get() as instance:
            folder = Path(instance.storage_directory()).parent
    except (SQLAlchemyError, OSError):
        folder = Path(os.environ[HOME_VARIABLE])
    for file in sorted(folder.rglob("*.db")):
        if file.parent.name not in FOLDERS:
            continue
        try:
            with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=0)) as database:
                database.execute("BEGIN IMMEDIATE")
                database.execute("SELECT count(*) FROM sqlite_master")
        except sqlite3.Error as error:
            return file, str(error)
    return None


class WithoutEvents:
    """A stream that drops what Dagster writes about a storage that it cannot use."""

    def __init__(self, stream: object) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return len(text) if text.startswith(NOT_PRINTED) else int(self._stream.write(text))  # type: ignore[attr-defined]

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)
