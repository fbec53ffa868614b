"""A person lets runs do at most what one run listed, each of it once, for 24 hours (R09, R16)."""

from datetime import timedelta
from typing import Any

import pytest

from b24_pipeline import audit
from b24_pipeline.audit import Paths, Step
from b24_pipeline.audit.storage.exceptions import NotApprovable, UnknownRun
from b24_pipeline.rules.models import RunStatus
from b24_pipeline_tests.audit.helpers import Recorder, action, actions, ask
from b24_pipeline_tests.factories import reuse_approved

REMOVAL = action(9, "remove_responsible", "held", risk="removal")
HELD = action(1, "create", "held", risk="create")
REUSED = action(2, "conflict", "conflict", reason="email_reused", callgear_id=12)
AMBIGUOUS = action(3, "conflict", "conflict", reason="ambiguous_email")


@pytest.fixture
def held_run(recorder: Recorder) -> str:
    run_id = recorder.begin()
    recorder.store.record_open_actions(Step.UPSERT, actions(HELD, REUSED, AMBIGUOUS))
    recorder.finish(RunStatus.HELD, held=1)
    return run_id


def later_run(
    recorder: Recorder,
    *rows: dict[str, Any],
    step: Step = Step.UPSERT,
    status: RunStatus = RunStatus.DONE,
    **begin: Any,
) -> str:
    """A run after the approval, in which these actions of a step were done, deferred, or stood."""
    run_id = recorder.begin(**begin)
    recorder.store.record_open_actions(step, actions())
    recorder.store.record_events(actions(*rows))
    recorder.finish(status)
    audit.approvals.close_approvals(recorder.store.database, recorder.store.run)
    return run_id


def left(recorder: Recorder) -> list[int]:
    """For whom something approved is left to be done."""
    approval = audit.approvals.open_approval(recorder.store.database, recorder.clock.now())
    if approval is None:
        return []
    return [*approval.actions["bitrix24_id"], *(given.bitrix24_id for given in approval.conflicts)]


@pytest.mark.usefixtures("held_run")
def test_nothing_is_approved_of_itself(recorder: Recorder) -> None:
    assert audit.approvals.open_approval(recorder.store.database, recorder.clock.now()) is None


def test_r16_an_approved_run_gives_the_list_of_what_it_held(recorder: Recorder, held_run: str) -> None:
    recorder.store.approve(held_run)
    approval = audit.approvals.open_approval(recorder.store.database, recorder.clock.now())
    assert approval is not None
    assert approval.run_id == held_run
    assert approval.actions["bitrix24_id"].tolist() == [1]
    assert approval.conflicts == frozenset()


def test_r09_a_reused_address_is_approved_one_by_one(recorder: Recorder, held_run: str) -> None:
    recorder.store.approve(held_run, bitrix24_ids=[2])
    approval = audit.approvals.open_approval(recorder.store.database, recorder.clock.now())
    assert approval is not None
    assert approval.conflicts == reuse_approved((2, 12))
    assert approval.actions.empty


def test_both_kinds_of_approval_add_up(recorder: Recorder, held_run: str) -> None:
    recorder.store.approve(held_run, bitrix24_ids=[2])
    recorder.clock.advance(timedelta(minutes=1))
    recorder.store.approve(held_run)
    approval = audit.approvals.open_approval(recorder.store.database, recorder.clock.now())
    assert approval is not None
    assert (approval.actions["bitrix24_id"].tolist(), approval.conflicts) == ([1], reuse_approved((2, 12)))


@pytest.mark.parametrize("status", [RunStatus.DONE, RunStatus.FAILED, RunStatus.INTERRUPTED])
def test_r16_what_was_done_is_approved_no_more_however_the_run_ended(
    recorder: Recorder, held_run: str, status: RunStatus
) -> None:
    recorder.store.approve(held_run)
    later_run(recorder, action(1, "create", "done", callgear_id=11), status=status)
    assert left(recorder) == []


def test_r16_an_approval_that_a_whole_run_had_no_need_of_is_used(recorder: Recorder, held_run: str) -> None:
    recorder.store.approve(held_run)
    later_run(recorder)
    assert left(recorder) == []


@pytest.mark.parametrize("outcome", ["deferred", "failed", "waiting"])
def test_r16_what_a_run_could_not_do_stays_approved(recorder: Recorder, held_run: str, outcome: str) -> None:
    recorder.store.approve(held_run)
    later_run(recorder, action(1, "create", outcome))
    assert left(recorder) == [1]


@pytest.mark.parametrize(
    "run",
    [
        {"dry_run": True},
        {"only": [50]},
        {"step": Step.RESPONSIBLE},
        {"status": RunStatus.FAILED},
        {"status": RunStatus.UNTRUSTED},
        {"status": RunStatus.INTERRUPTED},
    ],
    ids=str,
)
def test_r16_a_run_that_cannot_use_an_approval_leaves_it_to_the_next(
    recorder: Recorder, held_run: str, run: dict[str, Any]
) -> None:
    recorder.store.approve(held_run)
    later_run(recorder, **run)
    assert left(recorder) == [1]


def test_r16_each_step_uses_its_own_part_of_an_approval(recorder: Recorder) -> None:
    listed = recorder.begin()
    recorder.store.record_open_actions(Step.UPSERT, actions(HELD))
    recorder.store.record_open_actions(Step.RESPONSIBLE, actions(REMOVAL))
    recorder.finish(RunStatus.HELD)
    recorder.store.approve(listed)
    later_run(recorder, action(1, "create", "done"))
    assert left(recorder) == [9]
    later_run(recorder, action(9, "remove_responsible", "done"), step=Step.RESPONSIBLE)
    assert left(recorder) == []


def test_r16_an_approval_of_what_is_done_already_lets_nothing_be_done_again(recorder: Recorder, held_run: str) -> None:
    later_run(recorder, action(1, "create", "done"), only=[1])
    recorder.store.approve(held_run)
    assert left(recorder) == []


def test_r16_what_several_approved_runs_listed_adds_up(recorder: Recorder, held_run: str) -> None:
    other = recorder.begin()
    recorder.store.record_open_actions(Step.RESPONSIBLE, actions(REMOVAL))
    recorder.finish(RunStatus.HELD)
    recorder.store.approve(held_run)
    recorder.store.approve(other)
    assert sorted(left(recorder)) == [1, 9]


def test_r16_a_run_for_single_people_lists_for_approval_only_what_concerns_them(recorder: Recorder) -> None:
    single = recorder.begin(only=[1, 22])
    recorder.store.record_open_actions(
        Step.UPSERT, actions(HELD, action(2, "create", "held", risk="create"), {**REUSED, "bitrix24_id": 12})
    )
    recorder.finish(RunStatus.HELD, held=1)

    approved = recorder.store.approve(single)

    assert (approved["bitrix24_id"].tolist(), left(recorder)) == ([1], [1])
    with pytest.raises(NotApprovable, match="for 12; it does for nobody"):
        recorder.store.approve(single, bitrix24_ids=[12])


@pytest.mark.parametrize(("outcome", "approved"), [("done", []), ("deferred", [2])])
def test_r09_an_approved_address_is_left_until_the_link_has_moved(
    recorder: Recorder, held_run: str, outcome: str, approved: list[int]
) -> None:
    recorder.store.approve(held_run, bitrix24_ids=[2])
    later_run(recorder, action(2, "link", outcome, reason="email_reuse_approved", callgear_id=12))
    assert left(recorder) == approved


def test_the_audit_names_the_run_after_which_nothing_was_left(recorder: Recorder, held_run: str, paths: Paths) -> None:
    recorder.store.approve(held_run)
    later_run(recorder, action(1, "create", "deferred"))
    user = later_run(recorder, action(1, "create", "done"))
    later_run(recorder)
    recorder.store.publish()
    assert ask(paths, "SELECT run_id, used_by_run_id FROM audit.approvals") == [(held_run, user)]


def test_r16_an_approval_lasts_24_hours(recorder: Recorder, held_run: str) -> None:
    recorder.store.approve(held_run)
    recorder.clock.advance(timedelta(hours=24) - timedelta(seconds=1))
    assert audit.approvals.open_approval(recorder.store.database, recorder.clock.now()) is not None
    recorder.clock.advance(timedelta(seconds=1))
    assert audit.approvals.open_approval(recorder.store.database, recorder.clock.now()) is None


def test_an_approval_that_nobody_used_in_time_was_used_by_nobody(
    recorder: Recorder, held_run: str, paths: Paths
) -> None:
    recorder.store.approve(held_run)
    recorder.clock.advance(timedelta(hours=24))
    later_run(recorder, action(1, "create", "done"))
    recorder.store.publish()
    assert ask(paths, "SELECT run_id, used_by_run_id FROM audit.approvals") == [(held_run, None)]


def test_approving_twice_is_approving_once(recorder: Recorder, held_run: str) -> None:
    recorder.store.approve(held_run)
    recorder.store.approve(held_run)
    assert int(recorder.store.database.value("row_count", table="approvals")) == 1


def test_r16_a_run_of_yesterday_cannot_be_approved(recorder: Recorder, held_run: str) -> None:
    recorder.clock.advance(timedelta(hours=24, seconds=1))
    with pytest.raises(NotApprovable, match=r"more than 24 hours ago.* Start a new run and approve that one"):
        recorder.store.approve(held_run)


def test_r16_the_refusal_of_an_old_run_names_the_newest_that_is_held(recorder: Recorder, held_run: str) -> None:
    recorder.clock.advance(timedelta(hours=23))
    recorder.run(status=RunStatus.HELD)
    newest = recorder.run(status=RunStatus.HELD)
    recorder.run(status=RunStatus.HELD, only=[1])
    recorder.run(status=RunStatus.FAILED)
    recorder.clock.advance(timedelta(hours=2))
    with pytest.raises(NotApprovable, match=f"Look at run {newest}, the newest that is held, and approve that one"):
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
    assert audit.approvals.open_approval(recorder.store.database, recorder.clock.now()) is None


def test_the_first_characters_of_a_run_are_enough_where_they_are_its_own(recorder: Recorder) -> None:
    for run_id in ("abcdefgh-1", "abcdefgh-2", "ABCDEFGH-3"):
        recorder.begin(run_id=run_id)
        recorder.store.record_open_actions(Step.UPSERT, actions(action(1, "create", "held")))
        recorder.finish(RunStatus.HELD)
    recorder.store.approve("ABCDEFGH")
    approved = audit.approvals.open_approval(recorder.store.database, recorder.clock.now())
    assert approved is not None
    assert approved.run_id == "ABCDEFGH-3"
    with pytest.raises(UnknownRun, match="Several runs begin with abcdefgh: abcdefgh-2, abcdefgh-1"):
        recorder.store.approve("abcdefgh")
    with pytest.raises(UnknownRun, match="No run ABC is known"):
        recorder.store.approve("ABC")
