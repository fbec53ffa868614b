"""The assets, in the order of the lineage."""

from b24_pipeline.assets.bitrix24 import bitrix24_portal, bitrix24_users, employees
from b24_pipeline.assets.callgear import (
    callgear_account,
    callgear_account_after_import,
    callgear_employees,
    callgear_upsert,
    employee_matches,
    responsible_employees,
)
from b24_pipeline.assets.export import audit_export
from b24_pipeline.assets.report import import_report

__all__ = [
    "audit_export",
    "bitrix24_portal",
    "bitrix24_users",
    "callgear_account",
    "callgear_account_after_import",
    "callgear_employees",
    "callgear_upsert",
    "employee_matches",
    "employees",
    "import_report",
    "responsible_employees",
]
