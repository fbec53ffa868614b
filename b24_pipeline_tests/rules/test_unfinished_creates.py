"""R18: a create whose outcome is not known is looked up before anything else is sent for that person."""

from typing import Any

import pytest

from b24_pipeline.rules import matching
from b24_pipeline.rules.models import Eligibility, MatchKind, MatchReason
from b24_pipeline_tests.factories import (
    Row,
    callgear_employee,
    callgear_employees,
    link,
    links,
    matches_of,
    pending_create,
    pending_creates,
    reuse_approved,
    similar_approved,
    user,
)

FREE = (MatchKind.NONE, None, None, None)
ADOPTED = (MatchKind.BY_EMAIL, MatchReason.UNFINISHED_CREATE, 101, None)
OLD_EMAIL = [pending_create(1, email="Old@x.test ")]


@pytest.mark.parametrize(
    ("account", "stored", "expected"),
    [
        (
            [callgear_employee(101, email="old@x.test")],
            [],
            (MatchKind.BY_EMAIL, MatchReason.UNFINISHED_CREATE, 101, None),
        ),
        ([callgear_employee(101, email="user1@x.test")], [], (MatchKind.BY_EMAIL, None, 101, None)),
        ([callgear_employee(101)], [], FREE),
        ([callgear_employee(101, email="old@x.test")], [link(9, 101)], FREE),
        ([callgear_employee(101, email="old@x.test")], [link(2, 101)], FREE),
        (
            [callgear_employee(101, email="old@x.test"), callgear_employee(102, email="old@x.test")],
            [],
            (MatchKind.CONFLICT, MatchReason.AMBIGUOUS_EMAIL, None, None),
        ),
        (
            [callgear_employee(101, email="old@x.test"), callgear_employee(102, email="old@x.test")],
            [link(9, 101)],
            (MatchKind.BY_EMAIL, MatchReason.UNFINISHED_CREATE, 102, None),
        ),
        (
            [callgear_employee(101, email="old@x.test")],
            [link(1, 999)],
            (MatchKind.BY_EMAIL, MatchReason.UNFINISHED_CREATE, 101, None),
        ),
    ],
    ids=[
        "under the e-mail it had then",
        "under its present e-mail",
        "nowhere, so it is repeated",
        "linked to somebody gone",
        "linked to somebody else",
        "under an e-mail of several",
        "the only free one of several",
        "in place of a stale link",
    ],
)
def test_r18_a_create_whose_outcome_is_unknown_is_looked_up_before_it_is_repeated(
    account: list[Row], stored: list[Row], expected: tuple[Any, ...]
) -> None:
    assert matches_of(user(1), user(2), account=account, stored=stored, pending=OLD_EMAIL)[1] == expected


def test_r18_an_employee_of_an_announced_create_is_its_users_first() -> None:
    account = [callgear_employee(101, email="old@x.test")]
    found = matches_of(user(1), user(2, email="old@x.test"), account=account, pending=OLD_EMAIL)
    assert found == {1: ADOPTED, 2: (MatchKind.CONFLICT, MatchReason.ALREADY_LINKED, 101, 1)}


def test_r18_people_who_swap_their_addresses_get_the_employees_that_were_created_for_them() -> None:
    account = [callgear_employee(101, email="user1@x.test"), callgear_employee(102, email="user2@x.test")]
    found = matches_of(
        user(1, email="user2@x.test"),
        user(2, email="user1@x.test"),
        account=account,
        pending=[pending_create(1, email="user1@x.test"), pending_create(2, email="user2@x.test")],
    )
    assert found == {1: ADOPTED, 2: (MatchKind.BY_EMAIL, MatchReason.UNFINISHED_CREATE, 102, None)}


def test_r12_who_has_an_unfinished_create_under_a_shared_address_keeps_it() -> None:
    account = [callgear_employee(101, email="old@x.test")]
    found = matches_of(
        user(1, email="old@x.test"),
        user(2, email="old@x.test"),
        account=account,
        pending=[pending_create(2, email="old@x.test")],
    )
    assert found == {
        1: (MatchKind.CONFLICT, MatchReason.DUPLICATE_EMAIL, None, 2),
        2: (MatchKind.BY_EMAIL, MatchReason.UNFINISHED_CREATE, 101, None),
    }


@pytest.mark.parametrize("creator", [[user(1, active=False)], []], ids=["dismissed", "gone"])
def test_r09_the_employee_of_a_leavers_unfinished_create_needs_an_approval(creator: list[Row]) -> None:
    people = [*creator, user(2, email="old@x.test")]
    account = [callgear_employee(101, email="old@x.test")]
    asked = matches_of(*people, account=account, pending=OLD_EMAIL)
    approved = matches_of(*people, account=account, pending=OLD_EMAIL, approved=reuse_approved((2, 101)))
    assert asked[2] == (MatchKind.CONFLICT, MatchReason.EMAIL_REUSED, 101, 1)
    assert approved[2] == (MatchKind.BY_EMAIL, MatchReason.EMAIL_REUSE_APPROVED, 101, 1)


def test_r09_an_address_similar_to_that_of_an_unfinished_create_is_in_conflict_with_its_user() -> None:
    found = matches_of(
        user(1),
        user(2, email="strasse@x.test"),
        account=[callgear_employee(101, email="straße@x.test")],
        pending=[pending_create(1, email="straße@x.test")],
        approved=similar_approved((2, 101)),
    )
    assert found == {1: ADOPTED, 2: (MatchKind.CONFLICT, MatchReason.SIMILAR_EMAIL, None, 1)}


def test_r18_two_unfinished_creates_never_adopt_the_same_employee() -> None:
    pending = [pending_create(1, email="old@x.test"), pending_create(2, email="old@x.test")]
    found = matches_of(user(1), user(2), account=[callgear_employee(101, email="old@x.test")], pending=pending)
    ambiguous = (MatchKind.CONFLICT, MatchReason.AMBIGUOUS_EMAIL, None, None)
    assert found == {1: ambiguous, 2: ambiguous}


def test_r18_only_candidates_without_a_match_look_for_their_unfinished_create() -> None:
    found = matches_of(
        user(1, active=False),
        user(2),
        account=[callgear_employee(101, email="old@x.test"), callgear_employee(102)],
        stored=[link(2, 102)],
        pending=[*OLD_EMAIL, pending_create(2, email="old@x.test")],
    )
    assert found == {1: (Eligibility.DISMISSED, None, None, None), 2: (MatchKind.BY_ID, None, 102, None)}


def test_r18_an_announced_create_whose_address_nobody_has_never_happened() -> None:
    pending = pending_creates(pending_create(1, email="Ira@x.test"), pending_create(2, email="oleg@x.test"))
    account = callgear_employees(callgear_employee(11, email=" ira@X.test"), callgear_employee(12, email=None))
    assert matching.settled_creates(pending, callgear_employees=account, links=links()) == [2]


def test_r18_an_announced_create_whose_employee_is_linked_with_somebody_else_is_settled() -> None:
    pending = pending_creates(pending_create(1, email="ira@x.test"), pending_create(2, email="oleg@x.test"))
    emails = {11: "ira@x.test", 12: "oleg@x.test", 13: "oleg@x.test"}
    account = callgear_employees(*(callgear_employee(number, email=email) for number, email in emails.items()))
    stored = links(link(7, 11), link(8, 12))
    assert matching.settled_creates(pending, callgear_employees=account, links=stored) == [1]
