"""What an asset says of its columns, derived from the one declaration of its frame."""

from typing import Any

import dagster as dg
import pandera.pandas as pa

FRAME = "b24_pipeline/frame"
"""The name of the frame that the store keeps an asset as."""

TYPE_NAMES = {"Int64": "integer", "bool": "flag", "datetime64[us, UTC]": "instant"}


def columns_of(model: type[pa.DataFrameModel]) -> dict[str, Any]:
    """The definition metadata of an asset: its columns for the UI, and its frame for the store."""
    return {"dagster/column_schema": column_schema(model), FRAME: model.__name__}


def column_schema(model: type[pa.DataFrameModel]) -> dg.TableSchema:
    """The columns with type, meaning, constraints, and a tag on personal data."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=name,
                type=TYPE_NAMES.get(str(column.dtype), "text"),
                description=column.description,
                constraints=dg.TableColumnConstraints(nullable=column.nullable, unique=column.unique),
                tags={"personal": ""} if (column.metadata or {}).get("personal") else {},
            )
            for name, column in model.to_schema().columns.items()
        ]
    )
