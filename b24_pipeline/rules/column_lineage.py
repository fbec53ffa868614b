"""The columns that each column of a frame is made of, for the lineage that people see: `asset.column`."""

from collections.abc import Mapping

from b24_pipeline import schemas

NAMES = ("first_name", "last_name", "patronymic", "email", "phones")
_PHONES = ("bitrix24_users.work_phone", "bitrix24_users.personal_mobile", "bitrix24_users.personal_phone")
_JUDGED = ("bitrix24_users.user_type", "bitrix24_users.active", "bitrix24_users.departments", "bitrix24_users.email")
_MATCHED = ("employees.eligibility", "employees.email_key", "callgear_employees.email")
_MATCHES = ("employee_matches.match_type", "employee_matches.reason")
_HAD = (
    *(f"callgear_employees.{column}" for column in ("first_name", "last_name", "patronymic", "email", "phone_numbers")),
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
"""Frames that were read (users, employees of the account) have no sources of ours."""
