"""All connections at a glance, where there are several: the page that an operator opens in the morning."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import dagster as dg

from b24_pipeline import settings
from b24_pipeline.assets.bitrix24 import FRESH, OWNERS
from b24_pipeline.assets.report import import_report
from b24_pipeline.connection import utc_now
from b24_pipeline.overview import ConnectionState, states_of
from b24_pipeline.reporting.connections import write_page
from b24_pipeline.text import markdown_table, numbered

CHECK = "every_connection_is_imported"
COLUMNS = ("connection", "status", "attention", "last import", "people", "held", "failing", "points left", "pair")


@dg.asset(
    deps=[dg.AssetDep(import_report, partition_mapping=dg.AllPartitionMapping())],
    group_name="report",
    kinds={"duckdb"},
    owners=OWNERS,
    output_required=False,
    freshness_policy=FRESH,
    check_specs=[
        dg.AssetCheckSpec(
            CHECK,
            asset="connections",
            description="Every connection has been imported within the last hour, and its last import went through.",
        )
    ],
)
def connections() -> Iterator[dg.MaterializeResult[None]]:
    """Every connection: its last import, people, held changes, failing records, points left, what needs attention.

    Those that fail or are stale come first. The same table is in `connections.html` beside the databases, with a link
    to the report of each connection.
    """
    folder, now = settings.connections(), utc_now()
    found = states_of(folder, now=now) if folder else []
    states = sorted(found, key=lambda state: (not state.is_failing, not state.conditions, state.key))
    page = write_page(settings.folders().data_folder / settings.FOLDER, states, now=now)
    failing = [state.key for state in states if state.is_failing]
    finding = f"all {len(states)} connections are imported"
    if failing:
        finding = f"{len(failing)} of {len(states)} connections are failing or stale: {', '.join(failing)}"
    yield dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(states),
            "failing": len(failing),
            "people": sum(state.people for state in states),
            "held": sum(state.held for state in states),
            "connections": dg.MetadataValue.md(table(states, now=now)),
            "file": dg.MetadataValue.path(str(page.resolve())),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name=CHECK,
                passed=not failing,
                severity=dg.AssetCheckSeverity.WARN,
                description=finding,
                metadata={"failing": len(failing)},
            )
        ],
    )


def table(states: Sequence[ConnectionState], *, now: datetime) -> str:
    rows = [
        {
            "connection": state.key,
            "pair": state.pair,
            "last import": age(state.last_success, now=now),
            "status": state.status,
            "people": state.people,
            "held": state.held,
            "failing": state.failing,
            "points left": "" if state.points_left is None else state.points_left,
            "attention": "; ".join(condition.state for condition in state.conditions),
        }
        for state in states
    ]
    return markdown_table(rows, columns=COLUMNS, most=len(rows))


def age(moment: datetime | None, *, now: datetime) -> str:
    if moment is None:
        return "never"
    minutes = max(0, int((now - moment).total_seconds() // 60))
    return numbered(minutes, "minute ago", "minutes ago") if minutes < 120 else f"{moment:%Y-%m-%d %H:%M} UTC"
