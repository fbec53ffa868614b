"""R17 with many connections: one tick looks at every portal, and says which it could not look at."""

from collections.abc import Iterator

import dagster as dg
import pytest

from b24_pipeline import sensors
from b24_pipeline.connection import Timing
from b24_pipeline.partitions import NAME, PRIORITY_TAG
from b24_pipeline.portal_polling import Portals
from b24_pipeline.sandbox import Fault, FaultKind
from b24_pipeline_tests.connections.conftest import FOLDER, Companies
from b24_pipeline_tests.harness import CLOCK, unlimited


class Ticks:
    """The sensor, tick after tick, with the cursor that Dagster keeps for it."""

    def __init__(self, companies: Companies) -> None:
        self.companies = companies
        self.cursor: str | None = None
        self.reason = ""

    def tick(self) -> dict[str, dg.RunRequest]:
        """One tick: the requests by connection."""
        context = dg.build_sensor_context(instance=self.companies.instance, cursor=self.cursor)
        found = sensors.bitrix24_changes(context)
        assert isinstance(found, dg.SensorResult)
        self.cursor = found.cursor
        self.reason = found.skip_reason.skip_message or "" if isinstance(found.skip_reason, dg.SkipReason) else ""
        return {str(request.partition_key): request for request in found.run_requests or ()}


@pytest.fixture
def ticks(three_companies: Companies, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ticks]:
    """Three connections, imported, and a sensor that saw nothing since."""
    kept = Portals(FOLDER, Timing(unix=CLOCK, monotonic=CLOCK, sleep=CLOCK.sleep, bucket_of=unlimited))
    monkeypatch.setattr(sensors, "portals", lambda _: kept)
    found = Ticks(three_companies)
    assert found.tick() == {}
    assert found.reason == "3 portals polled, nothing to import"
    yield found
    for key in FOLDER.keys:
        kept.forget(key)


def test_r17_a_hire_in_one_portal_requests_that_connection_and_goes_first(ticks: Ticks) -> None:
    ticks.companies["globex"].hire("Newcomer")

    requests = ticks.tick()

    assert list(requests) == ["globex"]
    assert requests["globex"].tags[PRIORITY_TAG] == "1"
    assert ticks.tick() == {}

    ticks.companies.import_people("globex")
    ticks.companies["globex"].hire("Another")
    assert list(ticks.tick()) == ["globex"]


def test_a_portal_is_asked_once_a_tick_and_files_are_read_when_they_change(ticks: Ticks) -> None:
    worlds = ticks.companies.worlds.values()
    for world in worlds:
        world.forget_requests()
    ticks.tick()
    assert [len(world.sandbox.requests) for world in worlds] == [1, 1, 1]

    ticks.companies.connect("acme", B24_PIPELINE_PHONES="some")
    assert ticks.tick() == {}
    assert "acme: connections/acme.env: B24_PIPELINE_PHONES: " in ticks.reason

    ticks.companies.connect("acme")
    ticks.companies["acme"].hire("Newcomer")
    assert list(ticks.tick()) == ["acme"]


def test_a_new_file_is_imported_at_the_next_tick_and_a_removed_one_never_again(ticks: Ticks) -> None:
    ticks.companies.connect("umbrella")
    assert list(ticks.tick()) == ["umbrella"]
    assert "umbrella" in ticks.companies.instance.get_dynamic_partitions(NAME)

    ticks.companies["globex"].hire("Newcomer")
    FOLDER.file("globex").unlink()
    assert ticks.tick() == {}
    assert "globex" not in ticks.companies.instance.get_dynamic_partitions(NAME)
    assert "globex" not in (ticks.cursor or "")


def test_a_portal_that_is_down_is_named_and_the_others_are_looked_at(ticks: Ticks) -> None:
    ticks.companies["acme"].sandbox.faults.add(Fault(FaultKind.HTTP_500, times=1_000))
    ticks.companies["globex"].hire("Newcomer")

    assert list(ticks.tick()) == ["globex"]

    assert ticks.tick() == {}
    assert "2 portals polled, nothing to import; acme: " in ticks.reason


def test_who_does_not_answer_in_time_is_named(ticks: Ticks) -> None:
    poller = sensors.portals(FOLDER)
    ticks.companies["acme"].sandbox.faults.add(Fault(FaultKind.TIMEOUT_BEFORE, times=1_000))

    found = poller.poll(("acme", "globex"), cursor=ticks.cursor, seconds=0.3)

    assert list(found.found) == ["globex"]
    assert found.problems == ("acme: not polled in time",)
    assert "acme" in found.cursor


def test_a_damaged_cursor_begins_anew(ticks: Ticks) -> None:
    ticks.cursor = '["not", "ours"]'
    ticks.companies["acme"].hire("Newcomer")
    assert list(ticks.tick()) == ["acme"]
