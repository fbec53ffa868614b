"""Erased people, by id alone: what is read of them again is stored without personal data."""

import json
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.audit.metadata import fact, put_facts
from b24_pipeline.audit.storage.column_types import personal_columns
from b24_pipeline.audit.storage.database import Database
from b24_pipeline.rules.models import ERASED

JSON_COLUMNS = frozenset({"before", "after", "phone_numbers"})
"""Columns that hold JSON, where a word would be no value: these lose theirs."""

_FACT = "forgotten_ids"


@dataclass(frozen=True, slots=True)
class Suppressed:
    """Ids of people whose data were erased on request: of users of Bitrix24 and of employees of CallGear."""

    users: frozenset[int] = frozenset()
    employees: frozenset[int] = frozenset()

    def without_texts(self, model: type[schemas.Model], frame: DataFrame[schemas.Model]) -> DataFrame[schemas.Model]:
        """The frame with the texts of these people taken out; the very same frame where it holds none of them."""
        if not (self.users or self.employees):
            return frame
        key, ids = ("bitrix24_id", self.users) if "bitrix24_id" in frame.columns else ("callgear_id", self.employees)
        rows = dict.fromkeys(personal_columns(model), frame[key].isin(ids))
        if "before" in rows:  # what somebody else is to take over tells the name that it had
            rows["before"] = rows["before"] | frame["callgear_id"].isin(self.employees)
        if not any(theirs.any() for theirs in rows.values()):
            return frame
        return frame.assign(**{name: blanked(frame[name], rows[name]) for name in rows})


def blanked(texts: pd.Series, rows: pd.Series) -> pd.Series:
    """The column as `erase` leaves it in these rows: so a person who is read again is no change."""
    return texts.mask(rows, None) if texts.name in JSON_COLUMNS else texts.mask(rows & texts.notna(), ERASED)


def erased_people(database: Database) -> Suppressed:
    noted = json.loads(fact(database, _FACT) or "{}")
    return Suppressed(frozenset(noted.get("users", ())), frozenset(noted.get("employees", ())))


def note_erased_people(database: Database, *, users: AbstractSet[int], employees: AbstractSet[int]) -> None:
    """Remember these ids, beside those of before."""
    known = erased_people(database)
    ids = {"users": sorted(known.users | users), "employees": sorted(known.employees | employees)}
    put_facts(database, {_FACT: json.dumps(ids)})


def suppressed(database: Database, *, candidates: AbstractSet[int]) -> Suppressed:
    """Erased people who are no candidates, with the employees that belong to them or to nobody else."""
    known = erased_people(database)
    if not (known.users or known.employees):
        return known
    users = known.users - candidates
    owners = {row["callgear_id"]: row["bitrix24_id"] for row in database.records("live_links")}
    theirs = {employee for employee, user in owners.items() if user in users}
    unclaimed = {employee for employee in known.employees if owners.get(employee) is None}
    return Suppressed(users, frozenset(theirs | unclaimed))
