"""R13: the second, direct look-up of users whom a complete fetch no longer holds."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from pandera.typing import DataFrame

from b24_pipeline.bitrix24.client import COMMANDS_IN_BATCH, Bitrix24
from b24_pipeline.bitrix24.errors import FetchNotTrusted
from b24_pipeline.bitrix24.pages import DISMISSED, PAGE, Filter, command, rows_of
from b24_pipeline.bitrix24.wire import UserRow, user_row, users_frame
from b24_pipeline.rules.frames import Users

_STANDINGS: Final[Mapping[str, Filter]] = {"listed": {}, "dismissed": DISMISSED}
"""Users as they are listed by default, then the dismissed ones, whom some portals list only when asked."""

_LOOKUPS: Final = COMMANDS_IN_BATCH // len(_STANDINGS)
"""Look-ups of up to 50 ids in one request."""


def confirm_deleted(client: Bitrix24, ids: Iterable[int], *, witness: int | None = None) -> set[int]:
    """Those of `ids` that the portal surely no longer has, active or dismissed (R13); see `look_up`."""
    wanted = set(ids)
    return wanted - set(look_up(client, wanted, witness=witness)["bitrix24_id"].tolist())


def look_up(client: Bitrix24, ids: Iterable[int], *, witness: int | None = None) -> DataFrame[Users]:
    """Look users up by their ids, active or dismissed, of every type: who is not in the result is gone (R13).

    With a `witness`, a user that is known to be there, each look-up must also find that user, else it proves nothing.
    Takes one request for up to 1,225 ids.

    Raises:
        FetchNotTrusted: the look-up does not find the witness, or finds users that were not asked for.
        Bitrix24Error: the portal cannot be asked.
    """
    wanted = sorted(set(ids) - {witness})
    with_witness = [] if witness is None else [witness]
    size = PAGE - len(with_witness)
    lookups = [[*with_witness, *wanted[first : first + size]] for first in range(0, len(wanted), size)]
    rows: list[UserRow] = []
    for first in range(0, len(lookups), _LOOKUPS):
        rows += _found(client, lookups[first : first + _LOOKUPS], witness)
    asked = set(ids)
    return users_frame(row for row in rows if row.bitrix24_id in asked)


def _found(client: Bitrix24, lookups: Sequence[Sequence[int]], witness: int | None) -> list[UserRow]:
    commands = {
        f"{standing}{number:02}": command({"ID": ids, **filter_}, start=-1)
        for number, ids in enumerate(lookups)
        for standing, filter_ in _STANDINGS.items()
    }
    results = client.batch_whole(commands).results
    rows: list[UserRow] = []
    for number, ids in enumerate(lookups):
        found = [user_row(row) for standing in _STANDINGS for row in rows_of(results[f"{standing}{number:02}"])]
        seen = {row.bitrix24_id for row in found}
        if not seen <= set(ids):
            raise FetchNotTrusted("a look-up of users by id found users that were not asked for")
        if witness is not None and witness not in seen:
            raise FetchNotTrusted(f"a look-up by id misses user {witness}, who is there: it proves nobody deleted")
        rows += found
    return rows
