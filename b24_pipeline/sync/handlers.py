"""The actions of each writing step: how they are sent, and what is stored of their results (R09a, R14, R18)."""

import threading
from collections.abc import Mapping
from functools import partial

from pandera.typing import DataFrame

from b24_pipeline import audit, schemas
from b24_pipeline.audit import Database, LinkWritten
from b24_pipeline.audit.metadata import UNCHECKED_UPDATE
from b24_pipeline.callgear import responsible_list as callgear_list
from b24_pipeline.callgear.capabilities import AccountCapabilities, UnverifiedUpdate, UpdateMode
from b24_pipeline.callgear.create import NewEmployee, create_or_adopt
from b24_pipeline.callgear.exceptions import IdConflict
from b24_pipeline.callgear.phones import PhoneEntry
from b24_pipeline.callgear.update import EmployeeUpdater, UpdateResult
from b24_pipeline.rules.models import ActionKind, MatchReason, Outcome
from b24_pipeline.sync.circuit_breaker import ActionResult, PlannedAction, SendResult
from b24_pipeline.sync.other_importers import CreateWatch
from b24_pipeline.sync.plan_execution import ActionHandler
from b24_pipeline.sync.run import RunContext
from b24_pipeline.sync.shared_numbers import SharedNumbers

UPDATE_MODE = "callgear_update_mode"
LINKED_BY: Mapping[str, str] = {
    MatchReason.REHIRED: "rehire",
    MatchReason.EMAIL_REUSE_APPROVED: "approval",
    MatchReason.SIMILAR_EMAIL_APPROVED: "approval",
    MatchReason.UNFINISHED_CREATE: "create",
}
"""What made a link, by the reason of the match; else it was the e-mail."""


class LinkOwners:
    """The user of each linked employee, those linked in this run included. Safe for threads."""

    def __init__(self, links: DataFrame[schemas.Links]) -> None:
        self._users = dict(zip(links["callgear_id"].tolist(), links["bitrix24_id"].tolist(), strict=True))
        self._lock = threading.Lock()

    def verify_new(self, callgear_id: int, *, bitrix24_id: int, known: frozenset[int]) -> None:
        """Refuse a create's answer that the account had before; a linked one is left to `claim`, which names its user.

        Raises:
            IdConflict: the employee is `known`, and linked with nobody.
        """
        if callgear_id in known and callgear_id not in self._users:
            raise IdConflict(
                f"create.employees for Bitrix24 user {bitrix24_id} answered with employee {callgear_id}, which was in"
                f" the account before and is linked with nobody: user {bitrix24_id} gets no link"
            )

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


def load_capabilities(database: Database) -> AccountCapabilities:
    """Return what earlier runs have learned of the account."""
    noted = audit.metadata.facts(database)
    unverified = noted.get(UNCHECKED_UPDATE)
    return AccountCapabilities(
        update_mode=UpdateMode(noted.get(UPDATE_MODE, UpdateMode.UNKNOWN.value)),
        unverified=UnverifiedUpdate.of_json(unverified) if unverified else None,
    )


def save_capabilities(database: Database, facts: AccountCapabilities) -> None:
    """Keep what was learned at once: a run that dies must not learn it again."""
    unverified = facts.unverified.as_json() if facts.unverified else ""
    audit.metadata.put_facts(database, {UPDATE_MODE: facts.update_mode.value, UNCHECKED_UPDATE: unverified})


def employee_writer(run: RunContext, facts: AccountCapabilities) -> EmployeeUpdater:
    """Updates the account's employees, and keeps what it learns."""
    return EmployeeUpdater(
        run.connection.callgear, facts, save=partial(save_capabilities, run.store.database), now=run.connection.now
    )


class EmployeeActions(ActionHandler):
    """Sends creates, links and updates of employees, and stores their results."""

    def __init__(
        self, run: RunContext, facts: AccountCapabilities, *, callgear_employees: DataFrame[schemas.CallGearEmployees]
    ) -> None:
        self.run = run
        self.client = run.connection.callgear
        self.callgear_employees = callgear_employees
        self.writer = employee_writer(run, facts)
        self.owners = LinkOwners(schemas.empty_frame(schemas.Links))
        self.numbers = SharedNumbers(self.client, now=run.connection.now)
        self.updated_after_link: frozenset[int] = frozenset()
        self.watch = CreateWatch(run)

    def before_all(self, actions: list[PlannedAction]) -> None:
        """Before anything is sent: whom we are about to create (R18), and whose numbers are already in the account."""
        self.updated_after_link = frozenset(a.bitrix24_id for a in actions if is_part_of_link(a))
        creates = [(a.bitrix24_id, a.email or "") for a in actions if a.action is ActionKind.CREATE]
        if creates:
            self.owners = LinkOwners(audit.links.live_links(self.run.store.database))
            self.run.store.announce_creates(creates)
        if any(action.phones for action in actions):
            self.numbers.load(self.callgear_employees)

    def send(self, planned: PlannedAction) -> SendResult:
        """Send one action."""
        if planned.action is ActionKind.CREATE:
            new = NewEmployee(
                first_name=planned.first_name,
                last_name=planned.last_name or "",
                patronymic=planned.patronymic,
                email=planned.email or "",
                phone_numbers=self.entries(planned),
            )
            known = self.watch.begin(planned)
            verify = partial(self.owners.verify_new, bitrix24_id=planned.bitrix24_id, known=known)
            created = create_or_adopt(self.client, new, verify=verify)
            self.owners.claim(created, bitrix24_id=planned.bitrix24_id)
            self.watch.created(planned, created)
            return SendResult(created)
        if planned.callgear_id is None:
            return SendResult()
        result = self.writer.update(
            planned.callgear_id,
            last_name=planned.last_name,
            phone_numbers=self.entries(planned) if planned.phones else None,
        )
        return SendResult(planned.callgear_id, unchanged_fields=unchanged_fields(result))

    def after_batch(self, results: list[ActionResult]) -> None:
        """Store the links of what was done; forget the announcement of what certainly did not happen.

        R09a: with a link by e-mail it is stored whose employee is still to get last name or phones.
        """
        self.watch.store_found()
        store = self.run.store
        done = [result for result in results if result.outcome is Outcome.DONE]
        store.put_links(
            [
                LinkWritten(
                    bitrix24_id=result.planned.bitrix24_id,
                    callgear_id=result.callgear_id,
                    linked_by="create"
                    if result.planned.action is ActionKind.CREATE
                    else LINKED_BY.get(result.planned.reason or "", "email"),
                )
                for result in done
                if result.callgear_id is not None and result.planned.action in (ActionKind.CREATE, ActionKind.LINK)
            ]
        )
        linked = {result.planned.bitrix24_id for result in done if result.planned.action is ActionKind.LINK}
        audit.links.put_unfinished_links(store.database, store.run, linked & self.updated_after_link)
        audit.links.finish_links(store.database, [a.planned.bitrix24_id for a in done if is_part_of_link(a.planned)])
        not_created = [
            result.planned.bitrix24_id
            for result in results
            if result.planned.action is ActionKind.CREATE and result.outcome is not Outcome.DONE and not result.unsure
        ]
        if not_created:
            audit.links.clear_pending_creates(store.database, not_created)

    def after_all(self) -> None:
        """See whether somebody else has created the same people (R16b)."""
        self.watch.end()

    def entries(self, planned: PlannedAction) -> tuple[PhoneEntry, ...]:
        """The phone numbers to send; a number that is already in the account keeps its settings (contract 5.3, T7)."""
        return tuple(self.numbers.phone_entry(number, bitrix24_id=planned.bitrix24_id) for number in planned.phones)


def unchanged_fields(result: UpdateResult) -> frozenset[str]:
    """Return what of the plan the employee had by the time it was read anew: a colleague has been faster (R20)."""
    if not result.sent:
        return frozenset({"last_name", "phone_numbers"})
    return frozenset() if result.phones_added else frozenset({"phone_numbers"})


def is_part_of_link(planned: PlannedAction) -> bool:
    """Return whether an action gives the employee of a link by e-mail its last name or phones (R09a)."""
    return planned.action is ActionKind.UPDATE and planned.reason == MatchReason.EMAIL_LINK


class ListActions(ActionHandler):
    """Sends the changes of the responsible list: idempotent, recorded as the results come."""

    def __init__(self, run: RunContext) -> None:
        self.client = run.connection.callgear

    def send(self, planned: PlannedAction) -> SendResult:
        """Send one action; `ext_id` is the Bitrix24 user id as text."""
        ext_id, name = str(planned.bitrix24_id), planned.last_name or ""
        match planned.action:
            case ActionKind.REMOVE_RESPONSIBLE:
                callgear_list.remove_responsible(self.client, ext_id=ext_id)
            case ActionKind.LIST_RESPONSIBLE:
                callgear_list.add_responsible(self.client, ext_id=ext_id, name=name)
            case _:
                callgear_list.rename_responsible(self.client, ext_id=ext_id, name=name)
        return SendResult()
