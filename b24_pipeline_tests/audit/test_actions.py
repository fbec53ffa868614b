"""Every action of every run can be shown, while a run in which nothing changed adds next to nothing (R20)."""

from itertools import pairwise

import pytest

from b24_pipeline import audit, schemas
from b24_pipeline.audit import Paths, Step, Store
from b24_pipeline_tests.audit.helpers import Recorder, action, actions, ask

REJECTED = action(1, "reject", "rejected", reason="missing_email", display_name="Antonova")
CONFLICT = action(2, "conflict", "conflict", reason="ambiguous_email")
REMOVAL = action(3, "remove_responsible", "held", risk="removal")


def shown(store: Store, run_id: str) -> list[tuple[int, str, str]]:
    rows = audit.actions.of_run(store.database, run_id)
    return list(zip(rows["bitrix24_id"], rows["action"], rows["outcome"], strict=True))


def rows_kept(store: Store) -> int:
    return sum(int(store.database.value("row_count", table=table)) for table in ("events", "open_actions"))


def test_r20_what_was_done_belongs_to_its_run(recorder: Recorder) -> None:
    for user in (1, 2):
        recorder.begin()
        recorder.store.record_open_actions(Step.UPSERT, actions())
        recorder.store.record_events(actions(action(user, "create", "done", callgear_id=user + 10)))
        recorder.finish()
    assert shown(recorder.store, "run-1") == [(1, "create", "done")]
    assert shown(recorder.store, "run-2") == [(2, "create", "done")]


def test_r20_every_field_of_an_action_is_kept(recorder: Recorder) -> None:
    recorder.begin()
    sent = actions(
        action(
            1, "link", "failed", callgear_id=11, reason="rehired", risk="link_move", display_name="Antonova Ira",
            before='{"last_name": "x"}', after='{"last_name": "y"}', error="no such employee", at=recorder.clock.now(),
        )
    )  # fmt: skip
    recorder.store.record_events(sent)
    assert audit.actions.of_run(recorder.store.database, "run-1").to_dict("records") == sent.to_dict("records")


def test_r20_what_stands_is_shown_for_every_run_and_stored_once(recorder: Recorder) -> None:
    for _ in range(4):
        recorder.begin()
        recorder.store.record_open_actions(Step.UPSERT, actions(REJECTED, CONFLICT))
        recorder.finish()
    assert rows_kept(recorder.store) == 2
    for run_id in ("run-1", "run-4"):
        assert shown(recorder.store, run_id) == [(1, "reject", "rejected"), (2, "conflict", "conflict")]


def test_r20_what_stood_and_stands_no_more_is_shown_for_the_runs_it_stood_in(recorder: Recorder) -> None:
    for standing in (actions(REJECTED), actions(), actions(REJECTED)):
        recorder.begin()
        recorder.store.record_open_actions(Step.UPSERT, standing)
        recorder.finish()
    assert [shown(recorder.store, f"run-{number}") for number in (1, 2, 3)] == [
        [(1, "reject", "rejected")],
        [],
        [(1, "reject", "rejected")],
    ]


def test_a_standing_action_with_another_reason_is_another_one(recorder: Recorder) -> None:
    for reason in ("missing_email", "invalid_email"):
        recorder.begin()
        recorder.store.record_open_actions(Step.UPSERT, actions(REJECTED | {"reason": reason}))
        recorder.finish()
    assert audit.actions.of_run(recorder.store.database, "run-1")["reason"].tolist() == ["missing_email"]
    assert audit.actions.of_run(recorder.store.database, "run-2")["reason"].tolist() == ["invalid_email"]


def test_r20_a_run_that_does_not_reach_a_step_neither_shows_nor_ends_what_stands_there(recorder: Recorder) -> None:
    recorder.begin()
    recorder.store.record_open_actions(Step.UPSERT, actions(REJECTED))
    recorder.store.record_open_actions(Step.RESPONSIBLE, actions(REMOVAL))
    recorder.finish()
    recorder.begin()
    recorder.store.record_open_actions(Step.UPSERT, actions())
    recorder.finish()
    recorder.begin()
    recorder.store.record_open_actions(Step.RESPONSIBLE, actions(REMOVAL))
    recorder.finish()
    assert shown(recorder.store, "run-2") == []
    assert shown(recorder.store, "run-3") == [(3, "remove_responsible", "held")]
    assert rows_kept(recorder.store) == 2


def test_an_action_of_another_step_is_refused(recorder: Recorder) -> None:
    recorder.begin()
    with pytest.raises(ValueError, match="remove_responsible"):
        recorder.store.record_open_actions(Step.UPSERT, actions(REMOVAL))


@pytest.mark.parametrize("outcome", ["deferred", "planned", "skipped"])
def test_what_is_put_off_run_after_run_is_stored_once_however_it_comes_in(recorder: Recorder, outcome: str) -> None:
    for _ in range(3):
        recorder.begin()
        recorder.store.record_open_actions(Step.UPSERT, actions(REJECTED))
        recorder.store.record_events(actions(action(5, "create", outcome)))
        recorder.store.record_events(actions(action(6, "create", outcome), action(7, "create", "done")))
        recorder.finish()
    assert rows_kept(recorder.store) == 3 + 3
    assert shown(recorder.store, "run-2") == [
        (1, "reject", "rejected"), (5, "create", outcome), (6, "create", outcome), (7, "create", "done"),
    ]  # fmt: skip


def test_r19_a_dry_run_shows_its_plan_under_its_own_id(recorder: Recorder, paths: Paths) -> None:
    recorder.begin(dry_run=True)
    recorder.store.record_open_actions(Step.UPSERT, actions())
    recorder.store.record_events(actions(action(1, "create", "planned")))
    recorder.finish()
    recorder.store.publish()
    query = "SELECT r.dry_run, a.outcome FROM audit.actions a JOIN audit.runs r USING (run_id)"
    assert ask(paths, query) == [(True, "planned")]


def test_r20_a_quiet_run_adds_a_constant_handful_of_rows(recorder: Recorder) -> None:
    tables = list(recorder.store.database.records("tables"))

    def rows() -> int:
        return sum(
            int(recorder.store.database.value("row_count", table=row["table_name"]))
            for row in tables
            if row["table_schema"] == "store"
        )

    counts = []
    many = actions(*(action(user, "reject", "rejected") for user in range(200)))
    for _ in range(4):
        recorder.begin()
        recorder.store.record_open_actions(Step.UPSERT, many)
        recorder.store.record_open_actions(Step.RESPONSIBLE, actions())
        recorder.finish()
        counts.append(rows())
    assert {after - before for before, after in pairwise(counts)} == {3}


def letters(*rows: tuple[int, int], clock: object) -> object:
    return schemas.from_records(
        schemas.DeadLetters,
        [
            {
                "bitrix24_id": user, "action": "create", "attempts": attempts, "first_failed_at": clock,
                "last_failed_at": clock, "next_try_at": clock, "error": "too long", "after": "{}",
            }
            for user, attempts in rows
        ],
    )  # fmt: skip


def test_r18_dead_letters_are_replaced_as_a_whole(recorder: Recorder, paths: Paths) -> None:
    now = recorder.clock.now()
    audit.actions.put_dead_letters(recorder.store.database, letters((1, 1), (2, 3), clock=now))
    audit.actions.put_dead_letters(recorder.store.database, letters((2, 4), (3, 1), clock=now))
    kept = audit.actions.dead_letters(recorder.store.database)
    assert kept[["bitrix24_id", "attempts"]].to_numpy().tolist() == [[2, 4], [3, 1]]
    recorder.store.publish()
    assert ask(paths, "SELECT count(*) FROM audit.dead_letters") == [(2,)]
