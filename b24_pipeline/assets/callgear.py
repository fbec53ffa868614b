"""The account's assets: its employees, the match table, and the changes."""

from collections.abc import Iterator
from typing import Any, cast

import dagster as dg
import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.asset_metadata import column_lineage
from b24_pipeline.assets.bitrix24 import FRESH, OWNERS, step_asset
from b24_pipeline.assets.metadata import approval_metadata, kept_when_approved, people_table, sources, step_trace
from b24_pipeline.assets.observations import account_as_left, account_as_read, configuration, observation
from b24_pipeline.reporting import tables
from b24_pipeline.resources import ImportRunResource
from b24_pipeline.rules.models import MatchKind, Outcome, RunKind
from b24_pipeline.rules.planning import NO_PHONES
from b24_pipeline.sync import steps
from b24_pipeline.sync.responsible_list import ResponsibleListResult
from b24_pipeline.sync.run import RunContext

RESPONSIBLE = dg.AssetKey("responsible_employees")
MATCH_FIGURES = {
    "matched_by_id": MatchKind.BY_ID,
    "matched_by_email": MatchKind.BY_EMAIL,
    "not_in_callgear": MatchKind.NONE,
    "conflicts": MatchKind.CONFLICT,
    "rejected": MatchKind.REJECTED,
    "out_of_scope": MatchKind.OUT_OF_SCOPE,
    "dismissed": MatchKind.DISMISSED,
    "not_employee": MatchKind.NOT_EMPLOYEE,
}
"""The figures of matching, named as in `audit.runs` and the command line."""
OBSERVED = frozenset({RunKind.DRY_RUN, RunKind.SINGLE})
"""Runs whose plan or result is an observation of the writing assets (R18a)."""


callgear_account = dg.AssetSpec(
    "callgear_account",
    group_name="account",
    kinds={"callgear"},
    owners=OWNERS,
    description="The CallGear account as read. Each observation has the account, the time, the kind of access and the "
    "number of employees; `b24-pipeline check` verifies the permissions.",
)


@step_asset(
    schemas.CallGearEmployees,
    group_name="account",
    kinds={"callgear", "pandas"},
    deps=[callgear_account],
    output_required=False,
)
def callgear_employees(
    context: dg.AssetExecutionContext, import_run: ImportRunResource
) -> Iterator[dg.MaterializeResult[pd.DataFrame]]:
    """All employees of the CallGear account; fails if incomplete.

    When the day's points are used up, the rest of the run is deferred to the next one.
    """
    if import_run.run.config.is_for_nobody:
        return
    with import_run.failing() as run:
        found = steps.read_account(run)
    if found is None:
        return
    context.log_event(account_as_read(run, found))
    yield dg.MaterializeResult(
        value=found,
        metadata={
            "dagster/row_count": len(found),
            "employees": len(found),
            "without_phones": int((found["phone_numbers"] == NO_PHONES).sum()),
            "without_email": int(found["email"].isna().sum()),
            "callgear_points": run.connection.callgear.points_spent,
        },
    )


@step_asset(schemas.Matches, group_name="matching", kinds={"pandas"})
def employee_matches(
    employees: pd.DataFrame, callgear_employees: pd.DataFrame, import_run: ImportRunResource
) -> dg.MaterializeResult[pd.DataFrame]:
    """Match table: by the stored link first, then by e-mail; ambiguous matches are conflicts (R07-R09, R12).

    The links come from the database: CallGear has no field for a Bitrix24 id.
    """
    judged = cast("DataFrame[schemas.Employees]", employees)
    with import_run.failing() as run:
        matches = steps.match_users(
            run, employees=judged, callgear_employees=cast("DataFrame[schemas.CallGearEmployees]", callgear_employees)
        )
    kinds = matches["match_type"].value_counts()
    return dg.MaterializeResult(
        value=matches,
        metadata={
            "dagster/row_count": len(matches),
            **{name: int(kinds.get(kind, 0)) for name, kind in MATCH_FIGURES.items()},
            "people_in_conflict": people_table(tables.conflicts(matches, judged), rest="audit.employee_matches"),
            **sources(run),
            **approval_metadata(run, matches),
            **column_lineage(schemas.Matches, run.launch.key_prefix),
        },
    )


@step_asset(
    schemas.Actions, group_name="callgear", kinds={"callgear", "duckdb"}, output_required=False, freshness_policy=FRESH
)
def callgear_upsert(
    context: dg.AssetExecutionContext,
    employees: pd.DataFrame,
    employee_matches: pd.DataFrame,
    callgear_employees: pd.DataFrame,
    import_run: ImportRunResource,
) -> Iterator[dg.MaterializeResult[None]]:
    """Creates and links employees as planned: one action a person, each with its outcome (R07, R09-R11).

    Nobody is deleted, no phone number is changed. Changes above their safety limit are held (R16). A dry run shows the
    plan and sends nothing (R19). A single-person run (`only`) shows the step trace: what was read on both sides, the
    rule that decided, what was sent. Both are observations of this asset and of `responsible_employees`; only imports
    for everybody materialize them.
    """
    judged = cast("DataFrame[schemas.Employees]", employees)
    with import_run.failing() as run:
        actions = steps.upsert_employees(
            run,
            employees=judged,
            matches=cast("DataFrame[schemas.Matches]", employee_matches),
            callgear_employees=cast("DataFrame[schemas.CallGearEmployees]", callgear_employees),
        )
    found = upsert_metadata(run, actions)
    if run.launch.kind not in OBSERVED:
        context.log_event(account_as_left(run, callgear_employees))
        yield dg.MaterializeResult(metadata=found)
        return
    context.log_event(observation(run, "callgear_upsert", **found))
    if import_run.selects(RESPONSIBLE):  # as a step of its own it is skipped, because this one gives no output
        observe_responsible(context, import_run, judged)


def upsert_metadata(run: RunContext, actions: DataFrame[schemas.Actions]) -> dict[str, Any]:
    return {
        "dagster/row_count": len(actions),
        "created": run.outcome.counts.created,
        "linked": run.outcome.counts.linked,
        "unchanged": run.outcome.counts.unchanged,
        "phones_added": run.outcome.counts.phones_added,
        **tables.summary(actions),
        "callgear_points": run.connection.callgear.points_spent,
        "changes": dg.MetadataValue.md(tables.changes_markdown(actions)),
        **sources(run),
        **approval_metadata(run, actions),
        **kept_when_approved(actions),
        **step_trace(run),
        "configuration": configuration(run),
        **column_lineage(schemas.Actions, run.launch.key_prefix),
    }


@step_asset(
    schemas.ResponsibleEmployees,
    group_name="callgear",
    kinds={"callgear", "duckdb"},
    deps=[callgear_upsert],
    output_required=False,
)
def responsible_employees(
    context: dg.AssetExecutionContext, employees: pd.DataFrame, import_run: ImportRunResource
) -> Iterator[dg.MaterializeResult[None]]:
    """Removes dismissed and deleted people from CallGear's responsible list; `mirror` adds active ones (R13-R15).

    Deals are never changed: people who own deals stay on the list, and removal is retried at growing intervals. Dry
    runs and single-person runs do this in the step of `callgear_upsert`, and leave an observation here.
    """
    judged = cast("DataFrame[schemas.Employees]", employees)
    if import_run.run.launch.kind in OBSERVED:
        observe_responsible(context, import_run, judged)
        return
    with import_run.failing() as run:
        result = steps.update_list(run, judged)
    yield dg.MaterializeResult(metadata=responsible_metadata(run, result))


def observe_responsible(
    context: dg.AssetExecutionContext, import_run: ImportRunResource, judged: DataFrame[schemas.Employees]
) -> None:
    """Update the list, and report the result as an observation."""
    with import_run.failing() as run:
        result = steps.update_list(run, judged)
    context.log_event(observation(run, "responsible_employees", **responsible_metadata(run, result)))


def responsible_metadata(run: RunContext, result: ResponsibleListResult) -> dict[str, Any]:
    """Return the figures and changes of the step; no figures if the list was not read."""
    figures = {
        "dagster/row_count": len(result.state),
        "on_the_list": int(result.state["listed"].sum()),
        "responsible_removed": run.outcome.counts.responsible_removed,
        **tables.summary(result.actions),
        "changes": dg.MetadataValue.md(tables.changes_markdown(result.actions)),
        "people_in_conflict": people_table(
            tables.refused(result.actions, outcome=Outcome.CONFLICT), rest="audit.actions"
        ),
        **column_lineage(schemas.ResponsibleEmployees, run.launch.key_prefix),
    }
    return {
        **({"skipped": f"not read in this run: {result.skipped}"} if result.skipped else figures),
        **sources(run),
        **approval_metadata(run, result.actions),
        **step_trace(run),
    }


callgear_account_after_import = dg.AssetSpec(
    "callgear_account_after_import",
    deps=[callgear_upsert, responsible_employees],
    group_name="callgear",
    kinds={"callgear"},
    owners=OWNERS,
    description="The CallGear account after the import: its employees and its list of responsible employees. Each "
    "observation has the account, and how many of its employees are linked to users of the portal.",
)
