"""The tables that the UI and the terminal show: rejects and conflicts by name, and what changed from what to what."""

import json
from collections import Counter
from dataclasses import dataclass, replace

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.rules.labels import BY_EMAIL, NOT_IN_CALLGEAR, kept
from b24_pipeline.rules.labels import reason as words_of
from b24_pipeline.rules.list_names import CHANGES_OF_ENTRIES
from b24_pipeline.rules.models import ActionKind, Eligibility, MatchKind, Outcome
from b24_pipeline.text import MOST_ROWS, markdown_table, shortened

WHY_WITHOUT_REASON = {ActionKind.CREATE: NOT_IN_CALLGEAR, ActionKind.LINK: BY_EMAIL}
CHANGE_COLUMNS = ("outcome", "who", "what", "old → new", "why")
"""The outcome comes first; the user's id stands behind the name, so that the table fits a narrow window."""
LONGEST_NAME, LONGEST_TEXT = 32, 64
FIELD_ORDER = ("last_name", "first_name", "patronymic", "email", "phone_numbers")
PERSON_COLUMNS = ("who", "user", "why")
TO_BE_READ = (Outcome.HELD, Outcome.PLANNED)
"""A person decides on these, so they are shown in full; of the others a glance is enough."""
MOST_TO_BE_READ = 1000
OUTCOMES = (*TO_BE_READ, Outcome.FAILED, Outcome.WAITING, Outcome.DEFERRED, Outcome.SKIPPED, Outcome.DONE)
"""In this order changes are shown."""


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the table of changes, in words."""

    who: str
    user: int
    what: str
    change: str
    why: str
    outcome: str

    def cells(self) -> dict[str, object]:
        who = f"{self.who} ({self.user})"
        return dict(zip(CHANGE_COLUMNS, (self.outcome, who, self.what, self.change, self.why), strict=True))


def changes(actions: DataFrame[schemas.Actions]) -> list[Change]:
    """Return how it ended and why, who, what, old → new, what a person decides on first; rejects and conflicts not."""
    shown = actions[actions["outcome"].isin(OUTCOMES)]
    return [
        Change(
            who=text(row["display_name"]),
            user=int(row["bitrix24_id"]),
            what=str(row["action"]).replace("_", " "),
            change=old_to_new(text(row["before"]), text(row["after"])),
            why=text(row["error"]) or reason(row["reason"]) or WHY_WITHOUT_REASON.get(row["action"], ""),
            outcome=str(row["outcome"]),
        )
        for row in sorted(shown.to_dict("records"), key=lambda row: OUTCOMES.index(row["outcome"]))
    ]


def changes_markdown(actions: DataFrame[schemas.Actions]) -> str:
    """The table of changes, with its longer texts cut for a window of 1,280 pixels."""
    rows = []
    for change in changes(actions):
        what, why = shortened(change.change, LONGEST_TEXT), shortened(change.why, LONGEST_TEXT)
        rows.append(replace(change, who=shortened(change.who, LONGEST_NAME), change=what, why=why).cells())
    to_be_read = int(actions["outcome"].isin(TO_BE_READ).sum())
    most = min(to_be_read, MOST_TO_BE_READ) + MOST_ROWS
    return markdown_table(rows, columns=CHANGE_COLUMNS, most=most, rest="audit.actions")


def rejects(employees: DataFrame[schemas.Employees]) -> list[dict[str, object]]:
    """R02: the rejected candidates by name."""
    rows = employees[employees["eligibility"] == Eligibility.REJECTED]
    return [person(row, why=reason(row["reason"])) for row in rows.to_dict("records")]


def unusable_phones(employees: DataFrame[schemas.Employees]) -> list[dict[str, object]]:
    """R05: the candidates with phone texts that are no phone numbers."""
    rows = employees[(employees["eligibility"] == Eligibility.CANDIDATE) & employees["unusable_phones"].notna()]
    return [person(row, why=f"left out: {row['unusable_phones']}") for row in rows.to_dict("records")]


def conflicts(matches: DataFrame[schemas.Matches], employees: DataFrame[schemas.Employees]) -> list[dict[str, object]]:
    """R09, R12: the conflicts by name, and the user that has the e-mail or the link instead."""
    rows = matches[matches["match_type"] == MatchKind.CONFLICT].merge(
        employees[["bitrix24_id", "first_name", "last_name", "email"]], on="bitrix24_id"
    )
    found = []
    for row in rows.to_dict("records"):
        other = "" if pd.isna(row["other_bitrix24_id"]) else f" (user {row['other_bitrix24_id']})"
        found.append(person(row, why=reason(row["reason"]) + other))
    return found


def kept_when_approved(actions: DataFrame[schemas.Actions]) -> list[str]:
    """R09: for each conflict that names an employee, what that employee has and will keep; in full, on one line."""
    rows = actions[actions["outcome"] == Outcome.CONFLICT].to_dict("records")
    return [f"{text(row['display_name'])} (user {row['bitrix24_id']}): {kept(row)}" for row in rows if kept(row)]


def refused(actions: DataFrame[schemas.Actions], *, outcome: Outcome) -> list[dict[str, object]]:
    """The rejected, or those in conflict, by name and why; of an entry of the responsible list its name, too."""
    rows = actions[actions["outcome"] == outcome].sort_values(["reason", "bitrix24_id"])
    found: list[dict[str, object]] = []
    for row in rows.to_dict("records"):
        name = json.loads(text(row["before"]) or "{}").get("last_name")
        why = reason(row["reason"]) + (f": {name}" if row["action"] in CHANGES_OF_ENTRIES and name else "")
        found.append({"who": row["display_name"], "user": int(row["bitrix24_id"]), "why": why})
    return found


def people_markdown(rows: list[dict[str, object]], *, rest: str) -> str:
    """A table of people and why they are listed; `rest` is the table of the audit that has all of them."""
    return markdown_table(rows, columns=PERSON_COLUMNS, rest=rest)


def person(row: dict, *, why: str) -> dict[str, object]:  # type: ignore[type-arg]
    """A person by name, or by e-mail where there is no name."""
    name = " ".join(part for part in (text(row["last_name"]), text(row["first_name"])) if part)
    return {"who": name or text(row["email"]) or "(no name)", "user": int(row["bitrix24_id"]), "why": why}


def reason(word: object) -> str:
    return words_of(text(word))


def old_to_new(before: str, after: str) -> str:
    """The changed fields, names first; what was not there before has no arrow."""
    old, new = json.loads(before or "{}"), json.loads(after or "{}")
    order = [name for name in FIELD_ORDER if name in new] + [name for name in new if name not in FIELD_ORDER]
    before_arrow = {name: f"{words(old[name])} → " for name in old}
    return "; ".join(f"{name.replace('_', ' ')}: {before_arrow.get(name, '')}{words(new[name])}" for name in order)


def words(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


def text(value: object) -> str:
    return value if isinstance(value, str) else ""


def summary(actions: DataFrame[schemas.Actions]) -> dict[str, int]:
    counts = Counter(actions["outcome"])
    return {outcome.value: counts[outcome] for outcome in Outcome if counts[outcome]}
