"""R01-R03: who is a candidate. Every user gets one eligibility, and a rejected candidate one reason."""

from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from fnmatch import fnmatchcase

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.rules import normalization
from b24_pipeline.rules.models import Edition, Eligibility, Policy, Rejection, Scope
from b24_pipeline.rules.phone_numbers import phone_numbers

PHONES_IN_DIALING_ORDER = ("work_phone", "personal_mobile", "personal_phone")
EMPLOYEE = "employee"
"""R01: the `USER_TYPE` of an employee."""
NO_ADDRESS = rf"""@<>,;:"()\[\]\\«»“”„‹›，；：（）＜＞「」{normalization.WHITE}"""
NO_DOMAIN = f"""{NO_ADDRESS}'‘’`!?/|=&%#*+{{}}~^$"""
EMAIL = f"^[^'‘’`{NO_ADDRESS}][^{NO_ADDRESS}]*@[^{NO_DOMAIN}]*[^.。．｡{NO_DOMAIN}]$"
"""R02, R04: of the form text@text, without what was copied along: white space, `mailto:`, brackets, quotes, stops."""


def evaluate_users(users: DataFrame[schemas.Users], *, policy: Policy) -> DataFrame[schemas.Employees]:
    """R01-R06 for every user: eligibility, reason and the normalized fields, one row a user."""
    last_name = normalization.normalize_names(users["last_name"])
    email = normalization.normalize_emails(users["email"])
    numbers = phone_numbers([users[column] for column in PHONES_IN_DIALING_ORDER], policy=policy.phones)
    judged = pd.DataFrame(
        {
            "bitrix24_id": users["bitrix24_id"],
            "active": users["active"],
            "first_name": normalization.normalize_names(users["first_name"]),
            "last_name": last_name,
            "callgear_last_name": normalization.callgear_last_name(last_name, prefix=policy.last_name_prefix),
            "patronymic": normalization.normalize_names(users["second_name"]),
            "email": email,
            "email_key": normalization.lower_case_email(email, received=users["email"]),
            "phones": numbers["phones"],
            "unusable_phones": numbers["unusable_phones"],
        }
    )
    reason = rejection_reason(judged, departments=users["departments"], edition=policy.edition)
    judged["eligibility"] = eligibility(judged, users=users, scope=policy.scope).mask(
        lambda values: (values == Eligibility.CANDIDATE) & reason.notna(), Eligibility.REJECTED.value
    )
    judged["reason"] = reason.where(judged["eligibility"] == Eligibility.REJECTED)
    return schemas.check(schemas.Employees, judged)


def eligibility(judged: pd.DataFrame, *, users: DataFrame[schemas.Users], scope: Scope) -> pd.Series:
    """R01, R03, R13: the eligibility before the required fields are looked at. Scope comes before everything else."""
    return (
        pd.Series(Eligibility.CANDIDATE.value, index=users.index, dtype="str")
        .mask(~users["active"], Eligibility.DISMISSED.value)
        .mask(users["user_type"] != EMPLOYEE, Eligibility.NOT_EMPLOYEE.value)
        .mask(out_of_scope(judged, departments=users["departments"], scope=scope), Eligibility.OUT_OF_SCOPE.value)
    )


def out_of_scope(judged: pd.DataFrame, *, departments: pd.Series, scope: Scope) -> pd.Series:
    """R03: whom the scope settings leave out."""
    out = judged["bitrix24_id"].isin(scope.exclude_users)
    if scope.include_departments:
        out |= ~in_any(departments, scope.include_departments)
    if scope.exclude_departments:
        out |= in_any(departments, scope.exclude_departments)
    if scope.exclude_emails:
        patterns = [normalization.address_key(pattern) for pattern in scope.exclude_emails]
        excluded = {key for key in judged["email_key"].dropna().unique() if any(fnmatchcase(key, p) for p in patterns)}
        out |= judged["email_key"].isin(excluded)
    return out


def with_those_below(chosen: AbstractSet[int], *, parents: Mapping[int, int | None]) -> frozenset[int]:
    """R03: the departments and all below them, also where the tree has cycles or does not know some of them.

    `parents` has the department that each one is directly below, None for the topmost.
    """
    children: defaultdict[int | None, list[int]] = defaultdict(list)
    for department, parent in parents.items():
        children[parent].append(department)
    found: set[int] = set()
    remaining = list(chosen)
    while remaining:
        department = remaining.pop()
        if department not in found:
            found.add(department)
            remaining += children[department]
    return frozenset(found)


def in_any(departments: pd.Series, wanted: frozenset[int]) -> pd.Series:
    """Return whether a row's comma-separated department ids hold one of `wanted`."""
    ids = "|".join(str(department) for department in wanted)
    return departments.str.contains(f"(?:^|,)(?:{ids})(?:,|$)", regex=True)


def rejection_reason(judged: pd.DataFrame, *, departments: pd.Series, edition: Edition) -> pd.Series:
    """R02: the first required field that is missing or malformed; no value where all is there."""
    reasons = pd.Series(None, index=judged.index, dtype="str")
    if edition is Edition.ON_PREMISE:
        reasons = reasons.mask(departments.isna(), Rejection.MISSING_DEPARTMENT.value)
    malformed = ~judged["email"].str.contains(EMAIL, regex=True)
    return (
        reasons.mask(malformed, Rejection.INVALID_EMAIL.value)
        .mask(judged["email"].isna(), Rejection.MISSING_EMAIL.value)
        .mask(judged["last_name"].isna(), Rejection.MISSING_LAST_NAME.value)
    )
