"""The lineage that people see names columns that are there."""

import pytest

from b24_pipeline import schemas
from b24_pipeline.asset_metadata import COLUMN_LINEAGE

ASSETS = {
    "bitrix24_users": schemas.Users,
    "employees": schemas.Employees,
    "callgear_employees": schemas.CallGearEmployees,
    "employee_matches": schemas.Matches,
}


@pytest.mark.parametrize("model", COLUMN_LINEAGE)
def test_each_column_and_each_source_is_declared(model: type[schemas.Frame]) -> None:
    lineage = COLUMN_LINEAGE[model]
    sources = {source for of_column in lineage.values() for source in of_column}
    assert set(lineage) <= set(schemas.column_names(model))
    for source in sources:
        asset, column = source.split(".")
        assert column in schemas.column_names(ASSETS[asset]), source
