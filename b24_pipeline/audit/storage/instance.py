"""The one DuckDB of this process, to which every file is attached: another one costs five times what a file costs."""

import atexit
import os
import threading
from collections import Counter
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import duckdb

from b24_pipeline.audit.storage.lake import Lake, s3_options
from b24_pipeline.audit.storage.queries import statement

_CONFIGURATION: dict[str, str | bool | int | float | list[str]] = {
    "storage_compatibility_version": "v1.0.0",  # so that people can open new files with DuckDB 1.1 or newer
    "autoinstall_known_extensions": False,  # a foreign file must not make us download a reader for it
    "autoload_known_extensions": False,
    "python_enable_replacements": False,  # a table name never means a Python variable
    "temp_directory": "",  # personal data is never spilled into files of their own
    "threads": 1,  # statements are small: up to 100,000 people, sharing one out costs what it wins
}


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that is attached, under the name `catalog`, and a connection that speaks to it."""

    instance: "Instance"
    catalog: str
    connection: duckdb.DuckDBPyConnection

    def close(self) -> None:
        """Let go of the file; what cannot be written into it now stays in its write-ahead log."""
        self.connection.close()
        self.instance.detach(self.catalog)


class Instance:
    """DuckDB in the memory of this process, safe for threads."""

    def __init__(self) -> None:
        self._root = duckdb.connect(":memory:", config=_CONFIGURATION)
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._holders: Counter[str] = Counter()

    def attach(self, place: Path | Lake, *, read_only: bool) -> Attached:
        """Attach a lake or a file; readers of one file share it, for DuckDB takes a file once a process.

        Raises:
            duckdb.Error: it cannot be attached.
            LakeNotUsable: the lake's extensions are not installed.
        """
        with self._lock:
            catalog = f"database_{next(self._numbers)}"
            if isinstance(place, Lake):
                self._attach_lake(place, catalog, read_only=read_only)
            else:
                catalog, name = (_name_to_read(place), "attach_to_read") if read_only else (catalog, "attach")
                if not self._holders[catalog]:
                    self._root.execute(statement(name, path=_quoted(str(place)), catalog=catalog))
            self._holders[catalog] += 1
        connection = self._root.cursor()
        connection.execute(statement("use", catalog=catalog))
        connection.execute(statement("speak_utc"))
        return Attached(self, catalog, connection)

    def _attach_lake(self, lake: Lake, catalog: str, *, read_only: bool) -> None:
        for file in lake.extensions():
            self._root.execute(statement("load_extension", path=_quoted(str(file))))
        if lake.is_on_s3:
            options = {name: _quoted(value) for name, value in s3_options().items()}
            self._root.execute(statement("give_s3_keys", **options))
        given = {"path": f"ducklake:postgres:{lake.address}", "schema": lake.schema, "data": lake.data}
        quoted = {name: _quoted(value) for name, value in given.items()}
        self._root.execute(statement("attach_lake_to_read" if read_only else "attach_lake", catalog=catalog, **quoted))

    def detach(self, catalog: str) -> None:
        """Detach the file where this was its last holder."""
        with self._lock:
            self._holders[catalog] -= 1
            if self._holders[catalog]:
                return
            del self._holders[catalog]
            try:
                self._root.execute(statement("detach", catalog=catalog))
            except duckdb.IOException:  # detached, with what is outstanding in the write-ahead log
                return
            except duckdb.FatalException:  # of no use any more: all files are let go of with the last one
                if not self._holders:
                    self._root.close()


parsed_statements: dict[str, duckdb.Statement] = {}
"""By their text: to parse a small one takes as long as to carry it out."""

_instances: dict[int, Instance] = {}
"""By process: what a process inherits when it is forked belongs to its parent, and is left alone."""


def attach(place: Path | Lake, *, read_only: bool) -> Attached:
    """Attach a file or a lake to the DuckDB of this process; to a new one where a disk's fault has made that useless.

    Raises:
        duckdb.Error: it cannot be attached.
        LakeNotUsable: the lake's extensions are not installed.
    """
    try:
        return _instance().attach(place, read_only=read_only)
    except (duckdb.FatalException, duckdb.ConnectionException):
        close()
        return _instance().attach(place, read_only=read_only)


def close() -> None:
    """Let go of the DuckDB of this process; who still holds one of its files keeps it until he closes that."""
    parsed_statements.clear()
    _instances.pop(os.getpid(), None)


def _instance() -> Instance:
    process = os.getpid()
    return _instances.get(process) or _instances.setdefault(process, Instance())


def _quoted(text: str) -> str:
    """The text for statements in which DuckDB takes no parameter."""
    return "'" + text.replace("'", "''") + "'"


def _name_to_read(path: Path) -> str:
    """By the file and not by its path, where another file can be by now."""
    try:
        found = path.stat()
    except OSError:
        return "missing"
    return f"read_{found.st_dev}_{found.st_ino}"


atexit.register(close)  # what is held at the end DuckDB reports as leaked
