"""What can be asked of the audit database, whoever has it open."""

from collections.abc import Iterable
from datetime import datetime

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.account import AccountIdentity
from b24_pipeline.audit import actions, approvals, history, links, metadata, runs, suppression
from b24_pipeline.audit.approvals import Approval
from b24_pipeline.audit.database import Database
from b24_pipeline.audit.runs import Moment, PastRun
from b24_pipeline.audit.schema import HISTORIES
from b24_pipeline.audit.suppression import Forgotten
from b24_pipeline.rules.duplicates import Duplicate
from b24_pipeline.rules.models import ChangeRisk


class Reader:
    """What can be asked of the database. Methods are safe for threads."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def snapshot(self, model: type[schemas.Model], as_of: Moment | None = None) -> DataFrame[schemas.Model]:
        """The rows as the last run saw them, or the run that `as_of` means: a run id, or a time.

        Raises:
            UnknownRun: there is no such run.
        """
        run = None if as_of is None else runs.number_as_of(self.database, as_of)
        return history.snapshot(self.database, model, run=run)

    def known_users(self) -> list[int]:
        """The ids of the users that the last run saw, rising."""
        return history.known_users(self.database)

    def users_known_last(self, bitrix24_ids: Iterable[int]) -> DataFrame[schemas.Users]:
        """How each of these users was seen last, also those no longer in the portal."""
        return history.users_known_last(self.database, bitrix24_ids)

    def links(self) -> DataFrame[schemas.Links]:
        """The live links, with the names each user had when it was seen last."""
        return links.links(self.database)

    def people_imported(self) -> int:
        """How many live links there are."""
        return links.people_imported(self.database)

    def ever_linked(self) -> frozenset[int]:
        """The users that have or had a link (R14)."""
        return links.ever_linked(self.database)

    def identities(self) -> DataFrame[schemas.Identities]:
        """The person whom each live link was accepted for (R07a)."""
        return links.identities(self.database)

    def pending_creates(self) -> DataFrame[schemas.PendingCreates]:
        """The creates that were announced and whose outcome is not known (R18)."""
        return links.pending_creates(self.database)

    def unfinished_links(self) -> frozenset[int]:
        """The users whose link by e-mail is stored, and whose employee is not as it shall be yet (R09a)."""
        return links.unfinished_links(self.database)

    def open_duplicates(self) -> list[Duplicate]:
        """Employees that became double, and that no person has settled yet (R16b)."""
        return links.open_duplicates(self.database)

    def created_since(self, since: datetime) -> dict[int, int]:
        """The employees that were created since then and are still linked, each with its user."""
        return links.created_since(self.database, since)

    def creates_in_doubt_until(self, now: datetime) -> datetime | None:
        """Until when a create whose outcome is not known may have been sent; none when there is no such create."""
        return links.creates_in_doubt_until(self.database, now)

    def actions(self, run_id: str) -> DataFrame[schemas.Actions]:
        """What one run did and left standing."""
        return actions.actions(self.database, run_id)

    def done_since(self, since: datetime, *, now: datetime) -> dict[ChangeRisk, frozenset[int]]:
        """Whom each kind of change was done to since then, as far as the safety limits count it (R16)."""
        return actions.done_since(self.database, since, now=now)

    def last_recording(self, model: type[schemas.Frame]) -> PastRun | None:
        """The run that has recorded this frame last; None where no run is left that has."""
        return history.last_recording(self.database, HISTORIES[model])

    def recorded_by(self, run_id: str) -> frozenset[str]:
        """The tables and steps (`Step`) that one run has recorded: how far it got."""
        return history.recorded_by(self.database, run_id)

    def dead_letters(self) -> DataFrame[schemas.DeadLetters]:
        """The actions that failed and are tried again."""
        return actions.dead_letters(self.database)

    def people_failed(self) -> frozenset[int]:
        """The users with an action that failed and is tried again."""
        return frozenset(self.dead_letters()["bitrix24_id"].tolist())

    def open_approval(self, now: datetime) -> Approval | None:
        """What a person has approved within the last 24 hours and no run has done yet (R16)."""
        return approvals.open_approval(self.database, now=now)

    def forgotten(self) -> Forgotten:
        """Everybody who was forgotten on request."""
        return suppression.forgotten(self.database)

    def fact(self, name: str) -> str | None:
        """The remembered value of that name."""
        return metadata.fact(self.database, name)

    def facts(self) -> dict[str, str]:
        """All that is remembered, by name."""
        return metadata.facts(self.database)

    def account(self) -> AccountIdentity:
        """The account that was imported into (R16b); one without a number before the first write."""
        return metadata.account(self.database)

    def run_kind(self, run_id: str) -> str | None:
        """What an earlier run was for; None where the audit does not know it."""
        return runs.kind(self.database, run_id)

    def last_import(self) -> PastRun | None:
        """The last import that got as far as writing; none before there is one (R18a)."""
        return runs.last_import(self.database)

    def importable_before(self) -> float | None:
        """Which share of the candidates could be imported at the last import that was no fall (R02)."""
        return runs.importable_before(self.database)

    def first_import(self) -> bool:
        """Whether no run yet, for real and for everybody, has put off nothing for want of time or points (R16)."""
        return runs.first_import(self.database)

    def points_since(self, since: datetime) -> int:
        """The points of CallGear that runs have spent, as far as they ended since then."""
        return runs.points_since(self.database, since)

    def history(self, *, limit: int = 20, since: datetime | None = None) -> pd.DataFrame:
        """The last runs, newest first, with the columns of `audit.runs`."""
        return runs.history(self.database, limit=limit, since=since)
