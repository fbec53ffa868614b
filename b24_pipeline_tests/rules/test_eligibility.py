"""R01-R03 and R13: who is a candidate, who is rejected and why, who is out of scope."""

from typing import Any

import pytest

from b24_pipeline.rules.models import Edition, Eligibility, Policy, Rejection, Scope
from b24_pipeline_tests.factories import by_user, employees, user


def standing_of(*, policy: Policy | None = None, **fields: Any) -> str:
    """The standing of one user with these fields."""
    return str(employees(user(1, **fields), policy=policy)["eligibility"].item())


def reason_of(*, edition: Edition = Edition.CLOUD, **fields: Any) -> str | None:
    """Why one user with these fields is rejected, if it is."""
    judged = employees(user(1, **fields), policy=Policy(edition=edition))
    return by_user(judged, "reason")[1]


@pytest.mark.parametrize(
    ("user_type", "active", "standing"),
    [
        ("employee", True, Eligibility.CANDIDATE),
        ("employee", False, Eligibility.DISMISSED),
        ("extranet", True, Eligibility.NOT_EMPLOYEE),
        ("extranet", False, Eligibility.NOT_EMPLOYEE),
        ("email", True, Eligibility.NOT_EMPLOYEE),
        ("bot", True, Eligibility.NOT_EMPLOYEE),
        ("imconnector", True, Eligibility.NOT_EMPLOYEE),
        ("Employee", True, Eligibility.NOT_EMPLOYEE),
        (None, True, Eligibility.NOT_EMPLOYEE),
    ],
)
def test_r01_candidates_are_active_users_of_type_employee(user_type: str, active: bool, standing: Eligibility) -> None:
    assert standing_of(user_type=user_type, active=active) == standing


@pytest.mark.parametrize("blank", [None, " ", "\u00a0\u2003"])
@pytest.mark.parametrize(
    ("field", "reason"), [("last_name", Rejection.MISSING_LAST_NAME), ("email", Rejection.MISSING_EMAIL)]
)
def test_r02_last_name_and_email_are_required(field: str, reason: Rejection, blank: str | None) -> None:
    assert standing_of(**{field: blank}) == Eligibility.REJECTED
    assert reason_of(**{field: blank}) == reason


@pytest.mark.parametrize(
    ("edition", "departments", "reason"),
    [
        (Edition.CLOUD, None, None),
        (Edition.CLOUD, "1", None),
        (Edition.ON_PREMISE, "1", None),
        (Edition.ON_PREMISE, "4,17", None),
        (Edition.ON_PREMISE, None, Rejection.MISSING_DEPARTMENT),
    ],
)
def test_r02_only_the_on_premise_edition_requires_a_department(
    edition: Edition, departments: str | None, reason: Rejection | None
) -> None:
    assert reason_of(edition=edition, departments=departments) == reason


@pytest.mark.parametrize(
    "email",
    [
        "ira",
        "@x.test",
        "ira@",
        "@",
        "ira@@x.test",
        "ira@x@test",
        "ira lebedeva@x.test",
        "ira@x .test",
        "ira\t@x.test",
        "ira@x\u00a0test",
        "ira@x\u2028test",
        "ira@x.test, ira@y.test",
    ],
)
def test_r02_an_address_that_is_not_text_at_text_without_white_space_is_invalid(email: str) -> None:
    assert reason_of(email=email) == Rejection.INVALID_EMAIL


@pytest.mark.parametrize(
    "email",
    [
        "mailto:ira@x.test",
        "MailTo:ira@x.test",
        "mail\u200bto:ira@x.test",
        "<ira@x.test>",
        "ira@x.test>",
        "ira@x.test,",
        ";ira@x.test",
        "ira@x.test, oleg@x.test",
        "ira@x.test\u037e",
        "ira@x.test.",
        "ira@x.test.\u200b ",
        "ira@x.test\noleg.x.test",
        "ira\t@x.test",
        "ira@.",
        "'ira@x.test'",
        '"ira@x.test"',
        "ira@x.test'",
        "(ira@x.test)",
        "[ira@x.test]",
        "«ira@x.test»",
        "“ira@x.test”",
        "`ira@x.test`",
        "smtp:ira@x.test",
        "https://ira@x.test",
        "mailto:ira@x.test?subject=hi",
        "ira@x.test?subject=hi",
        "ira@x.test:",
        "ira@x.test/",
        "ira@x.test!",
        "ira@x.test|oleg",
        "ira@x.test。",
        "ira@x.test，",
        "（ira@x.test）",
        "Ira<ira@x.test>",
    ],
)
def test_r04_what_was_copied_with_an_address_makes_it_invalid(email: str) -> None:
    assert reason_of(email=email) == Rejection.INVALID_EMAIL


@pytest.mark.parametrize(
    "email",
    ["o'brien@x.test", "ira+crm@x.test", "ira/sales@x-y.co_op.test", "!#$%&*=?^_{|}~@x.test", "ира@ｅxample。рф"],
)
def test_r04_signs_that_addresses_have_are_right(email: str) -> None:
    assert reason_of(email=email) is None


@pytest.mark.parametrize("blank", ["\u200b", "\ufeff \u00ad", "\x00", "\u200d\u200c", "\t\u2060\n"])
def test_r04_a_field_of_invisible_characters_is_missing(blank: str) -> None:
    assert reason_of(last_name=blank) == Rejection.MISSING_LAST_NAME
    assert reason_of(email=blank) == Rejection.MISSING_EMAIL


@pytest.mark.parametrize(
    "email", ["ira@x", "i@x.test", "Ira.Lebedeva+crm@X.Test", "ирина@почта.рф", "  ira@x.test\n", "o'neil@x.test"]
)
def test_r02_every_text_at_text_is_an_address(email: str) -> None:
    assert reason_of(email=email) is None


def test_r02_the_first_lack_is_named_and_each_one_alone_rejects() -> None:
    on_premise = Edition.ON_PREMISE
    assert reason_of(edition=on_premise, last_name=None, email=None, departments=None) == Rejection.MISSING_LAST_NAME
    assert reason_of(edition=on_premise, email=None, departments=None) == Rejection.MISSING_EMAIL
    assert reason_of(edition=on_premise, email="ira", departments=None) == Rejection.INVALID_EMAIL


def test_r02_only_candidates_are_rejected() -> None:
    judged = employees(
        user(1, last_name=None, active=False),
        user(2, last_name=None, user_type="extranet"),
        user(3, last_name=None, departments="9"),
        policy=Policy(scope=Scope(exclude_departments=frozenset({9}))),
    )
    assert by_user(judged, "eligibility") == {
        1: Eligibility.DISMISSED,
        2: Eligibility.NOT_EMPLOYEE,
        3: Eligibility.OUT_OF_SCOPE,
    }
    assert set(by_user(judged, "reason").values()) == {None}


def test_r03_by_default_everybody_is_in_scope() -> None:
    assert standing_of(departments=None) == Eligibility.CANDIDATE


@pytest.mark.parametrize(
    ("scope", "in_scope"),
    [
        (Scope(include_departments=frozenset({4})), {1, 2}),
        (Scope(include_departments=frozenset({4, 17})), {1, 2, 3}),
        (Scope(include_departments=frozenset({7})), set()),
        (Scope(exclude_departments=frozenset({17})), {1, 4, 5}),
        (Scope(exclude_departments=frozenset({4, 17})), {4, 5}),
        (Scope(include_departments=frozenset({4}), exclude_departments=frozenset({17})), {1}),
        (Scope(exclude_users=frozenset({1, 4, 99})), {2, 3, 5}),
        (Scope(include_departments=frozenset({4}), exclude_users=frozenset({1})), {2}),
    ],
)
def test_r03_departments_and_users_are_included_and_excluded_by_id(scope: Scope, in_scope: set[int]) -> None:
    judged = employees(
        user(1, departments="4"),
        user(2, departments="17,4"),
        user(3, departments="17"),
        user(4, departments="44,170,1"),
        user(5, departments=None),
        policy=Policy(scope=scope),
    )
    outside = {
        bitrix24_id for bitrix24_id, standing in by_user(judged, "eligibility").items() if standing == "out_of_scope"
    }
    assert outside == {1, 2, 3, 4, 5} - in_scope


@pytest.mark.parametrize(
    ("patterns", "email", "standing"),
    [
        (("*@partner.test",), "ana@partner.test", Eligibility.OUT_OF_SCOPE),
        (("*@partner.test",), "  Ana@PARTNER.test ", Eligibility.OUT_OF_SCOPE),
        (("*@PARTNER.Test",), "ana@partner.test", Eligibility.OUT_OF_SCOPE),
        (("*@partner.test",), "ana@partner.test.org", Eligibility.CANDIDATE),
        (("robot-?@x.test",), "robot-7@x.test", Eligibility.OUT_OF_SCOPE),
        (("robot-?@x.test",), "robot-77@x.test", Eligibility.CANDIDATE),
        (("robot-[0-9]@x.test",), "robot-a@x.test", Eligibility.CANDIDATE),
        (("nobody@*", "ana@*"), "ana@x.test", Eligibility.OUT_OF_SCOPE),
        (("*STRAßE*",), "straße@x.test", Eligibility.OUT_OF_SCOPE),
        (("*straße*",), "STRASSE@x.test", Eligibility.CANDIDATE),
        (("ire\u0301ne@*",), "irén\u200be@x.test", Eligibility.OUT_OF_SCOPE),
        (("*",), None, Eligibility.REJECTED),
    ],
)
def test_r03_emails_are_excluded_by_glob_whatever_their_case(
    patterns: tuple[str, ...], email: str | None, standing: Eligibility
) -> None:
    assert standing_of(email=email, policy=Policy(scope=Scope(exclude_emails=patterns))) == standing


@pytest.mark.parametrize(
    "fields", [{"active": False}, {"last_name": None}, {"user_type": "extranet"}, {"email": "ira"}]
)
def test_r03_out_of_scope_comes_before_dismissed_rejected_and_extranet(fields: dict[str, Any]) -> None:
    policy = Policy(scope=Scope(exclude_users=frozenset({1})))
    assert standing_of(policy=policy, **fields) == Eligibility.OUT_OF_SCOPE


def test_r13_a_user_that_is_not_active_is_dismissed_even_without_name_and_email() -> None:
    judged = employees(user(1, active=False, last_name=None, email=None))
    assert by_user(judged, "eligibility") == {1: Eligibility.DISMISSED}
    assert by_user(judged, "active") == {1: False}
