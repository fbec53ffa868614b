"""One message a change of state, whoever looks and however often: real runs, a real store, real receivers."""

import json
import stat
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from b24_pipeline import schemas
from b24_pipeline.alerts.conditions import State
from b24_pipeline.alerts.notify import Told, tell_changes
from b24_pipeline.audit import Paths, RunCounts, RunStart
from b24_pipeline.audit.actions import Step
from b24_pipeline.audit.health import Failure
from b24_pipeline.cli import main
from b24_pipeline.cli.exit_codes import Exit
from b24_pipeline.rules.models import Harm, Outcome, RunKind, RunStatus, Trigger
from b24_pipeline.settings import AlertSettings
from b24_pipeline_tests.alerts.receivers import Hook, mail_receiver, web_receiver
from b24_pipeline_tests.databases import new_store, no_file_larger_than
from b24_pipeline_tests.factories import NOON, action, actions, dead_letter, dead_letters, user, users

HALF_AN_HOUR = timedelta(minutes=30)


class Import:
    """Runs as the audit sees them, half an hour apart, and a look at them after each."""

    def __init__(self, folder: Path, **receivers: Any) -> None:
        self.paths = Paths(folder / "b24.duckdb")
        self.now = NOON
        self.number = 0
        self.settings = AlertSettings(_env_file=None, database=self.paths.published, **receivers)  # type: ignore[call-arg]
        self.store = new_store(folder, now=self.clock)
        self.store.claim(portal_host="portal.test", callgear_host="account.test")

    def clock(self) -> datetime:
        return self.now

    def run(
        self,
        status: RunStatus = RunStatus.DONE,
        *,
        reason: str | None = None,
        held: tuple[Harm, ...] = (),
        failing: tuple[int, ...] = (),
        portal: tuple[int, ...] = (1, 2),
        **start: Any,
    ) -> "Import":
        self.number += 1
        self.now += HALF_AN_HOUR
        self.store.begin_run(RunStart(f"run-{self.number}", self.now, trigger=Trigger.SCHEDULE, **start))
        self.store.record_snapshot(schemas.Users, users(*(user(id_) for id_ in portal)))
        if status in (RunStatus.DONE, RunStatus.PARTIAL, RunStatus.HELD):
            rows = [action(1, harm=harm, outcome=Outcome.HELD, person="Name1 Ira") for harm in held]
            self.store.record_standing(Step.UPSERT, actions(*rows))
            self.store.put_dead_letters(dead_letters(*(dead_letter(id_) for id_ in failing)))
        if status is not RunStatus.RUNNING:
            self.store.finish_run(status, reason, RunCounts(failed=len(failing), held=len(held)))
        self.store.publish()
        return self

    def look(self, **more: Any) -> Told:
        return tell_changes(self.settings, now=self.now, **more)


@pytest.fixture
def hook() -> Iterator[Hook]:
    with web_receiver() as found:
        yield found


@pytest.fixture
def imported(tmp_path: Path, hook: Hook) -> Iterator[Import]:
    found = Import(tmp_path, alert_webhook_url=hook.url)
    with found.store:
        yield found


def test_an_import_that_is_well_tells_nobody(imported: Import, hook: Hook) -> None:
    for _ in range(3):
        imported.run().look()
    assert hook.posted == []


def test_many_failures_are_told_once_and_the_recovery_once(imported: Import, hook: Hook) -> None:
    for _ in range(3):
        imported.run(RunStatus.FAILED, reason="the token has expired").look()
    for _ in range(2):
        imported.run().look()
    assert hook.subjects == ["failed", "recovered"]
    assert hook.texts[0].splitlines() == [
        "portal.test → account.test: failed",
        "The import does not get through.",
        "The reason: the token has expired",
        "Since: 2026-01-12 12:30 UTC",
    ]


def test_each_state_is_told_when_it_begins_and_when_it_is_over(imported: Import, hook: Hook) -> None:
    imported.run(RunStatus.HELD, held=(Harm.CREATE,)).look()
    imported.run(RunStatus.HELD, held=(Harm.CREATE,), failing=(2,)).look()
    imported.run(RunStatus.UNTRUSTED, reason="the portal's answer broke off").look()
    imported.run(RunStatus.PARTIAL, failing=(2,)).look()
    imported.run().look()
    assert hook.subjects == [
        "held: employees to create",
        "records failing",
        "failed",
        "over: held: employees to create; failed",
        "recovered",
    ]
    assert "Who: Name1 Ira" in hook.texts[0]
    assert "Who: Name2 Ira" in hook.texts[1]


def test_a_second_kind_that_is_held_is_told_too(imported: Import, hook: Hook) -> None:
    imported.run(RunStatus.HELD, held=(Harm.CREATE,)).look()
    imported.run(RunStatus.HELD, held=(Harm.CREATE, Harm.REMOVAL)).look()
    assert hook.subjects == ["held: employees to create", "held: removals from the responsible list"]


def test_r18a_only_imports_say_how_the_import_is_doing(imported: Import, hook: Hook) -> None:
    for kind in set(RunKind) - {RunKind.IMPORT}:
        imported.run(RunStatus.FAILED, kind=kind).look()
    imported.run(RunStatus.FAILED).look()
    imported.run(kind=RunKind.DRY_RUN).look()
    assert hook.subjects == ["failed"]


def test_a_standstill_is_told_once_however_often_it_is_looked_for(imported: Import, hook: Hook) -> None:
    imported.run().look()
    for _ in range(4):
        imported.now += HALF_AN_HOUR
        imported.look(stale_after=timedelta(hours=1))
    imported.run().look()
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
    well = imported.look(stale_after=timedelta(hours=1))
    for _ in range(3):
        imported.now += HALF_AN_HOUR
        told = imported.look(stale_after=timedelta(hours=1))
    imported.run().look()

    states = {trouble.state for trouble in told.conditions}
    assert State.STALE not in {trouble.state for trouble in well.conditions}
    assert (State.STALE in states, hook.subjects[-1]) == (True, "recovered")
    assert all(trouble.since <= imported.now for trouble in told.conditions)


def test_r16c_a_standstill_that_was_told_in_the_future_ends_with_the_next_success(imported: Import, hook: Hook) -> None:
    imported.run(RunStatus.FAILED)
    imported.now += YEAR
    imported.run(RunStatus.FAILED).look()
    imported.now -= YEAR
    imported.look()
    imported.run().look()

    assert hook.subjects == ["failed", "recovered"]


def test_r16c_without_receivers_a_success_in_the_future_counts_from_when_it_is_seen_too(tmp_path: Path) -> None:
    quiet = Import(tmp_path)
    with quiet.store:
        quiet.now += YEAR
        quiet.run()
        quiet.now -= YEAR
        looks = []
        for _ in range(4):
            looks.append(bool(quiet.look(stale_after=timedelta(hours=1)).conditions))
            quiet.now += HALF_AN_HOUR

    assert looks == [False, False, False, True]


def test_r16c_where_nothing_can_be_noted_a_success_in_the_future_is_not_taken_for_new(tmp_path: Path) -> None:
    quiet = Import(tmp_path)
    with quiet.store:
        quiet.now += YEAR
        quiet.run()
        quiet.now -= YEAR
        (tmp_path / "b24.first_seen.tmp").mkdir()
        told = quiet.look(stale_after=timedelta(hours=1))

    assert told.not_noted


def test_a_failed_run_does_not_end_a_standstill(imported: Import, hook: Hook) -> None:
    imported.run()
    imported.now += timedelta(hours=2)
    imported.look(stale_after=timedelta(hours=1))
    imported.run(RunStatus.FAILED).look()
    imported.run().look()
    assert hook.subjects == ["stale", "failed", "recovered"]


def test_no_database_at_all_is_a_standstill(tmp_path: Path, hook: Hook) -> None:
    nothing_yet = AlertSettings(_env_file=None, database=tmp_path / "b24.duckdb", alert_webhook_url=hook.url)  # type: ignore[call-arg]
    tell_changes(nothing_yet, now=NOON, stale_after=timedelta(hours=1))
    assert hook.texts[0].startswith("Bitrix24 import: stale\nNo import has succeeded yet.")


def test_a_damaged_database_is_told_and_what_was_held_is_not_over(imported: Import, hook: Hook) -> None:
    imported.run(RunStatus.HELD, held=(Harm.CREATE,)).look()
    imported.store.close()
    for path in (imported.paths.working, imported.paths.published):
        path.write_bytes(b"no database")
    imported.look()
    imported.look()
    assert hook.subjects == ["held: employees to create", "failed"]
    assert "Still: held: employees to create" in hook.texts[1]


def test_a_run_that_died_unnoticed_is_a_failure(imported: Import, hook: Hook) -> None:
    imported.run().run(RunStatus.RUNNING)
    lost = Failure("run-2", imported.now, RunStatus.FAILED, "it was killed")
    imported.look(lost=lost)
    imported.now += HALF_AN_HOUR
    imported.look()
    imported.run().look()
    assert hook.subjects == ["failed", "recovered"]


def test_a_run_that_could_not_begin_is_a_failure(imported: Import, hook: Hook) -> None:
    imported.run()
    imported.now += HALF_AN_HOUR
    imported.look(lost=Failure("unknown-run", imported.now, RunStatus.FAILED, "BITRIX24_WEBHOOK_URL: is missing"))
    assert "The reason: BITRIX24_WEBHOOK_URL: is missing" in hook.texts[0]


def test_a_run_that_was_lost_before_the_last_success_does_not_matter(imported: Import, hook: Hook) -> None:
    imported.run()
    imported.look(lost=Failure("unknown-run", imported.now - HALF_AN_HOUR, RunStatus.FAILED, "it was killed"))
    assert hook.posted == []


def test_a_receiver_that_is_down_is_told_at_the_next_occasion(imported: Import, hook: Hook) -> None:
    hook.status = 500
    assert imported.run(RunStatus.FAILED).look().not_delivered == ("the webhook for alerts answered with status 500",)
    hook.status = 200
    assert imported.run(RunStatus.FAILED).look().receivers == ("webhook",)
    assert hook.subjects == ["failed"]


def test_a_receiver_that_slept_through_a_failure_is_not_told_of_the_recovery(imported: Import, hook: Hook) -> None:
    hook.status = 503
    imported.run(RunStatus.FAILED).look()
    hook.status = 200
    imported.run().look()
    assert hook.posted == []


def test_each_receiver_is_told_by_itself(tmp_path: Path, hook: Hook) -> None:
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
        mailbox.refuses = True
        imported.run(RunStatus.FAILED).look()
        mailbox.refuses = False
        imported.run(RunStatus.FAILED).look()
        imported.store.close()
    assert hook.subjects == ["failed"]
    assert [mail["Subject"] for mail in mailbox.mails] == ["portal.test → account.test: failed"]


def test_what_was_told_is_private_and_holds_no_names(imported: Import) -> None:
    imported.run(RunStatus.PARTIAL, failing=(1,)).look()
    (path,) = imported.paths.published.parent.glob("*.alerts.json")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text()) == {"webhook": {"RECORDS_FAILING": NOON.isoformat()}}


@pytest.mark.parametrize("content", ["", "[]", '{"webhook": {"NEVER_HEARD": "2026"}}', "\x00"])
def test_a_damaged_memory_only_means_that_what_holds_is_told_again(imported: Import, hook: Hook, content: str) -> None:
    imported.run(RunStatus.FAILED).look()
    (path,) = imported.paths.published.parent.glob("*.alerts.json")
    path.write_text(content)
    imported.look()
    imported.look()
    assert hook.subjects == ["failed", "failed"]


def test_on_a_full_disk_nobody_is_told_at_every_look_but_once_when_there_is_room(imported: Import, hook: Hook) -> None:
    imported.run(RunStatus.FAILED)
    with no_file_larger_than(0):
        looks = [imported.look() for _ in range(3)]
    assert hook.posted == []
    assert {told.receivers for told in looks} == {()}
    assert all("(File too large)" in told.not_noted for told in looks)
    assert [imported.look().receivers for _ in range(2)] == [("webhook",), ()]
    assert hook.subjects == ["failed"]


def test_a_folder_in_which_nothing_can_be_noted_is_one_line_and_nobody_is_told(tmp_path: Path, hook: Hook) -> None:
    (tmp_path / "data").touch()
    nowhere = AlertSettings(_env_file=None, database=tmp_path / "data/b24.duckdb", alert_webhook_url=hook.url)  # type: ignore[call-arg]
    told = tell_changes(nowhere, now=NOON, stale_after=timedelta(hours=1))
    assert told.not_noted.startswith(f"The folder {tmp_path / 'data'} of the database cannot be written (")
    assert "\n" not in told.not_noted
    assert hook.posted == []


def test_what_could_not_be_delivered_leaves_no_draft_behind(imported: Import, hook: Hook) -> None:
    hook.status = 500
    imported.run(RunStatus.FAILED).look()
    assert [path.name for path in imported.paths.published.parent.glob("*.alerts.*")] == ["b24.alerts.lock"]


def test_the_command_fails_when_nobody_can_be_told(
    tmp_path: Path, hook: Hook, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "b24.alerts.tmp").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("B24_PIPELINE_DATABASE", str(tmp_path / "b24.duckdb"))
    monkeypatch.setenv("B24_PIPELINE_ALERT_WEBHOOK_URL", hook.url)
    assert main(["stale"]) == Exit.FAILED
    said = capsys.readouterr()
    assert said.out == "stale: No import has succeeded yet.\n"
    assert said.err.startswith("b24-pipeline: nobody is told: The folder ")
    assert said.err.count("\n") == 1
    assert hook.posted == []


def test_without_receivers_nothing_is_sent_and_nothing_is_remembered(tmp_path: Path) -> None:
    imported = Import(tmp_path)
    told = imported.run(RunStatus.FAILED).look()
    assert [trouble.state for trouble in told.conditions] == ["failed"]
    assert not list(tmp_path.glob("*.alerts.*"))
    imported.store.close()


def test_failing_people_keep_their_names_after_the_portal_has_lost_them(imported: Import, hook: Hook) -> None:
    imported.run().run(RunStatus.PARTIAL, portal=(1,), failing=(2,)).look()
    assert "Who: Name2 Ira" in hook.texts[0]
