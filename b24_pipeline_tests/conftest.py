"""What the tests of the whole chain share. Dagster is loaded only by the tests that run it."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from b24_pipeline_tests.world import World


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator["World"]:
    """An empty portal and an empty account, with everything that stands between them."""
    import dagster as dg

    from b24_pipeline_tests.world import world_of

    with (
        dg.DagsterInstance.ephemeral() as instance,
        world_of(tmp_path, environment=monkeypatch, instance=instance) as found,
    ):
        yield found
