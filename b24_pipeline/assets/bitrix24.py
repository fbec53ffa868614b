"""The portal's assets: its users as received, and with eligibility and normalized fields."""

import logging
from collections.abc import Callable, Iterator
from typing import Any, cast

import dagster as dg
import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import schemas, settings
from b24_pipeline.alerts.conditions import STALE_AFTER
from b24_pipeline.asset_metadata import column_lineage, column_metadata
from b24_pipeline.assets.metadata import people_table, sources
from b24_pipeline.assets.observations import portal_as_read
from b24_pipeline.dagster_runs import IMPORT_POOL
from b24_pipeline.io_manager import IO_MANAGER
from b24_pipeline.reporting import tables
from b24_pipeline.resources import ImportRunResource
from b24_pipeline.rules.models import Eligibility
from b24_pipeline.sync import steps
from b24_pipeline.sync.launch import NOBODY_FAILED

log = logging.getLogger(__name__)

POOL = None if settings.connections() else IMPORT_POOL
OWNERS = ["team:data"]
FRESH = dg.FreshnessPolicy.time_window(fail_window=STALE_AFTER)
"""Red after an hour without a materialization."""

bitrix24_portal = dg.AssetSpec(
    "bitrix24_portal",
    group_name="bitrix24",
    kinds={"bitrix24"},
    owners=OWNERS,
    description="The Bitrix24 portal: where people are hired, renamed and dismissed. Each observation says which "
    "portal was read, when, through whose webhook, and how many people it has; `b24-pipeline check` looks at the "
    "rights.",
)


def step_asset(
    model: type[schemas.Frame] | None = None,
    **given: Any,  # noqa: ANN401
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Return the decorator of a step's asset: what all steps have in common, and the columns of its frame."""
    columns = column_metadata(model) if model else None
    decorator: Callable[[Callable[..., Any]], dg.AssetsDefinition] = dg.asset(
        owners=OWNERS, pool=POOL, io_manager_key=IO_MANAGER, metadata=columns, **given
    )
    return decorator


@step_asset(
    schemas.Users,
    group_name="bitrix24",
    kinds={"bitrix24", "pandas"},
    deps=[bitrix24_portal],
    output_required=False,
    freshness_policy=FRESH,
)
def bitrix24_users(
    context: dg.AssetExecutionContext, import_run: ImportRunResource
) -> Iterator[dg.MaterializeResult[pd.DataFrame]]:
    """All users of the portal as received, active and dismissed; fails if incomplete.

    A response that is empty, unordered, truncated, without e-mails, or does not match the portal's own count stops the
    run (R13, R16a). A run for failed people ends here if nobody has failed.
    """
    if import_run.run.config.is_for_nobody:
        log.info(NOBODY_FAILED)
        return
    with import_run.failing() as run:
        users = steps.read_portal(run)
    context.log_event(portal_as_read(run, users))
    active = int(users["active"].sum())
    yield dg.MaterializeResult(
        value=users,
        metadata={
            "dagster/row_count": len(users),
            "users": len(users),
            "active": active,
            "dismissed": len(users) - active,
            "bitrix24_requests": run.connection.bitrix24.requests_sent,
        },
    )


@step_asset(schemas.Employees, group_name="bitrix24", kinds={"pandas"})
def employees(bitrix24_users: pd.DataFrame, import_run: ImportRunResource) -> dg.MaterializeResult[pd.DataFrame]:
    """Users with eligibility and normalized fields (R01-R06).

    `candidates` are the people in scope of the import (R01): some are `rejected` because required fields are missing
    (R02), the others are `accepted`. Names are trimmed, e-mails comparable, phones are digits in dialing order, last
    names have the prefix.
    """
    with import_run.failing() as run:
        judged = steps.evaluate_users(run, cast("DataFrame[schemas.Users]", bitrix24_users))
    eligibility = judged["eligibility"].value_counts()
    return dg.MaterializeResult(
        value=judged,
        metadata={
            "dagster/row_count": len(judged),
            "candidates": run.outcome.counts.candidates,
            "accepted": int(eligibility.get(Eligibility.CANDIDATE, 0)),
            **{word.value: int(eligibility.get(word, 0)) for word in Eligibility if word is not Eligibility.CANDIDATE},
            "with_phones": int(judged["phones"].notna().sum()),
            "rejects": people_table(tables.rejects(judged), rest="audit.employees"),
            "unusable_phone_texts": people_table(tables.unusable_phones(judged), rest="audit.employees"),
            **sources(run),
            **column_lineage(schemas.Employees, run.launch.key_prefix),
        },
    )
