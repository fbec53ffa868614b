"""The asset checks: what is looked at after an asset, in the same run. Those that guard writes stop the run."""

from b24_pipeline.checks.before_writing import (
    bitrix24_users_checks,
    callgear_employees_checks,
    employee_matches_checks,
    employees_checks,
)
from b24_pipeline.checks.outcome import callgear_upsert_checks

ALL_CHECKS = [
    bitrix24_users_checks,
    employees_checks,
    callgear_employees_checks,
    employee_matches_checks,
    callgear_upsert_checks,
]

__all__ = ["ALL_CHECKS"]
