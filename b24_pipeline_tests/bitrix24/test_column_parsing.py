"""Many rows become columns as each of them becomes a row: `test_parsing` says how (contract 2.6)."""

import sys
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest

from b24_pipeline.bitrix24.exceptions import IncompleteFetchError
from b24_pipeline.bitrix24.parsing import (
    FIELDS,
    NAME_FIELDS,
    PHONE_FIELDS,
    Row,
    UnknownUserTypeError,
    columns_of,
    distinct_ids,
    frame_of,
    user_row,
    users_frame,
)

TEXT_FIELDS = (*NAME_FIELDS.values(), *PHONE_FIELDS.values())
USUAL: Row = {"ID": "1", "USER_TYPE": "employee", "ACTIVE": True, "NAME": "Ира", "UF_DEPARTMENT": [4, 17]}
TEXTS = [
    "",
    " ",
    "\u00a0\t",
    " Ира ",
    "0",
    "A\ud83d",
    "Ж🙂",
    None,
    False,
    True,
    0,
    0.0,
    118,
    1.5,
    7e10,
    float("nan"),
    float("inf"),
    1e300,
    [],
    {},
    ["x"],
]
ACTIVE = [False, "Y", "N", 1, 0, "1", "0", "true", "false"]
DEPARTMENTS = [
    *([], {}, None, False, "", [None], ["x"], [[]], [0], "4", 4, 4.0, "4, 17", {"1": 4, "3": "17"}, 0, "0", -1, True),
    *([1], [True], [1.0], [0], ["0"], [False], ["1"], ["01"], [4, None], [10**30]),
]
UNUSUAL: list[Mapping[str, Any]] = [
    *({field: text} for field in TEXT_FIELDS for text in TEXTS),
    *({"USER_TYPE": text} for text in ("extranet", " ", 7, "A\ud83d")),
    *({"ACTIVE": active} for active in ACTIVE),
    *({"UF_DEPARTMENT": departments} for departments in DEPARTMENTS),
]


def assert_same(rows: list[Row]) -> None:
    ids = list(range(1, len(rows) + 1))
    numbered = [{**row, "ID": str(number)} for row, number in zip(rows, ids, strict=True)]
    columns = frame_of([columns_of(numbered, ids, user_type="employee")])
    pd.testing.assert_frame_equal(columns, users_frame(user_row(row, user_type="employee") for row in numbered))


@pytest.mark.sampled(2)
@pytest.mark.parametrize("fields", UNUSUAL)
def test_a_row_among_usual_ones_is_what_it_is_alone(fields: Mapping[str, Any]) -> None:
    assert_same([USUAL, {**USUAL, **fields}, {"ACTIVE": False}])


def test_rows_of_every_kind_are_what_each_is_alone() -> None:
    assert_same([{**USUAL, **fields} for fields in UNUSUAL])


def test_what_is_white_space_is_the_same_for_columns_as_for_rows() -> None:
    signs = [chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()]
    assert_same([{**USUAL, "NAME": sign, "LAST_NAME": f"{sign}x"} for sign in [*signs, "\u200b", "\ufeff", "\u2060"]])


def test_every_field_that_is_asked_for_is_read() -> None:
    assert {"ID", "USER_TYPE", "ACTIVE", *TEXT_FIELDS, "UF_DEPARTMENT"} == set(FIELDS)
    row = dict.fromkeys(TEXT_FIELDS, "x") | {"ID": "1", "ACTIVE": True, "UF_DEPARTMENT": [1]}
    assert frame_of([columns_of([row], [1], user_type="employee")]).notna().all(axis=None)


@pytest.mark.parametrize(
    "row", [{"ACTIVE": True}, {"ACTIVE": True, "USER_TYPE": ""}, {"ACTIVE": True, "USER_TYPE": []}]
)
def test_a_type_that_nobody_tells_is_unknown(row: Row) -> None:
    with pytest.raises(UnknownUserTypeError):
        columns_of([USUAL, row], [1, 2])
    assert columns_of([USUAL, row], [1, 2], user_type="extranet")["user_type"].to_pylist() == ["employee", "extranet"]


def test_r16a_one_user_of_unknown_standing_among_others_is_not_trusted() -> None:
    with pytest.raises(IncompleteFetchError, match="does not say whether user 2 is active"):
        columns_of([USUAL, {**USUAL, "ID": "2", "ACTIVE": None}], [1, 2])


def test_parts_are_put_together_by_rising_id_and_the_last_row_of_an_id_stands() -> None:
    old, new = {**USUAL, "NAME": "old"}, {**USUAL, "NAME": "new"}
    parts = [columns_of([old, old], [9, 10]), columns_of([], []), columns_of([old, new], [2, 9])]
    users = frame_of(parts)
    assert users["bitrix24_id"].tolist() == [2, 9, 10]
    assert users["first_name"].tolist() == ["old", "new", "old"]
    assert users.index.tolist() == [0, 1, 2]
    assert [distinct_ids(parts, up_to=number) for number in (1, 2, 9, 10)] == [0, 1, 2, 3]


def test_nobody_at_all_makes_an_empty_frame() -> None:
    assert frame_of([]).equals(users_frame([]))
    assert distinct_ids([], up_to=10) == 0
