"""The frames decide the columns of the database, and come back from it as they were."""

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from b24_pipeline import schemas
from b24_pipeline.audit.storage.column_types import from_arrow, personal_columns, sql_columns, to_arrow

STORED = (
    schemas.Users, schemas.Employees, schemas.CallGearEmployees, schemas.Matches, schemas.ResponsibleEmployees,
    schemas.Links, schemas.PendingCreates, schemas.Actions, schemas.DeadLetters,
)  # fmt: skip


def test_each_type_has_its_duckdb_type() -> None:
    assert sql_columns(schemas.Links) == {
        "bitrix24_id": "BIGINT",
        "callgear_id": "BIGINT",
        "linked_by": "VARCHAR",
        "linked_at": "TIMESTAMPTZ",
        "run_id": "VARCHAR",
        "first_name": "VARCHAR",
        "last_name": "VARCHAR",
    }
    assert sql_columns(schemas.Users)["active"] == "BOOLEAN"


def test_personal_columns_follow_from_the_declaration() -> None:
    assert personal_columns(schemas.ResponsibleEmployees) == ("name",)
    assert personal_columns(schemas.Matches) == ()


@pytest.mark.parametrize("model", STORED)
def test_a_frame_without_a_single_value_keeps_its_types(model: type[schemas.Frame]) -> None:
    empty = schemas.empty_frame(model)
    assert_frame_equal(from_arrow(model, to_arrow(model, empty)), empty)


def test_a_frame_comes_back_as_it_was() -> None:
    at = pd.Timestamp("2026-01-01 09:00:00.123456", tz="UTC")
    frame = schemas.from_records(
        schemas.Actions,
        [
            {"bitrix24_id": 2**53 + 1, "action": "create", "outcome": "done", "at": at, "display_name": 'Ōta "x"'},
            {"bitrix24_id": 2, "callgear_id": 7, "action": "link", "outcome": "failed"},
        ],
    )
    assert_frame_equal(from_arrow(schemas.Actions, to_arrow(schemas.Actions, frame)), frame)
