"""The audit for warehouses and BI tools, written at the end of the import where `B24_PIPELINE_EXPORT` is set."""

import logging
from collections.abc import Iterator

import dagster as dg

from b24_pipeline.assets.bitrix24 import FRESH, step_asset
from b24_pipeline.assets.report import import_report
from b24_pipeline.audit import StoreError
from b24_pipeline.audit.export import export
from b24_pipeline.resources import ImportRunResource

log = logging.getLogger(__name__)


@step_asset(
    deps=[import_report],
    group_name="report",
    kinds={"duckdb", "parquet"},
    output_required=False,
    freshness_policy=FRESH,
)
def audit_export(import_run: ImportRunResource) -> Iterator[dg.MaterializeResult[None]]:
    """Every table of the audit as Parquet, one folder a table, in the folder or object store that the setting names.

    The tables are described in docs/audit.md. A failed export never makes an import fail: the run says why, and this
    asset is red once it is an hour old. Dry runs export nothing. Without `B24_PIPELINE_EXPORT` it does nothing.
    """
    run = import_run.run
    if run.config.dry_run:
        return
    address = run.connection.export_address
    if address is None:
        yield dg.MaterializeResult(metadata={"skipped": "B24_PIPELINE_EXPORT is not set"})
        return
    with run.store.seen_as_ended(*run.status(), run.outcome.counts):
        try:
            rows = export(run.store.database, address)
        except StoreError as error:
            log.error("%s", error)  # noqa: TRY400 - the text is one line for people
            run.outcome.warnings.append(str(error))
            return
    yield dg.MaterializeResult(metadata={"address": address, "tables": len(rows), "rows": sum(rows.values())})
