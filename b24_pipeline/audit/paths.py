"""Where the database of one connection lies: the published file people open, and the private files beside it."""

from dataclasses import dataclass
from pathlib import Path

from b24_pipeline.audit.exceptions import DatabaseMisnamed

RESERVED_NAMES = frozenset({"audit", "store", "information_schema", "copy_of_store"})
"""DuckDB names a database after its file; one named like a schema in it makes every `audit.x` ambiguous, and one named
like the copy that compacting attaches cannot be compacted."""


@dataclass(frozen=True, slots=True)
class Paths:
    """All files of one database; only `published` is chosen, the others follow from it.

    A database under two names (a symbolic link to the file or its folder) is one: its real path counts, so that it has
    one lock.

    Raises:
        DatabaseMisnamed: the file has one of the reserved names.
    """

    published: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "published", real_path(self.published))
        name = self.published.name.partition(".")[0]
        if name.casefold() in RESERVED_NAMES:
            raise DatabaseMisnamed(
                f"The database file must not be named {self.published.name}: DuckDB would confuse it with the"
                f" {name.casefold()} that it has of its own. Name it for example b24_pipeline.duckdb."
            )

    @property
    def working(self) -> Path:
        """The pipeline's own file; nobody else opens it for writing."""
        return self._beside(".working" + self.published.suffix)

    @property
    def lock(self) -> Path:
        """Held by a run from its first to its last step, so that runs never overlap (R17)."""
        return self._beside(".lock")

    @property
    def writer_lock(self) -> Path:
        """Held while a store is open for writing."""
        return self._beside(".working.lock")

    @property
    def marker(self) -> Path:
        """Written and removed to prove that the folder takes writes."""
        return self._beside(".probe.tmp")

    @property
    def publishing(self) -> Path:
        """The copy that is about to become the published file."""
        return self._beside(".publishing.tmp")

    @property
    def rebuilding(self) -> Path:
        """A new or compacted file that is about to become the working file."""
        return self._beside(".rebuilding.tmp")

    def _beside(self, ending: str) -> Path:
        return self.published.with_name(self.published.stem + ending)


def real_path(path: Path) -> Path:
    """The path without symbolic links; as it is where they lead in a circle, which shows once it is used."""
    try:
        real = path.resolve()
        return path if real == path.absolute() else real
    except (OSError, RuntimeError):
        return path


def wal_of(database: Path) -> Path:
    """DuckDB's write-ahead log of a database file."""
    return database.with_name(database.name + ".wal")
