"""Rows of `user.get` as the `Users` frame (contract 2.6): the one place that knows both names of a field.

Few rows are parsed one by one; a whole fetch is parsed by columns while other responses are waited for. A column with
an unusual value is parsed value by value.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.bitrix24.exceptions import IncompleteFetchError
from b24_pipeline.bitrix24.responses import whole_number
from b24_pipeline.schemas import Users

Row = Mapping[str, Any]
"""A user as received."""

NAME_FIELDS: Final[Mapping[str, str]] = {
    "first_name": "NAME",
    "last_name": "LAST_NAME",
    "second_name": "SECOND_NAME",
    "email": "EMAIL",
}
PHONE_FIELDS: Final[Mapping[str, str]] = {
    "work_phone": "WORK_PHONE",
    "personal_mobile": "PERSONAL_MOBILE",
    "personal_phone": "PERSONAL_PHONE",
}
FIELDS: Final = ("ID", "USER_TYPE", "ACTIVE", *NAME_FIELDS.values(), *PHONE_FIELDS.values(), "UF_DEPARTMENT")
"""All that is asked for, in the order of the `Users` frame: what changes with every login stays out (contract 9.24)."""

NO_PHONE_NUMBER: Final = "(a JSON value that is no whole number)"
"""R05: what is noted of a phone that came as a fraction, as NaN or as true."""

_YES: Final = frozenset({"Y", "1", "TRUE"})
_NO: Final = frozenset({"N", "0", "FALSE"})
Columns: TypeAlias = pa.Table
"""Users in the columns of the `Users` frame, in the order they were read."""

_POOL: Final = pa.system_memory_pool()
"""Arrow's own pool keeps memory for each of the threads that read: up to 90 MiB, and half a second to get it."""


class UserRow(NamedTuple):
    """One user, normalized; the fields are the `Users` frame's, and None is "no value"."""

    bitrix24_id: int
    user_type: str | None
    active: bool
    first_name: str | None
    last_name: str | None
    second_name: str | None
    email: str | None
    work_phone: str | None
    personal_mobile: str | None
    personal_phone: str | None
    departments: str | None


def user_id(row: Row) -> int:
    """The id of a row, as a number: as text, "9" would come after "10".

    Raises:
        IncompleteFetchError: it has none.
    """
    number = whole_number(row.get("ID"))
    if number is None:
        raise IncompleteFetchError("the portal sent a user without a valid id")
    return number


def user_row(row: Row, *, user_type: str | None = None) -> UserRow:
    """The row, normalized; `user_type` is what it is when the row does not say (contract 2.6).

    Raises:
        IncompleteFetchError: it has no id, or does not say whether the user is active.
    """
    return UserRow(
        bitrix24_id=user_id(row),
        user_type=text_of(row.get("USER_TYPE")) or user_type,
        active=is_active(row),
        departments=departments_of(row.get("UF_DEPARTMENT")),
        **{name: text_of(row.get(field)) for name, field in NAME_FIELDS.items()},
        **{name: phone_text_of(row.get(field)) for name, field in PHONE_FIELDS.items()},
    )


def users_frame(rows: Iterable[UserRow]) -> DataFrame[Users]:
    """The frame of the rows, by rising id; of rows with one id the last stands."""
    unique = {row.bitrix24_id: row for row in rows}
    ordered = [unique[number] for number in sorted(unique)]
    return schemas.check(Users, pd.DataFrame(ordered, columns=list(UserRow._fields)))


def text_of(value: object) -> str | None:
    """The text of a field, as received; None for every spelling of blank.

    Of a whole JSON number its digits; None for any other value, which as text would be another one.
    """
    if isinstance(value, str):
        if not value or value.isspace():
            return None
        return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def phone_text_of(value: object) -> str | None:
    """The text of a phone field; of a JSON number its whole value, else words that no rule takes for a number (R05)."""
    text = text_of(value)
    if text is None and (value is True or isinstance(value, float)):
        return NO_PHONE_NUMBER
    return text


def is_active(row: Row) -> bool:
    """Return whether the user is active, in any spelling.

    Raises:
        IncompleteFetchError: the row does not say.
    """
    value = row.get("ACTIVE")
    if isinstance(value, bool):
        return value
    word = str(value).strip().upper()
    if word in _YES or word in _NO:
        return word in _YES
    raise IncompleteFetchError(f"the portal does not say whether user {user_id(row)} is active")


def departments_of(value: object) -> str | None:
    """The department ids, comma-separated; None for none. There is no department 0 (contract, later findings)."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, str):
        value = value.split(",")
    parts = value if isinstance(value, list) else [value]
    numbers = [whole_number(part.strip() if isinstance(part, str) else part) for part in parts]
    return ",".join([str(number) for number in numbers if number is not None and number > 0]) or None


class UnknownUserTypeError(Exception):
    """A row does not say of what type the user is, or says it with no value (contract 2.6)."""


def columns_of(rows: Sequence[Row], ids: Sequence[int], *, user_type: str | None = None) -> Columns:
    """The rows, whose ids are `ids`, normalized; `user_type` is what it is where a row does not say.

    Raises:
        UnknownUserTypeError: neither a row nor `user_type` says of what type the user is.
        IncompleteFetchError: a row does not say whether the user is active.
    """
    # Row by row, which is twice as fast as field by field: rows are scattered in memory.
    flat = [row.get(field) for row in rows for field in FIELDS]
    values = {field: flat[place :: len(FIELDS)] for place, field in enumerate(FIELDS)}
    types = _texts(values["USER_TYPE"])
    if user_type is not None:
        types = pc.fill_null(types, user_type)
    if types.null_count:
        raise UnknownUserTypeError
    all_plain = set(map(type, values["ACTIVE"])) <= {bool}
    columns = {
        "bitrix24_id": _array(ids, pa.int64()),
        "user_type": types,
        "active": _array(values["ACTIVE"] if all_plain else [is_active(row) for row in rows], pa.bool_()),
        **{name: _texts(values[field]) for name, field in NAME_FIELDS.items()},
        **{name: _texts(values[field], unusual=phone_text_of) for name, field in PHONE_FIELDS.items()},
        "departments": _departments(values["UF_DEPARTMENT"]),
    }
    return pa.table(columns)


def distinct_ids(parts: Sequence[Columns], *, up_to: int | None = None) -> int:
    """Count the distinct ids not above `up_to`; all of them without it."""
    ids = _together(parts)["bitrix24_id"]
    return int(pc.count_distinct(ids if up_to is None else ids.filter(pc.less_equal(ids, up_to))).as_py())


def frame_of(parts: Sequence[Columns]) -> DataFrame[Users]:
    """The frame of all parts, by rising id; of rows with one id the last stands."""
    pandas_types = {pa.int64(): pd.Int64Dtype(), pa.string(): pd.StringDtype(na_value=np.nan)}
    frame = _together(parts).combine_chunks().to_pandas(types_mapper=pandas_types.get)
    ids = frame["bitrix24_id"]
    if not (ids.is_monotonic_increasing and ids.is_unique):
        frame = frame.drop_duplicates("bitrix24_id", keep="last").sort_values("bitrix24_id")
    return schemas.check(Users, frame)


def _together(parts: Sequence[Columns]) -> Columns:
    return pa.concat_tables(parts) if parts else columns_of([], [])


def _texts(values: Sequence[object], *, unusual: Callable[[object], str | None] = text_of) -> pa.Array:
    try:
        texts = _array(values, pa.string())
    except (TypeError, UnicodeEncodeError):
        return _array([unusual(value) for value in values], pa.string())
    blank = pc.equal(pc.utf8_trim_whitespace(texts, memory_pool=_POOL), "")
    return pc.if_else(blank, None, texts, memory_pool=_POOL)


def _departments(values: Sequence[object]) -> pa.Array:
    """Few lists of departments differ: each is read once. Their spelling tells 1 from "1", which equality does not."""
    spelled = [repr(value) for value in values]
    read = {text: departments_of(value) for text, value in dict(zip(spelled, values, strict=True)).items()}
    return _array([read[text] for text in spelled], pa.string())


def _array(values: Sequence[object], kind: pa.DataType) -> pa.Array:
    return pa.array(values, kind, memory_pool=_POOL)
