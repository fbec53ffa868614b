"""How a person's timeline names what the audit keeps: matches, outcomes, fields."""

from collections.abc import Mapping

from b24_pipeline.rules.labels import BY_EMAIL, BY_ID
from b24_pipeline.rules.models import ActionKind, Eligibility, MatchKind, Outcome

ELIGIBILITIES: Mapping[str, str] = {
    Eligibility.CANDIDATE: "a candidate for the import",
    Eligibility.REJECTED: "rejected",
    Eligibility.OUT_OF_SCOPE: "out of scope",
    Eligibility.DISMISSED: "dismissed",
    Eligibility.NOT_EMPLOYEE: "not an employee (a bot, an extranet or mail user)",
}
MATCHES: Mapping[str, str] = {
    **ELIGIBILITIES,
    MatchKind.BY_ID: BY_ID,
    MatchKind.BY_EMAIL: BY_EMAIL,
    MatchKind.NONE: "no match in CallGear",
    MatchKind.CONFLICT: "in conflict",
}
"""Of who is no candidate, why."""
ACTIONS: Mapping[str, str] = {
    ActionKind.CREATE: "create in CallGear",
    ActionKind.LINK: "link with the CallGear employee",
    ActionKind.UPDATE: "update in CallGear",
    ActionKind.REJECT: "reject",
    ActionKind.CONFLICT: "conflict",
    ActionKind.REMOVE_RESPONSIBLE: "remove from the responsible list",
    ActionKind.LIST_RESPONSIBLE: "put on the responsible list",
    ActionKind.RENAME_RESPONSIBLE: "rename on the responsible list",
}
OUTCOMES: Mapping[str, str] = {
    Outcome.PLANNED: "planned, as a dry run shows",
    Outcome.DONE: "done",
    Outcome.FAILED: "failed",
    Outcome.DEFERRED: "deferred to a later run",
    Outcome.HELD: "held by a safety limit until somebody approves",
    Outcome.WAITING: "waiting to be tried again after failures",
    Outcome.SKIPPED: "skipped",
    Outcome.CONFLICT: "in conflict until somebody decides",
}
LINKED_BY: Mapping[str, str] = {
    "create": "it was created by the import",
    "email": "the e-mail address is the same",
    "rehire": "the same person came back",
    "approval": "a person approved it",
}
USER_FIELDS: Mapping[str, str] = {
    "user_type": "type",
    "first_name": "first name",
    "last_name": "last name",
    "second_name": "patronymic",
    "email": "e-mail",
    "work_phone": "work phone",
    "personal_mobile": "mobile phone",
    "personal_phone": "personal phone",
    "departments": "departments",
}
EMPLOYEE_FIELDS: Mapping[str, str] = {
    "first_name": "first name",
    "last_name": "last name",
    "patronymic": "patronymic",
    "email": "e-mail",
    "phone_numbers": "phones",
}
