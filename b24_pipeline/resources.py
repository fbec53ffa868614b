"""The run of the import as a Dagster resource."""

import atexit
import logging
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from multiprocessing import parent_process
from typing import ClassVar, Literal

import dagster as dg
from pydantic import Field, PrivateAttr

from b24_pipeline import audit, partitions, settings
from b24_pipeline.approver import dagster_user, system_user, valid_comment
from b24_pipeline.audit import Approver, Step, Store, StoreError
from b24_pipeline.audit.storage.advisory_lock import RunInProgress
from b24_pipeline.audit.storage.exceptions import NotApprovable, UnknownRun
from b24_pipeline.audit.storage.lock import connection_lock
from b24_pipeline.connection import SYSTEM_CLOCK, Timing, open_connection
from b24_pipeline.dagster_runs import (
    OUTCOME_TAG,
    REFUSED,
    REPORTING,
    STEPS,
    WRITING,
    fail_dead_run,
    failure_of,
    has_ended,
    launch_of,
    place_in_code_location,
    put_tags,
    steps_continued,
    steps_of,
    tag_outcome,
    trigger_of,
)
from b24_pipeline.reporting.refresh import refresh_report, report_beside
from b24_pipeline.rules.models import IdMatchPolicy, PhonesPolicy, ResponsibleListPolicy, RunKind, Trigger
from b24_pipeline.settings import SettingsError
from b24_pipeline.short_process import collect_rarely, end_at_once
from b24_pipeline.sync import run as importing
from b24_pipeline.sync.launch import CRON, RunConfig
from b24_pipeline.sync.run import RunContext, RunStopped

log = logging.getLogger(__name__)

WAIT_FOR_OTHER_RUN_SECONDS = 60
AS_SET: Literal["as_set"] = "as_set"
"""Use the configured value. Each choice has a default, because Dagster's scaffold leaves out what has none."""
ONE_PROCESS = (
    "the steps of an import share one lock, one connection and one points budget, so they need one process: launch the "
    "job employee_import, or give this job executor_def=dagster.in_process_executor"
)


class RunNotStarted(dg.DagsterError):
    """The run could not start; Dagster shows this text as it is, without a traceback of ours."""


class ChoiceError(SettingsError):
    """The choices for this run cannot be combined."""


CHOICE_ERRORS = (ChoiceError, UnknownRun, NotApprovable)
"""What only this run is refused for; others are not concerned (R18a)."""


class ImportRunResource(dg.ConfigurableResource["ImportRunResource"]):
    """One run of the import: what its steps share, and the choices for one run.

    Secrets are not here: they are read from the environment or `.env` when the run starts.
    """

    timing: ClassVar[Timing] = SYSTEM_CLOCK
    is_own_project: ClassVar[bool] = True
    key_prefix: ClassVar[tuple[str, ...]] = ()
    cron: ClassVar[str | None] = CRON

    dry_run: bool = Field(default=False, description="Read everything and show the plan, but change nothing (R19).")
    only: list[int] = Field(
        default=[],
        description="Limit this run to these Bitrix24 user ids (failed ones are retried immediately), with the step "
        "trace of each on the page of `callgear_upsert`; empty for everybody.",
    )
    only_failed: bool = Field(
        default=False,
        description="Limit this run to people whose action has failed and is pending retry, and retry it now.",
    )
    approve: str = Field(
        default="",
        description="Apply the held changes of this run (full id or first 8 characters; valid for 24 hours, R16).",
    )
    approve_users: list[int] = Field(
        default=[],
        description="With `approve`, approve the conflicts of these Bitrix24 user ids: `email_reused`, `similar_email` "
        "(R09), `identity_changed` (R07a), `other_name` (R14).",
    )
    comment: str = Field(default="", description="With `approve`, the reason in one line; kept in `audit.approvals`.")
    phones: Literal["as_set", "all", "first"] = Field(
        default=AS_SET,
        description="Import `all` phone numbers or only the `first` (R05; default: the configured value).",
    )
    on_id_match: Literal["as_set", "nothing", "fill_phones", "refresh"] = Field(
        default=AS_SET,
        description="Do `nothing` to employees matched by id, `fill_phones` or `refresh` them "
        "(R07; default: the configured value).",
    )
    responsible_list: Literal["as_set", "remove", "mirror", "off"] = Field(
        default=AS_SET,
        description="Only `remove` leavers, `mirror` active people too, or leave the list `off` "
        "(R15; default: the configured value).",
    )

    _run: RunContext | None = PrivateAttr(default=None)
    _steps: AbstractSet[str] = PrivateAttr()
    _only_reads: bool = PrivateAttr(default=False)

    @property
    def run(self) -> RunContext:
        """The active run.

        Raises:
            RunNotStarted: it has ended.
        """
        if self._run is None:
            raise RunNotStarted("this run has ended; see the audit for its data (docs/audit.md)")
        return self._run

    @property
    def only_reads(self) -> bool:
        """True if the run has no step of the import, but one that follows it."""
        return self._only_reads

    @property
    def writes(self) -> bool:
        """True if the run has a step that writes to CallGear."""
        return bool(self._steps & WRITING)

    def selects(self, asset: dg.AssetKey) -> bool:
        return asset.to_python_identifier() in self._steps

    @contextmanager
    def failing(self) -> Iterator[RunContext]:
        """Turn the stop of a step into one line in the UI, without a traceback.

        Raises:
            dg.Failure: the step was stopped. It is not retried; the next run is.
        """
        try:
            yield self.run
        except RunStopped as stopped:
            raise dg.Failure(str(stopped), allow_retries=False) from None

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["ImportRunResource"]:
        """Keep the run lock from before the first read until the database is published."""
        if context.run is None or context.instance is None:
            raise dg.DagsterInvariantViolationError("the import needs a Dagster run")
        steps = steps_of(context.instance, context.run)
        self._only_reads = not steps & STEPS
        if self._only_reads or has_ended(context.instance, context.run):
            yield self
            return
        if context.instance.all_logs(context.run.run_id, of_type=dg.DagsterEventType.STEP_WORKER_STARTING):
            raise RunNotStarted(ONE_PROCESS)
        if self.is_own_project:
            shorten_process()
            place_in_code_location(context.instance, context.run)
        with ExitStack() as stack:
            stack.callback(setattr, self, "_run", None)  # Dagster keeps resources for longer than their run
            try:
                continued = steps_continued(context.instance, context.run)
                run = self._run = self.begin(context.run, stack, steps=steps, continued=continued)
            except (SettingsError, RunInProgress, StoreError) as error:
                if isinstance(error, CHOICE_ERRORS):
                    put_tags(context.instance, context.run.run_id, {OUTCOME_TAG: REFUSED})
                raise RunNotStarted(str(error)) from None
            for run_id in run.interrupted:  # we own the lock now, so no process executes them
                message = "The run's process died; the next run found it interrupted."
                fail_dead_run(context.instance, run_id, message)
            try:
                yield self
            finally:
                failure = failure_of(context.instance, run, steps=self._steps)
                status = importing.end(run, dagster_failure=failure)
                tag_outcome(context.instance, run, status)
                if "import_report" in self._steps:
                    report_unfinished(run)

    def begin(
        self,
        dagster_run: dg.DagsterRun,
        stack: ExitStack,
        *,
        steps: AbstractSet[str] = REPORTING,
        continued: AbstractSet[str] = frozenset(),
    ) -> RunContext:
        """Open and lock everything until `stack` closes. The run executes these steps, and continues those.

        Raises:
            SettingsError: a setting is missing or bad, or the choices for this run cannot be combined.
            RunInProgress: another run is active, also after a while.
            StoreError: the database cannot be used.
        """
        self.check_choices()
        trigger, run_id = trigger_of(dagster_run), dagster_run.run_id
        self._steps = steps
        key, folder = partitions.key_of(dagster_run), settings.connections()
        if folder is not None and key is None:
            raise SettingsError(f"this run has no connection: choose a partition of {', '.join(folder.keys)}")
        connection = stack.enter_context(open_connection(settings.load(key), self.timing, key=key))
        confirm_lock = stack.enter_context(
            connection_lock(
                connection.paths,
                owner=f"run {run_id}",
                now=connection.now(),
                wait_seconds=0 if trigger is Trigger.CLI else WAIT_FOR_OTHER_RUN_SECONDS,
            )
        )
        store = stack.enter_context(Store.open(connection.paths, now=connection.now))
        store.database.confirm_lock = connection.guard.check = confirm_lock
        if self.approve:
            name = system_user() if trigger is Trigger.CLI else dagster_user(dagster_run.tags)
            approver = Approver(name, valid_comment(self.comment))
            store.approve(self.approve, bitrix24_ids=self.approve_users or None, approver=approver)
        config = (
            replace(self.config, only=audit.actions.people_failed(store.database)) if self.only_failed else self.config
        )
        return importing.begin(
            connection,
            store,
            config=config,
            launch=replace(
                launch_of(dagster_run, steps=steps, continued=continued, config=config, store=store),
                key_prefix=self.key_prefix,
                cron=self.cron,
            ),
        )

    def check_choices(self) -> None:
        """Check that the choices for this run can be combined.

        Raises:
            ChoiceError: they cannot.
        """
        if self.approve and self.dry_run:
            raise ChoiceError("`approve` cannot be combined with `dry_run`")
        if self.only and self.only_failed:
            raise ChoiceError("`only` cannot be combined with `only_failed`")
        if self.approve_users and not self.approve:
            raise ChoiceError("`approve_users` needs `approve`: the id of the run that listed the conflicts")
        if self.comment and not self.approve:
            raise ChoiceError("`comment` needs `approve`")
        try:
            valid_comment(self.comment)
        except ValueError as problem:
            raise ChoiceError(f"comment: {problem}") from None

    @property
    def config(self) -> RunConfig:
        return RunConfig(
            dry_run=self.dry_run,
            only=frozenset(self.only) or None,
            phones=None if self.phones == AS_SET else PhonesPolicy(self.phones),
            on_id_match=None if self.on_id_match == AS_SET else IdMatchPolicy(self.on_id_match),
            responsible_list=None if self.responsible_list == AS_SET else ResponsibleListPolicy(self.responsible_list),
        )


def shorten_process() -> None:
    """Spare the process of a run what it need not do, if Dagster has started one for this run alone."""
    if parent_process() is not None:
        collect_rarely()
        atexit.register(end_at_once, [0])


def report_unfinished(run: RunContext) -> None:
    """Refresh the report after a run that ended before the step that draws it; never makes a run fail."""
    if run.launch.kind is not RunKind.IMPORT:
        return
    try:
        if run.outcome.failure is None and Step.UPSERT in audit.history.recorded_by(run.store.database, run.run_id):
            return
        refresh_report(run.store, report_beside(run.connection.paths.published), now=run.connection.now())
    except Exception as error:  # noqa: BLE001 - people must read why the run failed, not why the report did
        log.warning("the report could not be made: %s", error)
