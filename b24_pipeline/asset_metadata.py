"""Column metadata of an asset, derived from the schema of its frame."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
import pandera.pandas as pa

from b24_pipeline import schemas
from b24_pipeline.audit.schema import HISTORIES
from b24_pipeline.rules.column_lineage import COLUMN_LINEAGE

FRAME = "b24_pipeline/frame"
"""The metadata key with the name of an asset's frame."""

TABLES: Mapping[type[schemas.Frame], str] = {**HISTORIES, schemas.Actions: "actions"}
"""The table of the audit with the rows of each asset."""

TYPE_NAMES = {"Int64": "integer", "bool": "flag", "datetime64[us, UTC]": "instant"}


def column_metadata(model: type[schemas.Frame]) -> dict[str, Any]:
    """Return the definition metadata of an asset: columns, column lineage, table, and frame."""
    table = f"audit.{TABLES[model]}"
    return {
        "dagster/column_schema": column_schema(model),
        "dagster/table_name": table,
        "dagster/relation_identifier": table,
        FRAME: model.__name__,
        **column_lineage(model),
    }


def column_lineage(model: type[schemas.Frame], key_prefix: Sequence[str] = ()) -> dict[str, Any]:
    """Return the sources of each column, also needed in each materialization; nothing for the first assets."""
    made_of = COLUMN_LINEAGE.get(model)
    if made_of is None:
        return {}
    lineage = dg.TableColumnLineage(
        {name: [column_dep(source, key_prefix) for source in made_of[name]] for name in made_of}
    )
    return {"dagster/column_lineage": lineage}


def column_dep(source: str, key_prefix: Sequence[str]) -> dg.TableColumnDep:
    """Return the dependency on the column `asset.column`."""
    asset, _, column = source.partition(".")
    return dg.TableColumnDep(asset_key=dg.AssetKey([*key_prefix, asset]), column_name=column)


def column_schema(model: type[pa.DataFrameModel]) -> dg.TableSchema:
    """Return the columns with type, description, constraints, and a tag on personal data."""
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
