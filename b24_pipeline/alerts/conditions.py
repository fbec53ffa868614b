"""Conditions of the import that need attention, as states that begin and end. Pure: judged from its health."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from b24_pipeline.audit.health import ConflictPerson, DuplicatedPerson, FailingPerson, Failure, Health, HeldPerson
from b24_pipeline.rules.conflict_approval import commands
from b24_pipeline.rules.models import ActionKind, ChangeRisk, ListReason, MatchReason
from b24_pipeline.text import numbered


class State(StrEnum):
    """The states that alerts report. Each begins once and ends once, however many runs there are meanwhile."""

    FAILED = "failed"
    STALE = "stale"
    HELD_REMOVAL = "held: removals from the responsible list"
    HELD_LINK_MOVE = "held: link reassignments"
    HELD_EMAIL_LINK = "held: links by e-mail"
    HELD_ID_UPDATE = "held: updates of employees matched by id"
    HELD_CREATE = "held: employees to create"
    IDENTITY_CHANGED = "conflict: a linked user is another person now"
    OTHER_NAME = "conflict: another name on the responsible list"
    DUPLICATED = "another import writes to the account"
    FEWER_IMPORTABLE = "far fewer candidates can be imported"
    RECORDS_FAILING = "records failing"
    LEAVERS_STILL_LISTED = "responsible list: removals failing"


HELD = {
    ChangeRisk.REMOVAL: State.HELD_REMOVAL,
    ChangeRisk.LINK_MOVE: State.HELD_LINK_MOVE,
    ChangeRisk.EMAIL_LINK: State.HELD_EMAIL_LINK,
    ChangeRisk.ID_UPDATE: State.HELD_ID_UPDATE,
    ChangeRisk.CREATE: State.HELD_CREATE,
}
CONFLICTS = {
    MatchReason.IDENTITY_CHANGED: (
        State.IDENTITY_CHANGED,
        "Nothing is imported for a linked user who has another name and e-mail than the person who was linked.",
    ),
    ListReason.OTHER_NAME: (
        State.OTHER_NAME,
        "A former employee stays on the responsible list where it has another name under the same id.",
    ),
}
"""Conflicts that last until a person decides them: their state, and what they mean."""
UNTIL_A_SUCCESS = (State.FAILED, State.STALE)
"""States that only a later successful run ends, whoever saw them begin."""


STALE_AFTER = timedelta(hours=1)
"""Two intervals of the schedule."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A state that lasts: since when, what it means, what the services answered, and the names of those affected."""

    state: State
    since: datetime
    message: str
    detail: str = ""
    people: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """New, lasting and ended states, compared with the last notification of a receiver."""

    new: tuple[Condition, ...]
    still: tuple[State, ...] = ()
    over: tuple[State, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.new or self.over)

    @property
    def recovered(self) -> bool:
        return not self.new and not self.still


def conditions_of(health: Health, *, now: datetime) -> list[Condition]:
    return [
        *failed(health.failures),
        *stale(health, now=now, after=STALE_AFTER),
        *held(health),
        *undecided(health),
        *duplicated(health),
        *fewer_importable(health),
        *records_failing(health),
    ]


def failed(failures: Sequence[Failure]) -> list[Condition]:
    """Every run since the last success failed: reported with the newest reason, and since when."""
    if not failures:
        return []
    reason = failures[-1].reason or str(failures[-1].status)
    return [Condition(State.FAILED, since=failures[0].started_at, message="The import is failing.", detail=reason)]


def stale(health: Health, *, now: datetime, after: timedelta) -> list[Condition]:
    """No run has succeeded for too long, for whatever reason: also when nothing runs at all."""
    if health.success is None:
        return [Condition(State.STALE, since=now, message="No import has succeeded yet.")]
    age = now - health.success.finished_at
    if age <= after:
        return []
    minutes = int(age.total_seconds() // 60)
    message = f"No import has succeeded since {health.success.finished_at:%Y-%m-%d %H:%M} UTC, {minutes} minutes ago."
    hint = "Check that the Dagster daemon and the host are running."
    return [Condition(State.STALE, since=now, message=f"{message} {hint}")]


def of_unknown_age(health: Health, *, now: datetime) -> list[Condition]:
    """R16c: the last success lies in the future, so nobody who looks only once can know how long ago it was."""
    if health.success is None or not health.success.in_future:
        return []
    message = "The last success is dated in the future, so its age is unknown. Check the clock of the host."
    return [Condition(State.STALE, since=now, message=message)]


def held(health: Health) -> list[Condition]:
    """R16: each kind of change that the last successful run held."""
    if health.success is None:
        return []
    by_risk: dict[ChangeRisk, list[HeldPerson]] = {}
    for person in health.held:
        by_risk.setdefault(person.risk, []).append(person)
    return [
        Condition(
            HELD[risk],
            since=health.success.started_at,
            message=(
                f"{numbered(len(people), 'change is', 'changes are')} held by a safety limit. Approve within 24 hours: "
                f"b24-pipeline approve {health.success.run_id} (after that, approve the newest held run from "
                "b24-pipeline history)"
            ),
            people=tuple(map(display_name, people)),
        )
        for risk, people in by_risk.items()
    ]


def undecided(health: Health) -> list[Condition]:
    """R07a, R14: conflicts of the last successful run that last until a person decides them."""
    if health.success is None:
        return []
    return [
        Condition(
            state,
            since=health.success.started_at,
            message=(
                f"{numbered(len(people), 'conflict needs', 'conflicts need')} a decision. {meaning} "
                f"To approve: {'; to end the link: '.join(commands(reason, run_id=health.success.run_id, users='ID'))}"
            ),
            people=tuple(map(display_name, people)),
        )
        for reason, (state, meaning) in CONFLICTS.items()
        if (people := [person for person in health.conflicts if person.reason == reason])
    ]


def fewer_importable(health: Health) -> list[Condition]:
    """R02: the last successful run could import less than half of the share that the import before it could."""
    now, before = health.importable, health.importable_before
    if health.success is None or before is None or not now.has_fallen(before=before):
        return []
    message = f"{now.describe_fall(before=before).capitalize()}. Check whether a field was emptied in Bitrix24."
    return [Condition(State.FEWER_IMPORTABLE, since=health.success.started_at, message=message)]


def duplicated(health: Health) -> list[Condition]:
    """R16b: people who are in the account twice; no employee is created until a person resolves it."""
    people = health.duplicated
    if not people:
        return []
    message = (
        f"{numbered(len(people), 'employee exists', 'employees exist')} twice: another import writes to this CallGear "
        "account, for example CallGear's own import from Bitrix24. No employee is created until you switch the other "
        "import off, delete one of each two in CallGear, and run b24-pipeline resolve-duplicates"
    )
    pairs = tuple(
        f"{display_name(person)}: employee {person.callgear_id} and employee {person.other_callgear_id}"
        for person in people
    )
    return [Condition(State.DUPLICATED, since=min(person.found_at for person in people), message=message, people=pairs)]


def records_failing(health: Health) -> list[Condition]:
    """R14, R18: people whose action fails. Those who own deals stay so for long, and must not hide the others."""
    leavers = [person for person in health.failing if person.action is ActionKind.REMOVE_RESPONSIBLE]
    others = [person for person in health.failing if person.action is not ActionKind.REMOVE_RESPONSIBLE]
    records = numbered(len(others), "record is", "records are")
    former = numbered(len(leavers), "former employee", "former employees")
    return [
        *failing(State.RECORDS_FAILING, others, f"{records} failing and will be retried; all others were imported."),
        *failing(
            State.LEAVERS_STILL_LISTED,
            leavers,
            f"{former} could not be removed from the responsible list, usually because they still own deals.",
        ),
    ]


def failing(state: State, people: list[FailingPerson], message: str) -> list[Condition]:
    """The condition of these people, with the error of the one that failed last."""
    if not people:
        return []
    last = max(people, key=lambda person: person.first_failed_at)
    since = min(person.first_failed_at for person in people)
    return [Condition(state, since, message, detail=last.error or "", people=tuple(map(display_name, people)))]


def display_name(person: HeldPerson | ConflictPerson | FailingPerson | DuplicatedPerson) -> str:
    """The name, or the id where there is none: the audit then has the e-mail in its place, which is not sent."""
    name = person.display_name
    return name if name and "@" not in name else f"user {person.bitrix24_id}"


def compare(
    conditions: Iterable[Condition],
    *,
    notified: Mapping[State, datetime],
    success_at: datetime | None,
    judged: AbstractSet[State] = frozenset(State),
) -> Change:
    """Return what has changed since a receiver was notified of states; those that cannot be judged now last."""
    now = {condition.state: condition for condition in conditions}

    def lasts(state: State, since: datetime) -> bool:
        if state in UNTIL_A_SUCCESS:
            return success_at is None or success_at <= since
        return state not in judged

    still = tuple(state for state, since in notified.items() if state in now or lasts(state, since))
    return Change(
        new=tuple(condition for state, condition in now.items() if state not in notified),
        still=still,
        over=tuple(state for state in notified if state not in still),
    )
