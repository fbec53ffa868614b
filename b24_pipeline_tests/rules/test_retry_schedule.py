"""R14, R18: what failed is tried again at growing distance and never dropped silently."""

from datetime import timedelta
from typing import Any

import pytest

from b24_pipeline.rules import retry_schedule
from b24_pipeline.rules.models import ActionKind, Outcome
from b24_pipeline_tests.factories import NOON, Row, action, actions, dead_letter, dead_letters, plan, step

CREATE, REMOVE = ActionKind.CREATE, ActionKind.REMOVE_RESPONSIBLE
HOUR = timedelta(hours=1)


def test_r16c_what_failed_in_the_future_failed_now_and_is_due() -> None:
    ahead = NOON + timedelta(days=365)
    letters = dead_letters(
        dead_letter(1, first_failed_at=ahead, last_failed_at=ahead, next_try_at=ahead),
        dead_letter(2, first_failed_at=ahead, last_failed_at=NOON, next_try_at=NOON + timedelta(hours=6)),
        dead_letter(3),
    )
    corrected = retry_schedule.correct_future_times(letters, now=NOON)
    times = corrected[["first_failed_at", "last_failed_at", "next_try_at"]].values.tolist()
    assert times[0] == [NOON] * 3
    assert times[1] == [NOON, NOON, NOON + timedelta(hours=6)]
    assert retry_schedule.correct_future_times(corrected, now=NOON) is corrected


@pytest.mark.parametrize(
    ("kind", "attempts", "hours"),
    [
        (CREATE, 1, 0),
        (CREATE, 2, 0),
        (CREATE, 3, 1),
        (CREATE, 4, 6),
        (CREATE, 5, 24),
        (CREATE, 6, 24),
        (CREATE, 1000, 24),
        (ActionKind.LINK, 2, 0),
        (ActionKind.UPDATE, 3, 1),
        (ActionKind.LIST_RESPONSIBLE, 3, 1),
    ],
)
def test_r18_every_run_three_times_then_after_1_6_and_24_hours(kind: ActionKind, attempts: int, hours: int) -> None:
    assert retry_schedule.next_try(action=kind, attempts=attempts, failed_at=NOON) == NOON + hours * HOUR


@pytest.mark.parametrize(("attempts", "hours"), [(1, 6), (2, 24), (3, 24), (50, 24)])
def test_r14_a_removal_that_deals_prevent_is_tried_ever_more_rarely_from_the_start(attempts: int, hours: int) -> None:
    due = retry_schedule.next_try(action=REMOVE, attempts=attempts, failed_at=NOON)
    assert due == NOON + hours * HOUR


@pytest.mark.parametrize("kind", [CREATE, REMOVE])
def test_r18_what_was_never_refused_is_tried_in_the_next_run(kind: ActionKind) -> None:
    assert retry_schedule.next_try(action=kind, attempts=0, failed_at=NOON) == NOON


def outcomes(*rows: Row, letters: list[Row], hours: float = 0) -> list[str]:
    """The outcomes of a plan's rows after what rests is held back, so many hours after noon."""
    decided = retry_schedule.defer_backing_off(
        plan(*rows), dead_letters=dead_letters(*letters), now=NOON + hours * HOUR
    )
    return [str(outcome) for outcome in decided["outcome"]]


def sent(row: Row) -> str | None:
    """What a plan's row sends, as its dead letter keeps it."""
    after = plan(row)["after"].item()
    return after if isinstance(after, str) else None


@pytest.mark.parametrize(
    ("hours", "outcome"), [(0, Outcome.WAITING), (0.99, Outcome.WAITING), (1, Outcome.PLANNED), (48, Outcome.PLANNED)]
)
def test_r18_what_failed_waits_until_it_is_due(hours: float, outcome: Outcome) -> None:
    row = step(1, email="ira@x.test")
    letter = dead_letter(1, after=sent(row), next_try_at=NOON + HOUR)
    assert outcomes(row, step(2, email="oleg@x.test"), letters=[letter], hours=hours) == [outcome, Outcome.PLANNED]


def test_r18_who_has_changed_since_is_tried_at_once() -> None:
    letter = dead_letter(1, after=sent(step(1, email="wrong@x.test")), next_try_at=NOON + HOUR)
    assert outcomes(step(1, email="right@x.test"), letters=[letter]) == [Outcome.PLANNED]


def test_r18_another_action_of_the_same_person_does_not_wait() -> None:
    letter = dead_letter(1, kind=ActionKind.UPDATE, next_try_at=NOON + HOUR)
    assert outcomes(step(1, action=ActionKind.LINK), letters=[letter]) == [Outcome.PLANNED]


def test_r09a_a_link_never_waits() -> None:
    row = step(1, action=ActionKind.LINK, last_name="(bitrix24) Name1")
    letter = dead_letter(1, kind=ActionKind.LINK, after=sent(row), next_try_at=NOON + HOUR)
    assert outcomes(row, letters=[letter]) == [Outcome.PLANNED]


def test_r14_a_removal_sends_nothing_and_waits_all_the_same() -> None:
    letter = dead_letter(1, kind=REMOVE, next_try_at=NOON + HOUR)
    assert outcomes(step(1, action=REMOVE), letters=[letter]) == [Outcome.WAITING]


@pytest.mark.parametrize("outcome", [Outcome.REJECTED, Outcome.CONFLICT, Outcome.HELD])
def test_r18_only_what_is_planned_can_wait(outcome: Outcome) -> None:
    letter = dead_letter(1, next_try_at=NOON + HOUR)
    assert outcomes(step(1, outcome=outcome), letters=[letter]) == [outcome]


def settled(*done: Row, letters: list[Row], hours: float = 0) -> list[dict[str, Any]]:
    """The dead letters after a step with these actions, so many hours after noon."""
    kept = retry_schedule.update_dead_letters(dead_letters(*letters), actions=actions(*done), now=NOON + hours * HOUR)
    return [{str(name): value for name, value in row.items()} for row in kept.to_dict("records")]


def test_r18_a_first_failure_becomes_a_dead_letter_with_its_error() -> None:
    failed = action(1, outcome=Outcome.FAILED, error="already_in_use", after='{"email": "ira@x.test"}')
    assert settled(failed, letters=[]) == [
        {
            "bitrix24_id": 1,
            "action": CREATE,
            "attempts": 1,
            "first_failed_at": NOON,
            "last_failed_at": NOON,
            "next_try_at": NOON,
            "error": "already_in_use",
            "after": '{"email": "ira@x.test"}',
        }
    ]


@pytest.mark.parametrize(("letters", "attempts"), [([], 0), ([dead_letter(1, attempts=2)], 2)])
def test_r18_an_outage_is_listed_and_does_not_count_against_the_record(letters: list[Row], attempts: int) -> None:
    failed = actions(action(1, outcome=Outcome.FAILED, error="internal_error"))
    kept = retry_schedule.update_dead_letters(
        dead_letters(*letters), actions=failed, unanswered={(1, ActionKind.CREATE)}, now=NOON + HOUR
    )
    assert (kept["attempts"].tolist(), kept["next_try_at"].tolist()) == ([attempts], [NOON + HOUR])


def test_r18_the_same_failure_is_counted_on_from_the_first() -> None:
    failed = action(1, outcome=Outcome.FAILED, error="already_in_use")
    letter = settled(failed, letters=[dead_letter(1, attempts=3)], hours=1)[0]
    assert (letter["attempts"], letter["first_failed_at"], letter["last_failed_at"]) == (4, NOON, NOON + HOUR)
    assert letter["next_try_at"] == NOON + 7 * HOUR
    assert letter["error"] == "already_in_use"


def test_r18_a_failure_with_another_content_begins_the_count_anew() -> None:
    failed = action(1, outcome=Outcome.FAILED, error="internal_error", after='{"email": "new@x.test"}')
    letter = settled(failed, letters=[dead_letter(1, attempts=5, after='{"email": "old@x.test"}')], hours=2)[0]
    assert (letter["attempts"], letter["first_failed_at"]) == (1, NOON + 2 * HOUR)
    assert letter["after"] == '{"email": "new@x.test"}'


@pytest.mark.parametrize("outcome", [Outcome.DEFERRED, Outcome.HELD, Outcome.WAITING, Outcome.SKIPPED, Outcome.PLANNED])
def test_r18_what_was_not_tried_keeps_its_dead_letter(outcome: Outcome) -> None:
    letter = settled(action(1, outcome=outcome), letters=[dead_letter(1, attempts=4)], hours=5)[0]
    assert (letter["attempts"], letter["last_failed_at"]) == (4, NOON)


@pytest.mark.parametrize(
    "done",
    [[action(1)], [action(1, kind=ActionKind.REJECT, outcome=Outcome.REJECTED)], [action(2)], []],
    ids=["done", "rejected by now", "no longer planned", "nothing planned"],
)
def test_r18_what_is_mended_or_no_longer_planned_is_taken_out(done: list[Row]) -> None:
    assert settled(*done, letters=[dead_letter(1, attempts=4)]) == []


def test_r18_an_action_that_ends_well_or_is_deferred_for_the_first_time_leaves_no_dead_letter() -> None:
    assert settled(action(1), action(2, outcome=Outcome.DEFERRED), letters=[]) == []


def test_r18_one_failing_record_is_tried_at_the_runs_the_distances_allow() -> None:
    """Half-hourly runs over a day and a half of a create that never works."""
    row, letters, tried = step(1, email="ira@x.test"), dead_letters(), []
    for half_hour in range(72):
        now = NOON + half_hour * timedelta(minutes=30)
        decided = retry_schedule.defer_backing_off(plan(row), dead_letters=letters, now=now)
        outcome = Outcome(decided["outcome"].item())
        if outcome is Outcome.PLANNED:
            tried.append(half_hour / 2)
        ended = {"outcome": Outcome.FAILED.value, "error": "internal_error"} if outcome is Outcome.PLANNED else {}
        letters = retry_schedule.update_dead_letters(letters, actions=decided.assign(**ended), now=now)
    assert tried == [0, 0.5, 1, 2, 8, 32]
