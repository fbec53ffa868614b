"""Counts of the portal's users, requested in the same batch that reads them (R16a)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from b24_pipeline.bitrix24.client import BatchResponse, Bitrix24
from b24_pipeline.bitrix24.exceptions import IncompleteFetchError
from b24_pipeline.bitrix24.pagination import ACTIVE, DISMISSED, Filter, command, rows_of
from b24_pipeline.bitrix24.parsing import Row, user_id


@dataclass(frozen=True, slots=True)
class UserCounts:
    """The portal's own counts, and the highest id it has (0 for none)."""

    default: int
    active: int
    dismissed: int
    highest_id: int

    @property
    def dismissed_hidden(self) -> bool:
        """Return whether users are listed without the dismissed ones unless these are asked for (contract 2.2)."""
        return self.dismissed > 0 and abs(self.default - self.active) < abs(self.default - self.active - self.dismissed)

    @property
    def total(self) -> int:
        """Active and dismissed users."""
        return self.default + self.dismissed if self.dismissed_hidden else self.default


def count_commands(filter_: Filter) -> dict[str, str]:
    """The three counting commands; they come before any that may fail, because a failure ends the batch."""
    return {name: command(asked, start=0, order="DESC", fields=("ID",)) for name, asked in _asked(filter_).items()}


def read_counts(client: Bitrix24, response: BatchResponse, filter_: Filter) -> UserCounts:
    """The counts in the response to their commands; a missing one is requested again, alone.

    Raises:
        IncompleteFetchError: the portal does not tell its counts, or does not sort by id.
    """
    counts = {name: count_of(client, response, name, asked) for name, asked in _asked(filter_).items()}
    totals = {name: total for name, (total, _) in counts.items()}
    return UserCounts(**totals, highest_id=max(highest for _, highest in counts.values()))


def count_users(client: Bitrix24, filter_: Filter) -> UserCounts:
    """Count the users in a request of its own."""
    return read_counts(client, client.batch_all_or_nothing(count_commands(filter_)), filter_)


def count_of(client: Bitrix24, response: BatchResponse, name: str, filter_: Filter) -> tuple[int, int]:
    """The count of a list in a batch, by falling id from its start, and the highest id in it (0 for none).

    The list is asked for alone where the batch does not tell its count.

    Raises:
        IncompleteFetchError: the portal does not tell it, or does not sort by id.
        Bitrix24Error: the portal cannot be asked.
    """
    total = total_in(response, name)
    if total is not None:
        return total, _highest(rows_of(response.results[name]))
    plain = client.call(
        "user.get", {"filter": dict(filter_), "sort": "ID", "order": "DESC", "start": 0, "select": ["ID"]}
    )
    total = _counted(plain.result, plain.total)
    if total is None:
        raise IncompleteFetchError("the portal returned no user count")
    return total, _highest(rows_of(plain.result))


def total_in(response: BatchResponse, name: str) -> int | None:
    """The count of a list in a batch that was read from its start; None where the portal does not tell it."""
    return _counted(response.results[name], response.totals.get(name)) if name in response.results else None


def _counted(result: object, total: int | None) -> int | None:
    """No rows, which need no `total`, are 0 (R16a), in all spellings of an empty list (contract 1.3, 2.6)."""
    return 0 if total is None and result in ([], {}, None, "") else total


def _asked(filter_: Filter) -> dict[str, Filter]:
    return {"default": filter_, "active": {**filter_, **ACTIVE}, "dismissed": {**filter_, **DISMISSED}}


def _highest(rows: Sequence[Row]) -> int:
    ids = [user_id(row) for row in rows]
    if any(before <= number for before, number in pairwise(ids)):
        raise IncompleteFetchError("the portal does not sort its users by id")
    return ids[0] if ids else 0
