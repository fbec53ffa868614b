"""Rows of the wire in every documented and undocumented spelling (contract 2.6)."""

from typing import Any

import pytest

from b24_pipeline.bitrix24.exceptions import IncompleteFetchError
from b24_pipeline.bitrix24.parsing import FIELDS, NO_PHONE_NUMBER, UserRow, user_row, users_frame
from b24_pipeline.rules.eligibility import evaluate_users
from b24_pipeline.rules.models import Policy
from b24_pipeline.schemas import Users

TEXTS = {
    "first_name": "NAME",
    "last_name": "LAST_NAME",
    "second_name": "SECOND_NAME",
    "email": "EMAIL",
    "work_phone": "WORK_PHONE",
    "personal_mobile": "PERSONAL_MOBILE",
    "personal_phone": "PERSONAL_PHONE",
}


def row(**fields: Any) -> UserRow:
    return user_row({"ID": "7", "ACTIVE": True, **fields})


def test_the_fields_asked_for_are_those_of_the_frame() -> None:
    assert UserRow._fields == tuple(Users.to_schema().columns)
    assert len(FIELDS) == len(UserRow._fields)


def test_a_full_row_keeps_its_texts_as_received() -> None:
    names = {wire: f" {wire} № 1 " for wire in TEXTS.values()}
    parsed = row(**names, USER_TYPE="employee", UF_DEPARTMENT=[4, 17])
    assert parsed.bitrix24_id == 7
    assert parsed.user_type == "employee"
    assert parsed.departments == "4,17"
    assert {getattr(parsed, ours): wire for ours, wire in TEXTS.items()} == {text: wire for wire, text in names.items()}


@pytest.mark.parametrize("blank", ["", None, False, [], {}, "  ", "\u00a0"])
def test_every_spelling_of_blank_and_an_absent_key_are_no_value(blank: object) -> None:
    assert row(**dict.fromkeys(TEXTS.values(), blank), USER_TYPE=blank) == row()


def test_a_number_is_a_text_and_zero_is_a_value() -> None:
    assert row(WORK_PHONE=118).work_phone == "118"
    assert row(WORK_PHONE=0).work_phone == "0"


@pytest.mark.parametrize("value", [79123456789, 79123456789.0, "79123456789"])
def test_r05_a_phone_that_is_a_whole_number_is_its_digits(value: object) -> None:
    parsed = row(**dict.fromkeys(("WORK_PHONE", "PERSONAL_MOBILE", "PERSONAL_PHONE"), value))
    assert (parsed.work_phone, parsed.personal_mobile, parsed.personal_phone) == ("79123456789",) * 3


@pytest.mark.parametrize("value", [79123456789.5, 0.1, float("nan"), float("inf"), -float("inf"), True])
def test_r05_a_phone_that_is_any_other_number_is_noted_and_never_a_wrong_number(value: object) -> None:
    users = users_frame([row(WORK_PHONE=value, PERSONAL_MOBILE="79123456789", USER_TYPE="employee")])
    (judged,) = evaluate_users(users, policy=Policy()).to_dict("records")
    assert (judged["phones"], judged["unusable_phones"]) == ("79123456789", NO_PHONE_NUMBER)


@pytest.mark.parametrize(
    ("value", "text"), [(101, "101"), (101.0, "101"), (1.5, None), (float("nan"), None), (True, None)]
)
def test_a_name_that_is_a_number_is_its_digits_or_no_name(value: object, text: str | None) -> None:
    parsed = row(NAME=value, LAST_NAME=value, EMAIL=value)
    assert (parsed.first_name, parsed.last_name, parsed.email) == (text,) * 3


@pytest.mark.parametrize("value", ["7", 7, 7.0, "007"])
def test_an_id_may_be_a_number(value: object) -> None:
    assert user_row({"ID": value, "ACTIVE": True}).bitrix24_id == 7


def test_half_a_surrogate_pair_is_replaced_so_that_one_name_does_not_stop_the_import() -> None:
    parsed = row(NAME="A\ud83d", LAST_NAME="Ж🙂")
    assert (parsed.first_name, parsed.last_name) == ("A?", "Ж🙂")
    assert users_frame([parsed])["first_name"].tolist() == ["A?"]


@pytest.mark.parametrize(
    ("value", "active"),
    [
        *((value, True) for value in (True, "Y", 1, "1", "true", "y")),
        *((value, False) for value in (False, "N", 0, "0")),
    ],
)
def test_active_has_many_spellings(value: object, active: bool) -> None:
    assert user_row({"ID": "7", "ACTIVE": value}).active is active


@pytest.mark.parametrize("value", [None, "", [], {}, "perhaps", 2])
def test_r16a_a_user_of_unknown_standing_is_neither_active_nor_dismissed(value: object) -> None:
    with pytest.raises(IncompleteFetchError, match="does not say whether user 7 is active"):
        user_row({"ID": "7", "ACTIVE": value})


@pytest.mark.parametrize("value", [None, "", "x", "-1", True, 1.5, [], "9" * 30, 2**70])
def test_r16a_a_user_without_a_usable_id_is_not_trusted(value: object) -> None:
    with pytest.raises(IncompleteFetchError, match="without a valid id"):
        user_row({"ID": value, "ACTIVE": True})


@pytest.mark.parametrize(
    ("value", "departments"),
    [([4, 17], "4,17"), (["4", " 17 "], "4,17"), ("4", "4"), (4, "4"), ("4, 17", "4,17"), ({"1": 4, "3": "17"}, "4,17")]
    + [(4.0, "4"), ([0, 4], "4"), ("0, 4", "4")]
    + [(blank, None) for blank in ([], {}, None, False, "", [None], ["x"], [[]])]
    + [(zero, None) for zero in (0, "0", [0], ["0"], [False], {"0": 0}, -1, [-1], True)],
)
def test_departments_come_in_many_shapes(value: object, departments: str | None) -> None:
    assert row(UF_DEPARTMENT=value).departments == departments


def test_the_type_is_what_was_asked_for_when_the_row_does_not_say() -> None:
    assert user_row({"ID": 7, "ACTIVE": True}, user_type="employee").user_type == "employee"
    assert user_row({"ID": 7, "ACTIVE": True, "USER_TYPE": "extranet"}, user_type="employee").user_type == "extranet"


def test_the_frame_is_by_rising_id_without_duplicates_the_last_stands() -> None:
    rows = [row(ID="10"), row(ID="9", NAME="old"), row(ID="9", NAME="new")]
    users = users_frame(rows)
    assert users["bitrix24_id"].tolist() == [9, 10]
    assert users["first_name"].tolist()[0] == "new"
    assert users["first_name"].isna().tolist() == [False, True]


def test_the_frame_of_nobody_has_all_columns() -> None:
    assert list(users_frame([]).columns) == list(UserRow._fields)
