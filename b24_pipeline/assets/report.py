"""The report at the end of the import."""

import logging
from collections.abc import Iterator

import dagster as dg

from b24_pipeline import audit
from b24_pipeline.assets.bitrix24 import FRESH, step_asset
from b24_pipeline.assets.callgear import callgear_upsert, responsible_employees
from b24_pipeline.audit import check_queries
from b24_pipeline.audit.report_queries import refused
from b24_pipeline.reporting.refresh import refresh_report, report_beside
from b24_pipeline.reporting.tables import people_markdown
from b24_pipeline.resources import ImportRunResource
from b24_pipeline.rules.labels import reason
from b24_pipeline.rules.models import RunKind
from b24_pipeline.sync.inputs import checked_run, source
from b24_pipeline.sync.run import RunContext

log = logging.getLogger(__name__)


@step_asset(
    deps=[callgear_upsert, responsible_employees],
    group_name="report",
    kinds={"matplotlib", "duckdb"},
    output_required=False,
    freshness_policy=FRESH,
)
def import_report(import_run: ImportRunResource) -> Iterator[dg.MaterializeResult[None]]:
    """The import at a glance: people on both sides, outcomes, matches, rejects and conflicts, links, points, time.

    Every figure comes from the audit. The pictures are in `report.html` beside the database, with all names; also by
    `b24-pipeline report`. It is redrawn when a run has something new, else at most once an hour, because drawing takes
    a second.

    Red once no import has got as far as this step for an hour, which is two intervals. Dry runs and runs for single
    people leave the report as it is. Materialized alone it is drawn of what is stored.
    """
    run = import_run.run
    if run.launch.kind in (RunKind.DRY_RUN, RunKind.SINGLE):
        log.info("report unchanged: dry runs and single-person runs are not reported")
        return
    if run.launch.kind is RunKind.IMPORT:
        count_so_far(run)
    found = check_queries.import_coverage(run.store.database, run_id=checked_run(run))
    yield dg.MaterializeResult(
        metadata={
            "candidates": found.candidates,
            "imported": found.imported,
            "share": round(found.share, 4),
            **({} if run.launch.kind is RunKind.IMPORT else last_import(run)),
            **report(run),
            "rejected_or_in_conflict": dg.MetadataValue.md(refused_markdown(run)),
        }
    )


def count_so_far(run: RunContext) -> None:
    """Store what the run has spent so far, so that the report includes it."""
    connection = run.connection
    run.outcome.count(
        bitrix24_requests=connection.bitrix24.requests_sent, callgear_points=connection.callgear.points_spent
    )


def last_import(run: RunContext) -> dict[str, str]:
    """Return which import the report shows, and its age; nothing before the first one."""
    past = audit.runs.last_import(run.store.database)
    return {"computed_from": f"the last import, {source(run, past)}"} if past else {}


def report(run: RunContext) -> dict[str, dg.MetadataValue]:
    """Return the findings and where the page lies; a failed report never makes an import fail.

    It tells of this run as if it had ended; the audit does not, before it has. The pictures are in the page only: they
    would be a quarter of what Dagster stores of a run.
    """
    file = report_beside(run.connection.paths.published)
    try:
        current = refresh_report(
            run.store, file, now=run.connection.now(), seen=run.store.seen_as_ended(*run.status(), run.outcome.counts)
        )
    except Exception as error:  # noqa: BLE001 - whatever it is: the import has done its work
        log.warning("the report could not be made: %s", error)
        return {"problem": dg.MetadataValue.text(f"the report could not be made: {error}")}
    return {
        "at_a_glance": dg.MetadataValue.md("\n".join(f"- {finding}" for finding in current.findings)),
        "file": dg.MetadataValue.path(str(file.resolve())),
        "drawn_at": dg.MetadataValue.timestamp(current.drawn_at.timestamp()),
    }


def refused_markdown(run: RunContext) -> str:
    rows = [
        {"who": who, "user": user, "why": reason(group.reason)}
        for group in refused(run.store.database)
        for who, user in group.people
    ]
    return people_markdown(rows, rest="audit.employee_matches")
