"""The folder of connections: a file of settings for each portal-account pair, and `_defaults.env` for all of them.

A connection's own file wins over `_defaults.env`, and that over the environment and `.env`. The addresses and the
credentials of a pair, and its database, are refused in the environment: all connections would share them.
"""

import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from b24_pipeline.file_stamp import Stamp, stamp

FOLDER_VARIABLE = "B24_PIPELINE_CONNECTIONS"
FOLDER = "connections"
DEFAULTS = "_defaults"
SUFFIX = ".env"
KEY = re.compile(r"[a-z0-9_-]{1,40}")
DATABASE_FILE = "b24_pipeline.duckdb"
HOME = "B24_PIPELINE_HOME"
DATABASE = "B24_PIPELINE_DATABASE"
LAKE_SCHEMA = "B24_PIPELINE_LAKE_SCHEMA"
OF_ALL = ("B24_PIPELINE_ALERT_", "B24_PIPELINE_KEEP_RUN_DAYS")
"""How the names of settings begin that no connection has of its own."""
OF_A_PAIR = ("BITRIX24_", "CALLGEAR_", DATABASE, LAKE_SCHEMA)
"""How the names of settings begin that the environment may not give to all connections."""


@dataclass(frozen=True, slots=True)
class Connections:
    """A folder of connections, as people name it."""

    folder: Path

    @property
    def defaults(self) -> Path:
        return self.folder / f"{DEFAULTS}{SUFFIX}"

    def file(self, key: str) -> Path:
        return self.folder / f"{key}{SUFFIX}"

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(name for name in self._names() if is_key(name))

    def misnamed(self) -> Iterator[str]:
        """Yield one line for each file whose name is not a key."""
        for name in self._names():
            if not is_key(name):
                yield (
                    f"{self.file(name)}: is not the name of a connection, which has 1 to 40 of a-z, 0-9, _ and -. "
                    f"Example: {self.file('acme')}"
                )

    def signature(self, key: str) -> tuple[Stamp, ...]:
        """Return what changes when the files of a connection do."""
        return tuple(stamp(path) for path in (self.file(key), self.defaults))

    def _names(self) -> list[str]:
        files = (file.name.removesuffix(SUFFIX) for file in self.folder.glob(f"*{SUFFIX}"))
        return sorted(name for name in files if name not in ("", DEFAULTS))


def is_key(name: str) -> bool:
    return KEY.fullmatch(name) is not None and name != DEFAULTS


def database_of(key: str, *, data: Path) -> Path:
    """Return where the database of a connection lies below the folder of all files, unless it is set."""
    return data / FOLDER / key / DATABASE_FILE


def connections() -> Connections | None:
    """Return the folder of connections; nothing where there is none: one connection, of the environment and `.env`."""
    named = os.environ.get(FOLDER_VARIABLE, FOLDER)
    return Connections(Path(named)) if named and Path(named).is_dir() else None


def of_one_pair(names: Collection[str], *, folder: Path) -> Iterator[str]:
    """Yield one line for each setting of the whole process that belongs to one pair: no connection would read it."""
    for name in sorted(names):
        if name.startswith(OF_A_PAIR):
            yield (
                f"{name}: belongs to one connection, and {folder} is there for several. Move it from the environment"
                f" or .env into the file of its connection. Example: {folder / 'acme'}{SUFFIX}"
            )


def misplaced(names: Collection[str], *, file: Path) -> Iterator[str]:
    """Yield one line for each setting that stands in the wrong file of the folder."""
    for name in sorted(names):
        if file.stem == DEFAULTS and name in (DATABASE, LAKE_SCHEMA):
            yield f"{file}: {name}: each connection has a database of its own. Set it in the connection's own file."
        if name == HOME:
            yield f"{file}: {name}: all connections have one folder for their files. Set it in the environment or .env."
        if file.stem != DEFAULTS and name.startswith(OF_ALL):
            yield f"{file}: {name}: concerns all connections. Set it in {file.with_name(DEFAULTS + SUFFIX)}."
