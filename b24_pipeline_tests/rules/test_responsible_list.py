"""R13-R15: who leaves the responsible list, who is put on it, and when it must be read at all."""

import pandas as pd
import pytest
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.rules import responsible_list
from b24_pipeline.rules.models import ChangeRisk, Outcome, Policy, ResponsibleListPolicy, Scope
from b24_pipeline.rules.responsible_list import ACTIVE, DELETED, DISMISSED
from b24_pipeline_tests.factories import Row, employees, fields, listed_people, listed_person, user, users

OFF, REMOVE, MIRROR = ResponsibleListPolicy.OFF, ResponsibleListPolicy.REMOVE, ResponsibleListPolicy.MIRROR

COMPANY = [
    user(1),
    user(2, active=False),
    user(3, last_name=None),
    user(4, user_type="extranet"),
    user(5, user_type="extranet", active=False),
    user(6, departments="9"),
    user(7, departments="9", active=False),
    user(8, last_name=None, active=False),
    user(11),
    user(12, active=False),
]
IMPORTED = frozenset(range(1, 10))
"""Those that have or had a link; 9 is no longer in the portal, 11 and 12 were never imported."""


def people(
    *rows: Row,
    policy: ResponsibleListPolicy,
    ever_linked: frozenset[int] = IMPORTED,
    linked: frozenset[int] | None = None,
    deleted: frozenset[int] = frozenset(),
) -> pd.DataFrame:
    """Whom of these users the responsible list concerns; department 9 is out of scope."""
    judged = employees(*rows, policy=Policy(scope=Scope(exclude_departments=frozenset({9}))))
    return responsible_list.affected_people(
        judged,
        ever_linked=ever_linked,
        linked=ever_linked if linked is None else linked,
        deleted=deleted,
        policy=policy,
    )


def steps(concerned: pd.DataFrame, *, listed: dict[str, str]) -> list[tuple[int, str, str | None, str | None]]:
    """The plan for these people with this list: user, action, name on the list and name to be sent."""
    plan = responsible_list.plan_responsible_list(concerned, state=responsible_list.on_list(concerned, listed=listed))
    assert set(plan["outcome"]) <= {Outcome.PLANNED}
    names = [[fields(text).get("last_name") for text in plan[column]] for column in ("before", "after")]
    return list(zip(plan["bitrix24_id"], plan["action"], *names, strict=True))


def test_r13_imported_users_that_the_fetch_does_not_hold_are_looked_up() -> None:
    judged = employees(*COMPANY)
    assert responsible_list.missing_from_portal(judged, ever_linked=IMPORTED) == {9}
    assert responsible_list.missing_from_portal(judged, ever_linked=frozenset({1, 2})) == frozenset()
    assert responsible_list.missing_from_portal(employees(), ever_linked=frozenset({1, 2})) == {1, 2}


@pytest.mark.parametrize(
    ("scope", "left"),
    [
        (Scope(), {7, 8, 9}),
        (Scope(exclude_users=frozenset({7, 9})), {8}),
        (Scope(exclude_departments=frozenset({5})), {8, 9}),
        (Scope(include_departments=frozenset({6})), {8, 9}),
        (Scope(exclude_emails=("*@PARTNER.test",)), {7, 9}),
    ],
    ids=["everybody", "user", "department", "other department", "e-mail"],
)
def test_r03_who_is_gone_is_out_of_scope_by_what_was_known_last_or_by_the_id_alone(
    scope: Scope, left: set[int]
) -> None:
    last_known = users(user(7, departments="4,5"), user(8, departments="6", email="ira@partner.test"))
    gone = frozenset({7, 8, 9})
    assert responsible_list.missing_in_scope(gone, last_known=last_known, policy=Policy(scope=scope)) == left


@pytest.mark.parametrize("email", [None, "(forgotten)"])
@pytest.mark.parametrize(("patterns", "left"), [((), {7, 8}), (("*@partner.test",), {8})])
def test_r03_who_is_gone_may_be_left_out_by_an_address_that_is_not_known_any_more(
    email: str | None, patterns: tuple[str, ...], left: set[int]
) -> None:
    last_known = users(user(7, email=email), user(8))
    policy = Policy(scope=Scope(exclude_emails=patterns))
    assert responsible_list.missing_in_scope(frozenset({7, 8}), last_known=last_known, policy=policy) == left


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (OFF, {}),
        (REMOVE, {2: DISMISSED, 5: DISMISSED, 8: DISMISSED, 9: DELETED}),
        (MIRROR, {1: ACTIVE, 2: DISMISSED, 5: DISMISSED, 8: DISMISSED, 9: DELETED}),
    ],
)
def test_r14_r15_the_list_concerns_imported_leavers_and_with_mirror_imported_candidates(
    policy: ResponsibleListPolicy, expected: dict[int, str]
) -> None:
    concerned = people(*COMPANY, policy=policy, deleted=frozenset({9}))
    assert dict(zip(concerned["bitrix24_id"].tolist(), concerned["employment_status"], strict=True)) == expected


def test_r15_whose_link_has_ended_is_a_leaver_or_nobody() -> None:
    concerned = people(user(1), user(2), user(3, active=False), policy=MIRROR, linked=frozenset({2}))
    assert dict(zip(concerned["bitrix24_id"].tolist(), concerned["employment_status"], strict=True)) == {
        2: ACTIVE,
        3: DISMISSED,
    }


def test_r13_who_is_missing_from_the_fetch_is_no_leaver_until_the_look_up_confirms_it() -> None:
    assert 9 not in people(*COMPANY, policy=REMOVE)["bitrix24_id"].tolist()


@pytest.mark.parametrize("policy", [REMOVE, MIRROR])
def test_r14_listed_leavers_are_removed_and_nobody_else_is_touched(policy: ResponsibleListPolicy) -> None:
    concerned = people(*COMPANY, policy=policy, deleted=frozenset({9}))
    listed = {str(number): f"Person {number}" for number in range(1, 15)} | {"1": "Name1 Ira", "crm-77": "Somebody"}
    assert steps(concerned, listed=listed) == [
        (2, "remove_responsible", "Person 2", None),
        (5, "remove_responsible", "Person 5", None),
        (8, "remove_responsible", "Person 8", None),
        (9, "remove_responsible", "Person 9", None),
    ]


def test_r14_leavers_that_are_not_listed_need_nothing() -> None:
    assert steps(people(*COMPANY, policy=REMOVE, deleted=frozenset({9})), listed={"12": "Name12 Ira"}) == []


def test_r14_a_removal_is_watched_and_names_the_person_and_why() -> None:
    concerned = people(user(2, active=False), policy=REMOVE, deleted=frozenset({9}))
    state = responsible_list.on_list(concerned, listed={"2": "Old Name", "9": "Gone Person"})
    plan = responsible_list.plan_responsible_list(concerned, state=state)
    assert plan[["bitrix24_id", "risk", "reason", "display_name"]].to_numpy().tolist() == [
        [2, ChangeRisk.REMOVAL, DISMISSED, "Name2 Ira"],
        [9, ChangeRisk.REMOVAL, DELETED, "Gone Person"],
    ]


@pytest.mark.parametrize(
    ("person", "listed", "expected"),
    [
        (user(1), {}, [(1, "list_responsible", None, "Name1 Ira")]),
        (user(1), {"1": "Name1 Ira"}, []),
        (user(1), {"1": "Maiden Ira"}, [(1, "rename_responsible", "Maiden Ira", "Name1 Ira")]),
        (user(1, second_name="Pavlovna"), {}, [(1, "list_responsible", None, "Name1 Ira Pavlovna")]),
        (user(1, first_name=None), {"1": "Name1 Ira"}, [(1, "rename_responsible", "Name1 Ira", "Name1")]),
        (user(1, last_name=None), {}, []),
        (user(1, last_name=None), {"1": "Name1 Ira"}, []),
        (user(11), {}, []),
        (user(6, departments="9"), {}, []),
        (user(4, user_type="extranet"), {}, []),
    ],
    ids=[
        "listed under id and full name",
        "already right",
        "renamed",
        "with patronymic",
        "name shortened",
        "rejected is not listed",
        "rejected is not removed",
        "never imported",
        "out of scope",
        "extranet",
    ],
)
def test_r15_mirror_lists_and_renames_imported_candidates(
    person: Row, listed: dict[str, str], expected: list[tuple[int, str, str | None, str | None]]
) -> None:
    assert steps(people(person, policy=MIRROR), listed=listed) == expected


def test_r15_who_is_off_the_list_is_listed_anew_whatever_the_name_was_there() -> None:
    state = listed_people(listed_person(1, employment_status=ACTIVE, listed=False, name="Maiden Ira"))
    plan = responsible_list.plan_responsible_list(people(user(1), policy=MIRROR), state=state)
    assert plan["action"].tolist() == ["list_responsible"]


def test_r15_listing_and_renaming_are_not_watched_as_harm() -> None:
    concerned = people(user(1), user(2), policy=MIRROR)
    plan = responsible_list.plan_responsible_list(
        concerned, state=responsible_list.on_list(concerned, listed={"2": "Other"})
    )
    assert plan["action"].tolist() == ["list_responsible", "rename_responsible"]
    assert plan["risk"].isna().all()


def known(*rows: Row) -> DataFrame[schemas.ResponsibleEmployees]:
    """The list as last known."""
    return listed_people(*rows)


@pytest.mark.parametrize(
    ("policy", "rows", "as_known", "expected"),
    [
        (OFF, [user(2, active=False)], [], False),
        (REMOVE, [user(1)], [], False),
        (REMOVE, [user(2, active=False)], [], True),
        (REMOVE, [user(2, active=False)], [listed_person(2, employment_status=DISMISSED, listed=False)], False),
        (REMOVE, [user(2, active=False)], [listed_person(2, employment_status=DISMISSED)], False),
        (REMOVE, [user(2, active=False)], [listed_person(2, employment_status=ACTIVE, listed=False)], True),
        (REMOVE, [user(2, active=False)], [listed_person(5, employment_status=DISMISSED)], True),
        (MIRROR, [user(1)], [listed_person(1, employment_status=ACTIVE)], True),
        (MIRROR, [user(11)], [], False),
    ],
    ids=[
        "off",
        "nobody left",
        "somebody left",
        "known to be off the list",
        "known to be on the list",
        "known as active only",
        "somebody else is known",
        "mirrored",
        "nobody to mirror",
    ],
)
def test_r14_r15_the_list_is_read_only_where_it_decides_something(
    policy: ResponsibleListPolicy, rows: list[Row], as_known: list[Row], expected: bool
) -> None:
    assert (
        responsible_list.must_read_list(people(*rows, policy=policy), known=known(*as_known), policy=policy) is expected
    )


def test_r14_the_state_tells_of_everybody_concerned_whether_listed_and_under_which_name() -> None:
    concerned = people(user(1), user(2, active=False), policy=MIRROR, deleted=frozenset({9}))
    state = responsible_list.on_list(concerned, listed={"2": "Old Name"})
    assert state[["bitrix24_id", "employment_status", "listed"]].to_numpy().tolist() == [
        [1, ACTIVE, False],
        [2, DISMISSED, True],
        [9, DELETED, False],
    ]
    assert state["name"].fillna("").tolist() == ["Name1 Ira", "Old Name", ""]


@pytest.mark.parametrize("listed", [{}, {"1": "Name1 Ira"}])
def test_r14_nobody_concerned_leaves_an_empty_state_and_an_empty_plan(listed: dict[str, str]) -> None:
    nobody = people(policy=REMOVE)
    assert responsible_list.on_list(nobody, listed=listed).empty
    assert steps(nobody, listed=listed) == []
