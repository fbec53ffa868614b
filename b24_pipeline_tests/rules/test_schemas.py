"""The frames' one declaration: what a checked frame is, and what is refused at every border."""

import inspect
from typing import Any

import pandas as pd
import pandera.errors
import pytest

from b24_pipeline import schemas
from b24_pipeline_tests.factories import user, users

REFUSED = (pandera.errors.SchemaError, pandera.errors.SchemaErrors)
MODELS = [
    model
    for _, model in inspect.getmembers(schemas, inspect.isclass)
    if issubclass(model, schemas.Frame) and model is not schemas.Frame
]


@pytest.mark.parametrize("model", MODELS)
def test_every_column_is_described_and_every_frame_says_what_a_row_is(model: type[schemas.Frame]) -> None:
    columns = model.to_schema().columns.values()
    assert all(column.description for column in columns)
    assert model.__doc__


@pytest.mark.parametrize("model", MODELS)
def test_an_empty_frame_has_the_declared_columns_and_types_and_is_right(model: type[schemas.Frame]) -> None:
    empty = schemas.empty_frame(model)
    assert list(empty.columns) == schemas.column_names(model)
    assert empty.dtypes.equals(schemas.dtypes(model))
    assert empty.empty
    assert model.validate(empty).equals(empty)


@pytest.mark.parametrize("model", MODELS)
def test_a_frame_without_rows_is_empty_whatever_its_types(model: type[schemas.Frame]) -> None:
    assert schemas.from_records(model, []).equals(schemas.empty_frame(model))
    assert schemas.check(model, pd.DataFrame(columns=schemas.column_names(model)[::-1])).equals(
        schemas.empty_frame(model)
    )


def test_ids_are_int64_texts_str_flags_bool_and_instants_utc() -> None:
    assert schemas.dtypes(schemas.Users)[["bitrix24_id", "active", "email"]].astype("str").tolist() == [
        "Int64",
        "bool",
        "str",
    ]
    assert str(schemas.dtypes(schemas.Links)["linked_at"]) == "datetime64[us, UTC]"


def test_rows_name_what_they_have_and_the_rest_has_no_value() -> None:
    frame = schemas.from_records(schemas.Users, [{"bitrix24_id": 1, "active": True}])
    assert frame.dtypes.equals(schemas.dtypes(schemas.Users))
    assert frame.drop(columns=["bitrix24_id", "active"]).isna().all(axis=None)


def test_a_right_frame_passes_unchanged() -> None:
    frame = users(user(1), user(2, email=None))
    assert schemas.check(schemas.Users, frame).equals(frame)


def test_columns_are_put_in_order_and_rows_numbered_from_0() -> None:
    frame = users(user(1), user(2), user(3))
    shuffled = frame[frame.columns[::-1]].iloc[[2, 0]]
    checked = schemas.check(schemas.Users, shuffled)
    assert list(checked.columns) == list(frame.columns)
    assert checked["bitrix24_id"].tolist() == [3, 1]
    assert checked.index.tolist() == [0, 1]


@pytest.mark.parametrize(("written", "cast"), [("7", 7), (7.0, 7), (7, 7)])
def test_ids_are_cast_to_whole_numbers(written: Any, cast: int) -> None:
    frame = schemas.from_records(schemas.Users, [{"bitrix24_id": written, "active": True}])
    assert frame["bitrix24_id"].tolist() == [cast]
    assert frame.dtypes.equals(schemas.dtypes(schemas.Users))


@pytest.mark.parametrize("active", [None, float("nan"), "true", "Y", "N", 1, 0])
def test_a_flag_that_is_not_true_or_false_is_refused_and_never_guessed(active: Any) -> None:
    with pytest.raises(REFUSED, match="active"):
        schemas.from_records(schemas.Users, [{"bitrix24_id": 1, "active": active}])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop(columns="email"), "email"),
        (lambda frame: frame.assign(more="x"), "more"),
        (lambda frame: pd.concat([frame, frame]), "duplicate"),
        (lambda frame: frame.assign(bitrix24_id=pd.array([None, 2], dtype="Int64")), "null"),
        (lambda frame: frame.iloc[:0].drop(columns="email"), "email"),
    ],
    ids=["a column is missing", "a column is unknown", "an id comes twice", "an id is missing", "missing without rows"],
)
def test_what_is_not_the_declared_frame_is_refused(change: Any, message: str) -> None:
    with pytest.raises(REFUSED, match=message):
        schemas.check(schemas.Users, change(users(user(1), user(2))))


def test_an_id_that_is_no_number_is_refused() -> None:
    with pytest.raises(REFUSED, match="bitrix24_id"):
        schemas.from_records(schemas.Users, [{"bitrix24_id": "seven", "active": True}])


def test_frames_are_put_together_one_after_the_other() -> None:
    first, second = users(user(2)), users(user(1))
    whole = schemas.concat(schemas.Users, first, schemas.empty_frame(schemas.Users), second)
    assert whole["bitrix24_id"].tolist() == [2, 1]
    assert whole.index.tolist() == [0, 1]
    assert schemas.concat(schemas.Users, schemas.empty_frame(schemas.Users)).equals(schemas.empty_frame(schemas.Users))
