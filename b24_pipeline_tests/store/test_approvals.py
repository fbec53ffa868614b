"""A person lets the next run do at most what one run listed, for 24 hours (R09, R16)."""

from datetime import timedelta

import pytest

from b24_pipeline.rules.records import RunStatus
from b24_pipeline.store import Paths, Step
from b24_pipeline.store.errors import NotApprovable, UnknownRun
from b24_pipeline_tests.store.recording import Recorder, action, actions, ask

HELD = action(1, "create", "held", harm="create")
REUSED = action(2, "conflict", "conflict", reason="email_reused", callgear_id=12)
AMBIGUOUS = action(3, "conflict", "conflict", reason="ambiguous_email")


@pytest.fixture
def held_run(recorder: Recorder) -> str:
    run_id = recorder.begin()
    recorder.store.record_standing(Step.UPSERT, actions(HELD, REUSED, AMBIGUOUS))
    recorder.finish(RunStatus.HELD, held=1)
    return run_id


@pytest.mark.usefixtures("held_run")
def test_nothing_is_approved_of_itself(recorder: Recorder) -> None:
    assert recorder.store.open_approval(recorder.clock()) is None


def test_r16_an_approved_run_gives_the_list_of_what_it_held(recorder: Recorder, held_run: str) -> None:
    recorder.store.approve(held_run)
    approval = recorder.store.open_approval(recorder.clock())
    assert approval is not None
    assert approval.run_id == held_run
    assert approval.actions["bitrix24_id"].tolist() == [1]
    assert approval.reuse == frozenset()


def test_r09_a_reused_address_is_approved_one_by_one(recorder: Recorder, held_run: str) -> None:
    recorder.store.approve(held_run, bitrix24_ids=[2])
    approval = recorder.store.open_approval(recorder.clock())
    assert approval is not None
    assert approval.reuse == {(2, 12)}
    assert approval.actions.empty


def test_both_kinds_of_approval_add_up(recorder: Recorder, held_run: str) -> None:
    recorder.store.approve(held_run, bitrix24_ids=[2])
    recorder.clock.advance(timedelta(minutes=1))
    recorder.store.approve(held_run)
    approval = recorder.store.open_approval(recorder.clock())
    assert approval is not None
    assert (approval.actions["bitrix24_id"].tolist(), approval.reuse) == ([1], {(2, 12)})


def test_r16_an_approval_is_used_once(recorder: Recorder, held_run: str) -> None:
    recorder.store.approve(held_run)
    recorder.begin()
    recorder.store.use_approval()
    assert recorder.store.open_approval(recorder.clock()) is None


def test_r16_an_approval_lasts_24_hours(recorder: Recorder, held_run: str) -> None:
    recorder.store.approve(held_run)
    recorder.clock.advance(timedelta(hours=24) - timedelta(seconds=1))
    assert recorder.store.open_approval(recorder.clock()) is not None
    recorder.clock.advance(timedelta(seconds=1))
    assert recorder.store.open_approval(recorder.clock()) is None


def test_an_approval_that_nobody_used_in_time_was_used_by_nobody(
    recorder: Recorder, held_run: str, paths: Paths
) -> None:
    recorder.store.approve(held_run)
    recorder.clock.advance(timedelta(hours=24))
    recorder.begin()
    recorder.store.use_approval()
    recorder.store.publish()
    assert ask(paths, "SELECT run_id, used_by_run_id FROM audit.approvals") == [(held_run, None)]


def test_approving_twice_is_approving_once(recorder: Recorder, held_run: str) -> None:
    recorder.store.approve(held_run)
    recorder.store.approve(held_run)
    assert int(recorder.store.database.value("row_count", table="approvals")) == 1


def test_r16_a_run_of_yesterday_cannot_be_approved(recorder: Recorder, held_run: str) -> None:
    recorder.clock.advance(timedelta(hours=24, seconds=1))
    with pytest.raises(NotApprovable, match="more than 24 hours ago"):
        recorder.store.approve(held_run)


def test_an_unknown_run_cannot_be_approved(recorder: Recorder) -> None:
    with pytest.raises(UnknownRun, match="No run nonsense"):
        recorder.store.approve("nonsense")


def test_a_run_that_held_nothing_cannot_be_approved(recorder: Recorder) -> None:
    run_id = recorder.run()
    with pytest.raises(NotApprovable, match="held nothing back"):
        recorder.store.approve(run_id)


@pytest.mark.parametrize("stranger", [1, 3, 99])
def test_r09_only_a_reused_address_can_be_approved_by_user(recorder: Recorder, held_run: str, stranger: int) -> None:
    with pytest.raises(NotApprovable, match="it does for 2"):
        recorder.store.approve(held_run, bitrix24_ids=[2, stranger])
    assert recorder.store.open_approval(recorder.clock()) is None


def test_the_first_characters_of_a_run_are_enough_where_they_are_its_own(recorder: Recorder) -> None:
    for run_id in ("abcdefgh-1", "abcdefgh-2", "ABCDEFGH-3"):
        recorder.begin(run_id=run_id)
        recorder.store.record_standing(Step.UPSERT, actions(action(1, "create", "held")))
        recorder.finish(RunStatus.HELD)
    recorder.store.approve("ABCDEFGH")
    approved = recorder.store.open_approval(recorder.clock())
    assert approved is not None
    assert approved.run_id == "ABCDEFGH-3"
    with pytest.raises(UnknownRun, match="Several runs begin with abcdefgh: abcdefgh-2, abcdefgh-1"):
        recorder.store.approve("abcdefgh")
    with pytest.raises(UnknownRun, match="No run ABC is known"):
        recorder.store.approve("ABC")
