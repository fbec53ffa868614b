"""One message a change of state, however often it is judged: real runs, a real store, real receivers."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from b24_pipeline import audit, schemas
from b24_pipeline.alerts.channels import channels_of
from b24_pipeline.alerts.conditions import State
from b24_pipeline.alerts.messages import message_of
from b24_pipeline.alerts.notify import ONLY, Memory, NotifyResult, StatusReport, judge, notify
from b24_pipeline.audit import Paths, RunCounts, RunStart
from b24_pipeline.audit.actions import Step
from b24_pipeline.audit.health import Failure
from b24_pipeline.rules.models import ChangeRisk, Outcome, RunKind, RunStatus, Trigger
from b24_pipeline.settings import AlertSettings
from b24_pipeline_tests.alerts.receivers import Hook, Mailbox, mail_receiver, web_receiver
from b24_pipeline_tests.clock import HALF_AN_HOUR
from b24_pipeline_tests.databases import new_store
from b24_pipeline_tests.factories import NOON, action, actions, dead_letter, dead_letters, user, users


class Import:
    """Runs as the audit sees them, half an hour apart, and ticks of the sensor between them."""

    def __init__(self, folder: Path, **receivers: Any) -> None:
        self.paths = Paths(folder / "b24.duckdb")
        self.now = NOON
        self.number = 0
        self.cursor = ""
        self.settings = AlertSettings(_env_file=None, database=self.paths.published, **receivers)  # type: ignore[call-arg]
        self.store = new_store(folder, now=lambda: self.now)
        audit.metadata.bind(self.store.database, portal_host="portal.test", callgear_host="account.test")

    def run(
        self,
        status: RunStatus = RunStatus.DONE,
        *,
        reason: str | None = None,
        held: tuple[ChangeRisk, ...] = (),
        failing: tuple[int, ...] = (),
        portal: tuple[int, ...] = (1, 2),
        **start: Any,
    ) -> "Import":
        self.number += 1
        self.now += HALF_AN_HOUR
        self.store.begin_run(RunStart(f"run-{self.number}", self.now, trigger=Trigger.SCHEDULE, **start))
        self.store.record_snapshot(schemas.Users, users(*(user(id_) for id_ in portal)))
        if status in (RunStatus.DONE, RunStatus.PARTIAL, RunStatus.HELD):
            rows = [action(1, risk=risk, outcome=Outcome.HELD, display_name="Name1 Ira") for risk in held]
            self.store.record_open_actions(Step.UPSERT, actions(*rows))
            audit.actions.put_dead_letters(self.store.database, dead_letters(*(dead_letter(id_) for id_ in failing)))
        if status is not RunStatus.RUNNING:
            self.store.finish_run(status, reason, RunCounts(failed=len(failing), held=len(held)))
        self.store.publish()
        return self

    def judge(self, *lost: Failure) -> StatusReport:
        memory = Memory.from_json(self.cursor, now=self.now)
        report, first_seen = judge(self.paths, memory.first_seen.get(ONLY), now=self.now, failed_runs=lambda _: lost)
        self.cursor = replace(memory, first_seen={ONLY: first_seen} if first_seen else {}).to_json()
        return report

    def tick(self, *lost: Failure) -> NotifyResult:
        report = self.judge(*lost)
        result = notify(
            channels_of(self.settings),
            {ONLY: report},
            Memory.from_json(self.cursor, now=self.now),
            write=lambda changes: message_of(changes[ONLY], connection=report.connection),
        )
        self.cursor = result.memory.to_json()
        return result

    def states(self) -> set[State]:
        return {condition.state for condition in self.judge().conditions}


@pytest.fixture
def hook() -> Iterator[Hook]:
    with web_receiver() as found:
        yield found


@pytest.fixture
def imported(tmp_path: Path, hook: Hook) -> Iterator[Import]:
    found = Import(tmp_path, alert_webhook_url=hook.url)
    with found.store:
        yield found


def test_a_healthy_import_sends_nothing(imported: Import, hook: Hook) -> None:
    for _ in range(3):
        imported.run().tick()
    assert hook.posted == []


def test_many_failures_send_one_message_and_the_recovery_one(imported: Import, hook: Hook) -> None:
    for _ in range(3):
        imported.run(RunStatus.FAILED, reason="the token has expired").tick()
    for _ in range(2):
        imported.run().tick()
    assert hook.subjects == ["failed", "recovered"]
    assert hook.texts[0].splitlines() == [
        "portal.test → account.test: failed",
        "The import is failing.",
        "Reason: the token has expired",
        "Since: 2026-01-12 12:30 UTC",
    ]


def test_each_state_is_sent_when_it_begins_and_when_it_is_over(imported: Import, hook: Hook) -> None:
    imported.run(RunStatus.HELD, held=(ChangeRisk.CREATE,)).tick()
    imported.run(RunStatus.HELD, held=(ChangeRisk.CREATE,), failing=(2,)).tick()
    imported.run(RunStatus.UNTRUSTED, reason="the portal's answer broke off").tick()
    imported.run(RunStatus.PARTIAL, failing=(2,)).tick()
    imported.run().tick()
    assert hook.subjects == [
        "held: employees to create",
        "records failing",
        "failed",
        "over: held: employees to create; failed",
        "recovered",
    ]
    assert "Who: Name1 Ira" in hook.texts[0]
    assert "Who: Name2 Ira" in hook.texts[1]


def test_a_second_kind_of_held_changes_is_sent_too(imported: Import, hook: Hook) -> None:
    imported.run(RunStatus.HELD, held=(ChangeRisk.CREATE,)).tick()
    imported.run(RunStatus.HELD, held=(ChangeRisk.CREATE, ChangeRisk.REMOVAL)).tick()
    assert hook.subjects == ["held: employees to create", "held: removals from the responsible list"]


def test_r18a_only_imports_count(imported: Import, hook: Hook) -> None:
    for kind in set(RunKind) - {RunKind.IMPORT}:
        imported.run(RunStatus.FAILED, kind=kind).tick()
    imported.run(RunStatus.FAILED).tick()
    imported.run(kind=RunKind.DRY_RUN).tick()
    assert hook.subjects == ["failed"]


def test_a_stale_import_is_sent_once(imported: Import, hook: Hook) -> None:
    imported.run().tick()
    for _ in range(4):
        imported.now += HALF_AN_HOUR
        imported.tick()
    imported.run().tick()
    assert hook.subjects == ["stale", "recovered"]


YEAR = timedelta(days=365)


@pytest.mark.parametrize("status", [RunStatus.FAILED, None])
def test_r16c_a_success_in_the_future_counts_from_when_it_is_seen(
    imported: Import, hook: Hook, status: RunStatus | None
) -> None:
    imported.now += YEAR
    imported.run()
    imported.now -= YEAR
    if status:
        imported.run(status)
    imported.tick()
    well = imported.states()
    for _ in range(3):
        imported.now += HALF_AN_HOUR
        imported.tick()
    later = imported.judge().conditions
    imported.run().tick()

    assert State.STALE not in well
    assert State.STALE in {condition.state for condition in later}
    assert hook.subjects[-1] == "recovered"
    assert all(condition.since <= imported.now for condition in later)


def test_r16c_a_stale_state_that_was_sent_in_the_future_ends_with_the_next_success(
    imported: Import, hook: Hook
) -> None:
    imported.run(RunStatus.FAILED)
    imported.now += YEAR
    imported.run(RunStatus.FAILED).tick()
    imported.now -= YEAR
    imported.tick()
    imported.run().tick()

    assert hook.subjects == ["failed", "recovered"]


def test_a_failed_run_does_not_end_a_stale_state(imported: Import, hook: Hook) -> None:
    imported.run()
    imported.now += timedelta(hours=2)
    imported.tick()
    imported.run(RunStatus.FAILED).tick()
    imported.run().tick()
    assert hook.subjects == ["stale", "failed", "recovered"]


def test_before_the_first_import_nothing_is_stale(tmp_path: Path, hook: Hook) -> None:
    imported = Import(tmp_path, alert_webhook_url=hook.url)
    imported.tick()
    imported.store.close()
    imported.paths.working.unlink()
    imported.tick()
    assert hook.posted == []


def test_a_damaged_database_is_sent_and_what_was_held_is_not_over(imported: Import, hook: Hook) -> None:
    imported.run(RunStatus.HELD, held=(ChangeRisk.CREATE,)).tick()
    imported.store.close()
    for path in (imported.paths.working, imported.paths.published):
        path.write_bytes(b"no database")
    imported.tick()
    imported.tick()
    assert hook.subjects == ["held: employees to create", "failed"]
    assert "Still: held: employees to create" in hook.texts[1]


def test_a_run_that_died_unrecorded_is_a_failure(imported: Import, hook: Hook) -> None:
    imported.run().run(RunStatus.RUNNING)
    lost = Failure("run-2", imported.now, RunStatus.FAILED, "it was killed")
    imported.tick(lost)
    imported.now += HALF_AN_HOUR
    imported.tick()
    imported.run().tick()
    assert hook.subjects == ["failed", "recovered"]


def test_a_run_that_could_not_begin_is_a_failure(imported: Import, hook: Hook) -> None:
    imported.run()
    imported.now += HALF_AN_HOUR
    imported.tick(Failure("unknown-run", imported.now, RunStatus.FAILED, "BITRIX24_WEBHOOK_URL: is missing"))
    assert "Reason: BITRIX24_WEBHOOK_URL: is missing" in hook.texts[0]


def test_a_run_that_was_lost_before_the_last_success_does_not_matter(imported: Import, hook: Hook) -> None:
    imported.run()
    imported.tick(Failure("unknown-run", imported.now - HALF_AN_HOUR, RunStatus.FAILED, "it was killed"))
    assert hook.posted == []


def test_a_receiver_that_is_down_is_notified_at_the_next_tick(imported: Import, hook: Hook) -> None:
    hook.status = 500
    assert imported.run(RunStatus.FAILED).tick().not_delivered == ("alert webhook returned HTTP 500",)
    hook.status = 200
    assert imported.run(RunStatus.FAILED).tick().receivers == ("webhook",)
    assert hook.subjects == ["failed"]


def test_a_receiver_that_was_down_during_a_failure_hears_nothing_of_the_recovery(imported: Import, hook: Hook) -> None:
    hook.status = 503
    imported.run(RunStatus.FAILED).tick()
    hook.status = 200
    imported.run().tick()
    assert hook.posted == []


@pytest.fixture
def two_receivers(tmp_path: Path, hook: Hook) -> Iterator[tuple[Import, Mailbox]]:
    with mail_receiver() as mailbox:
        imported = Import(
            tmp_path,
            alert_webhook_url=hook.url,
            alert_email_to="data@x.test",
            alert_email_from="b24@x.test",
            alert_smtp_host="127.0.0.1",
            alert_smtp_port=mailbox.port,
            alert_smtp_security="none",
        )
        with imported.store:
            yield imported, mailbox


def test_each_receiver_is_notified_once_at_a_tick_of_its_own(two_receivers: tuple[Import, Mailbox], hook: Hook) -> None:
    imported, mailbox = two_receivers
    imported.run(RunStatus.FAILED)
    assert [imported.tick().receivers for _ in range(3)] == [("webhook",), ("e-mail",), ()]
    assert hook.subjects == ["failed"]
    assert [mail["Subject"] for mail in mailbox.mails] == ["portal.test → account.test: failed"]


def test_a_receiver_that_is_down_keeps_nobody_else_waiting_and_is_tried_at_each_tick(
    two_receivers: tuple[Import, Mailbox], hook: Hook
) -> None:
    imported, mailbox = two_receivers
    hook.status = 500
    imported.run(RunStatus.FAILED)
    ticks = [imported.tick() for _ in range(2)]
    hook.status = 200
    assert [tick.receivers for tick in [*ticks, imported.tick(), imported.tick()]] == [
        ("e-mail",),
        (),
        ("webhook",),
        (),
    ]
    assert [len(tick.not_delivered) for tick in ticks] == [1, 1]
    assert (len(hook.posted), len(mailbox.mails)) == (1, 1)


def test_the_cursor_holds_no_names(imported: Import) -> None:
    imported.run(RunStatus.PARTIAL, failing=(1,)).tick()
    assert json.loads(imported.cursor) == {
        "notified": {"webhook": {ONLY: {"RECORDS_FAILING": NOON.isoformat()}}},
        "first_seen": {},
        "waiting": None,
    }


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "[]",
        '{"notified": {"webhook": {"FAILED": "2026-01-01"}}}',
        '{"notified": {"webhook": {"": {"NEVER_HEARD": "2026"}}}}',
        '{"notified": 7}',
        '{"first_seen": [1]}',
        "\x00",
    ],
)
def test_a_damaged_cursor_only_means_that_what_lasts_is_sent_again(imported: Import, hook: Hook, cursor: str) -> None:
    imported.run(RunStatus.FAILED).tick()
    imported.cursor = cursor
    imported.tick()
    imported.tick()
    assert hook.subjects == ["failed", "failed"]


def test_failing_people_keep_their_names_after_the_portal_has_lost_them(imported: Import, hook: Hook) -> None:
    imported.run().run(RunStatus.PARTIAL, portal=(1,), failing=(2,)).tick()
    assert "Who: Name2 Ira" in hook.texts[0]
