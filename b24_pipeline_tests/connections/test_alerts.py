"""Alerts of many connections: one message a change, with the connections that it concerns."""

from collections.abc import Iterator

import dagster as dg
import pytest

from b24_pipeline import sensors
from b24_pipeline.alerts.conditions import Condition, State
from b24_pipeline.alerts.grouped import notify_grouped
from b24_pipeline.alerts.messages import Message
from b24_pipeline.alerts.notify import Memory, StatusReport
from b24_pipeline.connection_health import ConnectionHealth
from b24_pipeline_tests.alerts.receivers import Hook, web_receiver
from b24_pipeline_tests.connections.conftest import FOLDER, Companies
from b24_pipeline_tests.harness import CLOCK, HALF_AN_HOUR

TICK = 30


class Sensor:
    """The sensor of alerts, tick after tick; half a minute passes before each."""

    def __init__(self, companies: Companies) -> None:
        self.companies = companies
        self.cursor: str | None = None

    def tick(self) -> str:
        CLOCK.seconds += TICK
        found = sensors.import_health(dg.build_sensor_context(self.companies.instance, cursor=self.cursor))
        assert isinstance(found, dg.SensorResult)
        self.cursor = found.cursor
        return str(found.skip_reason.skip_message if isinstance(found.skip_reason, dg.SkipReason) else "")


@pytest.fixture
def hook(three_companies: Companies) -> Iterator[Hook]:
    """A receiver for the alerts of all three connections."""
    assert len(three_companies.worlds) == 3
    with web_receiver() as found:
        FOLDER.defaults.write_text(f"B24_PIPELINE_ALERT_WEBHOOK_URL={found.url}\n")
        yield found


@pytest.fixture
def sensor(companies: Companies, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> Sensor:
    kept = ConnectionHealth(FOLDER)
    monkeypatch.setattr(sensors, "connection_health", lambda _: kept)
    monkeypatch.setattr(sensors, "utc_now", CLOCK.now)
    found = Sensor(companies)
    assert found.tick() == "no alert needed"
    assert hook.posted == []
    return found


def test_connections_that_fail_and_recover_together_are_one_message_each(
    companies: Companies, sensor: Sensor, hook: Hook
) -> None:
    CLOCK.seconds += HALF_AN_HOUR
    for key in ("acme", "initech"):
        companies.connect(key, CALLGEAR_ACCESS_TOKEN="wrong")
        companies.import_people(key)

    assert sensor.tick() == "waiting up to a minute for more changes"
    assert sensor.tick() == "alert sent via webhook"
    assert sensor.tick() == "no alert needed"

    (text,) = hook.texts
    assert text.splitlines()[0] == "2 of 3 connections need attention: failed: 2"
    assert text.splitlines()[1] == "failed: acme, initech"
    assert "acme: The import is failing." in text

    CLOCK.seconds += HALF_AN_HOUR
    for key in ("acme", "globex", "initech"):
        companies.connect(key)
        companies.import_people(key)
    sensor.tick()
    sensor.tick()

    assert hook.texts[1:] == ["0 of 3 connections need attention: over: failed\nOver (failed): acme, initech"]


def test_what_goes_on_changing_is_told_within_a_minute(companies: Companies, sensor: Sensor, hook: Hook) -> None:
    CLOCK.seconds += HALF_AN_HOUR
    for key in ("acme", "globex", "initech"):
        companies.connect(key, CALLGEAR_ACCESS_TOKEN="wrong")
        companies.import_people(key)
        sensor.tick()

    (text,) = hook.texts
    assert text.startswith("3 of 3 connections need attention: failed: 3\nfailed: acme, globex, initech\n")


def test_a_message_of_a_change_says_who_was_told_of_before(companies: Companies, sensor: Sensor, hook: Hook) -> None:
    CLOCK.seconds += HALF_AN_HOUR
    for key in ("acme", "globex"):
        companies.connect(key, CALLGEAR_ACCESS_TOKEN="wrong")
        companies.import_people(key)
        sensor.tick()
        sensor.tick()

    assert hook.texts[1].splitlines()[:2] == [
        "2 of 3 connections need attention: failed: 1; as before: 1",
        "failed: globex",
    ]
    assert hook.texts[1].splitlines()[-1] == "As before: acme"


def test_a_connection_whose_file_is_bad_is_told_with_the_line_that_names_it(
    companies: Companies, sensor: Sensor, hook: Hook
) -> None:
    companies.connect("globex", B24_PIPELINE_PHONES="some")
    sensor.tick()
    sensor.tick()

    (text,) = hook.texts
    assert text.splitlines()[:3] == [
        "1 of 3 connections need attention: failed: 1",
        "failed: globex",
        "Its settings cannot be used.",
    ]
    assert "B24_PIPELINE_PHONES" in text


def test_a_receiver_that_is_down_hears_of_it_later(companies: Companies, sensor: Sensor, hook: Hook) -> None:
    CLOCK.seconds += HALF_AN_HOUR
    companies.connect("acme", CALLGEAR_ACCESS_TOKEN="wrong")
    companies.import_people("acme")
    hook.status = 500
    sensor.tick()
    assert sensor.tick().startswith("alert webhook returned HTTP 500")

    hook.status = 200
    assert sensor.tick() == "alert sent via webhook"


def test_nothing_is_told_of_a_connection_that_was_removed(companies: Companies, sensor: Sensor, hook: Hook) -> None:
    CLOCK.seconds += HALF_AN_HOUR
    companies.connect("acme", CALLGEAR_ACCESS_TOKEN="wrong")
    companies.import_people("acme")
    FOLDER.file("acme").unlink()
    assert [sensor.tick(), sensor.tick(), sensor.tick()] == ["no alert needed"] * 3
    assert hook.posted == []


class Receiver:
    name = "receiver"

    def __init__(self) -> None:
        self.told: list[tuple[float, Message]] = []

    def send(self, message: Message) -> None:
        self.told.append((CLOCK.seconds, message))


def test_two_hundred_failures_within_two_minutes_are_all_told_within_90_seconds() -> None:
    CLOCK.begin_anew()
    receiver, memory, started = Receiver(), Memory(), CLOCK.seconds
    failed_at = {f"c{number:03}": started + number * 120 / 200 for number in range(200)}
    while CLOCK.seconds < started + 300:
        now = CLOCK.now()
        reports = {
            key: StatusReport(
                "a → b", (Condition(State.FAILED, now, "The import is failing."),) if at <= CLOCK.seconds else ()
            )
            for key, at in failed_at.items()
        }
        memory = notify_grouped([receiver], reports, Memory.from_json(memory.to_json(), now=now), now=now).memory
        CLOCK.seconds += TICK

    assert len(receiver.told) <= 4
    told_by = {state: at for at, message in receiver.told for state in [message.subject]}
    assert sum(int(subject.partition("failed: ")[2].partition(";")[0]) for subject in told_by) == 200
    assert max(told_by.values()) - (started + 120) <= 90


def test_a_damaged_cursor_begins_anew() -> None:
    for text in ('{"notified": {"webhook": {"acme": {"NO_STATE": "yesterday"}}}}', "[1]", "{"):
        assert Memory.from_json(text, now=CLOCK.now()) == Memory()
