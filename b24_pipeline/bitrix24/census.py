"""How many users the portal says it has, asked in commands that fit into the batch that reads them (R16a)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from b24_pipeline.bitrix24.client import BatchAnswer, Bitrix24
from b24_pipeline.bitrix24.errors import FetchNotTrusted
from b24_pipeline.bitrix24.pages import ACTIVE, DISMISSED, Filter, command, rows_of
from b24_pipeline.bitrix24.wire import Row, user_id


@dataclass(frozen=True, slots=True)
class Census:
    """The portal's own counts, and the highest id it has (0 for none)."""

    default: int
    active: int
    dismissed: int
    highest_id: int

    @property
    def dismissed_hidden(self) -> bool:
        """Whether users are listed without the dismissed ones unless these are asked for (contract 2.2)."""
        return self.dismissed > 0 and abs(self.default - self.active) < abs(self.default - self.active - self.dismissed)

    @property
    def everybody(self) -> int:
        """Active and dismissed users."""
        return self.default + self.dismissed if self.dismissed_hidden else self.default


@dataclass(frozen=True, slots=True)
class _Count:
    total: int
    highest_id: int


def census_commands(filter_: Filter) -> dict[str, str]:
    """The three commands of a census; they come before any that may fail, because a failure ends the batch."""
    return {name: _counting(asked) for name, asked in _asked(filter_).items()}


def read_census(client: Bitrix24, answer: BatchAnswer, filter_: Filter) -> Census:
    """The census in the answer of its commands; what is missing there is asked for once more, alone.

    Raises:
        FetchNotTrusted: the portal does not tell its counts, or does not sort by id.
    """
    counts = {name: _count(client, answer, name, asked) for name, asked in _asked(filter_).items()}
    return Census(
        default=counts["default"].total,
        active=counts["active"].total,
        dismissed=counts["dismissed"].total,
        highest_id=max(count.highest_id for count in counts.values()),
    )


def take_census(client: Bitrix24, filter_: Filter) -> Census:
    """A census alone, one request."""
    return read_census(client, client.batch_whole(census_commands(filter_)), filter_)


def _asked(filter_: Filter) -> dict[str, Filter]:
    return {"default": filter_, "active": {**filter_, **ACTIVE}, "dismissed": {**filter_, **DISMISSED}}


def _counting(filter_: Filter) -> str:
    return command(filter_, start=0, order="DESC", fields=("ID",))


def _count(client: Bitrix24, answer: BatchAnswer, name: str, filter_: Filter) -> _Count:
    if name in answer.totals and name in answer.results:
        return _Count(answer.totals[name], _highest(rows_of(answer.results[name])))
    plain = client.call(
        "user.get", {"filter": dict(filter_), "sort": "ID", "order": "DESC", "start": 0, "select": ["ID"]}
    )
    if plain.total is None:
        raise FetchNotTrusted("the portal does not tell how many users it has")
    return _Count(plain.total, _highest(rows_of(plain.result)))


def _highest(rows: Sequence[Row]) -> int:
    ids = [user_id(row) for row in rows]
    if any(before <= number for before, number in pairwise(ids)):
        raise FetchNotTrusted("the portal does not sort its users by id")
    return ids[0] if ids else 0
