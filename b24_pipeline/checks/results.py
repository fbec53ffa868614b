"""The checks of what the import has achieved: who is imported, who is not and why, and what is running out."""

from datetime import timedelta

from b24_pipeline.assets.bitrix24 import POOL
from b24_pipeline.assets.callgear import callgear_upsert
from b24_pipeline.audit import Step, check_queries
from b24_pipeline.audit.health import failing_people
from b24_pipeline.checks.base import Check, Verdict, checks_of, listed
from b24_pipeline.rules.labels import CHANGES
from b24_pipeline.rules.models import RunKind
from b24_pipeline.sync.run import ImportRun

SMALLEST_SHARE = 0.90
LOW_BUDGET = 0.20
FAILING_FOR = timedelta(days=1)


def candidates_are_imported(run: ImportRun) -> Verdict:
    """The share of the candidates with a live link."""
    found = check_queries.imported(run.store)
    words = f"{found.imported} of {found.candidates} candidates are imported ({found.share:.0%})"
    figures = {"candidates": found.candidates, "imported": found.imported, "share": round(found.share, 4)}
    before = run.store.importable_before()
    if before is not None and not run.config.only and found.importable.has_fallen(before=before):
        words = f"{words}; {found.importable.describe_fall(before=before)}"
        return Verdict(passed=False, words=words, figures=figures)
    return Verdict(found.share >= SMALLEST_SHARE, words, figures=figures)


def points_are_left(run: ImportRun) -> Verdict:
    """The day's share of points that is left to us."""
    budget = run.connection.callgear.budget
    left, share = budget.left_today(), budget.day_share()
    words = f"{left} of the {share} CallGear points that the import may spend a day are left"
    figures = {"points_left": left, "points_a_day": share, "points_spent": run.connection.callgear.points_spent}
    return Verdict(left >= LOW_BUDGET * share, words, figures=figures)


def nobody_fails_for_days(run: ImportRun) -> Verdict:
    """R18: dead letters that are not mended."""
    now = run.connection.now()
    people = [
        {
            "who": person.person,
            "user": person.bitrix24_id,
            "why": f"{person.action.replace('_', ' ')} fails since {person.first_failed_at:%Y-%m-%d %H:%M} UTC, "
            f"{person.attempts} times: {person.error}",
        }
        for person in failing_people(run.store)
        if now - person.first_failed_at >= FAILING_FOR
    ]
    return listed(people, good="no record fails for a day or longer", bad="{} records fail for a day or longer")


def no_failed_actions(run: ImportRun) -> Verdict:
    """R18: what was refused in this run, or found no answer."""
    people = [
        {**row, "why": f"{row['action'].replace('_', ' ')} failed: {row['error']}"}
        for row in check_queries.offenders(run.store, "failed_actions", run_id=run_looked_at(run))
    ]
    return listed(people, good="no action failed", bad="{} actions failed")


def nothing_is_held(run: ImportRun) -> Verdict:
    """R16."""
    run_id = run_looked_at(run)
    people = [
        {**row, "why": f"{CHANGES[row['harm']][0]}: held until a person approves run {run_id}"}
        for row in check_queries.offenders(run.store, "held_actions", run_id=run_id)
    ]
    return listed(people, good="no safety limit holds anything", bad="a safety limit holds {} changes")


def both_sides_agree(run: ImportRun) -> Verdict:
    """Who is missing in the account without a reason, and who is there without a link."""
    run_id, prefix = run_looked_at(run), run.policy.last_name_prefix
    people = [
        *check_queries.offenders(run.store, "people_missing_in_account", run_id=run_id),
        *(check_queries.offenders(run.store, "employees_of_nobody", run_id=run_id, prefix=prefix) if prefix else ()),
    ]
    return listed(people, good="both sides agree on who is imported", bad="{} people are on one side only")


def run_looked_at(run: ImportRun) -> str:
    """The run whose actions are looked at: this one where it has written for everybody, else the last import (R18a)."""
    if run.launch.kind in (RunKind.IMPORT, RunKind.PARTIAL) and Step.UPSERT in run.store.recorded_by(run.run_id):
        return run.run_id
    past = run.store.last_import()
    return past.run_id if past else run.run_id


callgear_upsert_checks = checks_of(
    callgear_upsert,
    [
        Check(
            "candidates_are_imported",
            f"At least {SMALLEST_SHARE:.0%} of the active employees of Bitrix24 are linked to an employee of CallGear. "
            "Fewer means that much is rejected, in conflict, held or deferred: the other checks say whom. "
            "It also warns when less than half of the share of the last import can be imported now (R02).",
            candidates_are_imported,
        ),
        Check(
            "both_sides_agree",
            "Bitrix24 and CallGear agree on who is imported: no candidate is missing in CallGear without a reason, and "
            "no employee carries the prefix of imported people without belonging to somebody.",
            both_sides_agree,
        ),
        Check(
            "no_failed_actions",
            "No change failed in the last import. One that was refused is tried again ever more rarely, one without an "
            "answer in the next run; everybody else is imported (R18).",
            no_failed_actions,
        ),
        Check(
            "nothing_is_held",
            "A safety limit holds changes that look too many to be meant (R16). Look at the list; if it is right, "
            "approve the run: `b24-pipeline approve RUN_ID`, or `approve` in the launchpad.",
            nothing_is_held,
        ),
        Check(
            "nobody_fails_for_days",
            "People whose change CallGear has refused for a day or longer. They are tried again ever more rarely; "
            "the answer says what to mend (R14, R18).",
            nobody_fails_for_days,
        ),
        Check(
            "points_are_left",
            f"At least {LOW_BUDGET:.0%} of the CallGear points that the import may spend a day are left. When they are "
            "used up, the rest is deferred to the next runs; nothing is lost.",
            points_are_left,
        ),
    ],
    pool=POOL,
)
