"""The storage of frames between the steps: the database."""

import dagster as dg
import pandas as pd

from b24_pipeline import audit, schemas, settings
from b24_pipeline.asset_metadata import FRAME
from b24_pipeline.audit import Store, StoreError
from b24_pipeline.connection import utc_now
from b24_pipeline.resources import ImportRunResource, RunNotStarted
from b24_pipeline.settings import SettingsError
from b24_pipeline.sync import inputs

IO_MANAGER = "b24_pipeline_frames"
"""The key of the resource: not Dagster's own, because other assets of a project have another IO manager."""


class StoreIOManager(dg.ConfigurableIOManager):
    """Loads the frames that the steps have stored in DuckDB: the database is the only storage."""

    import_run: dg.ResourceDependency[ImportRunResource]

    def handle_output(self, context: dg.OutputContext, obj: pd.DataFrame) -> None:
        """Do nothing: each step has stored its frame."""

    def load_input(self, context: dg.InputContext) -> pd.DataFrame:
        """Return the frame of this run; else a fresh one for a run that writes, and the newest one for others.

        Raises:
            RunNotStarted: the run has no step of the import, and there is no audit that can be read.
        """
        model = frame_of(context.upstream_output)
        if self.import_run.only_reads:  # an asset of somebody else that is made of the newest frame
            key = context.partition_key if context.has_partition_key else None
            try:
                with Store.reader(settings.database_settings(connection=key).paths, now=utc_now) as database:
                    return audit.history.snapshot(database, model)
            except (SettingsError, StoreError) as error:
                raise RunNotStarted(str(error)) from None
        run = self.import_run.run
        wants_fresh = self.import_run.writes or run.store.recorded(model)
        with self.import_run.failing():
            return inputs.fresh(run, model) if wants_fresh else inputs.newest(run, model)


def frame_of(context: dg.OutputContext | None) -> type[schemas.Frame]:
    if context is None or context.definition_metadata is None:
        raise dg.DagsterInvariantViolationError("only the frames of assets are stored")
    model: type[schemas.Frame] = getattr(schemas, context.definition_metadata[FRAME])
    return model
