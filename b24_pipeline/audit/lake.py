"""The audit in a DuckLake: its catalogue is a schema of Postgres, larger parts of tables are files of a shared folder.

Several machines read and write it. The password comes from PGPASSWORD or a file of libpq's, as for every program of
Postgres: no address that is logged or shown has it.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from b24_pipeline.audit.exceptions import LakeNotUsable

EXTENSIONS = ("ducklake", "postgres_scanner")
INSTALL = "pip install --no-deps --require-hashes -r deploy/cluster/ducklake.lock"


@dataclass(frozen=True, slots=True)
class Lake:
    """One connection's lake.

    Attributes:
        url: the Postgres database with the catalogue, without a password.
        schema: the schema of the catalogue; each connection has its own.
        data: the folder, shared by all machines, for what is too large for the catalogue.
    """

    url: str
    schema: str
    data: str

    def __str__(self) -> str:
        return f"{self.url} (schema {self.schema})"


def extension_files() -> list[Path]:
    """Return the files of DuckDB's extensions, as packages bring them.

    Raises:
        LakeNotUsable: they are not installed.
    """
    specs = [find_spec(f"duckdb_extension_{name}") for name in EXTENSIONS]
    places = [Path(spec.origin).parent for spec in specs if spec is not None and spec.origin is not None]
    files = [file for place in places for file in place.rglob("*.duckdb_extension")]
    if len(files) < len(EXTENSIONS):
        raise LakeNotUsable(f"The audit in a lake needs DuckDB's extensions: {INSTALL}")
    return files
