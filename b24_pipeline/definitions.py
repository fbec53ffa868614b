"""The project at a glance: everything that Dagster shows."""

import warnings

import dagster as dg

from b24_pipeline import assets, automation
from b24_pipeline.checks import ALL_CHECKS
from b24_pipeline.import_health import import_health
from b24_pipeline.resources import ImportRunResource, StoreIOManager

WRITING = frozenset({"callgear_upsert", "responsible_employees"})


def tagged(spec: dg.AssetSpec) -> dg.AssetSpec:
    """For filters in the UI: which assets hold personal data (all), and which ones change something in CallGear."""
    changes = "callgear" if spec.key.to_user_string() in WRITING else "nothing"
    return spec.merge_attributes(tags={"b24_pipeline/personal_data": "yes", "b24_pipeline/changes": changes})


with warnings.catch_warnings():
    warnings.simplefilter("ignore", category=dg.BetaWarning)  # code references are in beta: a link, nothing else
    all_assets = dg.with_source_code_references(
        dg.map_asset_specs(
            tagged,
            [
                assets.bitrix24_portal,
                assets.bitrix24_users,
                assets.employees,
                assets.callgear_account,
                assets.callgear_employees,
                assets.employee_matches,
                assets.callgear_upsert,
                assets.responsible_employees,
                assets.import_report,
                *assets.exporting(),
                assets.callgear_account_after_import,
            ],
        )
    )


def project(import_run: type[ImportRunResource] = ImportRunResource) -> dg.Definitions:
    """Everything wired together; the kind of run may be another, for example one with a time of its own."""
    run = import_run.configure_at_launch()
    return dg.Definitions(
        assets=all_assets,
        asset_checks=ALL_CHECKS,
        jobs=[automation.employee_import, automation.purge_old_runs, automation.purge_old_audit],
        schedules=[automation.every_30_minutes, automation.every_night_of_runs, automation.every_night],
        sensors=[automation.bitrix24_changes, import_health],
        resources={"import_run": run, "io_manager": StoreIOManager(import_run=run)},
        executor=dg.in_process_executor,
    )


defs = project()
