"""Column metadata of an asset: derived from the schema of its frame, and the lineage of each column."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from b24_pipeline import schemas
from b24_pipeline.audit.schema import HISTORIES

FRAME = "b24_pipeline/frame"
"""The metadata key with the name of an asset's frame."""

TABLES: Mapping[type[schemas.Frame], str] = {**HISTORIES, schemas.Actions: "actions"}
"""The table of the audit with the rows of each asset."""

NAMES = ("first_name", "last_name", "patronymic", "email", "phones")
_PHONES = ("bitrix24_users.work_phone", "bitrix24_users.personal_mobile", "bitrix24_users.personal_phone")
_JUDGED = ("bitrix24_users.user_type", "bitrix24_users.active", "bitrix24_users.departments", "bitrix24_users.email")
_MATCHED = ("employees.eligibility", "employees.email_key", "callgear_employees.email")
_MATCHES = ("employee_matches.match_type", "employee_matches.reason")
_HAD = tuple(
    f"callgear_employees.{column}" for column in ("first_name", "last_name", "patronymic", "email", "phone_numbers")
)
_SENT = (*(f"employees.{name}" for name in NAMES), "employees.callgear_last_name")

COLUMN_LINEAGE: Mapping[type[schemas.Frame], Mapping[str, tuple[str, ...]]] = {
    schemas.Employees: {
        "bitrix24_id": ("bitrix24_users.bitrix24_id",),
        "eligibility": (*_JUDGED, "bitrix24_users.last_name", "bitrix24_users.bitrix24_id"),
        "reason": (*_JUDGED, "bitrix24_users.last_name"),
        "active": ("bitrix24_users.active",),
        "first_name": ("bitrix24_users.first_name",),
        "last_name": ("bitrix24_users.last_name",),
        "callgear_last_name": ("bitrix24_users.last_name",),
        "patronymic": ("bitrix24_users.second_name",),
        "email": ("bitrix24_users.email",),
        "email_key": ("bitrix24_users.email",),
        "phones": _PHONES,
        "unusable_phones": _PHONES,
    },
    schemas.Matches: {
        "bitrix24_id": ("employees.bitrix24_id",),
        "callgear_id": ("callgear_employees.callgear_id", *_MATCHED),
        "match_type": ("callgear_employees.callgear_id", *_MATCHED),
        "reason": ("callgear_employees.callgear_id", *_MATCHED),
        "other_bitrix24_id": ("employees.bitrix24_id", *_MATCHED),
    },
    schemas.Actions: {
        "bitrix24_id": ("employee_matches.bitrix24_id",),
        "callgear_id": ("employee_matches.callgear_id",),
        "action": _MATCHES,
        "reason": ("employee_matches.reason", "employees.reason"),
        "risk": _MATCHES,
        "display_name": ("employees.first_name", "employees.last_name"),
        "before": _HAD,
        "after": _SENT,
        "outcome": _MATCHES,
    },
    schemas.ResponsibleEmployees: {
        "bitrix24_id": ("employees.bitrix24_id",),
        "employment_status": ("employees.active",),
        "name": ("employees.first_name", "employees.last_name"),
    },
}
"""What each column is made of, as `asset.column`; frames that were read have no sources of ours."""

TYPE_NAMES = {"Int64": "integer", "bool": "flag", "datetime64[us, UTC]": "instant"}


def column_metadata(model: type[schemas.Frame]) -> dict[str, Any]:
    """Return the definition metadata of an asset: columns with a tag on personal data, their lineage, table, frame."""
    table = f"audit.{TABLES[model]}"
    columns = [
        dg.TableColumn(
            name=name,
            type=TYPE_NAMES.get(str(column.dtype), "text"),
            description=column.description,
            constraints=dg.TableColumnConstraints(nullable=column.nullable, unique=column.unique),
            tags={"personal": ""} if (column.metadata or {}).get("personal") else {},
        )
        for name, column in model.to_schema().columns.items()
    ]
    return {
        "dagster/column_schema": dg.TableSchema(columns=columns),
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
    deps = {
        name: [
            dg.TableColumnDep(asset_key=dg.AssetKey([*key_prefix, asset]), column_name=column)
            for asset, column in (source.split(".") for source in sources)
        ]
        for name, sources in made_of.items()
    }
    return {"dagster/column_lineage": dg.TableColumnLineage(deps)}
