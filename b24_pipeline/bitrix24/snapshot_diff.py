"""The last snapshot as the sensor knows it, and how rows seen now differ from it (R17). Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from pandera.typing import DataFrame

from b24_pipeline.bitrix24.parsing import EMPLOYEE, UserRow
from b24_pipeline.schemas import Users


@dataclass(frozen=True)
class LastSnapshot:
    """The last snapshot: its rows by id, and the ids that are linked."""

    rows: Mapping[int, UserRow]
    linked: frozenset[int]

    @classmethod
    def of(cls, users: DataFrame[Users], linked: Collection[int]) -> "LastSnapshot":
        """From the frame of the snapshot."""
        plain = users.astype(object).where(users.notna(), None)
        rows = (UserRow(*row) for row in plain.itertuples(index=False, name=None))
        return cls({row.bitrix24_id: row for row in rows}, frozenset(linked))

    @property
    def highest_id(self) -> int:
        """The highest id, 0 for none."""
        return max(self.rows, default=0)

    @cached_property
    def employees(self) -> tuple[int, ...]:
        """The employees, active and dismissed, by rising id."""
        return tuple(sorted(number for number, row in self.rows.items() if row.user_type == EMPLOYEE))

    @cached_property
    def active_employees(self) -> frozenset[int]:
        """The employees who are not dismissed."""
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
    """How employees seen now differ from the snapshot: ids, rising.

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
