"""The step that writes employees (R07, R09-R11, R18): decide, announce, send, remember."""

import json
from functools import partial

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.audit import LinkWritten
from b24_pipeline.callgear.capabilities import AccountCapabilities
from b24_pipeline.callgear.create import NewEmployee, create_or_adopt
from b24_pipeline.callgear.exceptions import DayLimit, DeadlinePassed, MethodError, MinuteLimit, StaleLossError
from b24_pipeline.callgear.phones import PhoneEntry
from b24_pipeline.callgear.update import EmployeeUpdater, UpdateResult
from b24_pipeline.rules import planning
from b24_pipeline.rules.models import ActionKind, MatchKind, MatchReason, Outcome
from b24_pipeline.sync.account import confirm_account
from b24_pipeline.sync.canaries import ordinary_phones_first
from b24_pipeline.sync.capabilities import store_facts, stored_facts
from b24_pipeline.sync.circuit_breaker import ActionResult, PlannedAction, SendResult
from b24_pipeline.sync.executor import send_plan
from b24_pipeline.sync.link_owners import LinkOwners
from b24_pipeline.sync.other_importers import CreateWatch, note_duplicates
from b24_pipeline.sync.run import ImportRun
from b24_pipeline.sync.shared_numbers import SharedNumbers

KINDS = frozenset({ActionKind.CREATE, ActionKind.LINK, ActionKind.UPDATE, ActionKind.REJECT, ActionKind.CONFLICT})
LINKED_BY = {
    MatchReason.REHIRED: "rehire",
    MatchReason.EMAIL_REUSE_APPROVED: "approval",
    MatchReason.SIMILAR_EMAIL_APPROVED: "approval",
    MatchReason.UNFINISHED_CREATE: "create",
}


def upsert(
    run: ImportRun,
    *,
    employees: DataFrame[schemas.Employees],
    matches: DataFrame[schemas.Matches],
    callgear_employees: DataFrame[schemas.CallGearEmployees],
) -> DataFrame[schemas.Actions]:
    """Plan and, unless it is a dry run, carry out: one row an action, with its outcome.

    Raises:
        RunStopped: the account refused everything, or so much failed that it is no fault of records.
    """
    callgear_employees = recover_interrupted_update(run, callgear_employees)
    note_duplicates(run, callgear_employees)
    unfinished = run.store.unfinished_links()
    plan = planning.plan_upsert(
        employees,
        matches=matches,
        callgear_employees=callgear_employees,
        policy=run.policy,
        unfinished_links=unfinished,
    )
    note_finished_links(run, unfinished, matches=matches, plan=plan)
    facts = stored_facts(run.store)
    if not run.config.dry_run:
        plan = ordinary_phones_first(
            plan, client=run.connection.callgear, callgear_employees=callgear_employees, known=facts.update_mode
        )
    handler = EmployeeActions(run, facts, callgear_employees=callgear_employees)
    actions = send_plan(run, plan, step="callgear_upsert", kinds=KINDS, handler=handler)
    run.count(unchanged=run.counts.matched_by_id - len(sent_updates(actions, matches=matches)))
    end_first_import(run)
    return actions


def end_first_import(run: ImportRun) -> None:
    """R16: the first import is over once this step has put off nothing for want of time or points.

    A refusal does not prolong it, and it does not matter how the run goes on. A step that was stopped, because the
    account refused everything or too much failed, does not get here: it has not ended the first import.
    """
    if run.limit_context.first_import and not (
        run.config.dry_run or run.config.only is not None or run.out_of_resources
    ):
        run.store.end_first_import()


def note_finished_links(
    run: ImportRun,
    unfinished: frozenset[int],
    *,
    matches: DataFrame[schemas.Matches],
    plan: DataFrame[schemas.Plan],
) -> None:
    """R09a: what is matched by id and needs no update is as it shall be, whoever made it so."""
    if run.config.dry_run or not unfinished:
        return
    by_id = matches.loc[matches["match_type"] == MatchKind.BY_ID, "bitrix24_id"]
    run.store.finish_links(unfinished & set(by_id) - set(plan["bitrix24_id"]))


def sent_updates(actions: DataFrame[schemas.Actions], *, matches: DataFrame[schemas.Matches]) -> pd.DataFrame:
    """What was sent for people matched by id (R07)."""
    sent = actions[(actions["action"] == ActionKind.UPDATE) & actions["outcome"].isin([Outcome.DONE, Outcome.FAILED])]
    if sent.empty:
        return sent
    return sent[sent["bitrix24_id"].isin(matches.loc[matches["match_type"] == MatchKind.BY_ID, "bitrix24_id"])]


def employee_writer(run: ImportRun, facts: AccountCapabilities) -> EmployeeUpdater:
    """Updates the account's employees, and keeps what it learns."""
    return EmployeeUpdater(run.connection.callgear, facts, save=partial(store_facts, run.store), now=run.connection.now)


def recover_interrupted_update(
    run: ImportRun, callgear_employees: DataFrame[schemas.CallGearEmployees]
) -> DataFrame[schemas.CallGearEmployees]:
    """The account's employees, once an update that an earlier run could not compare is compared (contract 5.5).

    Else the plan would take a loss for the employee's state, and fill it with Bitrix24's phones.
    """
    facts = stored_facts(run.store)
    if run.config.dry_run or facts.unverified is None:
        return callgear_employees
    try:
        confirm_account(run)
        employee = employee_writer(run, facts).recover_interrupted_update()
    except (MethodError, StaleLossError, DayLimit, DeadlinePassed, MinuteLimit) as error:
        run.warnings.append(str(error))
        return callgear_employees
    if employee is None:
        return callgear_employees
    phones = callgear_employees["phone_numbers"].mask(
        callgear_employees["callgear_id"] == employee["id"], json.dumps(employee["phone_numbers"])
    )
    return schemas.check(schemas.CallGearEmployees, callgear_employees.assign(phone_numbers=phones))


class EmployeeActions:
    """How the actions of this step are sent, and what is remembered of each result."""

    def __init__(
        self, run: ImportRun, facts: AccountCapabilities, *, callgear_employees: DataFrame[schemas.CallGearEmployees]
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
            self.owners = LinkOwners(self.run.store.links())
            self.run.store.announce_creates(creates)
        if any(action.phones for action in actions):
            self.numbers.load(self.callgear_employees)

    def send(self, planned: PlannedAction) -> SendResult:
        """Send one action."""
        if planned.action is ActionKind.CREATE:
            new = self.new_employee(planned)
            self.watch.begin(planned)
            created = create_or_adopt(self.client, new).callgear_id
            self.watch.created(planned, created)
            self.owners.claim(created, bitrix24_id=planned.bitrix24_id)
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
        done = [result for result in results if result.outcome is Outcome.DONE]
        self.run.store.put_links(
            [
                LinkWritten(
                    bitrix24_id=result.planned.bitrix24_id,
                    callgear_id=result.callgear_id,
                    linked_by=linked_by(result.planned),
                )
                for result in done
                if result.callgear_id is not None and result.planned.action in (ActionKind.CREATE, ActionKind.LINK)
            ]
        )
        linked = {result.planned.bitrix24_id for result in done if result.planned.action is ActionKind.LINK}
        self.run.store.put_unfinished_links(linked & self.updated_after_link)
        self.run.store.finish_links([a.planned.bitrix24_id for a in done if is_part_of_link(a.planned)])
        not_created = [
            result.planned.bitrix24_id
            for result in results
            if result.planned.action is ActionKind.CREATE and result.outcome is not Outcome.DONE and not result.unsure
        ]
        if not_created:
            self.run.store.clear_pending_creates(not_created)

    def after_all(self) -> None:
        """See whether somebody else has created the same people (R16b)."""
        self.watch.end()

    def new_employee(self, planned: PlannedAction) -> NewEmployee:
        """R10."""
        return NewEmployee(
            first_name=planned.first_name,
            last_name=planned.last_name or "",
            patronymic=planned.patronymic,
            email=planned.email or "",
            phone_numbers=self.entries(planned),
        )

    def entries(self, planned: PlannedAction) -> tuple[PhoneEntry, ...]:
        """The phone numbers to send; a number that is already in the account keeps its settings (contract 5.3, T7)."""
        return tuple(self.numbers.phone_entry(number, bitrix24_id=planned.bitrix24_id) for number in planned.phones)


def unchanged_fields(result: UpdateResult) -> frozenset[str]:
    """What of the plan the employee had by the time it was read anew: a colleague has been faster (R20)."""
    if not result.sent:
        return frozenset({"last_name", "phone_numbers"})
    return frozenset() if result.phones_added else frozenset({"phone_numbers"})


def is_part_of_link(planned: PlannedAction) -> bool:
    """Whether an action gives the employee of a link by e-mail its last name or phones (R09a)."""
    return planned.action is ActionKind.UPDATE and planned.reason == MatchReason.EMAIL_LINK


def linked_by(planned: PlannedAction) -> str:
    """What made the link."""
    if planned.action is ActionKind.CREATE:
        return "create"
    return LINKED_BY.get(MatchReason(planned.reason), "email") if planned.reason else "email"
