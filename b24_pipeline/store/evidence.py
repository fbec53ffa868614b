"""What one run has read, decided and done, as the audit has it."""

from dataclasses import dataclass

from pandera.typing import DataFrame

from b24_pipeline.rules import frames
from b24_pipeline.store.actions import Step
from b24_pipeline.store.reader import Reader
from b24_pipeline.store.schema import HISTORIES


@dataclass(frozen=True, slots=True)
class Evidence:
    """The frames of one run; None where it ended before."""

    run_id: str
    users: DataFrame[frames.Users] | None = None
    employees: DataFrame[frames.Employees] | None = None
    callgear_employees: DataFrame[frames.CallGearEmployees] | None = None
    matches: DataFrame[frames.Matches] | None = None
    actions: DataFrame[frames.Actions] | None = None


def evidence_of(reader: Reader, run_id: str) -> Evidence:
    """What the run has recorded by now."""
    recorded = reader.recorded_by(run_id)

    def seen(model: type[frames.Model]) -> DataFrame[frames.Model] | None:
        return reader.snapshot(model, as_of=run_id) if HISTORIES[model] in recorded else None

    return Evidence(
        run_id=run_id,
        users=seen(frames.Users),
        employees=seen(frames.Employees),
        callgear_employees=seen(frames.CallGearEmployees),
        matches=seen(frames.Matches),
        actions=reader.actions(run_id) if Step.UPSERT in recorded else None,
    )
