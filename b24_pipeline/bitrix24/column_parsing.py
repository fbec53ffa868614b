"""From the rows of an answer to columns of the `Users` frame, all rows at once (contract 2.6).

What is usual is checked and turned by whole columns; a column with anything unusual is normalised value by value, as
`wire` does it. Rows become columns while other answers are waited for, so that in the end there is little left to do.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.bitrix24.parsing import (
    FIELDS,
    NAME_FIELDS,
    PHONE_FIELDS,
    Row,
    departments_of,
    is_active,
    phone_text_of,
    text_of,
)
from b24_pipeline.schemas import Users

Columns: TypeAlias = pa.Table
"""Users in the columns of the `Users` frame, in the order they were read."""

_PANDAS_TYPES: Final = {pa.int64(): pd.Int64Dtype(), pa.string(): pd.StringDtype(na_value=np.nan)}
_POOL: Final = pa.system_memory_pool()
"""Arrow's own pool keeps memory for each of the threads that read: up to 90 MiB, and half a second to get it."""


class UnknownUserTypeError(Exception):
    """A row does not say of what type the user is, or says it with no value (contract 2.6)."""


def columns_of(rows: Sequence[Row], ids: Sequence[int], *, user_type: str | None = None) -> Columns:
    """The rows, whose ids are `ids`, normalised; `user_type` is what it is where a row does not say.

    Raises:
        UnknownUserTypeError: neither a row nor `user_type` says of what type the user is.
        IncompleteFetchError: a row does not say whether the user is active.
    """
    values = _by_field(rows)
    types = _texts(values["USER_TYPE"])
    if user_type is not None:
        types = pc.fill_null(types, user_type)
    if types.null_count:
        raise UnknownUserTypeError
    columns = {
        "bitrix24_id": _array(ids, pa.int64()),
        "user_type": types,
        "active": _flags(values["ACTIVE"], rows),
        **{name: _texts(values[field]) for name, field in NAME_FIELDS.items()},
        **{name: _texts(values[field], unusual=phone_text_of) for name, field in PHONE_FIELDS.items()},
        "departments": _departments(values["UF_DEPARTMENT"]),
    }
    return pa.table(columns)


def distinct_ids(parts: Sequence[Columns], *, up_to: int | None = None) -> int:
    """How many different ids not above `up_to` there are; of any size without."""
    ids = _together(parts)["bitrix24_id"]
    return int(pc.count_distinct(ids if up_to is None else ids.filter(pc.less_equal(ids, up_to))).as_py())


def frame_of(parts: Sequence[Columns]) -> DataFrame[Users]:
    """The frame of all parts, by rising id; of rows with one id the last stands."""
    frame = _together(parts).combine_chunks().to_pandas(types_mapper=_PANDAS_TYPES.get)
    ids = frame["bitrix24_id"]
    if not (ids.is_monotonic_increasing and ids.is_unique):
        frame = frame.drop_duplicates("bitrix24_id", keep="last").sort_values("bitrix24_id")
    return schemas.check(Users, frame)


def _together(parts: Sequence[Columns]) -> Columns:
    return pa.concat_tables(parts) if parts else columns_of([], [])


def _by_field(rows: Sequence[Row]) -> Mapping[str, Sequence[object]]:
    """The values of each field. Row by row, which is twice as fast as field by field: rows are scattered in memory."""
    values = [row.get(field) for row in rows for field in FIELDS]
    return {field: values[place :: len(FIELDS)] for place, field in enumerate(FIELDS)}


def _texts(values: Sequence[object], *, unusual: Callable[[object], str | None] = text_of) -> pa.Array:
    try:
        texts = _array(values, pa.string())
    except (TypeError, UnicodeEncodeError):
        return _array([unusual(value) for value in values], pa.string())
    blank = pc.equal(pc.utf8_trim_whitespace(texts, memory_pool=_POOL), "")
    return pc.if_else(blank, None, texts, memory_pool=_POOL)


def _flags(values: Sequence[object], rows: Sequence[Row]) -> pa.Array:
    usual = set(map(type, values)) <= {bool}
    return _array(values if usual else [is_active(row) for row in rows], pa.bool_())


def _departments(values: Sequence[object]) -> pa.Array:
    """Few lists of departments differ: each is read once. Their spelling tells 1 from "1", which equality does not."""
    spelled = [repr(value) for value in values]
    read = {text: departments_of(value) for text, value in dict(zip(spelled, values, strict=True)).items()}
    return _array([read[text] for text in spelled], pa.string())


def _array(values: Sequence[object], kind: pa.DataType) -> pa.Array:
    return pa.array(values, kind, memory_pool=_POOL)
