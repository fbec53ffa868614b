"""The asset checks, evaluated after an asset in the same run. Blocking ones stop the run before a write.

One step an asset, because each step costs Dagster some hundredths of a second.
"""

from b24_pipeline.checks.data_quality import employee_matches_checks, employees_checks
from b24_pipeline.checks.results import callgear_upsert_checks

ALL_CHECKS = [employees_checks, employee_matches_checks, callgear_upsert_checks]

__all__ = ["ALL_CHECKS"]
