"""The lineage that people see names columns that are there."""

import pytest

from b24_pipeline.rules import frames
from b24_pipeline.rules.column_lineage import COLUMN_LINEAGE

ASSETS = {
    "bitrix24_users": frames.Users,
    "employees": frames.Employees,
    "callgear_employees": frames.CallGearEmployees,
    "employee_matches": frames.Matches,
}


@pytest.mark.parametrize("model", COLUMN_LINEAGE)
def test_each_column_and_each_source_is_declared(model: type[frames.Frame]) -> None:
    lineage = COLUMN_LINEAGE[model]
    sources = {source for of_column in lineage.values() for source in of_column}
    assert set(lineage) <= set(frames.names(model))
    for source in sources:
        asset, column = source.split(".")
        assert column in frames.names(ASSETS[asset]), source
