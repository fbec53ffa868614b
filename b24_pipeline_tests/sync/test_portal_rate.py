"""The portal's bucket is handed from process to process: what the runs before sent is in the audit (contract 4.1)."""

from dataclasses import replace

import pytest

from b24_pipeline.bitrix24.rate_limit import LeakyBucket
from b24_pipeline.sandbox.bitrix24.behavior import Tariff
from b24_pipeline_tests.harness import RunInTestTime, World

BURST = 2
"""As many requests at once as the first run sends."""


@pytest.fixture
def busy(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A portal with a small plan, and runs that are processes of their own: each begins with a bucket of its own."""
    clock = world.clock

    def own_bucket(_: str) -> LeakyBucket:
        return LeakyBucket(capacity=BURST, reserved=0, clock=clock, sleep=clock.sleep)

    monkeypatch.setattr(RunInTestTime, "timing", replace(RunInTestTime.timing, bucket_of=own_bucket))
    world.behave(tariff=Tariff(burst=BURST, leak=2))
    world.hire_many(3)
    return world


def requests(world: World) -> list[bool]:
    """Of the requests to the portal, whether it carried them out."""
    return [request.acted for request in world.sandbox.requests if request.api == "bitrix24"]


def test_a_run_waits_for_the_room_that_the_run_before_took(busy: World) -> None:
    first, second = busy.import_people(), busy.import_people()

    sent = len(requests(busy))
    assert (first.status, second.status) == ("done", "done")
    assert sent > BURST
    assert all(requests(busy))
    assert sum(busy.clock.waits) == pytest.approx((sent - BURST) / 2)


def test_a_run_waits_for_nothing_once_the_bucket_is_empty_again(busy: World) -> None:
    busy.import_people()
    busy.clock.seconds += BURST / 2
    busy.import_people()

    assert all(requests(busy))
    assert busy.clock.waits == []
