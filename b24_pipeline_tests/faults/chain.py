"""The chain without Dagster: the same steps on the same frames in a third of the time, for hundreds of runs.

`test_chain.py` proves that it leaves the same audit as the chain in Dagster.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from b24_pipeline.audit import Store
from b24_pipeline.audit.lock import run_lock
from b24_pipeline.connection import Timing, open_connection
from b24_pipeline.rules.models import Trigger
from b24_pipeline.settings import Settings
from b24_pipeline.sync import run as importing
from b24_pipeline.sync.launch import Launch, RunConfig
from b24_pipeline.sync.run import ImportRun, RunStopped
from b24_pipeline.sync.steps import import_everything


def import_once(
    settings: Settings, store: Store, *, run_id: str, timing: Timing, config: RunConfig | None = None
) -> None:
    """One run, as the resource and the assets do it; how it ended is in the audit."""
    with (
        open_connection(settings, timing) as connection,
        run_lock(connection.paths.lock, holder=f"run {run_id}", now=connection.now()),
    ):
        run = importing.begin(connection, store, config=config or RunConfig(), launch=Launch(run_id, Trigger.CLI))
        with ended(run):
            import_everything(run)


@contextmanager
def ended(run: ImportRun) -> Iterator[None]:
    """A stopped run ends like any other."""
    try:
        yield
    except RunStopped:
        pass
    finally:
        importing.end(run)
