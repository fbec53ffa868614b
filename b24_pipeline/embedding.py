"""The import as a part of somebody else's Dagster project."""

import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import dagster as dg

from b24_pipeline import schemas, settings
from b24_pipeline.settings.connections import FOLDER_VARIABLE
from b24_pipeline.sync.launch import CRON

OF_THE_PROJECT = frozenset({"purge_old_runs"})
"""Jobs that only our own project has: the retention of Dagster's runs is up to whoever owns the instance."""


def build_definitions(
    *,
    key_prefix: str | Sequence[str] = (),
    group_prefix: str = "",
    schedule: str | None = CRON,
    connections: str | Path | None = None,
) -> dg.Definitions:
    """Return the import for `dg.Definitions.merge`.

    The job of the import brings its executor, and the assets their IO manager, under a key of its own: executor,
    IO manager, storage and launcher of the project stay as they are.

    Args:
        key_prefix: what the asset keys begin with.
        group_prefix: what the names of the groups begin with.
        schedule: when the import runs, as cron, in UTC; nothing for no schedule. A change in the portal starts it, too.
        connections: the folder with a file for each connection; without it that of the environment, or none.

    Raises:
        SettingsError: the folder of connections is not there.
    """
    if connections is not None:
        os.environ[FOLDER_VARIABLE] = str(connections)  # the steps read it, in whichever process they run
        if settings.connections() is None:
            raise settings.SettingsError(f"connections: {connections} is not a folder. Example: connections/acme.env")
    from b24_pipeline import definitions  # noqa: PLC0415 - the assets depend on the folder
    from b24_pipeline.resources import ImportRunResource  # noqa: PLC0415

    prefix = (key_prefix,) if isinstance(key_prefix, str) else tuple(key_prefix)

    class EmbeddedRun(ImportRunResource):
        is_own_project: ClassVar[bool] = False
        key_prefix: ClassVar[tuple[str, ...]] = prefix
        cron: ClassVar[str | None] = schedule

    own = definitions.build_definitions(EmbeddedRun, connections=settings.connections())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=dg.BetaWarning)  # of what Dagster's own copies of definitions pass on
        return embedded(own, prefix=prefix, group_prefix=group_prefix, schedule=schedule)


def embedded(own: Any, *, prefix: Sequence[str], group_prefix: str, schedule: str | None) -> dg.Definitions:  # noqa: ANN401
    """Return our own definitions under the names and with the schedule of the project."""
    from b24_pipeline import schedules  # noqa: PLC0415

    keys = {key: key.with_prefix(prefix) for key in own.resolve_asset_graph().get_all_asset_keys()}
    jobs = {job.name: renamed_job(job, own, keys) for job in own.jobs if job.name not in OF_THE_PROJECT}
    scheduled = [
        found.with_updated_job(jobs[found.job_name])
        for found in own.schedules
        if found.job_name in jobs and found is not schedules.every_30_minutes
    ]
    if schedule is not None:
        scheduled.append(
            schedules.import_schedule(jobs["employee_import"], cron=schedule, name="employee_import_schedule")
        )
    return dg.Definitions(
        assets=regrouped([renamed(asset, keys) for asset in own.assets], prefix=prefix, group_prefix=group_prefix),
        asset_checks=[
            dg.AssetChecksDefinition(**renamed(check, keys).get_attributes_dict()) for check in own.asset_checks
        ],
        jobs=list(jobs.values()),
        schedules=scheduled,
        sensors=[
            sensor.with_updated_job(jobs[sensor.job_name]) if sensor.targets else sensor for sensor in own.sensors
        ],
        resources={name: resource for name, resource in own.resources.items() if name != "io_manager"},
    )


def renamed(asset: Any, keys: Mapping[dg.AssetKey, dg.AssetKey]) -> Any:  # noqa: ANN401 - of several types
    """Return an asset or its checks under its new key, depending on the new keys of others."""
    if not isinstance(asset, dg.AssetSpec):
        return asset.with_attributes(asset_key_replacements=keys)
    deps = [dg.AssetDep(keys[dep.asset_key], partition_mapping=dep.partition_mapping) for dep in asset.deps]
    return asset.replace_attributes(key=keys[asset.key], deps=deps)


def regrouped(assets: Sequence[Any], *, prefix: Sequence[str], group_prefix: str) -> Any:  # noqa: ANN401
    """Return the assets in their new groups, with the column lineage of the new keys."""
    from b24_pipeline.asset_metadata import FRAME, column_lineage  # noqa: PLC0415

    def regroup(spec: dg.AssetSpec) -> dg.AssetSpec:
        frame = spec.metadata.get(FRAME)
        lineage = column_lineage(getattr(schemas, frame), prefix) if frame else {}
        return spec.replace_attributes(
            group_name=f"{group_prefix}{spec.group_name}", metadata={**spec.metadata, **lineage}
        )

    return dg.map_asset_specs(regroup, assets)


def renamed_job(job: Any, own: dg.Definitions, keys: Mapping[dg.AssetKey, dg.AssetKey]) -> Any:  # noqa: ANN401
    """Return a job of assets under their new keys, in one process; another job as it is."""
    if isinstance(job, dg.JobDefinition):
        return job
    selected = [keys[key] for key in job.selection.resolve(own.resolve_asset_graph())]
    return dg.define_asset_job(
        job.name,
        selection=dg.AssetSelection.assets(*selected),
        description=job.description,
        executor_def=dg.in_process_executor,
    )
