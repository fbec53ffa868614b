"""R13-R15: dismissed and deleted people leave the responsible list; with `mirror`, imported active people are on it."""

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.rules.eligibility import EMAIL, evaluate_users
from b24_pipeline.rules.models import ActionKind, ChangeRisk, Eligibility, Outcome, Policy, ResponsibleListPolicy
from b24_pipeline.rules.normalization import join_non_null
from b24_pipeline.rules.planning import as_actions

ACTIVE, DISMISSED, DELETED = "active", "dismissed", "deleted"
STATUSES_BY_POLICY = {
    ResponsibleListPolicy.OFF: (),
    ResponsibleListPolicy.REMOVE: (DISMISSED, DELETED),
    ResponsibleListPolicy.MIRROR: (DISMISSED, DELETED, ACTIVE),
}
"""R15: whose place on the list each setting looks at."""


def missing_from_portal(employees: pd.DataFrame, *, ever_linked: frozenset[int]) -> frozenset[int]:
    """R13: imported users that a complete fetch no longer holds; deleted once a direct look-up confirms it."""
    return ever_linked - frozenset(employees["bitrix24_id"].tolist())


def missing_in_scope(gone: frozenset[int], *, last_known: DataFrame[schemas.Users], policy: Policy) -> frozenset[int]:
    """R03: those of the gone users to whom something may be done; what was known last tells who is out of scope.

    Of somebody who is not among the `last_known` only the id is left to tell. Whoever's e-mail is not known any more
    (erased, or too old to be kept) may be one whom a pattern leaves out.
    """
    judged = evaluate_users(last_known, policy=policy)
    left_out = judged["eligibility"] == Eligibility.OUT_OF_SCOPE
    if policy.scope.exclude_emails:
        left_out |= ~judged["email"].str.contains(EMAIL, regex=True, na=False)
    out = judged.loc[left_out, "bitrix24_id"]
    return gone - policy.scope.exclude_users - frozenset(out.tolist())


def affected_people(
    employees: DataFrame[schemas.Employees],
    *,
    ever_linked: frozenset[int],
    linked: frozenset[int],
    deleted: frozenset[int],
    policy: ResponsibleListPolicy,
) -> pd.DataFrame:
    """Return the people whom the list affects: `bitrix24_id`, `employment_status` and `name`.

    Dismissed and deleted people that have or had a link (R14), and with `mirror` the active candidates that have one
    (R15). Nobody out of scope (R03).
    """
    imported = employees[
        employees["bitrix24_id"].isin(ever_linked) & (employees["eligibility"] != Eligibility.OUT_OF_SCOPE)
    ]
    status = (
        pd.Series(None, index=imported.index, dtype="str")
        .mask((imported["eligibility"] == Eligibility.CANDIDATE) & imported["bitrix24_id"].isin(linked), ACTIVE)
        .mask(~imported["active"], DISMISSED)
    )
    present = imported.assign(employment_status=status)[status.isin(STATUSES_BY_POLICY[policy])]
    names = join_non_null(present["last_name"], present["first_name"], present["patronymic"], separator=" ")
    gone = pd.DataFrame({"bitrix24_id": pd.array(sorted(deleted), dtype="Int64")}).assign(employment_status=DELETED)
    people = pd.concat([present[["bitrix24_id", "employment_status"]].assign(name=names), gone], ignore_index=True)
    return people[people["employment_status"].isin(STATUSES_BY_POLICY[policy])].reset_index(drop=True)


def must_read_list(
    people: pd.DataFrame, *, known: DataFrame[schemas.ResponsibleEmployees], policy: ResponsibleListPolicy
) -> bool:
    """Return whether the list must be read: it is not known of somebody who left, or the list is mirrored."""
    if policy is ResponsibleListPolicy.MIRROR:
        return len(people) > 0
    leavers = people[people["employment_status"] != ACTIVE]
    return not leavers["bitrix24_id"].isin(known.loc[known["employment_status"] != ACTIVE, "bitrix24_id"]).all()


def on_list(people: pd.DataFrame, *, listed: dict[str, str]) -> DataFrame[schemas.ResponsibleEmployees]:
    """Return who of the people is on the list, which maps `ext_id` (the user id as text) to the name."""
    ext_ids = people["bitrix24_id"].astype("str")
    return schemas.check(
        schemas.ResponsibleEmployees,
        people.assign(
            listed=ext_ids.isin(listed).astype(bool), name=ext_ids.map(listed).astype("str").fillna(people["name"])
        )[["bitrix24_id", "employment_status", "listed", "name"]],
    )


def plan_responsible_list(
    people: pd.DataFrame, *, state: DataFrame[schemas.ResponsibleEmployees]
) -> DataFrame[schemas.Actions]:
    """R14: remove the leavers that are listed. R15: list the active people that are not, rename those that changed."""
    if people.empty:
        return schemas.empty_frame(schemas.Actions)
    rows = people.merge(state.rename(columns={"name": "list_name"}).drop(columns="employment_status"), on="bitrix24_id")
    active = rows["employment_status"] == ACTIVE
    named = active & rows["name"].notna()
    action = (
        pd.Series(None, index=rows.index, dtype="str")
        .mask(~active & rows["listed"], ActionKind.REMOVE_RESPONSIBLE.value)
        .mask(named & ~rows["listed"], ActionKind.LIST_RESPONSIBLE.value)
        .mask(named & rows["listed"] & (rows["name"] != rows["list_name"]), ActionKind.RENAME_RESPONSIBLE.value)
    )
    removal = action == ActionKind.REMOVE_RESPONSIBLE
    planned = rows.assign(
        action=action,
        outcome=Outcome.PLANNED.value,
        reason=rows["employment_status"],
        risk=pd.Series(None, index=rows.index, dtype="str").mask(removal, ChangeRisk.REMOVAL.value),
        display_name=rows["name"].fillna(rows["list_name"]),
        last_name_before=rows["list_name"].where(rows["listed"]),
        last_name=rows["name"].mask(removal),
    )
    return as_actions(planned[action.notna()])
