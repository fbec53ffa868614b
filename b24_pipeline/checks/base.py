"""What a check is: a look at the run's store, and a verdict with the offenders by name."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from b24_pipeline.resources import ImportRunResource
from b24_pipeline.rules.models import RunStatus
from b24_pipeline.sync.run import ImportRun
from b24_pipeline.text import markdown_table

COLUMNS = ("who", "user", "why")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look has found: in words, by name, in figures that the UI plots over time."""

    passed: bool
    words: str
    offenders: Sequence[Mapping[str, Any]] = ()
    figures: Mapping[str, int | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Check:
    """One check of an asset. A guard stops the run before anything is written; the others warn."""

    name: str
    description: str
    look: Callable[[ImportRun], Verdict]
    guards: bool = False

    def spec(self, asset: dg.AssetsDefinition) -> dg.AssetCheckSpec:
        """How Dagster knows it."""
        return dg.AssetCheckSpec(self.name, asset=asset, description=self.description, blocking=self.guards)

    def result(self, run: ImportRun) -> dg.AssetCheckResult:
        """Look, and say what was found."""
        verdict = self.look(run)
        if self.guards and not verdict.passed and run.trouble is None:
            run.trouble = (RunStatus.FAILED, f"{self.name}: {verdict.words}; nothing was written")
        return dg.AssetCheckResult(
            check_name=self.name,
            passed=verdict.passed,
            severity=dg.AssetCheckSeverity.ERROR if self.guards else dg.AssetCheckSeverity.WARN,
            description=verdict.words,
            metadata=metadata_of(verdict),
        )


def metadata_of(verdict: Verdict) -> dict[str, int | float | dg.MetadataValue[Any]]:
    """The figures, and the offenders by name where there are some."""
    figures = dict(verdict.figures) or {"offenders": len(verdict.offenders)}
    if not verdict.offenders:
        return {**figures}
    return {**figures, "who": dg.MetadataValue.md(markdown_table(verdict.offenders, columns=COLUMNS))}


def checks_of(asset: dg.AssetsDefinition, checks: Sequence[Check], *, pool: str) -> dg.AssetChecksDefinition:
    """All checks of one asset as one step: they share one look at the store."""
    by_name = {check.name: check for check in checks}

    @dg.multi_asset_check(
        name=f"{asset.key.to_python_identifier()}_checks",
        specs=[check.spec(asset) for check in checks],
        description=f"Looks at what the run has stored of {asset.key.to_user_string()}; each check says what for.",
        can_subset=True,
        pool=pool,
    )
    def run_checks(
        context: dg.AssetCheckExecutionContext, import_run: ImportRunResource
    ) -> Iterator[dg.AssetCheckResult]:
        for key in sorted(context.selected_asset_check_keys, key=lambda key: list(by_name).index(key.name)):
            yield by_name[key.name].result(import_run.run)

    return run_checks


def listed(offenders: Sequence[Mapping[str, Any]], *, good: str, bad: str) -> Verdict:
    """Passed when nobody is listed; `{}` in the words stands for how many are."""
    return Verdict(passed=not offenders, words=bad.format(len(offenders)) if offenders else good, offenders=offenders)
