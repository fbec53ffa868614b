"""What can be wrong with the import, as states that begin and end. Pure: judged from what the audit tells."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from b24_pipeline.audit.health import DuplicatedPerson, FailingPerson, Failure, Health, HeldPerson
from b24_pipeline.rules.models import ActionKind, Harm


class State(StrEnum):
    """The states that people are told of. Each begins once and ends once, however many runs there are meanwhile."""

    FAILED = "failed"
    STALE = "stale"
    HELD_REMOVAL = "held: removals from the responsible list"
    HELD_LINK_MOVE = "held: links moved to another person"
    HELD_EMAIL_LINK = "held: existing employees linked by e-mail"
    HELD_ID_UPDATE = "held: existing employees changed because they are matched by id"
    HELD_CREATE = "held: employees to create"
    DUPLICATED = "somebody else imports into the account"
    FEWER_IMPORTABLE = "far fewer candidates can be imported"
    RECORDS_FAILING = "records failing"
    LEAVERS_STILL_LISTED = "leavers cannot be taken off the responsible list"


HELD = {
    Harm.REMOVAL: State.HELD_REMOVAL,
    Harm.LINK_MOVE: State.HELD_LINK_MOVE,
    Harm.EMAIL_LINK: State.HELD_EMAIL_LINK,
    Harm.ID_UPDATE: State.HELD_ID_UPDATE,
    Harm.CREATE: State.HELD_CREATE,
}
UNTIL_A_SUCCESS = (State.FAILED, State.STALE)
"""States that only a later successful run ends, whoever saw them begin."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A state that holds: since when, what it means, what the services said to it, and who is concerned by name."""

    state: State
    since: datetime
    words: str
    said: str = ""
    people: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What is new, what still holds, and what is over, compared with what a receiver was last told."""

    new: tuple[Trouble, ...]
    still: tuple[State, ...]
    over: tuple[State, ...]

    def __bool__(self) -> bool:
        return bool(self.new or self.over)

    @property
    def recovered(self) -> bool:
        """Whether nothing is wrong any more."""
        return not self.new and not self.still


def failed(failures: Iterable[Failure]) -> list[Trouble]:
    """Every run since the last success failed: told with the newest reason, and since when."""
    listed = list(failures)
    if not listed:
        return []
    reason = listed[-1].reason or str(listed[-1].status)
    return [Trouble(State.FAILED, since=listed[0].started_at, words="The import does not get through.", said=reason)]


def stale(health: Health, *, now: datetime, after: timedelta) -> list[Trouble]:
    """No run has succeeded for too long, for whatever reason: also when nothing runs at all."""
    if health.success is None:
        return [Trouble(State.STALE, since=now, words="No import has succeeded yet.")]
    age = now - health.success.finished_at
    if age <= after:
        return []
    minutes = int(age.total_seconds() // 60)
    words = f"No import has succeeded since {health.success.finished_at:%Y-%m-%d %H:%M} UTC, {minutes} minutes ago."
    return [Trouble(State.STALE, since=now, words=f"{words} Do the scheduler and the machine run?")]


def held(health: Health) -> list[Trouble]:
    """R16: each kind of change that the last successful run held."""
    if health.success is None:
        return []
    by_harm: dict[Harm, list[HeldPerson]] = {}
    for person in health.held:
        by_harm.setdefault(person.harm, []).append(person)
    return [
        Trouble(
            HELD[harm],
            since=health.success.started_at,
            words=(
                f"Changes that a safety limit holds: {len(people)}. None of them is sent until a person approves it, "
                f"within 24 hours: b24-pipeline approve {health.success.run_id} (later: the newest held run, which "
                "b24-pipeline history shows)"
            ),
            people=tuple(map(named, people)),
        )
        for harm, people in by_harm.items()
    ]


def fewer_importable(health: Health) -> list[Trouble]:
    """R02: the last successful run could import less than half of the share that the import before it could."""
    now, before = health.importable, health.importable_before
    if health.success is None or before is None or not now.has_fallen(before=before):
        return []
    words = f"{now.describe_fall(before=before).capitalize()}. Look whether something was emptied in Bitrix24."
    return [Trouble(State.FEWER_IMPORTABLE, since=health.success.started_at, words=words)]


def duplicated(health: Health) -> list[Trouble]:
    """R16b: people who are in the account twice; no employee is created until a person has settled it."""
    people = health.duplicated
    if not people:
        return []
    words = (
        f"Employees that became double: {len(people)}. Somebody else imports into this CallGear account, for example "
        "its own import from Bitrix24. No employee is created until this is settled: switch the other import off, "
        "remove one of each two in CallGear, then b24-pipeline resolve-duplicates"
    )
    named_pairs = tuple(
        f"{named(person)}: employee {person.callgear_id} and employee {person.other_callgear_id}" for person in people
    )
    since = min(person.found_at for person in people)
    return [Trouble(State.DUPLICATED, since=since, words=words, people=named_pairs)]


def records_failing(health: Health) -> list[Trouble]:
    """R14, R18: people whose action fails. Those who own deals stay so for long, and must not hide the others."""
    leavers = [person for person in health.failing if person.action is ActionKind.REMOVE_RESPONSIBLE]
    others = [person for person in health.failing if person.action is not ActionKind.REMOVE_RESPONSIBLE]
    found = []
    if others:
        words = f"Records that fail and are tried again: {len(others)}. Everybody else is imported."
        found.append(trouble_of(State.RECORDS_FAILING, others, words=words))
    if leavers:
        words = f"Leavers that stay on the responsible list for now: {len(leavers)}. Most often they own deals."
        found.append(trouble_of(State.LEAVERS_STILL_LISTED, leavers, words=words))
    return found


def trouble_of(state: State, people: list[FailingPerson], *, words: str) -> Trouble:
    """The trouble of these people, with what was said of the one that failed last."""
    last = max(people, key=lambda person: person.first_failed_at)
    since = min(person.first_failed_at for person in people)
    return Trouble(state, since=since, words=words, said=last.error or "", people=tuple(map(named, people)))


def named(person: HeldPerson | FailingPerson | DuplicatedPerson) -> str:
    """The name, or the id where there is none: the audit then has the e-mail in its place, which is not told."""
    return person.person if person.person and "@" not in person.person else f"user {person.bitrix24_id}"


def compare(
    troubles: Iterable[Trouble],
    *,
    told: Mapping[State, datetime],
    success_at: datetime | None,
    judged: AbstractSet[State] = frozenset(State),
) -> Change:
    """What has changed since a receiver was told.

    Args:
        troubles: what holds now.
        told: the states that the receiver knows to hold, and since when.
        success_at: when the last successful run ended.
        judged: the states that could be judged now; the others are taken to hold on.
    """
    now = {trouble.state: trouble for trouble in troubles}

    def holds_on(state: State, since: datetime) -> bool:
        if state in UNTIL_A_SUCCESS:
            return success_at is None or success_at <= since
        return state not in judged

    still = tuple(state for state, since in told.items() if state in now or holds_on(state, since))
    return Change(
        new=tuple(trouble for state, trouble in now.items() if state not in told),
        still=still,
        over=tuple(state for state in told if state not in still),
    )
