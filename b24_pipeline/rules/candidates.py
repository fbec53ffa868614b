"""R01-R03: who is a candidate. Every user gets one standing, and a rejected candidate one reason."""

from fnmatch import fnmatchcase

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline.rules import frames, normalising
from b24_pipeline.rules.records import Edition, Policy, Rejection, Scope, Standing


def judge(users: DataFrame[frames.Users], *, policy: Policy) -> DataFrame[frames.Employees]:
    """R01-R06 for every user: standing, reason and the normalised fields, one row a user."""
    phone_texts = {"work": users["work_phone"], "mobile": users["personal_mobile"], "landline": users["personal_phone"]}
    last_name = normalising.tidy(users["last_name"])
    judged = pd.DataFrame(
        {
            "bitrix24_id": users["bitrix24_id"],
            "active": users["active"],
            "first_name": normalising.tidy(users["first_name"]),
            "last_name": last_name,
            "callgear_last_name": normalising.callgear_last_name(last_name, prefix=policy.last_name_prefix),
            "patronymic": normalising.tidy(users["second_name"]),
            "email": normalising.trimmed_email(users["email"]),
            "email_key": normalising.email_key(users["email"]),
            "phones": normalising.phones(**phone_texts, policy=policy.phones),
            "unusable_phones": normalising.unusable_phones(**phone_texts),
        }
    )
    reason = rejection(judged, departments=users["departments"], edition=policy.edition)
    judged["standing"] = standing(judged, users=users, scope=policy.scope).mask(
        lambda standings: (standings == Standing.CANDIDATE) & reason.notna(), Standing.REJECTED.value
    )
    judged["reason"] = reason.where(judged["standing"] == Standing.REJECTED)
    return frames.check(frames.Employees, judged)


def standing(judged: pd.DataFrame, *, users: DataFrame[frames.Users], scope: Scope) -> pd.Series:
    """R01, R03, R13: the standing before the required fields are looked at. Scope comes before dismissal."""
    return (
        pd.Series(Standing.CANDIDATE.value, index=users.index, dtype="str")
        .mask(~users["active"], Standing.DISMISSED.value)
        .mask(out_of_scope(judged, departments=users["departments"], scope=scope), Standing.OUT_OF_SCOPE.value)
        .mask(~is_employee_type(users["user_type"]), Standing.NOT_EMPLOYEE.value)
    )


def is_employee_type(user_types: pd.Series) -> pd.Series:
    """R01: `USER_TYPE = employee`."""
    return (user_types == "employee").fillna(value=False).astype(bool)


def out_of_scope(judged: pd.DataFrame, *, departments: pd.Series, scope: Scope) -> pd.Series:
    """R03: whom the scope settings leave out."""
    out = judged["bitrix24_id"].isin(scope.exclude_users)
    if scope.include_departments:
        out |= ~in_any(departments, scope.include_departments)
    if scope.exclude_departments:
        out |= in_any(departments, scope.exclude_departments)
    if scope.exclude_emails:
        patterns = [pattern.casefold() for pattern in scope.exclude_emails]
        excluded = {key for key in judged["email_key"].dropna().unique() if any(fnmatchcase(key, p) for p in patterns)}
        out |= judged["email_key"].isin(excluded)
    return out.astype(bool)


def in_any(departments: pd.Series, wanted: frozenset[int]) -> pd.Series:
    """Whether a row's comma-separated department ids hold one of `wanted`."""
    ids = departments.dropna().str.split(",").explode()
    return (
        ids.isin({str(department) for department in wanted})
        .groupby(level=0)
        .any()
        .reindex(departments.index, fill_value=False)
    )


def rejection(judged: pd.DataFrame, *, departments: pd.Series, edition: Edition) -> pd.Series:
    """R02: the first required field that is missing or malformed; no value where all is there."""
    reasons = pd.Series(None, index=judged.index, dtype="str")
    if edition is Edition.ON_PREMISE:
        reasons = reasons.mask(departments.isna(), Rejection.MISSING_DEPARTMENT.value)
    malformed = judged["email"].notna() & ~is_email(judged["email"])
    return (
        reasons.mask(malformed, Rejection.INVALID_EMAIL.value)
        .mask(judged["email"].isna(), Rejection.MISSING_EMAIL.value)
        .mask(judged["last_name"].isna(), Rejection.MISSING_LAST_NAME.value)
    )


def is_email(emails: pd.Series) -> pd.Series:
    """R02: of the form text@text, without white space in it."""
    one_at = emails.str.count("@") == 1
    inside = ~emails.str.startswith("@") & ~emails.str.endswith("@")
    return (
        (one_at & inside & ~emails.str.contains(normalising.WHITE_SPACE, regex=True)).fillna(value=False).astype(bool)
    )
