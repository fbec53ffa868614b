"""The words of the import rules as types: enums and small frozen records, without behavior."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Edition(StrEnum):
    """The edition of Bitrix24 (R02: only on-premise requires a department)."""

    CLOUD = "cloud"
    ON_PREMISE = "on_premise"


class PhonesPolicy(StrEnum):
    """The phone numbers of a user that are imported (R05)."""

    ALL = "all"
    FIRST = "first"


class IdMatchPolicy(StrEnum):
    """The changes allowed to an employee matched by id (R07)."""

    NOTHING = "nothing"
    FILL_PHONES = "fill_phones"
    REFRESH = "refresh"


class ResponsibleListPolicy(StrEnum):
    """The changes allowed to the responsible list (R14, R15)."""

    REMOVE = "remove"
    MIRROR = "mirror"
    OFF = "off"


class Eligibility(StrEnum):
    """The eligibility of a Bitrix24 user for the import (R01-R03, R13)."""

    CANDIDATE = "candidate"
    REJECTED = "rejected"
    OUT_OF_SCOPE = "out_of_scope"
    DISMISSED = "dismissed"
    NOT_EMPLOYEE = "not_employee"


class Rejection(StrEnum):
    """Reasons to reject a candidate (R02)."""

    MISSING_LAST_NAME = "missing_last_name"
    MISSING_EMAIL = "missing_email"
    INVALID_EMAIL = "invalid_email"
    MISSING_DEPARTMENT = "missing_department"


class MatchKind(StrEnum):
    """The kind of a match (R07-R10, R12); users that are no candidates keep their eligibility."""

    BY_ID = "by_id"
    BY_EMAIL = "by_email"
    NONE = "none"
    CONFLICT = "conflict"
    REJECTED = "rejected"
    OUT_OF_SCOPE = "out_of_scope"
    DISMISSED = "dismissed"
    NOT_EMPLOYEE = "not_employee"


class MatchReason(StrEnum):
    """The reason of a match (R07a, R08, R09, R12), and of an update after it (R09a)."""

    STALE_LINK = "stale_link"
    REHIRED = "rehired"
    EMAIL_REUSE_APPROVED = "email_reuse_approved"
    SIMILAR_EMAIL_APPROVED = "similar_email_approved"
    UNFINISHED_CREATE = "unfinished_create"
    EMAIL_LINK = "email_link"
    EMAIL_REUSED = "email_reused"
    IDENTITY_CHANGED = "identity_changed"
    ALREADY_LINKED = "already_linked"
    AMBIGUOUS_EMAIL = "ambiguous_email"
    DUPLICATE_EMAIL = "duplicate_email"
    SIMILAR_EMAIL = "similar_email"


class ListReason(StrEnum):
    """The reason of a decision about an entry of the responsible list (R14)."""

    OTHER_NAME = "other_name"
    OTHER_NAME_APPROVED = "other_name_approved"


APPROVABLE: frozenset[str] = frozenset(
    {MatchReason.EMAIL_REUSED, MatchReason.SIMILAR_EMAIL, MatchReason.IDENTITY_CHANGED, ListReason.OTHER_NAME}
)
"""Conflicts that a person may decide: user by user, with `approve RUN_ID --user ID` (R07a, R09, R14)."""
APPROVED_BY_USER: frozenset[str] = frozenset(
    {MatchReason.EMAIL_REUSE_APPROVED, MatchReason.SIMILAR_EMAIL_APPROVED, ListReason.OTHER_NAME_APPROVED}
)
"""Reasons of what was approved so: it is neither counted nor held by a safety limit (R16)."""
ERASED = "(forgotten)"
"""Stands where a text of a person was erased on request."""


@dataclass(frozen=True, slots=True)
class ApprovedConflict:
    """A conflict that a person has approved for one user.

    `shown` is, where an entry of the responsible list is concerned, what would be done to it and how it was (`before`).
    """

    reason: str
    bitrix24_id: int
    callgear_id: int | None = None
    shown: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class LinkReview:
    """Doubts about links and approvals of conflicts, beyond the data of both sides.

    The `unconfirmed` are linked users who seem to be another person than the link was made for (`identity`, R07a).
    """

    unconfirmed: frozenset[int] = frozenset()
    approved: frozenset[ApprovedConflict] = frozenset()


NOTHING_REVIEWED = LinkReview()


class ActionKind(StrEnum):
    CREATE = "create"
    LINK = "link"
    UPDATE = "update"
    REJECT = "reject"
    CONFLICT = "conflict"
    REMOVE_RESPONSIBLE = "remove_responsible"
    LIST_RESPONSIBLE = "list_responsible"
    RENAME_RESPONSIBLE = "rename_responsible"


class Outcome(StrEnum):
    PLANNED = "planned"
    DONE = "done"
    FAILED = "failed"
    DEFERRED = "deferred"
    HELD = "held"
    WAITING = "waiting"
    REJECTED = "rejected"
    CONFLICT = "conflict"
    SKIPPED = "skipped"


OPEN_OUTCOMES = (Outcome.REJECTED, Outcome.CONFLICT, Outcome.HELD, Outcome.WAITING)
"""Outcomes that hold from run to run until something changes; the others are events of one run."""


class ChangeRisk(StrEnum):
    """The kinds of change that a safety limit watches (R16)."""

    REMOVAL = "removal"
    LINK_MOVE = "link_move"
    EMAIL_LINK = "email_link"
    ID_UPDATE = "id_update"
    CREATE = "create"


class Exemption(StrEnum):
    """Reasons not to count a change in its safety limit, now and in the next 24 hours (R16)."""

    APPROVED = "approved"
    FIRST_IMPORT = "first_import"
    REBUILDING_LINKS = "rebuilding_links"
    NOT_RECORDED = "not_recorded"
    """It was done by a version that did not record this."""


class RunStatus(StrEnum):
    RUNNING = "running"
    DONE = "done"
    PARTIAL = "partial"
    HELD = "held"
    UNTRUSTED = "untrusted"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class RunKind(StrEnum):
    """The purpose of a run (R18a). Only an import says anything about the health of the import."""

    IMPORT = "import"
    DRY_RUN = "dry_run"
    SINGLE = "single"
    PARTIAL = "partial"
    CHECK = "check"


class Trigger(StrEnum):
    SCHEDULE = "schedule"
    SENSOR = "sensor"
    UI = "ui"
    CLI = "cli"


@dataclass(frozen=True, slots=True)
class Scope:
    """R03: which users are looked at. Everybody by default; e-mail patterns are globs, compared case-insensitively."""

    include_departments: frozenset[int] = frozenset()
    exclude_departments: frozenset[int] = frozenset()
    exclude_users: frozenset[int] = frozenset()
    exclude_emails: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SafetyLimit:
    """R16: a kind is held when its changes are more than `count` *and* more than `share` of the people imported."""

    count: int
    share: float


DEFAULT_LIMITS: Mapping[ChangeRisk, SafetyLimit] = {
    ChangeRisk.REMOVAL: SafetyLimit(count=3, share=0.05),
    ChangeRisk.LINK_MOVE: SafetyLimit(count=3, share=0.05),
    ChangeRisk.EMAIL_LINK: SafetyLimit(count=20, share=0.25),
    ChangeRisk.ID_UPDATE: SafetyLimit(count=20, share=0.25),
    ChangeRisk.CREATE: SafetyLimit(count=10, share=0.10),
}


@dataclass(frozen=True, slots=True)
class Policy:
    """Every choice that the rules leave to the person who runs the import."""

    edition: Edition = Edition.CLOUD
    last_name_prefix: str = "(bitrix24) "
    phones: PhonesPolicy = PhonesPolicy.ALL
    on_id_match: IdMatchPolicy = IdMatchPolicy.NOTHING
    responsible_list: ResponsibleListPolicy = ResponsibleListPolicy.REMOVE
    scope: Scope = field(default_factory=Scope)
    limits: Mapping[ChangeRisk, SafetyLimit] = field(default_factory=lambda: DEFAULT_LIMITS)
