"""R05: phone texts as numbers in dialing order."""

from typing import Any

import pytest

from b24_pipeline.http import redact_personal_data
from b24_pipeline.rules.models import PhonesPolicy, Policy
from b24_pipeline_tests.factories import by_user, employees, user


def normalized(column: str, *, policy: Policy | None = None, **fields: Any) -> str | None:
    """One normalized field of one user with these fields."""
    return by_user(employees(user(1, **fields), policy=policy), column)[1]


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("+7 (912) 345-67-89", "79123456789"),
        ("tel:8.912.345.67.89", "89123456789"),
        ("0044 20 7946 0000", "00442079460000"),
        ("٠٥٠ ١٢٣ ٤٥٦٧", "0501234567"),
        ("۰۹۱۲۳۴۵۶۷۸۹", "09123456789"),
        ("९८७६५४३२१०", "9876543210"),
        ("１２３－４５６７", "1234567"),
        ("𝟏𝟐𝟑𝟒", "1234"),
        ("+٩71 50 555", "97150555"),
        ("12³45", "1245"),
        ("①②③ 456", "456"),
        ("Ⅷ 123", "123"),
        ("五 555", "555"),
    ],
)
def test_r05_only_decimal_digits_are_kept_and_every_script_counts_as_its_value(written: str, number: str) -> None:
    assert normalized("phones", work_phone=written) == number
    assert normalized("unusable_phones", work_phone=written) is None


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("12", None),
        ("1-2", None),
        ("123", "123"),
        ("1" * 15, "1" * 15),
        ("1" * 16, None),
        ("none", None),
        ("٣٤", None),
        ("12,", None),
    ],
)
def test_r05_fewer_than_3_or_more_than_15_digits_are_left_out_and_noted(written: str, number: str | None) -> None:
    assert normalized("phones", work_phone=written) == number
    assert normalized("unusable_phones", work_phone=written) == (None if number else written.strip(","))


def test_r05_who_has_no_usable_phone_is_still_a_candidate() -> None:
    judged = employees(user(1, work_phone=" ext 7 ", personal_mobile="+7 912 345-67-89 / +7 912 345-67-80"))
    assert by_user(judged, "eligibility") == {1: "candidate"}
    assert by_user(judged, "phones") == {1: None}
    assert by_user(judged, "unusable_phones") == {1: "ext 7 | +7 912 345-67-89 / +7 912 345-67-80"}


PHONES = [
    # work, mobile, landline, all, first
    ("111", "222", "333", "111,222,333", "111"),
    ("111", None, "333", "111,333", "111"),
    (None, "222", "333", "222,333", "222"),
    (None, None, "333", "333", "333"),
    (None, None, None, None, None),
    ("12", "222", "333", "222,333", "222"),
    ("12", "+", "333", "333", "333"),
    ("111", "1-1-1", "333", "111,333", "111"),
    ("111", "222", "(111)", "111,222", "111"),
    ("111", "222", "2 22", "111,222", "111"),
    ("111", "1 11", "11 1", "111", "111"),
    (None, "222", "2-22", "222", "222"),
    ("", " ", "333", "333", "333"),
    ("8 912 345", "+7 912 345", None, "8912345,7912345", "8912345"),
]


@pytest.mark.parametrize(("work", "mobile", "landline", "every", "first"), PHONES)
def test_r05_order_is_work_mobile_landline_and_of_equal_numbers_the_first_stays(
    work: str | None, mobile: str | None, landline: str | None, every: str | None, first: str | None
) -> None:
    texts = {"work_phone": work, "personal_mobile": mobile, "personal_phone": landline}
    assert normalized("phones", **texts) == every
    assert normalized("phones", policy=Policy(phones=PhonesPolicy.FIRST), **texts) == first


@pytest.mark.parametrize(
    ("written", "numbers"),
    [
        ("101, 102", "101,102"),
        ("12-34-56; 65-43-21", "123456,654321"),
        ("+7 912 345-67-89\n+7 912 345-67-80\r\n101", "79123456789,79123456780,101"),
        ("101,102;101\u2028103", "101,102,103"),
        (" ,101;; \n", "101"),
        ("١٠١، ١٠٢", "101,102"),
    ],
)
def test_r05_a_field_of_several_numbers_gives_each_in_its_order(written: str, numbers: str) -> None:
    assert normalized("phones", work_phone=written) == numbers
    assert (
        normalized("phones", work_phone=written, policy=Policy(phones=PhonesPolicy.FIRST)) == numbers.split(",", 1)[0]
    )
    assert normalized("unusable_phones", work_phone=written) is None


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("+7 812 555-01-01 #4048", "78125550101...4048"),
        ("+7 812 555-01-01#4048", "78125550101...4048"),
        ("7 812 555 01 01 x12", "78125550101...12"),
        ("7 812 555 01 01 X 12", "78125550101...12"),
        ("7 812 555 01 01 х12", "78125550101...12"),
        ("78125550101 ext 12", "78125550101...12"),
        ("78125550101 Ext. 12", "78125550101...12"),
        ("78125550101ext.12", "78125550101...12"),
        ("78125550101 extension: 12", "78125550101...12"),
        ("78125550101;ext=12", "78125550101...12"),
        ("+7 495 100-20-30 доб. 118", "74951002030...118"),
        ("+7 495 100-20-30 ДОБ118", "74951002030...118"),
        ("+7 (812) 555-01-01 доб.(12)", "78125550101...12"),
        ("+7 (812) 555-01-01 (доб. 12)", "78125550101...12"),
        ("+7 (812) 555-01-01, доб. 12", "78125550101...12"),
        ("+7 (812) 555-01-01\n(доб. 12)", "78125550101...12"),
        ("+7 (812) 555-01-01 добавочный № 12", "78125550101...12"),
        ("+7 (812) 555-01-01 вн. 12", "78125550101...12"),
        ("+7 (812) 555-01-01 доб\u200b. 12 (Анна)", "78125550101...12"),
        ("101 доб. ١٢", "101...12"),
        ("101 #12-34", "101...1234"),
        ("74951002030...118", "74951002030...118"),
        ("74951002030…118", "74951002030...118"),
        ("123456789012345 x1234567890", "123456789012345...1234567890"),
        ("101 доб. 5, 102 доб. 6", "101...5,102...6"),
        ("101, доб. 5, 102, #6", "101...5,102...6"),
        ("78125550101 text 12", "7812555010112"),
        ("78125550101 next12", "7812555010112"),
        ("78125550101 extra 12", "7812555010112"),
        ("78125550101 доб.", "78125550101"),
        ("fax 78125550101", "78125550101"),
    ],
)
def test_r05_an_extension_is_sent_in_callgears_own_form(written: str, number: str) -> None:
    assert normalized("phones", work_phone=written) == number
    assert normalized("unusable_phones", work_phone=written) is None
    assert normalized("phones", work_phone=number) == number


@pytest.mark.parametrize(
    ("written", "numbers", "unusable"),
    [
        ("12 доб. 345", None, "12 доб. 345"),
        ("12, 101 x5", "101...5", "12"),
        ("доб. 5, 101", "101", "доб. 5"),
        ("101 x5, x6", "101...5", "x6"),
        ("1234567890123456 x1; 101", "101", "1234567890123456 x1"),
        ("78125550101 доб. 12345678901", None, "78125550101 доб. 12345678901"),
        ("доб. 12 +7 812 555-01-01", None, "доб. 12 +7 812 555-01-01"),
        ("101 x5 x6", None, "101 x5 x6"),
        ("12; 1-2 ;101;none", "101", "12 | 1-2 | none"),
    ],
)
def test_r05_what_is_unusable_in_a_field_is_noted_part_by_part(
    written: str, numbers: str | None, unusable: str
) -> None:
    assert normalized("phones", work_phone=written) == numbers
    assert normalized("unusable_phones", work_phone=written) == unusable


def test_r05_duplicates_in_and_between_fields_are_dropped_after_cleaning() -> None:
    texts = {"work_phone": "1-01, 102 #5", "personal_mobile": "102 доб. 5", "personal_phone": "(101); 102"}
    assert normalized("phones", **texts) == "101,102...5,102"
    assert normalized("phones", policy=Policy(phones=PhonesPolicy.FIRST), **texts) == "101"


def test_r05_no_more_numbers_are_sent_than_callgear_takes() -> None:
    texts = {"work_phone": ", ".join(map(str, range(101, 110))), "personal_mobile": "110; 111"}
    assert normalized("phones", **texts) == ",".join(map(str, range(101, 111)))
    assert normalized("unusable_phones", **texts) == "111"


def test_r05_a_number_with_an_extension_is_masked_in_alerts_whole() -> None:
    assert redact_personal_data("refused: 74951002030...118") == "refused: (number)"
