"""The kinds of columns that a frame has (`schemas`)."""

from typing import Any

import numpy as np
import pandera.pandas as pa
from pandera import dtypes
from pandera.engines import numpy_engine, pandas_engine

pandas_engine.Engine.register_dtype(numpy_engine.Bool, equivalents=[np.dtype("bool")])
"""Of a type that it does not know by this name pandera asks geopandas, and looks for that on the disk each time."""


@pandas_engine.Engine.register_dtype
@dtypes.immutable(init=True)
class Text(pandas_engine.STRING):
    """Pandas' text type with NaN for "no value", known by its type: pandera's own also looks at every value again."""

    def check(self, pandera_dtype: dtypes.DataType, data_container: Any = None) -> bool:  # noqa: ANN401, ARG002
        """Return whether a column is of this type, as every column is that was cast."""
        return bool(getattr(pandera_dtype, "type", None) == self.type)


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
