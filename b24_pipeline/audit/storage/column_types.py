"""Frames as DuckDB sees them: column types from the one declaration in `schemas.py`, the way there and back."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TypeAlias, cast

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
from pandera.typing import DataFrame

from b24_pipeline import schemas

_ARROW_TYPES: Mapping[str, pa.DataType] = {
    "Int64": pa.int64(),
    "bool": pa.bool_(),
    "datetime64[us, UTC]": pa.timestamp("us", tz="UTC"),
}
_SQL_TYPES: Mapping[pa.DataType, str] = {
    pa.int64(): "BIGINT",
    pa.bool_(): "BOOLEAN",
    pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ",
    pa.string(): "VARCHAR",
}
Table: TypeAlias = pa.Table
"""Rows on their way into DuckDB or out of it, with exact types also for columns without a single value."""

_PYTHON_TYPES = {int: pa.int64(), str: pa.string(), bool: pa.bool_()}
_PANDAS_TYPES = {pa.int64(): pd.Int64Dtype(), pa.string(): pd.StringDtype(na_value=np.nan)}


@cache
def arrow_schema(model: type[schemas.Frame]) -> pa.Schema:
    columns = model.to_schema().columns
    return pa.schema([(name, _ARROW_TYPES.get(str(column.dtype), pa.string())) for name, column in columns.items()])


@cache
def sql_columns(model: type[schemas.Frame]) -> Mapping[str, str]:
    return {field.name: _SQL_TYPES[field.type] for field in arrow_schema(model)}


def column_list(columns: Iterable[str]) -> str:
    """Columns as SQL lists them; quoted, for `at` is a word of SQL."""
    return ", ".join(f'"{name}"' for name in columns)


@cache
def personal_columns(model: type[schemas.Frame]) -> tuple[str, ...]:
    columns = model.to_schema().columns
    return tuple(name for name, column in columns.items() if (column.metadata or {}).get("personal"))


def to_arrow(model: type[schemas.Model], frame: DataFrame[schemas.Model]) -> Table:
    schema = arrow_schema(model)
    return pa.Table.from_pandas(frame, schema=schema, preserve_index=False) if len(frame) else schema.empty_table()


def from_arrow(model: type[schemas.Model], table: Table) -> DataFrame[schemas.Model]:
    """The frame that DuckDB answered; its columns must be the model's, each of a type that can be cast."""
    if not table.num_rows:
        return schemas.empty_frame(model)
    return cast("DataFrame[schemas.Model]", to_pandas(table.cast(arrow_schema(model))))


def to_pandas(table: Table) -> pd.DataFrame:
    """A table with the project's conventions: `Int64`, `str` with NaN, instants in UTC."""
    frame: pd.DataFrame = table.to_pandas(types_mapper=_PANDAS_TYPES.get)
    return frame


def table_of(columns: Mapping[str, type], rows: Iterable[tuple[int | str | None, ...]]) -> Table:
    named = [dict(zip(columns, row, strict=True)) for row in rows]
    return pa.Table.from_pylist(
        named, schema=pa.schema([(name, _PYTHON_TYPES[kind]) for name, kind in columns.items()])
    )
