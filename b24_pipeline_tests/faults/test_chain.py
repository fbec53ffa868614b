"""The chain of the matrix is the chain of the project: both leave the same requests, links, actions and figures."""

import pandas as pd

from b24_pipeline import schemas
from b24_pipeline.audit.schema import HISTORIES
from b24_pipeline_tests import scenarios
from b24_pipeline_tests.faults.stage import Picture, Repertoire
from b24_pipeline_tests.harness import World


def test_the_chain_without_dagster_does_what_the_chain_in_dagster_does(world: World, repertoire: Repertoire) -> None:
    world.set(B24_PIPELINE_CALLGEAR_IN_FLIGHT="1")
    scenarios.newcomers(world.sandbox)
    in_dagster = world.run()

    with repertoire.on_stage(scenarios.FIRST) as stage:
        ended = stage.run()

        assert [request.method for request in ended.requests] == [r.method for r in world.sandbox.requests]
        assert (ended.status, ended.counts) == (in_dagster.status, in_dagster.counts)
        assert stage.links() == world.links()
        assert Picture.of(stage.sandbox) == Picture.of(world.sandbox)
        pd.testing.assert_frame_equal(timeless(ended.actions), timeless(in_dagster.actions))
        with world.store() as audit:
            for model in HISTORIES:
                pd.testing.assert_frame_equal(stage.store.snapshot(model), audit.snapshot(model))


def timeless(actions: pd.DataFrame) -> pd.DataFrame:
    """The actions without their times, in the order of the users."""
    columns = [name for name in schemas.column_names(schemas.Actions) if name != "at"]
    return actions[columns].sort_values("bitrix24_id", ignore_index=True)
