"""One row a run, with rising numbers, its figures and how it ended (R20)."""

from datetime import timedelta

import pytest

from b24_pipeline import audit
from b24_pipeline.audit import Paths, RunCounts, RunStart, Step, Store
from b24_pipeline.audit.runs import COUNTS
from b24_pipeline.audit.storage.exceptions import RunNotBegun
from b24_pipeline.rules.models import RunStatus, Trigger
from b24_pipeline_tests.audit.helpers import Recorder, action, actions, ask, users
from b24_pipeline_tests.clock import HALF_AN_HOUR, Clock


def test_r20_a_run_keeps_how_it_went(recorder: Recorder) -> None:
    recorder.begin(only=[5, 7])
    began = recorder.clock.now()
    recorder.clock.advance(timedelta(minutes=2))
    recorder.finish(RunStatus.PARTIAL, "one failed", users=250, created=3, failed=1)
    row = audit.runs.history(recorder.store.database).iloc[0]
    assert (row["run_id"], row["number"], row["status"], row["reason"]) == ("run-1", 1, "partial", "one failed")
    assert (row["started_at"], row["finished_at"]) == (began, began + timedelta(minutes=2))
    assert (row["trigger"], row["dry_run"], row["only_users"], row["policy"]) == (
        "schedule", False, "5,7", '{"phones": "all"}',
    )  # fmt: skip
    assert (row["users"], row["created"], row["failed"], row["deferred"]) == (250, 3, 1, 0)


def test_every_figure_is_a_column(recorder: Recorder) -> None:
    recorder.begin()
    recorder.store.finish_run(RunStatus.DONE, None, RunCounts(*range(1, len(COUNTS) + 1)))
    assert audit.runs.history(recorder.store.database)[list(COUNTS)].iloc[0].tolist() == list(range(1, len(COUNTS) + 1))


def test_history_is_newest_first_and_limited(recorder: Recorder) -> None:
    for _ in range(4):
        recorder.run()
    assert audit.runs.history(recorder.store.database, limit=2)["run_id"].tolist() == ["run-4", "run-3"]
    since = recorder.clock.now() - HALF_AN_HOUR
    assert audit.runs.history(recorder.store.database, since=since)["run_id"].tolist() == ["run-4", "run-3"]


def test_the_points_of_the_runs_since_a_time_are_added_up(recorder: Recorder) -> None:
    for points in (100, 20, 3):
        recorder.begin()
        recorder.finish(callgear_points=points)
    recorder.begin()

    assert audit.runs.points_since(recorder.store.database, recorder.clock.now() - 2 * HALF_AN_HOUR) == 23
    assert audit.runs.points_since(recorder.store.database, recorder.clock.now()) == 0


def test_the_points_of_a_run_that_died_are_at_least_one_for_each_action_that_sent_something(recorder: Recorder) -> None:
    sent = (action(1, "create", "done"), action(2, "create", "failed"), action(3, "remove_responsible", "done"))
    renamed = action(4, "link", "done", after='{"last_name": "(bitrix24) Antonova"}')
    not_sent = (action(5, "link", "done"), action(6, "create", "planned"), action(7, "create", "deferred"))
    recorder.begin()
    recorder.store.record_events(actions(*sent, renamed, *not_sent))
    recorder.begin()

    assert audit.runs.points_since(recorder.store.database, recorder.clock.now() - HALF_AN_HOUR) == 4


def test_r18_a_run_that_died_is_found_by_the_next_and_shown_as_interrupted(paths: Paths, clock: Clock) -> None:
    with Store.open(paths, now=clock.now) as store:
        Recorder(store, clock).begin(run_id="died")
    with Store.open(paths, now=clock.now) as store:
        assert store.begin_run(RunStart("next", clock.now(), Trigger.UI)) == ["died"]
        statuses = audit.runs.history(store.database).set_index("run_id")["status"].to_dict()
        assert statuses == {"died": "interrupted", "next": "running"}


def test_r18_a_run_seen_as_ended_is_running_still_and_interrupted_if_it_dies(recorder: Recorder) -> None:
    recorder.begin()
    with recorder.store.seen_as_ended(RunStatus.DONE, None, RunCounts(created=3)):
        ended = audit.runs.history(recorder.store.database).iloc[0]
    running = audit.runs.history(recorder.store.database).iloc[0]
    assert (ended["status"], ended["created"], running["status"]) == ("done", 3, "running")
    assert recorder.store.begin_run(RunStart("next", recorder.clock.now(), Trigger.UI)) == ["run-1"]


def test_a_run_is_begun_once(recorder: Recorder) -> None:
    recorder.run(run_id="same")
    with pytest.raises(RunNotBegun, match="Run same was begun before"):
        recorder.begin(run_id="same")


def test_the_end_of_a_run_needs_its_beginning(store: Store) -> None:
    with pytest.raises(RunNotBegun, match="begin_run"):
        store.finish_run(RunStatus.DONE, None, RunCounts())


@pytest.mark.parametrize(
    ("ended", "still_first"),
    [
        ({"status": RunStatus.DONE}, False),
        ({"status": RunStatus.PARTIAL}, False),
        ({"status": RunStatus.HELD}, False),
        ({"status": RunStatus.FAILED}, True),
        ({"status": RunStatus.UNTRUSTED}, True),
        ({"status": RunStatus.PARTIAL, "deferred": 1}, True),
        ({"status": RunStatus.DONE, "dry_run": True}, True),
        ({"status": RunStatus.DONE, "only": [5]}, True),
    ],
)
def test_r16_the_first_import_lasts_until_a_run_for_everybody_deferred_nothing(
    recorder: Recorder, ended: dict[str, object], still_first: bool
) -> None:
    begin = {name: ended[name] for name in ("dry_run", "only") if name in ended}
    recorder.begin(**begin)
    recorder.store.record_open_actions(Step.UPSERT, actions())
    recorder.finish(ended["status"], deferred=ended.get("deferred", 0))
    assert audit.runs.first_import(recorder.store.database) is still_first


def test_r16_the_first_import_is_over_once_the_writing_step_says_so_however_its_run_ends(recorder: Recorder) -> None:
    recorder.begin()
    audit.runs.end_first_import(recorder.store.database)
    recorder.finish(RunStatus.FAILED)
    assert not audit.runs.first_import(recorder.store.database)


def test_r16_a_run_that_never_reached_the_writing_step_is_no_first_import(recorder: Recorder) -> None:
    recorder.run(users((1, "Antonova")))
    assert audit.runs.first_import(recorder.store.database)


def test_r17_the_last_import_is_for_everybody_and_for_real_and_got_as_far_as_writing(recorder: Recorder) -> None:
    none_yet = audit.runs.last_import(recorder.store.database)
    for begin in ({}, {"dry_run": True}, {"only": [5]}):
        recorder.begin(**begin)
        recorder.store.record_open_actions(Step.UPSERT, actions())
        recorder.finish(RunStatus.FAILED)
    recorder.run()
    last = audit.runs.last_import(recorder.store.database)
    assert (none_yet, last and last.run_id) == (None, "run-1")


def test_people_see_the_runs_in_the_published_file(recorder: Recorder, paths: Paths) -> None:
    recorder.run()
    recorder.store.publish()
    assert ask(paths, "SELECT run_id, status FROM audit.runs") == [("run-1", "done")]
