"""An asset check: a query of the run's store, and a finding with the people concerned by name."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from b24_pipeline.assets.bitrix24 import POOL
from b24_pipeline.reporting.tables import PERSON_COLUMNS
from b24_pipeline.resources import ImportRunResource
from b24_pipeline.rules.models import RunStatus
from b24_pipeline.sync.run import RunContext
from b24_pipeline.text import markdown_table, numbered


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check: a message, people by name, figures that the UI plots over time."""

    passed: bool
    message: str
    violations: Sequence[Mapping[str, Any]] = ()
    figures: Mapping[str, int | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AssetCheck:
    """One check of an asset. A blocking one stops the run before anything is written; the others warn."""

    evaluate: Callable[[RunContext], Finding]
    description: str
    blocking: bool = False

    def __call__(self, run: RunContext) -> Finding:
        return self.evaluate(run)

    @property
    def name(self) -> str:
        return self.evaluate.__name__

    def result(self, run: RunContext) -> dg.AssetCheckResult:
        finding = self.evaluate(run)
        if self.blocking and not finding.passed:
            run.outcome.fail(RunStatus.FAILED, f"{self.name}: {finding.message}; nothing was written")
        metadata: dict[str, Any] = dict(finding.figures) or {"violations": len(finding.violations)}
        if finding.violations:
            metadata["who"] = dg.MetadataValue.md(markdown_table(finding.violations, columns=PERSON_COLUMNS))
        return dg.AssetCheckResult(
            check_name=self.name,
            passed=finding.passed,
            severity=dg.AssetCheckSeverity.ERROR if self.blocking else dg.AssetCheckSeverity.WARN,
            description=finding.message,
            metadata=metadata,
        )


def asset_check(description: str, *, blocking: bool = False) -> Callable[[Callable[[RunContext], Finding]], AssetCheck]:
    """Return the decorator that makes a check of a function, with what Dagster's UI says of it."""
    return lambda evaluate: AssetCheck(evaluate, description, blocking)


def checks_of(
    asset: dg.AssetsDefinition,
    checks: Sequence[AssetCheck],
    *,
    afterward: Callable[[dg.DagsterInstance, ImportRunResource], None] | None = None,
) -> dg.AssetChecksDefinition:
    """Return all checks of one asset as one step, with what that step does besides."""
    by_name = {check.name: check for check in checks}

    @dg.multi_asset_check(
        name=f"{asset.key.to_python_identifier()}_checks",
        specs=[
            dg.AssetCheckSpec(check.name, asset=asset, description=check.description, blocking=check.blocking)
            for check in checks
        ],
        description=f"The checks of {asset.key.to_user_string()}, evaluated on what this run has stored.",
        can_subset=True,
        pool=POOL,
    )
    def run_checks(
        context: dg.AssetCheckExecutionContext, import_run: ImportRunResource
    ) -> Iterator[dg.AssetCheckResult]:
        for key in sorted(context.selected_asset_check_keys, key=lambda key: list(by_name).index(key.name)):
            yield by_name[key.name].result(import_run.run)
        if afterward is not None:
            afterward(context.instance, import_run)

    return run_checks


def listed(violations: Sequence[Mapping[str, Any]], *, good: str, one: str, many: str) -> Finding:
    """Return a finding that passes when nobody is listed; `one` and `many` follow their number."""
    message = numbered(len(violations), one, many) if violations else good
    return Finding(passed=not violations, message=message, violations=violations)
