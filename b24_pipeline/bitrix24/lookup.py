"""R13: the second, direct look-up of users whom a complete fetch does not hold."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pandera.typing import DataFrame

from b24_pipeline.bitrix24.client import COMMANDS_IN_BATCH, Bitrix24
from b24_pipeline.bitrix24.exceptions import IncompleteFetchError
from b24_pipeline.bitrix24.pagination import DISMISSED, EVERYBODY, PAGE, Filter, command, rows_of, user_type_of
from b24_pipeline.bitrix24.parsing import UserRow, user_row, users_frame
from b24_pipeline.schemas import Users

_FILTERS: Final[Mapping[str, Filter]] = {"listed": {}, "dismissed": DISMISSED}
"""Users as they are listed by default, then the dismissed ones, whom some portals list only when asked."""
LOOKUPS_IN_BATCH: Final = COMMANDS_IN_BATCH // len(_FILTERS)


@dataclass(frozen=True, slots=True)
class Missing:
    """Result of looking up users who are missing from a complete fetch (R13).

    `deleted` are nowhere in the portal, active or dismissed. `unlisted` are there, as they are: users without a
    department, whom some portals leave out of lists, or an employee who became an extranet user.
    """

    deleted: frozenset[int]
    unlisted: DataFrame[Users]


def look_up(
    client: Bitrix24, ids: Iterable[int], *, asked_for: Filter = EVERYBODY, control_user_id: int | None = None
) -> Missing:
    """Look up users whom a fetch that asked for the users `asked_for` does not hold: who is nowhere is deleted (R13).

    With `control_user_id`, a user who certainly exists, each look-up must also find that user, else it proves nothing.
    Takes one request for up to 1,225 ids, or for 588 where the fetch did not ask for everybody.

    Raises:
        IncompleteFetchError: the look-up does not find the control user, or finds users that were not asked for.
        Bitrix24Error: the portal cannot be asked.
    """
    wanted = frozenset(ids)
    control = [] if control_user_id is None else [control_user_id]
    others, size = sorted(wanted - {control_user_id}), PAGE - len(control)
    among = {"": EVERYBODY} if asked_for == EVERYBODY else {"": EVERYBODY, "fetched_": asked_for}
    lookups = [
        (kind, [*control, *others[first : first + size]]) for first in range(0, len(others), size) for kind in among
    ]
    rows: list[UserRow] = []
    for first in range(0, len(lookups), LOOKUPS_IN_BATCH):
        batch = list(enumerate(lookups[first : first + LOOKUPS_IN_BATCH]))
        commands = {
            f"{kind}{name}{number:02}": command({"ID": asked, **among[kind], **status}, start=-1)
            for number, (kind, asked) in batch
            for name, status in _FILTERS.items()
        }
        results = client.batch_all_or_nothing(commands).results
        for number, (kind, asked) in batch:
            pages = [results[f"{kind}{name}{number:02}"] for name in _FILTERS]
            found = [user_row(row, user_type=user_type_of(among[kind])) for page in pages for row in rows_of(page)]
            _verify(found, asked, control_user_id)
            rows += [row for row in found if row.bitrix24_id in wanted]
    return Missing(deleted=wanted - {row.bitrix24_id for row in rows}, unlisted=users_frame(rows))


def _verify(rows: list[UserRow], asked: Sequence[int], control_user_id: int | None) -> None:
    """Make sure that the rows of one look-up heed what was asked."""
    seen = {row.bitrix24_id for row in rows}
    if not seen <= set(asked):
        raise IncompleteFetchError("a lookup of users by id returned users that were not requested")
    if control_user_id is not None and control_user_id not in seen:
        raise IncompleteFetchError(
            f"verification failed: a lookup by id did not return the known user {control_user_id}"
        )
