"""R09, R12: addresses that are one only after case folding or IDNA decoding: never linked or created blindly."""

import pytest

from b24_pipeline.rules.models import ActionKind, ApprovedConflict, ChangeRisk, MatchKind, MatchReason
from b24_pipeline.rules.similar_emails import similar_form
from b24_pipeline_tests.factories import (
    Row,
    by_user,
    callgear_employee,
    link,
    matches_of,
    planned,
    reuse_approved,
    similar_approved,
    user,
)

FREE = (MatchKind.NONE, None, None, None)
SIMILAR = (MatchKind.CONFLICT, MatchReason.SIMILAR_EMAIL)
PAIRS = [
    ("straße@x.test", "strasse@x.test"),
    ("STRASSE@x.test", "straße@x.test"),
    ("ﬁnn@x.test", "finn@x.test"),
    ("\u212aira@x.test", "kira@x.test"),
    ("kira@x.test", "\u212aIRA@x.test"),
    ("ſam@x.test", "sam@x.test"),
    ("ΟΔΟΣ@x.test", "οδοσ@x.test"),
    ("ira@xn--e1afmkfd.xn--p1ai", "ira@пример.рф"),
    ("ira@ПРИМЕР.рф", "ira@xn--e1afmkfd.XN--P1AI"),
    ("ira@xn--strae-oqa.test", "ira@straße.test"),
    ("ira@xn--strae-oqa.test", "ira@strasse.test"),
    ("ira@ｅxample。test", "ira@example.test"),
    ("ira@xn--fa-hia.test", "ira@FAß.test"),
    ("ira@x.test", "<ira@x.test>"),
    ("ira@x.test", "mailto:ira@x.test"),
    ("ira@x.test", "ira@x.test."),
    ("ira@x.test", "Ira Lebedeva <ira@x.test>"),
    ("ira@x.test", "'ira@x.test'"),
    ("ira@x.test", '"ira@x.test"'),
    ("ira@x.test", "(ira@x.test)"),
    ("ira@x.test", "«ira@x.test»"),
    ("ira@x.test", "smtp:ira@x.test"),
    ("ira@x.test", "mailto:ira@x.test?subject=hi"),
    ("ira@x.test", "<mailto:ira@x.test>"),
    ("ira@x.test", "boris@x.test, ira@x.test"),
    ("ira@x.test", "Ira <ira@x.test>; boris@x.test"),
]


@pytest.mark.parametrize(("in_bitrix24", "in_callgear"), PAIRS)
def test_r09_an_address_that_is_only_similar_is_neither_linked_nor_created(in_bitrix24: str, in_callgear: str) -> None:
    found = matches_of(user(1, email=in_bitrix24), account=[callgear_employee(101, email=in_callgear)])
    assert found == {1: (*SIMILAR, 101, None)}


@pytest.mark.parametrize(
    ("in_bitrix24", "in_callgear"),
    [
        ("weiß@x.test", "weis@x.test"),
        ("ира@x.test", "ира@xn--x.test"),
        ("ira@xn--\u00e9.test", "ira@é.test"),
        ("ira@xn--99999999999.test", "ira@x.test"),
        (f"ira@xn--{'a' * 70}.test", "ira@x.test"),
        ("ｉra@x.test", "ira@x.test"),
        ("bad", "bad\u00e9"),
    ],
)
def test_r09_addresses_that_are_not_similar_are_two(in_bitrix24: str, in_callgear: str) -> None:
    found = matches_of(user(1, email=in_bitrix24), account=[callgear_employee(101, email=in_callgear)])
    assert found[1][1] != MatchReason.SIMILAR_EMAIL


def test_r09_an_equal_address_comes_before_a_similar_one() -> None:
    account = [callgear_employee(101, email="strasse@x.test"), callgear_employee(102, email="Straße@x.test")]
    assert matches_of(user(1, email="straße@x.test"), account=account) == {1: (MatchKind.BY_EMAIL, None, 102, None)}


def test_r09_several_similar_employees_are_a_conflict_that_names_none() -> None:
    account = [callgear_employee(101, email="ﬁnn@x.test"), callgear_employee(102, email="finn@x.test")]
    assert matches_of(user(1, email="ﬁNn@x.test"), account=account) == {1: (MatchKind.BY_EMAIL, None, 101, None)}
    account[0]["email"] = "ﬁnn@X.test."
    assert matches_of(user(1, email="ﬁnn@x.test"), account=account) == {1: (*SIMILAR, None, None)}


def test_r09_a_similar_address_is_linked_once_a_person_has_approved_just_this_pair() -> None:
    people = [user(1, email="straße@x.test"), user(2, email="ﬁnn@x.test")]
    account = [callgear_employee(101, email="strasse@x.test"), callgear_employee(102, email="finn@x.test")]
    found = matches_of(*people, account=account, approved=similar_approved((1, 101), (2, 101)))
    assert found == {
        1: (MatchKind.BY_EMAIL, MatchReason.SIMILAR_EMAIL_APPROVED, 101, None),
        2: (*SIMILAR, 102, None),
    }


def test_r09_of_two_users_approved_for_one_similar_employee_one_is_linked() -> None:
    people = [user(1, email="ﬁnn@x.test"), user(2, email="fiNN\u00df@x.test"), user(3, email="finnẞ@x.test")]
    account = [callgear_employee(101, email="finnss@x.test")]
    found = matches_of(*people, account=account, approved=similar_approved((2, 101), (3, 101)))
    assert found == {
        1: FREE,
        2: (MatchKind.BY_EMAIL, MatchReason.SIMILAR_EMAIL_APPROVED, 101, None),
        3: (MatchKind.CONFLICT, MatchReason.DUPLICATE_EMAIL, None, 2),
    }


@pytest.mark.parametrize("approved", [frozenset(), similar_approved((2, 101))], ids=["not approved", "approved"])
@pytest.mark.parametrize("stored", [[], [link(1, 101)]], ids=["matched in this run", "linked"])
def test_r09_r12_the_employee_of_another_active_user_is_never_taken(
    approved: frozenset[ApprovedConflict], stored: list[dict[str, object]]
) -> None:
    found = matches_of(
        user(1, email="strasse@x.test"),
        user(2, email="straße@x.test"),
        account=[callgear_employee(101, email="strasse@x.test")],
        stored=stored,
        approved=approved,
    )
    assert found[1][2] == 101
    assert found[2] == (*SIMILAR, None, 1)


def test_r09_r12_the_employee_of_an_active_user_out_of_scope_is_never_taken() -> None:
    found = matches_of(
        user(1, user_type="extranet"),
        user(2, email="straße@x.test"),
        account=[callgear_employee(101, email="strasse@x.test")],
        stored=[link(1, 101)],
        approved=similar_approved((2, 101)),
    )
    assert found[2] == (*SIMILAR, None, 1)


def test_r09_the_link_of_a_leaver_with_the_same_names_moves_with_the_approval_of_a_similar_address() -> None:
    people = [user(2, email="straße@x.test", last_name="Name1")]
    account, stored = [callgear_employee(101, email="strasse@x.test")], [link(1, 101)]
    assert matches_of(*people, account=account, stored=stored) == {2: (*SIMILAR, 101, 1)}
    plan = planned(*people, account=account, stored=stored, approved=similar_approved((2, 101)))
    assert by_user(plan, "action") == {2: ActionKind.LINK}
    assert by_user(plan, "risk") == {2: ChangeRisk.LINK_MOVE}


@pytest.mark.parametrize("leaver", [[user(1, active=False)], []], ids=["dismissed", "gone"])
def test_r09_a_similar_address_of_a_leaver_with_other_names_is_a_reused_one(leaver: list[Row]) -> None:
    people = [*leaver, user(2, email="straße@x.test")]
    account, stored = [callgear_employee(101, email="strasse@x.test")], [link(1, 101)]
    asked = matches_of(*people, account=account, stored=stored, approved=similar_approved((2, 101)))
    approved = matches_of(*people, account=account, stored=stored, approved=reuse_approved((2, 101)))
    assert asked[2] == (MatchKind.CONFLICT, MatchReason.EMAIL_REUSED, 101, 1)
    assert approved[2] == (MatchKind.BY_EMAIL, MatchReason.EMAIL_REUSE_APPROVED, 101, 1)


def test_r12_of_new_candidates_with_similar_addresses_only_the_first_is_created() -> None:
    people = [user(3, email="strasse@x.test"), user(2, email="Straße@x.test"), user(4, email="oleg@x.test")]
    assert matches_of(*people) == {3: (*SIMILAR, None, 2), 2: FREE, 4: FREE}


def test_r12_a_candidate_that_is_matched_comes_before_a_similar_new_one() -> None:
    people = [user(3, email="strasse@x.test"), user(2, email="straße@x.test")]
    found = matches_of(*people, account=[callgear_employee(101)], stored=[link(3, 101)])
    assert found == {3: (MatchKind.BY_ID, None, 101, None), 2: (*SIMILAR, None, 3)}


@pytest.mark.parametrize("rival", [{"active": False}, {"last_name": None}, {"user_type": "extranet"}])
def test_r12_who_is_no_candidate_is_no_rival_for_a_similar_address(rival: dict[str, object]) -> None:
    assert matches_of(user(1, email="strasse@x.test", **rival), user(2, email="straße@x.test"))[2] == FREE


def test_r09_similar_addresses_have_one_form() -> None:
    assert {similar_form(email.lower()) for email in PAIRS[0]} == {"strasse@x.test"}
