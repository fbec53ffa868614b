"""R07a: whether a linked id still is the person whom the link was accepted for."""

import pytest
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.rules import identity
from b24_pipeline.rules.models import ERASED
from b24_pipeline_tests.factories import Row, employees, frame, user

IRA = ("Ira", "Lebedeva", "ira@x.test")
BORIS = ("Boris", "Smirnov", "boris@x.test")
Name = str | None
Person = tuple[Name, Name, Name]


def accepted(person: Person, bitrix24_id: int = 1, **fields: object) -> Row:
    """An identity: first name, last name, e-mail."""
    first_name, last_name, email = person
    return {
        "bitrix24_id": bitrix24_id,
        "first_name": first_name,
        "last_name": last_name,
        "email": email,
        "deleted": False,
        "changed": False,
    } | fields


def identities(*rows: Row) -> DataFrame[schemas.Identities]:
    """The frame of identities."""
    return frame(schemas.Identities, rows)


def observed(row: Row, person: Person | None, *, deleted: frozenset[int] = frozenset()) -> Row:
    """The identity once user 1 was seen as this person, or not at all."""
    first_name, last_name, email = person or (None, None, None)
    rows = [user(1, first_name=first_name, last_name=last_name, email=email)] if person else [user(9)]
    (found,) = identity.observe(employees(*rows), identities=identities(row), deleted=deleted).to_dict("records")
    return {str(name): None if value != value else value for name, value in found.items()}


@pytest.mark.parametrize(
    ("before", "now", "changed"),
    [
        (IRA, BORIS, True),
        (IRA, ("Ira", "Smirnov", "boris@x.test"), False),
        (IRA, (" IRA ", "Smirnov", "boris@x.test"), False),
        (IRA, ("Boris", "LEBEDEVA", "boris@x.test"), False),
        (IRA, ("Boris", "Smirnov", " Ira@X.test"), False),
        (IRA, ("Boris", "Smirnov", None), True),
        (IRA, (None, "Smirnov", "boris@x.test"), True),
        (IRA, (None, "Smirnov", None), False),
        (IRA, (None, None, None), False),
        ((None, "Lebedeva", "ira@x.test"), (None, "Smirnov", "boris@x.test"), True),
        ((None, "Lebedeva", "ira@x.test"), BORIS, True),
        ((None, "Lebedeva", "ira@x.test"), (None, "Lebedeva", "new@x.test"), False),
        ((None, None, "ira@x.test"), (None, None, "new@x.test"), False),
        ((ERASED, ERASED, ERASED), BORIS, False),
        ((None, ERASED, ERASED), BORIS, False),
        (("Алена", "Котова", "a@x.test"), ("Алёна", "Кот", "b@x.test"), True),
    ],
)
def test_r07a_another_person_has_none_of_the_three_fields(before: Person, now: Person, changed: bool) -> None:
    assert observed(accepted(before), now)["changed"] is changed


@pytest.mark.parametrize(
    ("before", "now", "changed"),
    [
        (IRA, BORIS, True),
        (IRA, ("Ira", "Smirnov", "boris@x.test"), True),
        (IRA, ("Ira", "Smirnov", None), True),
        (IRA, ("Boris", "Lebedeva", "boris@x.test"), False),
        (IRA, ("Boris", "Smirnov", "ira@x.test"), False),
        (IRA, (None, None, None), False),
        ((ERASED, ERASED, ERASED), BORIS, True),
    ],
)
def test_r07a_a_deleted_id_that_comes_back_must_have_its_last_name_or_email(
    before: Person, now: Person, changed: bool
) -> None:
    assert observed(accepted(before, deleted=True), now)["changed"] is changed


def test_r07a_the_same_person_is_followed_and_an_emptied_field_is_remembered() -> None:
    assert observed(accepted(IRA), ("Ira", "Married", None)) == accepted(("Ira", "Married", "ira@x.test"))
    assert observed(accepted(IRA, deleted=True), (None, "Married", "ira@x.test")) == accepted(
        ("Ira", "Married", "ira@x.test")
    )


def test_r07a_another_person_is_not_followed_and_the_right_one_ends_the_conflict() -> None:
    changed = observed(accepted(IRA), BORIS)
    assert changed == accepted(IRA, changed=True)
    assert observed(changed, BORIS) == changed
    assert observed(changed, None) == changed
    assert observed(changed, None, deleted=frozenset({1})) == changed
    assert observed(changed, IRA) == accepted(IRA)


def test_r07a_who_is_confirmed_deleted_is_remembered_so() -> None:
    gone = observed(accepted(IRA), None, deleted=frozenset({1}))
    assert gone == accepted(IRA, deleted=True)
    assert observed(gone, None) == gone
    assert observed(accepted(IRA), None) == accepted(IRA)


def test_r07a_what_was_decided_stays_where_the_accepted_person_was_erased() -> None:
    erased = accepted((ERASED, ERASED, ERASED), changed=True)
    assert observed(erased, BORIS) == erased


@pytest.mark.parametrize(
    ("changed", "linked", "another"), [(3, 4, False), (4, 80, False), (4, 79, True), (30, 30, True), (50, 1000, False)]
)
def test_r07a_another_portal_is_more_than_3_and_more_than_5_percent(changed: int, linked: int, another: bool) -> None:
    rows = [accepted(IRA, number, changed=number <= changed) for number in range(1, linked + 1)]
    assert identity.is_another_portal(identities(*rows)) is another


@pytest.mark.parametrize(
    ("deleted", "linked", "at_once"), [(3, 3, False), (4, 7, True), (4, 8, False), (15, 30, False), (16, 30, True)]
)
def test_r07a_more_than_3_and_more_than_half_deleted_at_once_are_another_portal(
    deleted: int, linked: int, at_once: bool
) -> None:
    assert identity.are_gone_at_once(deleted, linked=linked) is at_once


def test_r07a_only_who_was_there_before_is_newly_deleted() -> None:
    known = identities(accepted(IRA, 1), accepted(IRA, 2, deleted=True), accepted(IRA, 3), accepted(IRA, 9))
    now = identity.observe(employees(user(9)), identities=known, deleted=frozenset({1, 2}))

    assert identity.newly_deleted(now, known=known).tolist() == [1]
