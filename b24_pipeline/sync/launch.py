"""The launch of a run: its choices, trigger and purpose."""

import json
from dataclasses import asdict, dataclass, replace

from b24_pipeline.rules.models import (
    IdMatchPolicy,
    PhonesPolicy,
    Policy,
    ResponsibleListPolicy,
    RunKind,
    Scope,
    Trigger,
)

CRON = "*/30 * * * *"
"""The schedule of the import (R17)."""
NOBODY_FAILED = "Nobody has failed: there is nothing to try again."


@dataclass(frozen=True, slots=True)
class RunConfig:
    """The choices for one run."""

    dry_run: bool = False
    """R19: read everything, write the plan, change nothing."""
    only: frozenset[int] | None = None
    """Do something only for these Bitrix24 users; None for everybody."""
    phones: PhonesPolicy | None = None
    on_id_match: IdMatchPolicy | None = None
    responsible_list: ResponsibleListPolicy | None = None

    @property
    def kind(self) -> RunKind:
        """The kind of a run that does all steps."""
        if self.dry_run:
            return RunKind.DRY_RUN
        return RunKind.IMPORT if self.only is None else RunKind.SINGLE

    @property
    def is_for_nobody(self) -> bool:
        """Return whether there is nobody to do something for: neither system is asked."""
        return self.only == frozenset()

    def policy(self, settings: Policy) -> Policy:
        """The settings' policy with this run's choices in place."""
        return replace(
            settings,
            phones=self.phones or settings.phones,
            on_id_match=self.on_id_match or settings.on_id_match,
            responsible_list=self.responsible_list or settings.responsible_list,
        )

    def as_json(self, *, scope: Scope | None = None) -> str:
        """The choices as the audit keeps them, with the departments that the run covers where it knows them (R03)."""
        choices = {**asdict(self), "only": sorted(self.only or ())}
        if scope is not None:
            choices["include_departments"] = sorted(scope.include_departments)
            choices["exclude_departments"] = sorted(scope.exclude_departments)
        return json.dumps(choices, sort_keys=True)


@dataclass(frozen=True, slots=True)
class Launch:
    """The origin of a run.

    Attributes:
        run_id: Dagster's run id.
        trigger: who started it.
        kind: what it is for.
        reexecutes: the runs that it executes again, in whole or from where they failed.
        key_prefix: with what asset keys begin, in somebody else's Dagster project.
        cron: the schedule of the import; nothing if it has none.
    """

    run_id: str
    trigger: Trigger
    kind: RunKind = RunKind.IMPORT
    reexecutes: frozenset[str] = frozenset()
    key_prefix: tuple[str, ...] = ()
    cron: str | None = CRON
