"""R16: what is held, what goes on, what a first import may do, and what an approval lets through."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta
from types import MappingProxyType

import pytest
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.rules import safety_limits
from b24_pipeline.rules.models import DEFAULT_LIMITS, ActionKind, ChangeRisk, MatchReason, Outcome, SafetyLimit
from b24_pipeline.rules.safety_limits import LimitContext
from b24_pipeline_tests.factories import NOON, Row, actions, dead_letter, dead_letters, plan, step

SMALL, LARGE = 20, 20_000


def changes(risk: ChangeRisk, number: int, *, first: int = 1) -> list[Row]:
    """So many planned changes of a kind, each of another person."""
    return [step(bitrix24_id, risk=risk) for bitrix24_id in range(first, first + number)]


def held(
    *rows: Row,
    people: int,
    first_import: bool = False,
    approved: DataFrame[schemas.Actions] | None = None,
    by: Mapping[ChangeRisk, SafetyLimit] = DEFAULT_LIMITS,
    resting: Outcome = Outcome.PLANNED,
    refused: Sequence[Row] = (),
    done: Mapping[ChangeRisk, AbstractSet[int]] = MappingProxyType({}),
    rebuilding_links: bool = False,
) -> list[int]:
    """Whom the limits hold."""
    decided = safety_limits.apply_safety_limits(
        plan(*rows),
        limits=by,
        context=LimitContext(people, first_import, rebuilding_links, done),
        approved=actions() if approved is None else approved,
        dead_letters=dead_letters(*refused),
    )
    assert set(decided["outcome"]) <= {Outcome.PLANNED, Outcome.HELD, resting}
    return decided.loc[decided["outcome"] == Outcome.HELD, "bitrix24_id"].tolist()


@pytest.mark.parametrize(
    ("risk", "people", "most"),
    [
        # the count decides where people are few, the share where they are many
        (ChangeRisk.REMOVAL, 0, 3),
        (ChangeRisk.REMOVAL, SMALL, 3),
        (ChangeRisk.REMOVAL, 60, 3),
        (ChangeRisk.REMOVAL, 80, 4),
        (ChangeRisk.REMOVAL, LARGE, 1000),
        (ChangeRisk.LINK_MOVE, 0, 3),
        (ChangeRisk.LINK_MOVE, SMALL, 3),
        (ChangeRisk.LINK_MOVE, 60, 3),
        (ChangeRisk.LINK_MOVE, 80, 4),
        (ChangeRisk.LINK_MOVE, LARGE, 1000),
        (ChangeRisk.EMAIL_LINK, 0, 20),
        (ChangeRisk.EMAIL_LINK, SMALL, 20),
        (ChangeRisk.EMAIL_LINK, 80, 20),
        (ChangeRisk.EMAIL_LINK, 84, 21),
        (ChangeRisk.EMAIL_LINK, LARGE, 5000),
        (ChangeRisk.ID_UPDATE, 0, 20),
        (ChangeRisk.ID_UPDATE, SMALL, 20),
        (ChangeRisk.ID_UPDATE, 80, 20),
        (ChangeRisk.ID_UPDATE, 84, 21),
        (ChangeRisk.ID_UPDATE, LARGE, 5000),
        (ChangeRisk.CREATE, 0, 10),
        (ChangeRisk.CREATE, SMALL, 10),
        (ChangeRisk.CREATE, 100, 10),
        (ChangeRisk.CREATE, 110, 11),
        (ChangeRisk.CREATE, LARGE, 2000),
    ],
)
def test_r16_a_kind_is_held_when_it_is_over_its_count_and_over_its_share(
    risk: ChangeRisk, people: int, most: int
) -> None:
    assert held(*changes(risk, most), people=people) == []
    assert len(held(*changes(risk, most + 1), people=people)) == most + 1


@pytest.mark.parametrize("risk", list(ChangeRisk))
def test_r16_whom_it_was_done_to_in_the_last_24_hours_counts_with_whom_it_is_planned_for(risk: ChangeRisk) -> None:
    most = DEFAULT_LIMITS[risk].count
    done = {risk: frozenset(range(101, 101 + most))}
    assert held(*changes(risk, 1), people=SMALL, done=done) == [1]
    assert held(*changes(risk, 1), people=SMALL, done={risk: frozenset(range(102, 101 + most))}) == []
    assert held(*changes(risk, 1), people=LARGE, done=done) == []


def test_r16_a_person_counts_once_however_often_something_is_done() -> None:
    assert held(*changes(ChangeRisk.REMOVAL, 3), people=SMALL, done={ChangeRisk.REMOVAL: {1, 2, 3}}) == []


def test_r16_what_was_done_is_counted_for_its_own_kind_and_holds_no_kind_of_which_nothing_is_planned() -> None:
    done = {ChangeRisk.REMOVAL: frozenset(range(1, 50)), ChangeRisk.CREATE: frozenset(range(1, 10))}
    assert held(*changes(ChangeRisk.LINK_MOVE, 3), people=SMALL, done=done) == []
    refused = [dead_letter(user) for user in range(1, 5)]
    assert held(*changes(ChangeRisk.REMOVAL, 4), people=SMALL, done=done, refused=refused) == []


def test_r16_each_row_that_may_be_sent_says_why_it_will_not_count() -> None:
    by_name = step(9, action=ActionKind.LINK, risk=ChangeRisk.LINK_MOVE, reason=MatchReason.EMAIL_REUSE_APPROVED)
    rows = [
        *changes(ChangeRisk.REMOVAL, 5),
        by_name,
        step(10, risk=ChangeRisk.CREATE),
        step(11, action=ActionKind.LINK),
    ]
    assert exemptions(*rows, approved=listed(*rows[:2])) == {1: "approved", 2: "approved", 9: "approved"}
    assert exemptions(by_name, rows[-2], rows[-1], first_import=True) == {9: "approved", 10: "first_import"}
    assert exemptions(rows[-2], rebuilding_links=True) == {10: "rebuilding_links"}
    assert exemptions(*rows[-2:]) == {}


def exemptions(*rows: Row, approved: DataFrame[schemas.Actions] | None = None, **circumstances: bool) -> dict[int, str]:
    """Why rows do not count, by user."""
    decided = safety_limits.apply_safety_limits(
        plan(*rows),
        limits=DEFAULT_LIMITS,
        context=LimitContext(SMALL, **({"first_import": False} | circumstances)),
        approved=actions() if approved is None else approved,
        dead_letters=dead_letters(),
    )
    exempt = decided.dropna(subset=["exemption"])
    return dict(zip(exempt["bitrix24_id"].tolist(), exempt["exemption"], strict=True))


def test_r16_the_share_is_of_the_people_imported_and_need_not_be_whole() -> None:
    assert held(*changes(ChangeRisk.REMOVAL, 4), people=79) == [1, 2, 3, 4]
    assert held(*changes(ChangeRisk.REMOVAL, 4), people=80) == []


@pytest.mark.parametrize("risk", list(ChangeRisk))
def test_r16_only_the_kind_over_its_limit_is_held_and_the_others_go_on(risk: ChangeRisk) -> None:
    rows = [row for index, kind in enumerate(ChangeRisk) for row in changes(kind, 3, first=10 * index + 1)]
    many = changes(risk, 50, first=101)
    harmless = [step(900, action=ActionKind.LINK), step(901, action=ActionKind.UPDATE)]
    of_kind = {row["bitrix24_id"] for row in [*rows, *many] if row["risk"] == risk}
    assert set(held(*rows, *many, *harmless, people=SMALL)) == of_kind


@pytest.mark.parametrize(
    ("risk", "exempt"),
    [
        (ChangeRisk.REMOVAL, False),
        (ChangeRisk.LINK_MOVE, False),
        (ChangeRisk.EMAIL_LINK, True),
        (ChangeRisk.ID_UPDATE, False),
        (ChangeRisk.CREATE, True),
    ],
)
def test_r16_a_first_import_or_a_rebuilding_of_links_may_create_and_link_without_limit(
    risk: ChangeRisk, exempt: bool
) -> None:
    held_of_50 = 0 if exempt else 50
    assert len(held(*changes(risk, 50), people=0, first_import=True)) == held_of_50
    assert len(held(*changes(risk, 50), people=0, rebuilding_links=True)) == held_of_50


def test_r16_every_limit_is_a_setting() -> None:
    strict = {ChangeRisk.REMOVAL: SafetyLimit(count=0, share=0.0)}
    assert held(
        *changes(ChangeRisk.REMOVAL, 1), *changes(ChangeRisk.CREATE, 50, first=10), people=SMALL, by=strict
    ) == [1]
    assert held(*changes(ChangeRisk.REMOVAL, 50), people=SMALL, by={}) == []


@pytest.mark.parametrize("outcome", [Outcome.WAITING, Outcome.REJECTED, Outcome.CONFLICT])
def test_r16_what_is_not_going_to_be_sent_does_not_count_and_is_not_held(outcome: Outcome) -> None:
    resting = [row | {"outcome": outcome} for row in changes(ChangeRisk.REMOVAL, 10, first=101)]
    decided = safety_limits.apply_safety_limits(
        plan(*changes(ChangeRisk.REMOVAL, 3), *resting),
        limits=DEFAULT_LIMITS,
        context=LimitContext(people_imported=SMALL, first_import=False),
        approved=actions(),
        dead_letters=dead_letters(),
    )
    assert decided["outcome"].tolist() == [Outcome.PLANNED] * 3 + [outcome] * 10
    assert held(*changes(ChangeRisk.REMOVAL, 4), *resting, people=SMALL, resting=outcome) == [1, 2, 3, 4]


def test_r16_what_was_refused_and_counts_no_more_is_not_counted_when_it_is_tried_again() -> None:
    refused = [dead_letter(user) for user in range(1, 5)]
    assert held(*changes(ChangeRisk.REMOVAL, 4), people=SMALL, refused=refused) == []
    assert held(*changes(ChangeRisk.REMOVAL, 4 + 3), people=SMALL, refused=refused) == []
    assert held(*changes(ChangeRisk.REMOVAL, 4 + 4), people=SMALL, refused=refused) == [*range(1, 9)]


def test_r16_what_was_refused_counts_for_24_hours_unless_no_limit_held_it_then() -> None:
    letters = dead_letters(
        dead_letter(1, first_failed_at=NOON - timedelta(hours=24)),
        dead_letter(2, first_failed_at=NOON - timedelta(hours=24) + timedelta(seconds=1)),
        dead_letter(3),
        dead_letter(4, first_failed_at=NOON - timedelta(days=2), attempts=0),
        dead_letter(5, attempts=0),
    )

    exempt = {(2, "update"), (3, "create"), (5, "create")}
    counted_no_more = safety_limits.no_longer_counted(letters, exempt=exempt, now=NOON)

    assert counted_no_more["bitrix24_id"].tolist() == [1, 3, 5]


def test_r16_what_no_service_has_refused_as_it_is_counts() -> None:
    refused = [dead_letter(user) | {"after": '{"last_name": "Other"}'} for user in range(1, 5)]
    assert held(*changes(ChangeRisk.REMOVAL, 4), people=SMALL, refused=refused) == [1, 2, 3, 4]


def listed(*rows: Row) -> DataFrame[schemas.Actions]:
    """What a run that held these rows listed, as the audit keeps it."""
    return plan(*(row | {"outcome": Outcome.HELD} for row in rows))


REMOVALS = changes(ChangeRisk.REMOVAL, 5)
MOVES = [
    step(
        user,
        action=ActionKind.LINK,
        risk=ChangeRisk.LINK_MOVE,
        callgear_id=100 + user,
        last_name=f"(bitrix24) Name{user}",
    )
    for user in range(1, 6)
]


def test_r16_an_approval_lets_through_what_the_held_run_listed() -> None:
    assert held(*REMOVALS, people=SMALL, approved=listed(*REMOVALS)) == []
    assert held(*MOVES, people=SMALL, approved=listed(*MOVES)) == []


def test_r16_an_approval_lets_through_at_most_what_was_listed() -> None:
    assert held(*REMOVALS, *changes(ChangeRisk.REMOVAL, 2, first=8), people=SMALL, approved=listed(*REMOVALS)) == [8, 9]


@pytest.mark.parametrize(
    "other",
    [
        {"bitrix24_id": 77},
        {"callgear_id": 777},
        {"callgear_id": None},
        {"action": ActionKind.UPDATE},
        {"last_name": "(bitrix24) Other"},
        {"last_name": None},
        {"phones": "123"},
    ],
    ids=[
        "another person",
        "another employee",
        "no employee",
        "another action",
        "another name",
        "no name",
        "phones too",
    ],
)
def test_r16_an_approval_does_not_cover_what_differs_from_the_list(other: Row) -> None:
    changed = MOVES[0] | other
    assert held(changed, *MOVES[1:], people=SMALL, approved=listed(*MOVES)) == [changed["bitrix24_id"]]


def test_r16_an_approval_covers_only_what_the_run_held_not_all_it_did() -> None:
    done = plan(*REMOVALS[:2])
    assert held(*REMOVALS, people=SMALL, approved=done) == [1, 2, 3, 4, 5]


def test_r16_an_approval_does_no_harm_where_nothing_is_held() -> None:
    assert held(*REMOVALS[:3], people=SMALL, approved=listed(*REMOVALS)) == []


def test_r09_what_a_person_approved_one_by_one_is_neither_counted_nor_held() -> None:
    named = [row | {"reason": MatchReason.EMAIL_REUSE_APPROVED} for row in MOVES]
    rehires = changes(ChangeRisk.LINK_MOVE, 4, first=101)
    assert held(*named, people=SMALL) == []
    assert held(*named, *rehires[:3], people=SMALL) == []
    assert held(*named, *rehires, people=SMALL) == [101, 102, 103, 104]


def test_r16_a_plan_without_rows_holds_nobody() -> None:
    assert held(people=SMALL) == []
