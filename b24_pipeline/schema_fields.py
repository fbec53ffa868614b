"""The kinds of columns that a frame has (`schemas`)."""

from typing import Any

import pandera.pandas as pa


def key_column(description: str) -> Any:  # noqa: ANN401 - pandera types a field as anything
    """A column that identifies the row."""
    return pa.Field(coerce=True, unique=True, description=description, metadata={"key": True})


def column(description: str) -> Any:  # noqa: ANN401
    """A column that always has a value."""
    return pa.Field(coerce=True, description=description)


def bool_column(description: str) -> Any:  # noqa: ANN401
    """A column of yes or no. Never cast: "no value" would become a no, and any text a yes."""
    return pa.Field(description=description)


def optional_column(description: str) -> Any:  # noqa: ANN401
    """A column that may have no value."""
    return pa.Field(coerce=True, nullable=True, description=description)


def personal_column(description: str) -> Any:  # noqa: ANN401
    """A column with personal data, which may have no value."""
    return pa.Field(coerce=True, nullable=True, description=description, metadata={"personal": True})
