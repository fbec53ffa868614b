"""R07-R09 and R12: who is matched with whom, and what is a conflict."""

from typing import Any

import pytest

from b24_pipeline.rules.models import Eligibility, MatchKind, MatchReason, Policy, Scope
from b24_pipeline_tests.factories import Row, callgear_employee, link, matches_of, reuse_approved, user


def test_r07_a_user_whose_linked_employee_exists_is_matched_by_id_whatever_the_emails_say() -> None:
    found = matches_of(
        user(1, email="ira@x.test"),
        account=[callgear_employee(101, email="other@x.test"), callgear_employee(102, email="ira@x.test")],
        stored=[link(1, 101)],
    )
    assert found == {1: (MatchKind.BY_ID, None, 101, None)}


def test_r08_a_link_to_an_employee_that_is_gone_is_stale_and_the_search_goes_on_by_email() -> None:
    found = matches_of(
        user(1, email="ira@x.test"), account=[callgear_employee(102, email="ira@x.test")], stored=[link(1, 101)]
    )
    assert found == {1: (MatchKind.BY_EMAIL, MatchReason.STALE_LINK, 102, None)}


def test_r08_a_stale_link_and_no_email_found_is_no_match() -> None:
    found = matches_of(user(1), account=[callgear_employee(102)], stored=[link(1, 101)])
    assert found == {1: (MatchKind.NONE, MatchReason.STALE_LINK, None, None)}


@pytest.mark.parametrize(
    ("in_bitrix24", "in_callgear"),
    [
        ("ira@x.test", "ira@x.test"),
        (" IRA@x.test", "ira@X.test "),
        ("STRAßE@x.test", "straße@x.test"),
        ("ИРА@x.test", "ира@x.test"),
        ("i\u200bra@x.test", "ira\u00ad@x.test"),
        ("ire\u0301ne@x.test", "IRÉNE@x.test"),
        ("ira@x.test", "\ufeffira@x.test\x00"),
    ],
)
def test_r09_one_employee_with_the_email_is_matched_by_email(in_bitrix24: str, in_callgear: str) -> None:
    found = matches_of(user(1, email=in_bitrix24), account=[callgear_employee(101, email=in_callgear)])
    assert found == {1: (MatchKind.BY_EMAIL, None, 101, None)}


def test_r09_nobody_with_the_email_is_no_match() -> None:
    account = [callgear_employee(101, email=None), callgear_employee(102, email=" "), callgear_employee(103)]
    assert matches_of(user(1), account=account) == {1: (MatchKind.NONE, None, None, None)}


@pytest.mark.parametrize(
    ("last_name_of_leaver", "last_name", "match", "reason"),
    [
        ("Lebedeva", "Lebedeva", MatchKind.BY_EMAIL, MatchReason.REHIRED),
        ("Lebedeva", " LEBEDEVA", MatchKind.BY_EMAIL, MatchReason.REHIRED),
        ("van der Berg", "Van  der\u00a0berg", MatchKind.BY_EMAIL, MatchReason.REHIRED),
        ("Lebedeva", "Zimina", MatchKind.CONFLICT, MatchReason.EMAIL_REUSED),
        ("Lebedeva", "Lebedeva-Zimina", MatchKind.CONFLICT, MatchReason.EMAIL_REUSED),
        (None, "Lebedeva", MatchKind.CONFLICT, MatchReason.EMAIL_REUSED),
    ],
)
@pytest.mark.parametrize("gone", [False, True], ids=["dismissed", "gone"])
def test_r09_an_employee_of_a_leaver_is_a_rehire_only_if_the_last_names_agree(
    last_name_of_leaver: str | None, last_name: str, match: MatchKind, reason: MatchReason, gone: bool
) -> None:
    leaver = user(1, email="ira@x.test", last_name=last_name_of_leaver, active=False)
    newcomer = user(2, email="ira@x.test", last_name=last_name)
    found = matches_of(
        *([newcomer] if gone else [leaver, newcomer]),
        account=[callgear_employee(101, email="ira@x.test")],
        stored=[link(1, 101, last_name=last_name_of_leaver)],
    )
    assert found[2] == (match, reason, 101, 1)


@pytest.mark.parametrize(
    ("of_leaver", "of_newcomer", "reason"),
    [
        ("Ira", " IRA", MatchReason.REHIRED),
        ("Zoë", "zoe\u0308\u200b", MatchReason.REHIRED),
        ("Ira", None, MatchReason.REHIRED),
        (None, "Ira", MatchReason.REHIRED),
        ("\u200b", "Ira", MatchReason.REHIRED),
        ("Ira", "Olga", MatchReason.EMAIL_REUSED),
        ("Ira", "Irina", MatchReason.EMAIL_REUSED),
    ],
)
@pytest.mark.parametrize("gone", [False, True], ids=["dismissed", "gone"])
def test_r09_a_rehire_has_the_same_first_name_too_or_none(
    of_leaver: str | None, of_newcomer: str | None, reason: MatchReason, gone: bool
) -> None:
    leaver = user(1, first_name=of_leaver, last_name="Zimina", active=False)
    newcomer = user(2, email="ira@x.test", first_name=of_newcomer, last_name="Zimina")
    found = matches_of(
        *([newcomer] if gone else [leaver, newcomer]),
        account=[callgear_employee(101, email="ira@x.test")],
        stored=[link(1, 101, first_name=of_leaver, last_name="Zimina")],
    )
    assert found[2][1] == reason


@pytest.mark.parametrize(
    ("in_bitrix24", "last_known", "reason"),
    [
        ("Zimina", "Lebedeva", MatchReason.REHIRED),
        ("Lebedeva", "Zimina", MatchReason.EMAIL_REUSED),
        (None, "Zimina", MatchReason.REHIRED),
    ],
)
def test_r09_the_leavers_name_in_bitrix24_counts_before_the_last_known_one(
    in_bitrix24: str | None, last_known: str, reason: MatchReason
) -> None:
    found = matches_of(
        user(1, last_name=in_bitrix24, active=False),
        user(2, email="ira@x.test", last_name="Zimina"),
        account=[callgear_employee(101, email="ira@x.test")],
        stored=[link(1, 101, last_name=last_known)],
    )
    assert found[2] == (
        MatchKind.BY_EMAIL if reason is MatchReason.REHIRED else MatchKind.CONFLICT,
        reason,
        101,
        1,
    )


def test_r09_a_reused_email_is_matched_once_a_person_has_approved_just_this_pair() -> None:
    people = [
        user(2, email="ira@x.test", last_name="Zimina"),
        user(3, email="oleg@x.test", last_name="Orlov"),
    ]
    found = matches_of(
        *people,
        account=[callgear_employee(101, email="ira@x.test"), callgear_employee(102, email="oleg@x.test")],
        stored=[link(8, 101), link(9, 102)],
        approved=reuse_approved((2, 101), (3, 101), (2, 102)),
    )
    assert found == {
        2: (MatchKind.BY_EMAIL, MatchReason.EMAIL_REUSE_APPROVED, 101, 8),
        3: (MatchKind.CONFLICT, MatchReason.EMAIL_REUSED, 102, 9),
    }


@pytest.mark.parametrize(
    "holder",
    [
        user(1),
        user(1, last_name=None),
        user(1, email=None),
        user(1, departments="9"),
        user(1, user_type="extranet"),
        user(1, last_name="Name2"),
    ],
    ids=["candidate", "rejected without name", "rejected without e-mail", "out of scope", "extranet", "same last name"],
)
def test_r09_an_employee_linked_to_another_active_user_is_a_conflict_whatever_that_user_is(holder: Row) -> None:
    found = matches_of(
        holder,
        user(2, email="ira@x.test"),
        account=[callgear_employee(101, email="ira@x.test")],
        stored=[link(1, 101)],
        policy=Policy(scope=Scope(exclude_departments=frozenset({9}))),
    )
    assert found[2] == (MatchKind.CONFLICT, MatchReason.ALREADY_LINKED, 101, 1)


def test_r09_an_approval_never_takes_an_employee_from_an_active_user() -> None:
    found = matches_of(
        user(1),
        user(2, email="ira@x.test"),
        account=[callgear_employee(101, email="ira@x.test")],
        stored=[link(1, 101)],
        approved=reuse_approved((2, 101)),
    )
    assert found[2] == (MatchKind.CONFLICT, MatchReason.ALREADY_LINKED, 101, 1)


@pytest.mark.parametrize("stored", [[], [link(1, 101)], [link(9, 101)]], ids=["free", "linked", "linked to a leaver"])
def test_r09_more_than_one_employee_with_the_email_is_ambiguous_linked_or_not(stored: list[Row]) -> None:
    account = [callgear_employee(101, email="ira@x.test"), callgear_employee(102, email="IRA@x.test ")]
    found = matches_of(user(1), user(2, email="ira@x.test"), account=account, stored=stored)
    assert found[2] == (MatchKind.CONFLICT, MatchReason.AMBIGUOUS_EMAIL, None, None)


def test_r09_a_link_that_two_users_claim_belongs_to_the_active_one() -> None:
    found = matches_of(
        user(1),
        user(3, active=False, last_name="Zimina"),
        user(2, email="ira@x.test", last_name="Zimina"),
        account=[callgear_employee(101, email="ira@x.test")],
        stored=[link(1, 101), link(3, 101)],
    )
    assert found[2] == (MatchKind.CONFLICT, MatchReason.ALREADY_LINKED, 101, 1)


LOST = (MatchKind.CONFLICT, MatchReason.DUPLICATE_EMAIL, None)
FREE = (MatchKind.NONE, None, None, None)


@pytest.mark.parametrize(
    ("rivals", "stored", "expected"),
    [
        ([user(5), user(3), user(4)], [], {3: FREE, 4: (*LOST, 3), 5: (*LOST, 3)}),
        ([user(3), user(4)], [link(4, 101)], {3: (*LOST, 4), 4: (MatchKind.BY_ID, None, 101, None)}),
        (
            [user(3), user(4), user(5)],
            [link(5, 102), link(4, 101)],
            {3: (*LOST, 4), 4: (MatchKind.BY_ID, None, 101, None), 5: (MatchKind.BY_ID, None, 102, None)},
        ),
        ([user(3), user(4)], [link(4, 999)], {3: FREE, 4: (*LOST, 3)}),
        (
            [user(3), user(4)],
            [link(3, 999)],
            {3: (MatchKind.NONE, MatchReason.STALE_LINK, None, None), 4: (*LOST, 3)},
        ),
        ([user(3, last_name=None), user(4)], [], {4: FREE}),
        ([user(3, last_name=None), user(4)], [link(3, 101)], {4: FREE}),
        ([user(3, active=False), user(4)], [], {4: FREE}),
        ([user(3, user_type="extranet"), user(4)], [], {4: FREE}),
        ([user(3, departments="9"), user(4)], [], {4: FREE}),
    ],
    ids=[
        "the lowest id has it",
        "linked by id keeps it",
        "both linked by id keep it",
        "a stale link is none",
        "a stale link of the lowest",
        "rejected is no rival",
        "rejected and linked is no rival",
        "dismissed is no rival",
        "extranet is no rival",
        "out of scope is no rival",
    ],
)
def test_r12_of_candidates_with_the_same_email_one_has_it_and_the_others_name_it(
    rivals: list[Row], stored: list[Row], expected: dict[int, tuple[Any, ...]]
) -> None:
    found = matches_of(
        *(rival | {"email": "ira@x.test"} for rival in rivals),
        account=[callgear_employee(101), callgear_employee(102)],
        stored=stored,
        policy=Policy(scope=Scope(exclude_departments=frozenset({9}))),
    )
    assert {user_id: found[user_id] for user_id in expected} == expected


def test_r12_emails_that_differ_only_in_case_and_white_space_are_the_same() -> None:
    found = matches_of(user(1, email="Ira@x.test"), user(2, email=" ira@X.test"), user(3, email="oleg@x.test"))
    assert found == {1: FREE, 2: (*LOST, 1), 3: FREE}


def test_r12_who_lost_the_email_is_not_matched_with_the_employee_that_has_it() -> None:
    found = matches_of(
        user(1, email="ira@x.test"), user(2, email="ira@x.test"), account=[callgear_employee(101, email="ira@x.test")]
    )
    assert found == {1: (MatchKind.BY_EMAIL, None, 101, None), 2: (*LOST, 1)}


@pytest.mark.parametrize(
    ("person", "standing"),
    [
        (user(1, last_name=None), Eligibility.REJECTED),
        (user(1, departments="9"), Eligibility.OUT_OF_SCOPE),
        (user(1, active=False), Eligibility.DISMISSED),
        (user(1, user_type="extranet"), Eligibility.NOT_EMPLOYEE),
    ],
)
def test_r01_r02_r03_r13_who_is_no_candidate_keeps_its_standing_and_its_link(
    person: Row, standing: Eligibility
) -> None:
    account = [callgear_employee(101), callgear_employee(102, email="user1@x.test")]
    policy = Policy(scope=Scope(exclude_departments=frozenset({9})))
    linked = matches_of(person, account=account, stored=[link(1, 101)], policy=policy)
    unlinked = matches_of(person, account=account, policy=policy)
    stale = matches_of(person, account=account, stored=[link(1, 999)], policy=policy)
    reason = "missing_last_name" if standing is Eligibility.REJECTED else None
    assert linked == {1: (standing, reason, 101, None)}
    assert unlinked == stale == {1: (standing, reason, None, None)}


def test_the_match_table_has_one_row_for_every_user_and_none_for_an_empty_portal() -> None:
    people = [user(5), user(1, active=False), user(3, last_name=None)]
    assert list(matches_of(*people, account=[callgear_employee(101)])) == [5, 1, 3]
    assert matches_of(account=[callgear_employee(101)], stored=[link(1, 101)]) == {}


IN_DOUBT = frozenset({1})


@pytest.mark.parametrize("account", [[callgear_employee(101)], []], ids=["employee", "stale link"])
def test_r07a_the_link_of_who_is_in_doubt_is_not_followed(account: list[Row]) -> None:
    found = matches_of(user(1), account=account, stored=[link(1, 101)], unconfirmed=IN_DOUBT)
    employee = 101 if account else None
    assert found == {1: (MatchKind.CONFLICT, MatchReason.IDENTITY_CHANGED, employee, None)}


def test_r07a_a_dismissed_stranger_is_in_conflict_until_a_person_decides() -> None:
    found = matches_of(user(1, active=False), stored=[link(1, 101)], unconfirmed=IN_DOUBT)
    assert found == {1: (MatchKind.CONFLICT, MatchReason.IDENTITY_CHANGED, None, None)}


def test_r07a_who_is_no_employee_is_not_in_conflict() -> None:
    found = matches_of(user(1, user_type="extranet"), stored=[link(1, 101)], unconfirmed=IN_DOUBT)
    assert found == {1: (MatchKind.NOT_EMPLOYEE, None, None, None)}


def test_r07a_r12_who_is_in_doubt_competes_for_no_email() -> None:
    rows = [user(1, email="a@x.test"), user(2, email="a@x.test")]
    found = matches_of(*rows, account=[callgear_employee(101)], stored=[link(1, 101)], unconfirmed=IN_DOUBT)
    assert found[2] == (MatchKind.NONE, None, None, None)


@pytest.mark.parametrize("active", [True, False])
def test_r07a_r09_the_employee_of_who_is_in_doubt_is_already_linked(active: bool) -> None:
    rows = [user(1, active=active), user(2, last_name="Name1", email="ira@x.test")]
    account = [callgear_employee(101, email="ira@x.test")]
    found = matches_of(*rows, account=account, stored=[link(1, 101)], unconfirmed=IN_DOUBT)
    assert found[2] == (MatchKind.CONFLICT, MatchReason.ALREADY_LINKED, 101, 1)
