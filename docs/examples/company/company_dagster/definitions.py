"""The company's own assets, with the import merged into them."""

import dagster as dg
import duckdb

from b24_pipeline import build_definitions
from b24_pipeline.settings import database_settings


@dg.asset(deps=[dg.AssetKey(["crm", "responsible_employees"])], group_name="people")
def people_by_department() -> list[tuple[str, int]]:
    """How many imported people each department has, read from the audit after each import."""
    with duckdb.connect(str(database_settings().database), read_only=True) as audit:
        rows = audit.sql(
            "SELECT departments, count(*) FROM audit.links JOIN audit.bitrix24_users USING (bitrix24_id) GROUP BY ALL"
        )
        return rows.fetchall()


defs = dg.Definitions.merge(
    dg.Definitions(
        assets=[people_by_department],
        resources={"io_manager": dg.FilesystemIOManager(base_dir="warehouse")},
        executor=dg.multiprocess_executor,
    ),
    build_definitions(key_prefix="crm", group_prefix="crm_", schedule="*/30 * * * *"),
)
