"""The person whom each live link was accepted for (R07a): kept beside the links, not derived from later reads."""

from collections.abc import Sequence

from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.audit.column_types import sql_columns, to_arrow
from b24_pipeline.audit.database import Database
from b24_pipeline.audit.history import Part, replace
from b24_pipeline.rules.models import ERASED

_PART = Part("identities", tuple(sql_columns(schemas.Identities)))


def identities(database: Database) -> DataFrame[schemas.Identities]:
    """The accepted person of every live link; of whom nothing is known, erased texts."""
    return schemas.from_records(schemas.Identities, database.records("identities", {"unknown": ERASED}))


def put_identities(database: Database, frame: DataFrame[schemas.Identities]) -> None:
    """Replace all of them."""
    with database.transaction():
        replace(database, _PART, to_arrow(schemas.Identities, frame))


def identities_of_run(database: Database, run_id: str) -> frozenset[int]:
    """The users whom this run has seen as another person, and who are so still."""
    return frozenset(database.column("identities_of_run", {"run_id": run_id}))


def accept_identities(database: Database, run_id: str, users: Sequence[int]) -> None:
    """Let the links of these users belong to the persons whom the run has seen, from now on."""
    database.execute("accept_identities", {"run_id": run_id, "users": list(users)})
