"""The step trace of one person in one run: what was read on both sides, the rule that decided, what was sent."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import audit, schemas
from b24_pipeline.audit import Database, Step
from b24_pipeline.audit.schema import HISTORIES
from b24_pipeline.reporting import timeline_text as words
from b24_pipeline.rules.conflict_approval import DECISIONS, OTHERWISE, commands, decidable
from b24_pipeline.rules.email_matching import by_email
from b24_pipeline.rules.models import ActionKind, Eligibility, ListReason, MatchKind, MatchReason, Outcome
from b24_pipeline.rules.phone_numbers import LIST_SEPARATOR
from b24_pipeline.text import markdown_line, numbered

MOST_TRACED = 100
MOST_WITH_ONE_EMAIL = 5
JUDGED_BY = {
    Eligibility.CANDIDATE: "R01, R02",
    Eligibility.REJECTED: "R02",
    Eligibility.OUT_OF_SCOPE: "R03",
    Eligibility.DISMISSED: "R13",
    Eligibility.NOT_EMPLOYEE: "R01",
}
MATCHED_BY = {MatchKind.BY_ID: "R07", MatchKind.BY_EMAIL: "R09", MatchKind.NONE: "R10", MatchKind.CONFLICT: "R09"}
MATCHED_FOR = {
    MatchReason.DUPLICATE_EMAIL: "R12",
    MatchReason.UNFINISHED_CREATE: "R18",
    MatchReason.IDENTITY_CHANGED: "R07a",
    ListReason.OTHER_NAME: "R14",
}
NOTHING_SENT_BY = {
    Eligibility.CANDIDATE: "R07",
    Eligibility.OUT_OF_SCOPE: "R03",
    Eligibility.DISMISSED: "R14",
    Eligibility.NOT_EMPLOYEE: "R01",
    Eligibility.REJECTED: "R02",
}
DONE_BY = {
    ActionKind.CREATE: "R10",
    ActionKind.LINK: "R09",
    ActionKind.UPDATE: "R07",
    ActionKind.REMOVE_RESPONSIBLE: "R14",
    ActionKind.LIST_RESPONSIBLE: "R15",
    ActionKind.RENAME_RESPONSIBLE: "R15",
}
CHANGED_BY = {"last_name": "R06", "phone_numbers": "R11"}
"""The fields that a link or an update sends."""
ENDED_BY = {Outcome.PLANNED: "R19", Outcome.HELD: "R16"}
ENDED_BY |= dict.fromkeys((Outcome.FAILED, Outcome.WAITING, Outcome.DEFERRED), "R18")
IN_CALLGEAR = words.RecordText(
    lambda _row: "CallGear",
    {
        "callgear_last_name": "last name",
        "first_name": "first name",
        "patronymic": "patronymic",
        "email": "e-mail",
        "phones": "phones",
    },
)
ENDED_BEFORE = "the run ended before"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The frames of one run; None where it ended before."""

    run_id: str
    users: DataFrame[schemas.Users] | None = None
    employees: DataFrame[schemas.Employees] | None = None
    callgear_employees: DataFrame[schemas.CallGearEmployees] | None = None
    matches: DataFrame[schemas.Matches] | None = None
    actions: DataFrame[schemas.Actions] | None = None


def evidence_of(database: Database, run_id: str) -> Evidence:
    recorded = audit.history.recorded_by(database, run_id)

    def seen(model: type[schemas.Model]) -> DataFrame[schemas.Model] | None:
        return audit.history.snapshot(database, model, as_of=run_id) if HISTORIES[model] in recorded else None

    return Evidence(
        run_id=run_id,
        users=seen(schemas.Users),
        employees=seen(schemas.Employees),
        callgear_employees=seen(schemas.CallGearEmployees),
        matches=seen(schemas.Matches),
        actions=audit.actions.of_run(database, run_id) if Step.UPSERT in recorded else None,
    )


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One step: the rules that decided, none where something was only read, and what happened."""

    rules: str
    text: str


@dataclass(frozen=True, slots=True)
class Trace:
    """The steps of one person, in their order; `known` is false where there is no such person."""

    bitrix24_id: int
    person: str
    known: bool
    steps: tuple[TraceStep, ...]


def trace(evidence: Evidence, *, bitrix24_id: int) -> Trace:
    user, judged = row_of(evidence.users, bitrix24_id), row_of(evidence.employees, bitrix24_id)
    match, actions = row_of(evidence.matches, bitrix24_id), rows_of(evidence.actions, bitrix24_id)
    return Trace(
        bitrix24_id=bitrix24_id,
        person=words.person(user) if user is not None else next((row["display_name"] or "" for row in actions), ""),
        known=evidence.users is None or user is not None or bool(actions),
        steps=(
            *read_in_bitrix24(evidence, user, bitrix24_id=bitrix24_id),
            *how_it_was_judged(judged),
            *read_in_callgear(evidence, judged, match),
            *how_it_was_matched(match),
            *what_was_sent(evidence, judged, match, actions),
        ),
    )


def read_in_bitrix24(evidence: Evidence, user: words.Row | None, *, bitrix24_id: int) -> Iterator[TraceStep]:
    """The user as received; R13: who is not in a complete fetch is not there."""
    if evidence.users is None:
        yield TraceStep("", f"Bitrix24 was not read: {ENDED_BEFORE}")
    elif user is None:
        read = numbered(len(evidence.users), "user", "users")
        yield TraceStep("R13", f"Bitrix24 has no user {bitrix24_id}: it is not among the {read} that were read")
    else:
        yield TraceStep("", f"{words.USER.first(user)}; {'active' if user['active'] else 'dismissed'}")


def how_it_was_judged(judged: words.Row | None) -> Iterator[TraceStep]:
    """R01-R06: the eligibility, and for a candidate how CallGear is to know the person."""
    if judged is None:
        return
    yield TraceStep(JUDGED_BY[Eligibility(judged["eligibility"])], words.ELIGIBILITY.first(judged))
    if judged["eligibility"] == Eligibility.CANDIDATE:
        phones = (judged["phones"] or "none").replace(LIST_SEPARATOR, ", ")
        yield TraceStep("R04, R05, R06", f"for CallGear: {IN_CALLGEAR.fields_of({**judged, 'phones': phones})}")


def read_in_callgear(evidence: Evidence, judged: words.Row | None, match: words.Row | None) -> Iterator[TraceStep]:
    """The matched or linked employee, and all that have the e-mail of a candidate."""
    if judged is None:
        return
    if evidence.callgear_employees is None:
        yield TraceStep("", f"CallGear was not read: {ENDED_BEFORE}")
        return
    account = evidence.callgear_employees
    candidate = judged["eligibility"] == Eligibility.CANDIDATE
    emails = by_email(account)
    ids = emails.loc[emails["email_key"] == judged["email_key"], "callgear_id"] if candidate else []
    concerned = {*ids, *([match["callgear_id"]] if match is not None and match["callgear_id"] is not None else [])}
    rows = rows_in(account[account["callgear_id"].isin(concerned)])
    for row in rows[:MOST_WITH_ONE_EMAIL]:
        yield TraceStep("", words.EMPLOYEE.first(words.with_numbers(row)))
    if len(rows) > MOST_WITH_ONE_EMAIL:
        yield TraceStep("", f"and {len(rows) - MOST_WITH_ONE_EMAIL} more employees with this e-mail")
    if candidate and not rows:
        yield TraceStep("", f"not in CallGear: none of the {len(account)} employees has this e-mail")


def how_it_was_matched(match: words.Row | None) -> Iterator[TraceStep]:
    """R07-R10, R12: the match of a candidate; of the others the eligibility says it all."""
    if match is not None and match["match_type"] in MATCHED_BY:
        rule = MATCHED_FOR.get(match["reason"]) or MATCHED_BY[match["match_type"]]
        stale = "R08, " if match["reason"] == MatchReason.STALE_LINK else ""
        yield TraceStep(stale + rule, words.MATCH.first(match))


def what_was_sent(
    evidence: Evidence, judged: words.Row | None, match: words.Row | None, actions: Sequence[words.Row]
) -> Iterator[TraceStep]:
    """Each action with its outcome, or why there is none: for a candidate who is not matched by id there is one."""
    for row in actions:
        yield action_step(row, run_id=evidence.run_id)
    if actions or evidence.users is None:
        return
    is_candidate = judged is not None and judged["eligibility"] == Eligibility.CANDIDATE
    is_matched_by_id = match is not None and match["match_type"] == MatchKind.BY_ID
    if evidence.actions is None or (is_candidate and not is_matched_by_id):
        yield TraceStep("", f"nothing was sent: {ENDED_BEFORE}")
    else:
        rule = NOTHING_SENT_BY[Eligibility(judged["eligibility"])] if judged is not None else ""
        yield TraceStep(rule, "nothing had to be sent")


def action_step(row: words.Row, *, run_id: str) -> TraceStep:
    """One action: the rules that led to it and to its outcome, and what was or is to be sent."""
    if row["action"] == ActionKind.REJECT:
        return TraceStep("R02", "nothing was sent: it is rejected until the field is mended in Bitrix24")
    if decidable(pd.DataFrame([row])).all():
        how = OTHERWISE.join(commands(row["reason"], run_id=run_id, users=str(row["bitrix24_id"])))
        rule = MATCHED_FOR.get(row["reason"], "R09")
        return TraceStep(rule, f"nothing was sent: a person must approve that {DECISIONS[row['reason']]}: {how}")
    if row["outcome"] == Outcome.CONFLICT:
        return TraceStep(MATCHED_FOR.get(row["reason"], "R09"), "nothing was sent: a person must decide who is who")
    sent = json.loads(row["after"] or "{}") if row["action"] in (ActionKind.LINK, ActionKind.UPDATE) else {}
    by = "R09a" if row["reason"] == MatchReason.EMAIL_LINK else DONE_BY[row["action"]]
    rules = [by, *(rule for name, rule in CHANGED_BY.items() if name in sent)]
    rules += [ENDED_BY[row["outcome"]]] if row["outcome"] in ENDED_BY else []
    carried_out = row["outcome"] in (Outcome.DONE, Outcome.FAILED)
    return TraceStep(", ".join(rules), words.done(row) if carried_out else words.stands(row))


def as_markdown(traces: Sequence[Trace]) -> str:
    """The traces as numbered lists; texts of people and services are shown to the letter."""
    parts = []
    for traced in traces[:MOST_TRACED]:
        steps = (
            f"{number}. {f'**{step.rules}** ' if step.rules else ''}{markdown_line(step.text)}"
            for number, step in enumerate(traced.steps, start=1)
        )
        parts += [f"**{markdown_line(named(traced))}**", "\n".join(steps)]
    if len(traces) > MOST_TRACED:
        parts.append(f"… and {len(traces) - MOST_TRACED} more: `b24-pipeline explain ID`")
    return "\n\n".join(parts)


def named(traced: Trace) -> str:
    return f"{traced.person or 'Nobody'} (Bitrix24 user {traced.bitrix24_id})"


def row_of(frame: pd.DataFrame | None, bitrix24_id: int) -> words.Row | None:
    return next(iter(rows_of(frame, bitrix24_id)), None)


def rows_of(frame: pd.DataFrame | None, bitrix24_id: int) -> list[dict[str, Any]]:
    return rows_in(frame[frame["bitrix24_id"] == bitrix24_id]) if frame is not None else []


def rows_in(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows, with None for "no value"."""
    return [
        {str(name): None if pd.isna(value) else value for name, value in row.items()}
        for row in frame.to_dict("records")
    ]
