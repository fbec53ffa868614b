"""Checks of the import's results: coverage, failures, held changes and the point budget."""

from datetime import timedelta

import dagster as dg

from b24_pipeline import audit
from b24_pipeline.assets.callgear import OBSERVED, callgear_upsert
from b24_pipeline.audit import check_queries
from b24_pipeline.audit.health import failing_people
from b24_pipeline.audit.report_queries import POINTS_A_DAY, POINTS_LEFT
from b24_pipeline.checks.base import Finding, asset_check, checks_of, listed
from b24_pipeline.reporting.timeline_text import refusals
from b24_pipeline.resources import ImportRunResource
from b24_pipeline.rules.labels import CHANGES
from b24_pipeline.sync.inputs import checked_run
from b24_pipeline.sync.run import RunContext

MIN_SHARE = 0.90
LOW_BUDGET = 0.20
FAILING_FOR = timedelta(days=1)


@asset_check(
    f"At least {MIN_SHARE:.0%} of the active employees of Bitrix24 are linked to an employee of CallGear. "
    "A lower share means that many are rejected, in conflict, held or deferred: the other checks list them. "
    "It also warns when fewer than half of the last import's share can be imported (R02)."
)
def import_coverage(run: RunContext) -> Finding:
    found = check_queries.import_coverage(run.store.database, run_id=checked_run(run))
    message = f"{found.imported} of {found.candidates} candidates are imported ({found.share:.0%})"
    figures = {"candidates": found.candidates, "imported": found.imported, "share": round(found.share, 4)}
    before = audit.runs.importable_before(run.store.database)
    if before is not None and not run.config.only and found.importable.has_fallen(before=before):
        message = f"{message}; {found.importable.describe_fall(before=before)}"
        return Finding(passed=False, message=message, figures=figures)
    return Finding(found.share >= MIN_SHARE, message, figures=figures)


@asset_check(
    f"At least {LOW_BUDGET:.0%} of the import's daily CallGear points are left. When they are used up, the "
    "rest is deferred to the next runs; nothing is lost."
)
def point_budget(run: RunContext) -> Finding:
    callgear, noted = run.connection.callgear, audit.metadata.facts(run.store.database)
    left, share, when = callgear.budget.left_today(), callgear.budget.day_share(), "are left"
    if not callgear.points_spent and POINTS_LEFT in noted:
        left, share, when = int(noted[POINTS_LEFT]), int(noted[POINTS_A_DAY]), "were left after the last import"
    figures = {"points_left": left, "points_a_day": share, "points_spent": callgear.points_spent}
    message = f"{left} of the import's {share} daily CallGear points {when}"
    return Finding(left >= LOW_BUDGET * share, message, figures=figures)


@asset_check(
    "People whose change CallGear has refused for a day or longer. It is retried at growing intervals; the "
    "error says what to fix (R14, R18)."
)
def no_stuck_records(run: RunContext) -> Finding:
    now = run.connection.now()
    people = [
        {
            "who": person.display_name,
            "user": person.bitrix24_id,
            "why": f"{person.action.replace('_', ' ')} has failed since {person.first_failed_at:%Y-%m-%d %H:%M} UTC"
            f"{refusals(person.attempts, after=', ')}: {person.error}",
        }
        for person in failing_people(run.store.database)
        if now - person.first_failed_at >= FAILING_FOR
    ]
    return listed(
        people,
        good="no record has failed for a day or longer",
        one="record has failed for a day or longer",
        many="records have failed for a day or longer",
    )


@asset_check(
    "No change failed in the last import. A refused one is retried at growing intervals, one without a "
    "response in the next run; all others were imported (R18)."
)
def no_failed_actions(run: RunContext) -> Finding:
    people = [
        {**row, "why": f"{row['action'].replace('_', ' ')} failed: {row['error']}"}
        for row in check_queries.violations(run.store.database, "failed_actions", run_id=checked_run(run))
    ]
    return listed(people, good="no action failed", one="action failed", many="actions failed")


@asset_check(
    "Changes that exceed a safety limit and may be a mistake (R16). Review the list; if it is right, approve "
    "the run: `b24-pipeline approve RUN_ID`, or `approve` in the launchpad."
)
def no_held_changes(run: RunContext) -> Finding:
    run_id = checked_run(run)
    people = [
        {**row, "why": f"{CHANGES[row['risk']][0]}: held until run {run_id} is approved"}
        for row in check_queries.violations(run.store.database, "held_actions", run_id=run_id)
    ]
    return listed(
        people,
        good="no changes are held",
        one="change is held by a safety limit",
        many="changes are held by a safety limit",
    )


@asset_check(
    "Bitrix24 and CallGear agree: no candidate is missing in CallGear without a reason, and every CallGear "
    "employee with the prefix of imported people has a link."
)
def reconciliation(run: RunContext) -> Finding:
    database, run_id = run.store.database, checked_run(run)
    people = [*check_queries.violations(database, "people_missing_in_account", run_id=run_id)]
    if prefix := run.policy.last_name_prefix:
        people += check_queries.violations(database, "employees_of_nobody", run_id=run_id, prefix=prefix)
    return listed(
        people, good="both sides match", one="person exists on one side only", many="people exist on one side only"
    )


UPSERT_CHECKS = [import_coverage, reconciliation, no_failed_actions, no_held_changes, no_stuck_records, point_budget]

callgear_upsert_checks = checks_of(callgear_upsert, UPSERT_CHECKS)


def report_last_import(instance: dg.DagsterInstance, import_run: ImportRunResource) -> None:
    """Report the checks of `callgear_upsert` in a run that only observes it (R18a).

    Dagster skips their step together with the asset, and would show all of them as skipped.
    """
    run = import_run.run
    is_observed = run.launch.kind in OBSERVED and import_run.selects(callgear_upsert.key)
    if not is_observed or audit.runs.last_import(run.store.database) is None:
        return
    for result in (check.result(run) for check in UPSERT_CHECKS):
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                asset_key=callgear_upsert.key.with_prefix(run.launch.key_prefix),
                check_name=str(result.check_name),
                passed=result.passed,
                severity=result.severity,
                description=result.description,
                metadata=result.metadata,
            )
        )
