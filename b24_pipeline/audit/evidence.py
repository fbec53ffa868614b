"""What one run has read, decided and done, as the audit has it."""

from dataclasses import dataclass

from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.audit.actions import Step
from b24_pipeline.audit.reader import Reader
from b24_pipeline.audit.schema import HISTORIES


@dataclass(frozen=True, slots=True)
class Evidence:
    """The frames of one run; None where it ended before."""

    run_id: str
    users: DataFrame[schemas.Users] | None = None
    employees: DataFrame[schemas.Employees] | None = None
    callgear_employees: DataFrame[schemas.CallGearEmployees] | None = None
    matches: DataFrame[schemas.Matches] | None = None
    actions: DataFrame[schemas.Actions] | None = None


def evidence_of(reader: Reader, run_id: str) -> Evidence:
    """What the run has recorded by now."""
    recorded = reader.recorded_by(run_id)

    def seen(model: type[schemas.Model]) -> DataFrame[schemas.Model] | None:
        return reader.snapshot(model, as_of=run_id) if HISTORIES[model] in recorded else None

    return Evidence(
        run_id=run_id,
        users=seen(schemas.Users),
        employees=seen(schemas.Employees),
        callgear_employees=seen(schemas.CallGearEmployees),
        matches=seen(schemas.Matches),
        actions=reader.actions(run_id) if Step.UPSERT in recorded else None,
    )
