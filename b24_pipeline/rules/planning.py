"""R06, R07, R09-R11: from matches to a plan. The plan says what to send; nothing here sends it."""

import json
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Any

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.rules.models import ActionKind, ChangeRisk, IdMatchPolicy, MatchKind, MatchReason, Outcome, Policy
from b24_pipeline.rules.normalization import converted, join_non_null
from b24_pipeline.rules.phone_numbers import LIST_SEPARATOR

NO_PHONES = "[]"
ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True)
ESCAPED_IN_JSON = r'["\\\x00-\x1f]'
SENT_FIELDS = ("first_name", "last_name", "patronymic", "email")
TOLD_FIELDS = ("first_name_before", "last_name_before", "other_bitrix24_id", "phone_numbers", *SENT_FIELDS, "phones")
"""The columns of a planned row that are told in `before` and `after`."""
LINKED_FIELDS = ["last_name", "phones"]
"""R09: what an employee gets that is linked by e-mail."""
SENT_TO_MATCHED_BY_ID = {
    IdMatchPolicy.NOTHING: [],
    IdMatchPolicy.FILL_PHONES: ["phones"],
    IdMatchPolicy.REFRESH: ["last_name", "phones"],
}
"""R07: what each setting lets be sent for somebody matched by id."""


def plan_upsert(
    employees: DataFrame[schemas.Employees],
    *,
    matches: DataFrame[schemas.Matches],
    callgear_employees: DataFrame[schemas.CallGearEmployees],
    policy: Policy,
    unfinished_links: AbstractSet[int] = frozenset(),
) -> DataFrame[schemas.Actions]:
    """Return what shall be done for every user but those that need nothing: create, link, update, or why not.

    `unfinished_links` are users whose link by e-mail is stored, and whose employee is not as R09 wants it yet (R09a).
    """
    unfinished = matches["bitrix24_id"].isin(unfinished_links) & (matches["match_type"] == MatchKind.BY_ID)
    actionable = {MatchKind.REJECTED, MatchKind.CONFLICT, MatchKind.BY_EMAIL, MatchKind.NONE}
    if SENT_TO_MATCHED_BY_ID[policy.on_id_match]:
        actionable.add(MatchKind.BY_ID)
    decided = matches[matches["match_type"].isin(actionable) | unfinished]
    if decided.empty:
        return schemas.empty_frame(schemas.Actions)
    rows = (
        employees[["bitrix24_id", "callgear_last_name", *SENT_FIELDS, "phones"]]
        .merge(decided, on="bitrix24_id")
        .merge(
            callgear_employees[["callgear_id", "first_name", "last_name", "phone_numbers"]].rename(
                columns={"first_name": "first_name_before", "last_name": "last_name_before"}
            ),
            on="callgear_id",
            how="left",
        )
    )
    names = join_non_null(rows["last_name"], rows["first_name"], separator=" ")
    rows["display_name"] = names.fillna(rows["email"])
    wanted = rows.assign(
        last_name=rows["callgear_last_name"].where(rows["callgear_last_name"] != rows["last_name_before"]),
        phones=rows["phones"].where(rows["phone_numbers"] == NO_PHONES),
    )
    by_id = wanted[wanted["match_type"] == MatchKind.BY_ID]
    parts = (
        planned(rows[rows["match_type"] == MatchKind.REJECTED], ActionKind.REJECT, outcome=Outcome.REJECTED),
        conflicts(rows[rows["match_type"] == MatchKind.CONFLICT]),
        updates_of_matched_by_id(by_id, on_id_match=policy.on_id_match, unfinished_links=unfinished_links),
        links(wanted[wanted["match_type"] == MatchKind.BY_EMAIL]),
        creates(rows[rows["match_type"] == MatchKind.NONE]),
    )
    return as_actions(pd.concat([part for part in parts if len(part)] or parts))


def planned(rows: pd.DataFrame, action: ActionKind, *sent: str, outcome: Outcome = Outcome.PLANNED) -> pd.DataFrame:
    """The rows with their action, and without the fields that are not to be sent."""
    kept = ["bitrix24_id", "callgear_id", "reason", "display_name", "other_bitrix24_id", "last_name_before", *sent]
    return rows[kept].assign(action=action.value, outcome=outcome.value)


def conflicts(rows: pd.DataFrame) -> pd.DataFrame:
    """R09, R12: no write and no create until a person has mended or approved it, who is shown what the employee has."""
    return planned(rows, ActionKind.CONFLICT, "first_name_before", "phone_numbers", outcome=Outcome.CONFLICT)


def updates_of_matched_by_id(
    rows: pd.DataFrame, *, on_id_match: IdMatchPolicy, unfinished_links: AbstractSet[int]
) -> pd.DataFrame:
    """R07: nothing by default; the setting allows phones where there are none (R11), or the last name too (R06).

    R09a: an unfinished link gets both, whatever the setting; a limit has counted it when it was linked.
    """
    unfinished = rows["bitrix24_id"].isin(unfinished_links)
    allowed = SENT_TO_MATCHED_BY_ID[on_id_match]
    sent = rows.assign(
        reason=rows["reason"].mask(unfinished, MatchReason.EMAIL_LINK.value),
        **{name: rows[name].where(unfinished | (name in allowed)) for name in LINKED_FIELDS},
    )
    changed = sent[LINKED_FIELDS].notna().any(axis=1)
    risk = pd.Series(ChangeRisk.ID_UPDATE.value, index=rows.index, dtype="str").mask(unfinished)
    return planned(sent.assign(risk=risk)[changed], ActionKind.UPDATE, *LINKED_FIELDS, "risk")


def links(rows: pd.DataFrame) -> pd.DataFrame:
    """R09: link the employee, set its last name (R06), add phones where it has none (R11), and change nothing else."""
    writes = rows[LINKED_FIELDS].notna().any(axis=1)
    moves = rows["other_bitrix24_id"].notna()
    risk = pd.Series(None, index=rows.index, dtype="str").mask(writes, ChangeRisk.EMAIL_LINK.value)
    risk = risk.mask(moves, ChangeRisk.LINK_MOVE.value)
    return planned(rows.assign(risk=risk), ActionKind.LINK, *LINKED_FIELDS, "risk")


def links_first(plan: DataFrame[schemas.Actions]) -> DataFrame[schemas.Actions]:
    """R09a: the plan with each link apart from what its employee gets, which then fails or waits on its own."""
    changing = (plan["action"] == ActionKind.LINK) & plan["after"].notna()
    if not changing.any():
        return plan
    alone = plan["before"].where(~changing, plan["before"].map(partial(without, names={"phone_numbers"})))
    updates = plan[changing].assign(
        action=ActionKind.UPDATE.value,
        reason=MatchReason.EMAIL_LINK.value,
        risk=None,
        exemption=None,
        before=plan["before"].map(partial(without, names={"other_bitrix24_id"})),
    )
    return schemas.concat(schemas.Actions, plan.assign(before=alone, after=plan["after"].mask(changing)), updates)


def creates(rows: pd.DataFrame) -> pd.DataFrame:
    """R10: first name, last name (R06), patronymic, e-mail and phones (R05)."""
    new = rows.assign(last_name=rows["callgear_last_name"], risk=ChangeRisk.CREATE.value)
    return planned(new, ActionKind.CREATE, *SENT_FIELDS, "phones", "risk")


def as_json(fields: dict[str, Any]) -> str | None:
    """Canonical JSON of `fields`; no value when there are none."""
    return ENCODER.encode(fields) if fields else None


def fields_of(text: object) -> dict[str, Any]:
    """The fields of an action's `before` or `after`."""
    return json.loads(text) if isinstance(text, str) else {}


def without(text: object, names: AbstractSet[str]) -> str | None:
    """The same JSON without these fields."""
    return as_json({name: value for name, value in fields_of(text).items() if name not in names})


def as_actions(rows: pd.DataFrame) -> DataFrame[schemas.Actions]:
    """Planned rows by user as the audit keeps them (R20), outcome as planned."""
    ordered = rows.sort_values("bitrix24_id", ignore_index=True)
    given = ordered.reindex(columns=["action", *TOLD_FIELDS]).astype(dict.fromkeys(TOLD_FIELDS, "str"))
    phones = given["phones"].where(given["phones"] != "").str.replace(LIST_SEPARATOR, '", "', regex=False)
    told = ordered.assign(
        before=told_before(given, gets_phones=phones.notna()),
        after=json_objects(**{name: quoted(given[name]) for name in SENT_FIELDS}, phone_numbers='["' + phones + '"]'),
    )
    return schemas.check(schemas.Actions, told.reindex(columns=schemas.column_names(schemas.Actions)))


def told_before(given: pd.DataFrame, *, gets_phones: pd.Series) -> pd.Series:
    """The state that planned rows change, as JSON; of a conflict, what the employee has and will keep (R09)."""
    kept = given["phone_numbers"].map(
        lambda entries: ENCODER.encode([entry["phone_number"] for entry in json.loads(entries)]), na_action="ignore"
    )
    return json_objects(
        first_name=quoted(given["first_name_before"]),
        last_name=quoted(given["last_name_before"]),
        other_bitrix24_id=given["other_bitrix24_id"],
        phone_numbers=kept.mask(gets_phones & (given["action"] != ActionKind.CREATE), NO_PHONES),
    )


def json_objects(**fields: pd.Series) -> pd.Series:
    """The canonical JSON object of each row, of values that are JSON; no value where a row has none."""
    entries = [f'"{name}": ' + fields[name].astype("str") for name in sorted(fields)]
    return "{" + join_non_null(*entries, separator=", ") + "}"


def quoted(texts: pd.Series) -> pd.Series:
    """The texts as JSON."""
    unusual = texts[texts.str.contains(ESCAPED_IN_JSON, regex=True)]
    return '"' + converted(texts, texts=unusual, convert=lambda text: ENCODER.encode(text)[1:-1]) + '"'
