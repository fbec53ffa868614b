"""The fields of a user, who may see them, and how the portal writes dates (contract 2.6 and 2.7)."""

from datetime import datetime, timedelta, timezone

from b24_pipeline.sandbox.bitrix24.behavior import Scope

PORTAL_ZONE = timezone(timedelta(hours=3))

BRIEF = (
    "ID",
    "XML_ID",
    "ACTIVE",
    "NAME",
    "LAST_NAME",
    "SECOND_NAME",
    "TITLE",
    "DATE_REGISTER",
    "TIME_ZONE",
    "IS_ONLINE",
    "TIMESTAMP_X",
    "LAST_ACTIVITY_DATE",
    "PERSONAL_GENDER",
    "PERSONAL_PROFESSION",
    "PERSONAL_BIRTHDAY",
    "PERSONAL_PHOTO",
    "PERSONAL_CITY",
    "WORK_CITY",
    "WORK_POSITION",
    "UF_EMPLOYMENT_DATE",
    "UF_DEPARTMENT",
    "UF_PHONE_INNER",
)
CONTACTS = ("EMAIL", "WORK_PHONE", "PERSONAL_MOBILE", "PERSONAL_PHONE", "WORK_DEPARTMENT", "WORK_COMPANY")
FULL_ONLY = ("LAST_LOGIN", "PERSONAL_WWW", "PERSONAL_ICQ")
USER_TYPE = "USER_TYPE"

VISIBLE = {
    Scope.FULL: (*BRIEF, *CONTACTS, *FULL_ONLY),
    Scope.BASIC: (*BRIEF, *CONTACTS),
    Scope.BRIEF: BRIEF,
    Scope.MISSING: (),
}
STORED = frozenset((*BRIEF, *CONTACTS, *FULL_ONLY, USER_TYPE))
UNSTABLE = frozenset(("TIMESTAMP_X", "LAST_ACTIVITY_DATE"))
ABSENT_WHEN_BLANK = frozenset(("PERSONAL_PHOTO", "XML_ID"))

NEVER_RETURNED = frozenset(("bot", "imconnector", "replica", "integrator"))
RETURNED_ON_REQUEST = frozenset(("email",))


def is_custom(field: str) -> bool:
    """A field that the portal's owner made."""
    return field.startswith("UF_USR_")


def local_time(seconds: float) -> datetime:
    """Unix seconds as the portal shows them."""
    return datetime.fromtimestamp(int(seconds), PORTAL_ZONE)


def iso(seconds: float) -> str:
    """Unix seconds as the portal writes them, ``2026-01-01T12:00:00+03:00``."""
    return local_time(seconds).isoformat()
