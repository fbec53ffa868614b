"""R16b: whoever else creates employees in the account at the same time is found out, and doubles few people.

The account is read again right before a run's first create, after its first ones, now and then in a long import, and
once after its last. An employee that meanwhile has the e-mail of somebody who is to be created is left to the next run,
which finds it by e-mail. Two employees with one e-mail stop all creates until a person has settled it.
"""

import threading
from datetime import timedelta

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import audit, schemas
from b24_pipeline.callgear.employees import fetch_rows
from b24_pipeline.callgear.exceptions import (
    AccountError,
    CallGearError,
    CreatedMeanwhile,
    DuplicatesFound,
    IncompleteReadError,
    NotSent,
)
from b24_pipeline.rules import normalization
from b24_pipeline.rules.duplicates import Duplicate, find_duplicates, to_message
from b24_pipeline.rules.email_matching import by_email
from b24_pipeline.sync.circuit_breaker import SHORTAGES, PlannedAction
from b24_pipeline.sync.run import RunContext

LATER = "the check for another import is deferred to the next run"
READ_AGAIN_AFTER = (0, 10, 100)
"""After so many creates the account is read again, and then after each `AND_EVERY` more."""
AND_EVERY = 1000
WATCHED = timedelta(hours=24)
"""So long after its creation an employee that becomes double is a sign of somebody else's import."""


class CreateWatch:
    """Watches the creates of one run; `begin` and `created` may be called from several threads."""

    def __init__(self, run: RunContext) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._known: frozenset[int] = frozenset()
        self._taken: dict[str, int] = {}
        self._created: dict[int, int] = {}
        self._begun = 0
        self._read_after: int | None = None
        self._open = audit.links.open_duplicates(run.store.database)
        self._found: list[Duplicate] = []

    def begin(self, planned: PlannedAction) -> frozenset[int]:
        """To be called right before a create is sent; return the employees that the account had when it was read last.

        Raises:
            DuplicatesFound: no employee may be created until a person has settled it.
            CreatedMeanwhile: somebody else has created this person since the run began.
            CallGearError: the account cannot be read again; nothing was sent.
        """
        with self._lock:
            due = self._begun in READ_AGAIN_AFTER or (self._begun > 0 and self._begun % AND_EVERY == 0)
            if due and not self._open and self._read_after != self._begun:
                self._read()
                self._read_after = self._begun
            if self._open:
                raise DuplicatesFound(to_message(self._open))
            (key,) = normalization.email_key(pd.Series([planned.email], dtype="str"))
            if key in self._taken:
                raise CreatedMeanwhile(
                    f"employee {self._taken[key]} got this e-mail after the run began; the next run will match it"
                )
            self._begun += 1
            return self._known

    def created(self, planned: PlannedAction, callgear_id: int) -> None:
        """To be called when an employee was created."""
        with self._lock:
            self._created[callgear_id] = planned.bitrix24_id

    def end(self) -> None:
        """Read the account once more after the last create; to be called when nothing is sent any more.

        Raises:
            AccountError: CallGear refuses everything.
        """
        if not self._created or self._open:
            return
        try:
            self._read()
        except AccountError:
            raise
        except SHORTAGES as error:
            self._run.outcome.deferrals.append(f"{LATER}: {error}")
        except CallGearError as error:
            self._run.outcome.warnings.append(f"{LATER}: {error}")
        self.store_found()
        if self._found:
            self._run.outcome.deferrals.append(to_message(self._found))

    def store_found(self) -> None:
        """Keep what was found; to be called from the thread of the step."""
        store = self._run.store
        audit.links.put_duplicates(store.database, store.run, self._found, at=store.now())

    def _read(self) -> None:
        """See who has which e-mail now, and whether one of those that were created is double."""
        try:
            rows = fetch_rows(self._run.connection.callgear, fields=("id", "email"))
        except IncompleteReadError as error:
            raise NotSent(f"create.employees: the account could not be read again before: {error}") from None
        emails = [None if row.get("email") is None else str(row["email"]) for row in rows]
        account = pd.DataFrame(
            {
                "callgear_id": pd.array([row["id"] for row in rows], dtype="Int64"),
                "email": pd.array(emails, dtype="str"),
            }
        )
        self._known = frozenset(account["callgear_id"].tolist())
        keyed = by_email(account)
        self._taken = {
            key: int(number)
            for key, number in zip(keyed["email_key"], keyed["callgear_id"], strict=True)
            if int(number) not in self._created
        }
        self._found = self._open = find_duplicates(account, created=self._created)


def note_duplicates(run: RunContext, callgear_employees: DataFrame[schemas.CallGearEmployees]) -> None:
    """Find out whether somebody that was created lately has become double since: after a run that died, or later."""
    if run.config.dry_run:
        return
    created = audit.links.created_since(run.store.database, run.started_at - WATCHED)
    if not created:
        return
    known = audit.links.open_duplicates(run.store.database)
    found = find_duplicates(callgear_employees, created=created)
    audit.links.put_duplicates(run.store.database, run.store.run, found, at=run.store.now())
    new = set(audit.links.open_duplicates(run.store.database)) - set(known)
    if new:
        run.outcome.deferrals.append(to_message(new))
