"""The queries of the asset checks: violations by name, and broken declarations of stored frames."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from b24_pipeline import schemas
from b24_pipeline.audit.schema import HISTORIES
from b24_pipeline.audit.storage.database import Database
from b24_pipeline.rules.importable import Importable

WHO = "coalesce(nullif(concat_ws(' ', last_name, first_name), ''), email, '(no name)')"
Listing = Literal[
    "rejected_people",
    "people_with_one_email",
    "people_with_unusable_phones",
    "uncertain_links",
    "people_judged_not_once",
    "employees_matched_twice",
    "matches_of_strangers",
    "people_missing_in_account",
    "employees_of_nobody",
    "failed_actions",
    "held_actions",
]
Violation = Mapping[str, Any]
"""The columns who, user (the Bitrix24 id) and why; some listings have more."""


@dataclass(frozen=True, slots=True)
class ImportCoverage:
    """The number of candidates, with the rejected ones, of live links, and of candidates that can have one."""

    candidates: int
    imported: int
    importable: Importable

    @property
    def share(self) -> float:
        """The share of the candidates that is imported; 1 where there is none."""
        return self.imported / self.candidates if self.candidates else 1.0


def violations(database: Database, listing: Listing, **parameters: str) -> Sequence[Violation]:
    """The rows of a listing, in a fixed order."""
    return database.records(listing, parameters, who=WHO)


def import_coverage(database: Database, *, run_id: str) -> ImportCoverage:
    """Candidates and live links, as of a run."""
    (row,) = database.records("candidates_and_links", {"run_id": run_id})
    importable = Importable(row["candidates"], row["importable"])
    return ImportCoverage(candidates=row["candidates"], imported=row["imported"], importable=importable)


def schema_violations(database: Database, model: type[schemas.Frame]) -> tuple[int, dict[str, int]]:
    """Count the rows of a stored frame, and those that break its declaration: empty, or not the only one."""
    columns = model.to_schema().columns
    counts = {
        **{
            f"{name} is empty": f'count(*) FILTER (WHERE "{name}" IS NULL)'
            for name, column in columns.items()
            if not column.nullable
        },
        **{
            f"{name} is there more than once": f'count("{name}") - count(DISTINCT "{name}")'
            for name, column in columns.items()
            if column.unique
        },
    }
    (row,) = database.records(
        "schema_violations",
        table=HISTORIES[model],
        counts=", ".join(f'{expression} AS "{words}"' for words, expression in counts.items()),
    )
    rows = row.pop("rows")
    return rows, {words: number for words, number in row.items() if number}
