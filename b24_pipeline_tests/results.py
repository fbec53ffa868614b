"""How one run ended: in the audit, and in Dagster."""

from dataclasses import dataclass, fields
from typing import Any

import dagster as dg
from pandera.typing import DataFrame

from b24_pipeline import audit, schemas
from b24_pipeline.audit import Database, RunCounts


@dataclass(frozen=True)
class Audited:
    """How one run ended, in the audit (`row` is None where the run did not get so far)."""

    row: dict[str, Any] | None
    actions: DataFrame[schemas.Actions]

    @classmethod
    def of(cls, run_id: str, database: Database) -> "Audited":
        """What the audit says of a run."""
        rows = database.records("run_history", {"limit": 1000, "since": None})
        row = next((row for row in rows if row["run_id"] == run_id), None)
        return cls(row, audit.actions.of_run(database, run_id))

    @property
    def audited(self) -> dict[str, Any]:
        """The run's row in `audit.runs`."""
        assert self.row is not None, "the run has no row in audit.runs"
        return self.row

    @property
    def run_id(self) -> str:
        return str(self.audited["run_id"])

    @property
    def status(self) -> str:
        return str(self.audited["status"])

    @property
    def reason(self) -> str | None:
        return None if self.audited["reason"] is None else str(self.audited["reason"])

    @property
    def counts(self) -> RunCounts:
        return RunCounts(**{field.name: int(self.audited[field.name]) for field in fields(RunCounts)})

    def outcomes(self) -> dict[int, str]:
        """What was done for whom: `{user: "conflict email_reused: conflict"}`; several actions with a comma between."""
        told: dict[int, str] = {}
        for row in self.actions.fillna({"reason": ""}).to_dict("records"):
            action = f"{row['action']} {row['reason']}".strip() + f": {row['outcome']}"
            user = int(row["bitrix24_id"])
            told[user] = f"{told[user]}, {action}" if user in told else action
        return told


@dataclass(frozen=True)
class Result(Audited):
    """How one run ended, in Dagster too."""

    dagster: dg.ExecuteInProcessResult

    @property
    def success(self) -> bool:
        return self.dagster.success

    @property
    def run_id(self) -> str:
        return self.dagster.run_id

    def failures(self) -> list[str]:
        """Why the run failed: the texts of failed steps, or of what failed before the first step."""
        failed = [event.event_specific_data.error for event in self.dagster.all_events if event.is_failure]
        return list(dict.fromkeys((error.cause or error).message.strip() for error in failed))

    def metadata(self, asset: str) -> dict[str, Any]:
        """What an asset's materialization says, as plain values."""
        (found,) = self.dagster.asset_materializations_for_node(asset)
        return {name: value.value for name, value in found.metadata.items()}

    def observed(self, asset: str) -> dict[str, Any]:
        """What an asset's observation says, as plain values."""
        (found,) = [
            event.asset_observation_data.asset_observation
            for event in self.dagster.get_asset_observation_events()
            if event.asset_observation_data.asset_observation.asset_key.to_user_string() == asset
        ]
        return {name: value.value for name, value in found.metadata.items()}
