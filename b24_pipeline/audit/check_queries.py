"""The queries of the asset checks: violations by name, and broken declarations of stored frames."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from b24_pipeline import schemas
from b24_pipeline.audit.schema import HISTORIES
from b24_pipeline.audit.storage.database import Database
from b24_pipeline.rules.importable import Importable

WHO = "coalesce(nullif(concat_ws(' ', last_name, first_name), ''), email, '(no name)')"


@dataclass(frozen=True, slots=True)
class ImportCoverage:
    """The number of candidates, with the rejected ones, of live links, and of candidates that can have one."""

    candidates: int
    imported: int
    importable: Importable

    @property
    def share(self) -> float:
        return self.imported / self.candidates if self.candidates else 1.0


def violations(database: Database, listing: str, **parameters: str) -> Sequence[Mapping[str, Any]]:
    """The rows of a query of `findings.sql`: the columns who, user (the Bitrix24 id) and why; some have more."""
    return database.records(listing, parameters, who=WHO)


def import_coverage(database: Database, *, run_id: str) -> ImportCoverage:
    (row,) = database.records("candidates_and_links", {"run_id": run_id})
    importable = Importable(row["candidates"], row["importable"])
    return ImportCoverage(candidates=row["candidates"], imported=row["imported"], importable=importable)


def schema_violations(database: Database, model: type[schemas.Frame]) -> tuple[int, dict[str, int]]:
    """Count the rows of a stored frame, and those that break its declaration: empty, or not the only one."""
    columns = model.to_schema().columns
    needed = [name for name, column in columns.items() if not column.nullable]
    unique = [name for name, column in columns.items() if column.unique]
    counts = {f"{name} is empty": f'count(*) FILTER (WHERE "{name}" IS NULL)' for name in needed}
    counts |= {f"{name} is there more than once": f'count("{name}") - count(DISTINCT "{name}")' for name in unique}
    (row,) = database.records(
        "schema_violations",
        table=HISTORIES[model],
        counts=", ".join(f'{expression} AS "{words}"' for words, expression in counts.items()),
    )
    rows = row.pop("rows")
    return rows, {words: number for words, number in row.items() if number}
