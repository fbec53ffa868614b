"""The project at a glance: everything that Dagster shows."""

import gc
import warnings
from typing import Any

import dagster as dg

gc.disable()  # a quarter of the time of these imports, which each run does, is looking for garbage that is not there

from b24_pipeline import jobs, schedules, sensors, settings
from b24_pipeline.assets import bitrix24, callgear, export, report
from b24_pipeline.assets.connections import connections as overview_asset
from b24_pipeline.checks import ALL_CHECKS
from b24_pipeline.dagster_runs import WRITING
from b24_pipeline.io_manager import IO_MANAGER, StoreIOManager
from b24_pipeline.partitions import partitioned
from b24_pipeline.resources import ImportRunResource
from b24_pipeline.settings import Connections

gc.enable()


def with_tags(spec: dg.AssetSpec) -> dg.AssetSpec:
    """Tag an asset for filters in the UI: which ones hold personal data (all), and which ones change CallGear."""
    changes = "callgear" if spec.key.to_user_string() in WRITING else "nothing"
    return spec.merge_attributes(tags={"b24_pipeline/personal_data": "yes", "b24_pipeline/changes": changes})


with warnings.catch_warnings():
    warnings.simplefilter("ignore", category=dg.BetaWarning)  # code references are in beta: a link, nothing else
    all_assets: Any = dg.with_source_code_references(
        dg.map_asset_specs(
            with_tags,
            [
                bitrix24.bitrix24_portal,
                bitrix24.bitrix24_users,
                bitrix24.employees,
                callgear.callgear_account,
                callgear.callgear_employees,
                callgear.employee_matches,
                callgear.callgear_upsert,
                callgear.responsible_employees,
                report.import_report,
                export.audit_export,
                callgear.callgear_account_after_import,
            ],
        )
    )


def build_definitions(
    import_run: type[ImportRunResource] = ImportRunResource, *, connections: Connections | None = None
) -> dg.Definitions:
    """Wire everything together.

    Args:
        import_run: the resource, or a subclass, for example one with a clock of its own.
        connections: the folder of connections; the assets have a partition for each. Nothing for one connection.
    """
    run = import_run.configure_at_launch()
    frames = StoreIOManager(import_run=run)
    project = dg.Definitions(
        assets=partitioned(all_assets) if connections else all_assets,
        asset_checks=ALL_CHECKS,
        jobs=[jobs.employee_import, jobs.purge_old_runs, jobs.purge_old_audit],
        schedules=[schedules.every_30_minutes, schedules.every_night_of_runs, schedules.every_night],
        sensors=[sensors.bitrix24_changes, sensors.import_health],
        resources={"import_run": run, IO_MANAGER: frames, "io_manager": frames},
        executor=dg.in_process_executor,
    )
    if connections is None:
        return project
    overview = dg.Definitions(assets=[overview_asset], jobs=[jobs.overview], schedules=[schedules.every_10_minutes])
    return dg.Definitions.merge(project, overview)


defs = build_definitions(connections=settings.connections())
