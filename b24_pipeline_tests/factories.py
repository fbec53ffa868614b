"""Small builders for tests: one person, one link, one action, with sensible defaults; and frames of them.

A builder in the singular gives a row, the same word in the plural gives the checked frame of such rows:
`users(user(1), user(2, email=None))`. User 7 is "Name7" with user7@x.test, employee 107 is "Name107" with
employee107@x.test.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.rules import eligibility, matching, planning
from b24_pipeline.rules.models import ActionKind, ApprovedConflict, LinkReview, MatchReason, Outcome, Policy

Row = dict[str, Any]

NOON = datetime(2026, 1, 12, 12, 0, tzinfo=UTC)
"""When everything happens that does not say when."""


def frame(model: type[schemas.Model], rows: Sequence[Row]) -> DataFrame[schemas.Model]:
    """The checked frame of these rows; typed beforehand, because that is ten times faster than to let pandera cast."""
    if not rows:
        return schemas.empty_frame(model)
    types = schemas.dtypes(model)
    untyped = pd.DataFrame(rows, columns=schemas.column_names(model))
    return schemas.check(model, untyped.astype(types[types != "bool"].to_dict()))


def user(bitrix24_id: int, **fields: Any) -> Row:
    """A Bitrix24 user as received: an active employee without phones, in department 1."""
    return {
        "bitrix24_id": bitrix24_id,
        "user_type": "employee",
        "active": True,
        "first_name": "Ira",
        "last_name": f"Name{bitrix24_id}",
        "email": f"user{bitrix24_id}@x.test",
        "departments": "1",
    } | fields


def users(*rows: Row) -> DataFrame[schemas.Users]:
    """The frame of Bitrix24 users."""
    return frame(schemas.Users, rows)


def employees(*rows: Row, policy: Policy | None = None) -> DataFrame[schemas.Employees]:
    """The Bitrix24 users of these rows, judged and normalized."""
    return eligibility.evaluate_users(users(*rows), policy=policy or Policy())


def callgear_employee(callgear_id: int, *, phones: Iterable[str] = (), **fields: Any) -> Row:
    """A CallGear employee as read, with these phone numbers in dialing order."""
    return {
        "callgear_id": callgear_id,
        "first_name": "Ira",
        "last_name": f"Name{callgear_id}",
        "email": f"employee{callgear_id}@x.test",
        "phone_numbers": json.dumps([phone_entry(number) for number in phones]),
    } | fields


def phone_entry(number: str) -> Row:
    """One entry of an employee's `phone_numbers`, as CallGear gives it."""
    return {"phone_id": 1, "phone_number": number, "channels_count": 1, "dial_time": 60, "status": "active"}


def callgear_employees(*rows: Row) -> DataFrame[schemas.CallGearEmployees]:
    """The frame of CallGear employees."""
    return frame(schemas.CallGearEmployees, rows)


def link(bitrix24_id: int, callgear_id: int, **fields: Any) -> Row:
    """A stored link, with the names that `user(bitrix24_id)` has."""
    return {
        "bitrix24_id": bitrix24_id,
        "callgear_id": callgear_id,
        "linked_by": "email",
        "linked_at": NOON,
        "run_id": "run-1",
        "first_name": "Ira",
        "last_name": f"Name{bitrix24_id}",
    } | fields


def links(*rows: Row) -> DataFrame[schemas.Links]:
    """The frame of stored links."""
    return frame(schemas.Links, rows)


def pending_create(bitrix24_id: int, *, email: str | None) -> Row:
    """A create that was announced and whose outcome is not known."""
    return {"bitrix24_id": bitrix24_id, "email": email, "run_id": "run-1"}


def pending_creates(*rows: Row) -> DataFrame[schemas.PendingCreates]:
    """The frame of unfinished creates."""
    return frame(schemas.PendingCreates, rows)


def reuse_approved(*pairs: tuple[int, int]) -> frozenset[ApprovedConflict]:
    """Approvals of reused e-mails, of these (user, employee)."""
    return frozenset(ApprovedConflict(MatchReason.EMAIL_REUSED, *pair) for pair in pairs)


def similar_approved(*pairs: tuple[int, int]) -> frozenset[ApprovedConflict]:
    """Approvals of similar e-mails, of these (user, employee)."""
    return frozenset(ApprovedConflict(MatchReason.SIMILAR_EMAIL, *pair) for pair in pairs)


def matched(
    people: DataFrame[schemas.Employees],
    *,
    account: Iterable[Row] = (),
    stored: Iterable[Row] = (),
    pending: Iterable[Row] = (),
    unconfirmed: frozenset[int] = frozenset(),
    approved: frozenset[ApprovedConflict] = frozenset(),
) -> DataFrame[schemas.Matches]:
    """The match table of these people with the account's employees, the stored links and the unfinished creates."""
    return matching.match(
        people,
        callgear_employees=callgear_employees(*account),
        links=links(*stored),
        pending=pending_creates(*pending),
        review=LinkReview(unconfirmed=unconfirmed, approved=approved),
    )


def matches_of(*rows: Row, policy: Policy | None = None, **others: Any) -> dict[int, tuple[Any, ...]]:
    """How the Bitrix24 users of these rows are matched: by user, the match, reason, employee and other user."""
    found = matched(employees(*rows, policy=policy), **others)
    columns = [by_user(found, name) for name in ("match_type", "reason", "callgear_id", "other_bitrix24_id")]
    return {number: tuple(column[number] for column in columns) for number in found["bitrix24_id"].tolist()}


def planned(
    *rows: Row,
    account: Iterable[Row] = (),
    stored: Iterable[Row] = (),
    pending: Iterable[Row] = (),
    unconfirmed: frozenset[int] = frozenset(),
    approved: frozenset[ApprovedConflict] = frozenset(),
    policy: Policy | None = None,
    unfinished_links: frozenset[int] = frozenset(),
) -> DataFrame[schemas.Actions]:
    """What shall be done for the Bitrix24 users of these rows: judged, matched and planned in one go."""
    people, account = employees(*rows, policy=policy), list(account)
    return planning.plan_upsert(
        people,
        matches=matched(
            people, account=account, stored=stored, pending=pending, unconfirmed=unconfirmed, approved=approved
        ),
        callgear_employees=callgear_employees(*account),
        policy=policy or Policy(),
        unfinished_links=unfinished_links,
    )


def step(bitrix24_id: int, *, action: ActionKind = ActionKind.CREATE, **fields: Any) -> Row:
    """A row of a plan before its fields are put into `before` and `after`."""
    return {"bitrix24_id": bitrix24_id, "action": action, "outcome": Outcome.PLANNED} | fields


def plan(*rows: Row) -> DataFrame[schemas.Actions]:
    """The frame of a plan."""
    return planning.as_actions(pd.DataFrame(rows)) if rows else actions()


def fields(text: object) -> Row:
    """What an action's `before` or `after` says."""
    found: Row = json.loads(text) if isinstance(text, str) else {}
    return found


def action(bitrix24_id: int, *, kind: ActionKind = ActionKind.CREATE, **fields: Any) -> Row:
    """An action of a run, done at noon."""
    return {"bitrix24_id": bitrix24_id, "action": kind, "outcome": Outcome.DONE, "at": NOON} | fields


def actions(*rows: Row) -> DataFrame[schemas.Actions]:
    """The frame of a run's actions."""
    return frame(schemas.Actions, rows)


def dead_letter(bitrix24_id: int, *, kind: ActionKind = ActionKind.CREATE, **fields: Any) -> Row:
    """An action that failed once, at noon, and is due at once."""
    return {
        "bitrix24_id": bitrix24_id,
        "action": kind,
        "attempts": 1,
        "first_failed_at": NOON,
        "last_failed_at": NOON,
        "next_try_at": NOON,
        "error": "invalid_parameter_value",
    } | fields


def dead_letters(*rows: Row) -> DataFrame[schemas.DeadLetters]:
    """The frame of dead letters."""
    return frame(schemas.DeadLetters, rows)


def listed_person(bitrix24_id: int, *, employment_status: str, listed: bool = True, **fields: Any) -> Row:
    """Somebody as last known on the responsible list."""
    return {
        "bitrix24_id": bitrix24_id,
        "employment_status": employment_status,
        "listed": listed,
        "name": f"Name{bitrix24_id} Ira",
    } | fields


def listed_people(*rows: Row) -> DataFrame[schemas.ResponsibleEmployees]:
    """The frame of the responsible list as last known."""
    return frame(schemas.ResponsibleEmployees, rows)


def by_user(frame: pd.DataFrame, column: str) -> dict[int, Any]:
    """A column of a frame by Bitrix24 id, with None for "no value"."""
    values = frame[column].astype("object").where(frame[column].notna(), None)
    return dict(zip(frame["bitrix24_id"].tolist(), values.tolist(), strict=True))
