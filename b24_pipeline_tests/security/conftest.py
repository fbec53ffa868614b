"""A folder with a database and a Dagster home of its own, where `b24-pipeline` is typed in a process of its own."""

from collections.abc import Iterator

import pytest

from b24_pipeline.sandbox import Bitrix24Behavior, CallGearBehavior, Sandbox, serve
from b24_pipeline_tests.faults.kill import Desk, ForkServer
from b24_pipeline_tests.scenarios import PLENTY


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer) -> Iterator[Desk]:
    """A desk before an empty portal and an empty account; each module has its own, because a command takes seconds."""
    sandbox = Sandbox(bitrix24=Bitrix24Behavior(tariff=None), callgear=CallGearBehavior(**PLENTY))
    with serve(sandbox) as server:
        yield Desk.at(tmp_path_factory.mktemp("desk"), server, fork_server)
