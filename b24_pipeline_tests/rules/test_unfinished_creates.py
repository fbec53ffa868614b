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
    matches_of,
    pending_create,
    pending_creates,
    user,
)

FREE = (MatchKind.NONE, None, None, None)
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


def test_r18_an_employee_that_was_found_for_somebody_else_is_not_adopted() -> None:
    account = [callgear_employee(101, email="old@x.test")]
    found = matches_of(user(1), user(2, email="old@x.test"), account=account, pending=OLD_EMAIL)
    assert found == {1: FREE, 2: (MatchKind.BY_EMAIL, None, 101, None)}


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
    assert matching.confirmed_not_created(pending, callgear_employees=account) == [2]
