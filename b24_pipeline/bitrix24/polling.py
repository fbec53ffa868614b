"""The sensor's look for changes: one request, compared with the last snapshot (R17).

No mark of time is used, because none is reliable (contract 2.6, 5): contents are compared. Each look counts the active
employees, reads the newest and those not yet linked, and goes over a stretch of all employees, a further one each time.
A portal of up to 2,300 employees is compared whole every time.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil
from typing import Final

from pandera.typing import DataFrame

from b24_pipeline.bitrix24.client import COMMANDS_IN_BATCH, Bitrix24
from b24_pipeline.bitrix24.counts import total_in
from b24_pipeline.bitrix24.exceptions import IncompleteFetchError, TransportError
from b24_pipeline.bitrix24.pagination import (
    ACTIVE,
    EMPLOYEES,
    PAGE,
    IdRange,
    Pages,
    chain,
    command,
    read_chain,
    rows_of,
)
from b24_pipeline.bitrix24.parsing import Row, UserRow, user_row
from b24_pipeline.rules.eligibility import EMPLOYEE
from b24_pipeline.rules.labels import first_ids
from b24_pipeline.schemas import Users

NEWEST_PAGES: Final = 2
MAX_LISTS: Final = 20
"""Most look-ups of 50 users not yet linked in one request."""

MAX_UNLISTED_LISTS: Final = 4
"""Most look-ups of 50 users whom the portal's lists may leave out."""

_COUNT: Final = "count"
_ROOM: Final = COMMANDS_IN_BATCH - 1 - NEWEST_PAGES


@dataclass(frozen=True)
class LastSnapshot:
    """The last snapshot: its rows by id, and the ids that are linked."""

    rows: Mapping[int, UserRow]
    linked: frozenset[int]

    @classmethod
    def of(cls, users: DataFrame[Users], linked: Collection[int]) -> "LastSnapshot":
        plain = users.astype(object).where(users.notna(), None)
        rows = (UserRow(*row) for row in plain.itertuples(index=False, name=None))
        return cls({row.bitrix24_id: row for row in rows}, frozenset(linked))

    @property
    def highest_id(self) -> int:
        """0 for none."""
        return max(self.rows, default=0)

    @cached_property
    def employees(self) -> tuple[int, ...]:
        """The employees, active and dismissed, by rising id."""
        return tuple(sorted(number for number, row in self.rows.items() if row.user_type == EMPLOYEE))

    @cached_property
    def active_employees(self) -> frozenset[int]:
        return frozenset(number for number in self.employees if self.rows[number].active)

    @property
    def not_linked(self) -> list[int]:
        """The active employees who are not linked, by rising id."""
        return sorted(self.active_employees - self.linked)

    @property
    def without_department(self) -> list[int]:
        """The active employees without a department, whom some portals leave out of lists, by rising id (R16a)."""
        return sorted(number for number in self.active_employees if self.rows[number].departments is None)


@dataclass(frozen=True, slots=True)
class Differences:
    """Differences between current employees and the snapshot, as ascending ids.

    `appeared` are active and new or back, `dismissed` were active and are not, `edited` are not yet linked and have
    other fields.
    """

    appeared: tuple[int, ...]
    dismissed: tuple[int, ...]
    edited: tuple[int, ...]


def differences(snapshot: LastSnapshot, seen: Iterable[UserRow]) -> Differences:
    """Compare employees seen now with the snapshot, field by field; blanks are equal however they are spelled."""
    appeared, dismissed, edited = set(), set(), set()
    for row in seen:
        number = row.bitrix24_id
        if number not in snapshot.active_employees:
            if row.active:
                appeared.add(number)
        elif not row.active:
            dismissed.add(number)
        elif number not in snapshot.linked and _comparable(row) != _comparable(snapshot.rows[number]):
            edited.add(number)
    return Differences(tuple(sorted(appeared)), tuple(sorted(dismissed)), tuple(sorted(edited)))


def _comparable(row: UserRow) -> tuple[object, ...]:
    """The fields that matter; departments in any order."""
    return (*row[3:-1], frozenset((row.departments or "").split(",")))


@dataclass(frozen=True, slots=True)
class Poll(Differences):
    """Findings of one poll.

    `active_count` is the portal's count of active employees, None when it did not tell. `next_window_from` is where the
    next look goes on. `digest` is equal for equal findings; `message` is for people.
    """

    active_count: int | None
    active_count_changed: bool
    next_window_from: int
    digest: str
    message: str

    @property
    def changed(self) -> bool:
        """R17: a user appeared or was dismissed, or one not yet linked changed."""
        return self.active_count_changed or any((self.appeared, self.dismissed, self.edited))


def poll_changes(client: Bitrix24, *, snapshot: LastSnapshot, window_from: int) -> Poll:
    """Look for changes, with one request. `window_from` is the last look's `next_window_from`, 0 at first.

    An error of a single command puts a finding off to a later look, and never makes one up.

    Raises:
        Bitrix24Error: nothing could be read.
    """
    newest = chain(IdRange(snapshot.highest_id), EMPLOYEES, NEWEST_PAGES, prefix="n")
    unlisted = _lists(snapshot.without_department, window_from, most=MAX_UNLISTED_LISTS, prefix="u")
    id_range, lists, stretch = _stretch(snapshot, window_from, room=_ROOM - len(unlisted))
    count_command = command({**EMPLOYEES, **ACTIVE}, start=0, fields=("ID",))
    response = client.batch_once({_COUNT: count_command, **newest, **unlisted, **lists, **stretch}, halt=0)
    if not response.results:
        raise next(iter(response.errors.values()), TransportError("batch: no command was answered"))
    compared = read_chain(response, list(stretch), after=id_range.after)
    new = read_chain(response, list(newest), after=snapshot.highest_id)
    looked_up = [row for name in (*lists, *unlisted) for row in rows_of(response.results.get(name))]
    seen = _seen(snapshot, [*new.rows, *looked_up, *compared.rows])
    count = total_in(response, _COUNT)
    found = differences(snapshot, seen.values())
    omitted = _omitted(snapshot, seen, listed={*new.ids, *compared.ids})
    if count is not None:
        vanished = _vanished(snapshot, seen, id_range, compared, count + omitted)
        found = replace(found, dismissed=tuple(sorted({*found.dismissed, *vanished})))
    count_changed = count is not None and len(snapshot.active_employees) not in {count, count + omitted}
    rows = [seen[number] for number in (*found.appeared, *found.edited)]
    return Poll(
        appeared=found.appeared,
        dismissed=found.dismissed,
        edited=found.edited,
        active_count=count,
        active_count_changed=count_changed,
        next_window_from=0 if compared.short_page is not None else compared.last,
        digest=hashlib.sha256(repr((found, rows, count)).encode()).hexdigest(),
        message=_message(snapshot, found, count if count_changed else None, compared=len(seen)),
    )


def _stretch(snapshot: LastSnapshot, window_from: int, *, room: int) -> tuple[IdRange, dict[str, str], dict[str, str]]:
    """The range that is gone over, look-ups of those not yet linked, and the chain of the range's pages.

    Where there is room for all employees, nobody has to be looked up.
    """
    whole = ceil(len(snapshot.employees) / PAGE) + 1
    if whole <= room:
        return IdRange(0), {}, chain(IdRange(0), EMPLOYEES, whole, prefix="w")
    lists = _lists(snapshot.not_linked, window_from, most=MAX_LISTS, prefix="l")
    return IdRange(window_from), lists, chain(IdRange(window_from), EMPLOYEES, room - len(lists), prefix="w")


def _lists(ids: Sequence[int], begin: int, *, most: int, prefix: str) -> dict[str, str]:
    """Look-ups of as many ids as there is room for; which come first goes round with the window."""
    turn = bisect_right(ids, begin)
    turned = [*ids[turn:], *ids[:turn]][: most * PAGE]
    return {
        f"{prefix}{number:02}": command({"ID": turned[first : first + PAGE], **EMPLOYEES}, start=-1)
        for number, first in enumerate(range(0, len(turned), PAGE))
    }


def _omitted(snapshot: LastSnapshot, seen: Mapping[int, UserRow], *, listed: Collection[int]) -> int:
    """Count the active employees without a department whom only a lookup found: counts omit them too (R16a).

    Those whom this look did not list because it does not go so far are among them.
    """
    return sum(
        number not in listed and number in seen and seen[number].active for number in snapshot.without_department
    )


def _seen(snapshot: LastSnapshot, rows: Sequence[Row]) -> dict[int, UserRow]:
    """The employees among the rows, by id.

    Raises:
        IncompleteFetchError: none has an e-mail field, though some have an e-mail in the snapshot: the scope is lost.
    """
    parsed = (user_row(row, user_type=EMPLOYEE) for row in rows)
    seen = {row.bitrix24_id: row for row in parsed if row.user_type == EMPLOYEE}
    had_email = any(number in snapshot.rows and snapshot.rows[number].email for number in seen)
    if had_email and not any("EMAIL" in row for row in rows):
        raise IncompleteFetchError("no user comes with an e-mail field any more: the webhook has lost the scope for it")
    return seen


def _vanished(
    snapshot: LastSnapshot, seen: Collection[int], id_range: IdRange, stretch: Pages, count: int
) -> tuple[int, ...]:
    """Active employees who are missing from the stretch, as far as the portal's count bears it out.

    So dismissed users are found on portals that do not list them.
    """
    read_to = stretch.last if stretch.short_page is None else snapshot.highest_id
    missing = [
        number for number in snapshot.active_employees if id_range.after < number <= read_to and number not in seen
    ]
    return tuple(missing) if len(missing) <= len(snapshot.active_employees) - count else ()


def _message(snapshot: LastSnapshot, found: Differences, changed_count: int | None, *, compared: int) -> str:
    named = {"appeared": found.appeared, "dismissed": found.dismissed, "not yet linked changed": found.edited}
    parts = [f"{len(ids)} {what} (id {first_ids(ids)})" for what, ids in named.items() if ids]
    if changed_count is not None:
        active = len(snapshot.active_employees)
        parts.append(f"the portal counts {changed_count} active employees, {active} were known")
    return "; ".join(parts) or f"nothing changed: {compared} of {len(snapshot.employees)} employees compared"
