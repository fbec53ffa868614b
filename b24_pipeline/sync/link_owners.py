"""Whose the employees are: a create must not give a link away (R18)."""

import threading

from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.callgear.exceptions import IdConflict


class LinkOwners:
    """The user of each linked employee, those linked in this run included. Safe for threads."""

    def __init__(self, links: DataFrame[schemas.Links]) -> None:
        self._users = dict(zip(links["callgear_id"].tolist(), links["bitrix24_id"].tolist(), strict=True))
        self._lock = threading.Lock()

    def claim(self, callgear_id: int, *, bitrix24_id: int) -> None:
        """Note that the employee is this user's.

        Raises:
            IdConflict: it is another user's.
        """
        with self._lock:
            owner = self._users.setdefault(callgear_id, bitrix24_id)
        if owner != bitrix24_id:
            raise IdConflict(
                f"create.employees for Bitrix24 user {bitrix24_id} answered with employee {callgear_id}, which is"
                f" linked with Bitrix24 user {owner}: that link stays, and user {bitrix24_id} gets none"
            )
