"""The words of the rules as people read them: one wording, for the UI, the report, the terminal and the docs."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from b24_pipeline.rules.models import ChangeRisk, ListReason, MatchReason, Outcome, Rejection

REASONS: Mapping[str, str] = {
    Rejection.MISSING_LAST_NAME: "no last name in Bitrix24",
    Rejection.MISSING_EMAIL: "no e-mail in Bitrix24",
    Rejection.INVALID_EMAIL: "invalid e-mail in Bitrix24",
    Rejection.MISSING_DEPARTMENT: "no department in Bitrix24",
    MatchReason.STALE_LINK: "the linked employee no longer exists in CallGear",
    MatchReason.REHIRED: "rehired under a new Bitrix24 id",
    MatchReason.EMAIL_REUSE_APPROVED: "e-mail reuse approved",
    MatchReason.SIMILAR_EMAIL_APPROVED: "similar e-mail approved as the same mailbox",
    MatchReason.UNFINISHED_CREATE: "created by an earlier run whose response was lost",
    MatchReason.EMAIL_LINK: "employee linked by e-mail",
    MatchReason.EMAIL_REUSED: "e-mail address of a former employee",
    MatchReason.ALREADY_LINKED: "employee of another user",
    MatchReason.AMBIGUOUS_EMAIL: "several employees in CallGear have this e-mail",
    MatchReason.DUPLICATE_EMAIL: "another user in Bitrix24 has the same e-mail",
    MatchReason.IDENTITY_CHANGED: "the linked id now shows another first name, last name and e-mail",
    ListReason.OTHER_NAME: "the responsible list has another name under this id, so it may be another source's",
    ListReason.OTHER_NAME_APPROVED: "entry of the responsible list approved as this user's",
    MatchReason.SIMILAR_EMAIL: "an address in use differs from this e-mail only in letter forms or encoding",
    "active": "the user is imported and active",
    "dismissed": "the user was dismissed in Bitrix24",
    "deleted": "the user was deleted in Bitrix24",
}
"""Each stands alone in a column "why", and after a colon."""

CHANGES: Mapping[str, tuple[str, str]] = {
    ChangeRisk.REMOVAL: ("removal from the responsible list", "removals from the responsible list"),
    ChangeRisk.LINK_MOVE: ("link moved to another person", "links moved to another person"),
    ChangeRisk.EMAIL_LINK: (
        "existing employee changed by e-mail linking",
        "existing employees changed by e-mail linking",
    ),
    ChangeRisk.ID_UPDATE: (
        "existing employee changed because it is matched by id",
        "existing employees changed because they are matched by id",
    ),
    ChangeRisk.CREATE: ("new employee", "new employees"),
}
"""The kinds of change that a safety limit watches (R16): of one person, and of several."""

BY_ID = "matched by id"
BY_EMAIL = "matched by e-mail"
NOT_IN_CALLGEAR = "not in CallGear yet"


def reason(word: str) -> str:
    """A rule's word in plain words; one that is not known reads as it is written."""
    return REASONS.get(word, word.replace("_", " "))


def first_ids(ids: Sequence[int]) -> str:
    """The first five, and whether there are more."""
    return ", ".join(map(str, ids[:5])) + (", …" if len(ids) > 5 else "")


def kept(action: Mapping[Any, Any]) -> str:
    """R09: return what the employee of a conflict has and will keep; empty where there is no such employee."""
    if action["outcome"] != Outcome.CONFLICT or not isinstance(action["before"], str):
        return ""
    before = json.loads(action["before"])
    if "phone_numbers" not in before:
        return ""
    first_name = f'the first name "{before["first_name"]}"' if "first_name" in before else "no first name"
    phones = f"the phones {', '.join(before['phone_numbers'])}" if before["phone_numbers"] else "no phones"
    return f"employee {action['callgear_id']} has and keeps {first_name} and {phones}"
