"""From a row on the wire to the fields of the `Users` frame (contract 2.6): the one place that knows both names."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.bitrix24.embedded_json import is_utf8
from b24_pipeline.bitrix24.exceptions import IncompleteFetchError
from b24_pipeline.bitrix24.responses import whole_number
from b24_pipeline.schemas import Users

Row = Mapping[str, Any]
"""A user as received."""

FIELDS: Final = (
    "ID",
    "USER_TYPE",
    "ACTIVE",
    "NAME",
    "LAST_NAME",
    "SECOND_NAME",
    "EMAIL",
    "WORK_PHONE",
    "PERSONAL_MOBILE",
    "PERSONAL_PHONE",
    "UF_DEPARTMENT",
)
"""All that is asked for, in the order of the `Users` frame: what changes with every login stays out (contract 9.24)."""

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
TEXT_FIELDS: Final[Mapping[str, str]] = {**NAME_FIELDS, **PHONE_FIELDS}
"""The columns of the frame that are the portal's texts, and the fields they come from."""

EMPLOYEE: Final = "employee"
"""The `USER_TYPE` of those who may be imported (R01)."""

NO_PHONE_NUMBER: Final = "(a JSON value that is no whole number)"
"""R05: what is noted of a phone that came as a fraction, as NaN or as true."""

_YES: Final = frozenset({"Y", "1", "TRUE"})
_NO: Final = frozenset({"N", "0", "FALSE"})


class UserRow(NamedTuple):
    """One user, normalised; the fields are the `Users` frame's, and None is "no value"."""

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
        raise IncompleteFetchError("the portal sent a user without a usable id")
    return number


def user_row(row: Row, *, user_type: str | None = None) -> UserRow:
    """The row, normalised; `user_type` is what it is when the row does not say (contract 2.6).

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
    kinds = enumerate(schemas.dtypes(Users).items())
    columns = {name: pd.array([row[place] for row in ordered], dtype=kind) for place, (name, kind) in kinds}
    return schemas.check(Users, pd.DataFrame(columns))


def text_of(value: object) -> str | None:
    """The text of a field, as received; None for every spelling of blank."""
    if isinstance(value, str):
        if not value or value.isspace():
            return None
        return value if value.isascii() or is_utf8(value) else value.encode("utf-8", "replace").decode("utf-8")
    return _whole_number_text(value)


def phone_text_of(value: object) -> str | None:
    """The text of a phone field; of a JSON number its whole value, else words that no rule takes for a number (R05)."""
    text = text_of(value)
    if text is None and (value is True or isinstance(value, float)):
        return NO_PHONE_NUMBER
    return text


def _whole_number_text(value: object) -> str | None:
    """The digits of a whole JSON number; None for any other value, which as text would be another one."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def is_active(row: Row) -> bool:
    """Whether the user is active, in any spelling.

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
