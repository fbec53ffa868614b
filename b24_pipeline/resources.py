"""The Dagster resources: the run itself, and where its frames are kept."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import ClassVar

import dagster as dg
import pandas as pd
from pydantic import Field, PrivateAttr
from sqlalchemy.exc import SQLAlchemyError

from b24_pipeline import settings
from b24_pipeline.approver import dagster_user, system_user, valid_comment
from b24_pipeline.columns import FRAME
from b24_pipeline.connection import MACHINE_TIME, Timing, open_connection
from b24_pipeline.importing import run as importing
from b24_pipeline.importing.lock import RunInProgress, run_lock
from b24_pipeline.importing.run import ImportRun, RunConfig, RunStopped
from b24_pipeline.reporting.keeping import ReportFiles, keep
from b24_pipeline.rules import frames
from b24_pipeline.rules.records import OnIdMatch, PhonesPolicy, ResponsibleListPolicy, Trigger
from b24_pipeline.settings import SettingsError
from b24_pipeline.store import Approver, Step, Store, StoreError

log = logging.getLogger(__name__)

TRIGGER_TAG = "b24_pipeline/trigger"
LOCK_TAG = "b24_pipeline/lock"
"""The lock that the process of a terminal run holds for as long as it lives."""
WAIT_FOR_OTHER_RUN_SECONDS = 60
REPORTING = frozenset({dg.AssetKey("callgear_upsert"), dg.AssetKey("import_report")})
"""What a run does that imports and then draws the report."""
INTERRUPTED = "DagsterExecutionInterruptedError"
"""What Dagster calls the end of a run by Ctrl-C, by «Terminate», or by the end of its process."""


class NotStarted(dg.DagsterError):
    """The run could not begin; Dagster shows this text as it is, without a traceback of ours."""


class ImportRunResource(dg.ConfigurableResource["ImportRunResource"]):
    """One run of the import: everything that its steps share, and what may be chosen for one run.

    The secrets are not here: they are read from the environment or `.env` when the run begins.
    """

    timing: ClassVar[Timing] = MACHINE_TIME

    dry_run: bool = Field(default=False, description="Read everything and show the plan; change nothing (R19).")
    only: list[int] = Field(
        default_factory=list,
        description=(
            "Bitrix24 user ids: do something for these people only, at once. The page of `callgear_upsert` then shows "
            "their step trace: what was read, the rule that decided, what was sent. Empty: everybody."
        ),
    )
    approve: str = Field(
        default="",
        description=(
            "The id of a held run, or its first 8 characters: this run may do what that one listed, no more, within "
            "24 hours (R16). What it defers stays approved."
        ),
    )
    approve_users: list[int] = Field(
        default_factory=list,
        description="With `approve`: Bitrix24 user ids whose `email_reused` conflict of that run is approved (R09).",
    )
    comment: str = Field(
        default="",
        description="With `approve`: why it is right, in one line. Kept in `audit.approvals`, with who approved.",
    )
    phones: PhonesPolicy | None = Field(
        default=None,
        description="Which phone numbers are imported, for this run: ALL or FIRST (R05). As set if left out.",
    )
    on_id_match: OnIdMatch | None = Field(
        default=None,
        description="What is done to employees matched by id, for this run: NOTHING, FILL_PHONES or REFRESH (R07).",
    )
    responsible_list: ResponsibleListPolicy | None = Field(
        default=None, description="The responsible list, for this run: REMOVE, MIRROR or OFF (R14, R15)."
    )

    _run: ImportRun = PrivateAttr()

    @property
    def run(self) -> ImportRun:
        """The run in progress."""
        return self._run

    @contextmanager
    def failing(self) -> Iterator[ImportRun]:
        """Let a step that is stopped fail in the UI with one line, never with a traceback.

        Raises:
            dg.Failure: the step was stopped. It is not tried again: the next run is.
        """
        try:
            yield self.run
        except RunStopped as stopped:
            raise dg.Failure(str(stopped), allow_retries=False) from None

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["ImportRunResource"]:
        """Hold the connection's lock from before the first read until the database is published."""
        if context.run is None or context.instance is None:
            raise dg.DagsterInvariantViolationError("the import runs within a Dagster run only")
        with ExitStack() as stack:
            try:
                self._run = self.begin(context.run, stack)
            except (SettingsError, RunInProgress, StoreError) as error:
                raise NotStarted(str(error)) from None
            fail_interrupted(context.instance, self._run.interrupted)
            try:
                yield self
            finally:
                importing.end(self._run, dagster_failure=step_failure(context.instance, context.run.run_id))
                if draws_report(context.run):
                    report_unfinished(self._run)

    def begin(self, dagster_run: dg.DagsterRun, stack: ExitStack) -> ImportRun:
        """Open and lock everything; `stack` lets go of it.

        Raises:
            SettingsError: a setting is missing or bad, or this run's choices exclude each other.
            RunInProgress: another run is going on, and still was after a while.
            StoreError: the database cannot be used.
        """
        self.check_choices()
        trigger, run_id = trigger_of(dagster_run), dagster_run.run_id
        connection = stack.enter_context(open_connection(settings.load(), self.timing))
        stack.enter_context(
            run_lock(
                connection.paths.lock,
                holder=f"run {run_id}",
                now=connection.now(),
                wait_seconds=0 if trigger is Trigger.TERMINAL else WAIT_FOR_OTHER_RUN_SECONDS,
            )
        )
        store = stack.enter_context(Store.open(connection.paths, now=connection.now))
        if self.approve:
            approver = Approver(approver_of(dagster_run), valid_comment(self.comment))
            store.approve(self.approve, bitrix24_ids=self.approve_users or None, approver=approver)
        return importing.begin(connection, store, config=self.config, run_id=run_id, trigger=trigger)

    def check_choices(self) -> None:
        """An approval is meant for the run it is given to, so that run must be able to act on it.

        Raises:
            SettingsError: it is not.
        """
        if self.approve and self.dry_run:
            raise SettingsError("approve and dry_run exclude each other: a dry run does nothing that must be approved")
        if self.approve_users and not self.approve:
            raise SettingsError("approve_users needs approve: the id of the run that listed their conflicts")
        if self.comment and not self.approve:
            raise SettingsError("comment needs approve: it is kept with the approval")
        try:
            valid_comment(self.comment)
        except ValueError as problem:
            raise SettingsError(f"comment: {problem}") from None

    @property
    def config(self) -> RunConfig:
        """What was chosen for this run."""
        return RunConfig(
            dry_run=self.dry_run,
            only=frozenset(self.only),
            phones=self.phones,
            on_id_match=self.on_id_match,
            responsible_list=self.responsible_list,
        )


def trigger_of(run: dg.DagsterRun) -> Trigger:
    """Who started a Dagster run."""
    if "dagster/schedule_name" in run.tags:
        return Trigger.SCHEDULE
    if "dagster/sensor_name" in run.tags:
        return Trigger.SENSOR
    return Trigger(run.tags.get(TRIGGER_TAG, Trigger.UI))


def approver_of(run: dg.DagsterRun) -> str:
    """Who approves by starting this run."""
    return system_user() if trigger_of(run) is Trigger.TERMINAL else dagster_user(run.tags)


def draws_report(run: dg.DagsterRun) -> bool:
    """Whether a Dagster run imports and then draws the report; one of single assets or checks does not."""
    if not run.asset_selection:
        return not run.asset_check_selection
    return run.asset_selection >= REPORTING


def report_unfinished(run: ImportRun) -> None:
    """Let the report tell of a run that ended before the step that draws it; never makes a run fail."""
    if run.config.dry_run or run.config.only:
        return
    try:
        if run.trouble is None and Step.UPSERT in run.store.recorded_by(run.run_id):
            return
        keep(run.store, ReportFiles.beside(run.connection.paths.published), now=run.connection.now())
    except Exception as error:  # noqa: BLE001 - whatever it is: why the run failed is what people must read
        log.warning("the report could not be made: %s", error)


def step_failure(instance: dg.DagsterInstance, run_id: str) -> str | None:
    """What Dagster knows of a failed step of this run: also failures outside our own code, like a full disk."""
    try:
        failures = instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    except SQLAlchemyError as unusable:
        return f"Dagster's own storage cannot be used: {first_line(unusable)}"
    if not failures:
        return None
    event = failures[0].get_dagster_event()
    error = event.step_failure_data.error
    if error is None:
        return f"{event.step_key}: failed"
    if error.cls_name == INTERRUPTED:
        return f"{event.step_key}: stopped by a person, or by the end of the process"
    return f"{event.step_key}: {(error.cause or error).message.strip()}"


def first_line(error: Exception) -> str:
    """What an error of a database says, without the statement."""
    return str(error).partition("\n")[0]


def fail_interrupted(instance: dg.DagsterInstance, run_ids: list[str]) -> None:
    """Runs that died with their process: we hold the lock now, so nobody is carrying them on."""
    for run_id in run_ids:
        run = instance.get_run_by_id(run_id)
        if run is not None and not run.is_finished:
            instance.report_run_failed(run, "The process of this run died; the next run found it interrupted.")


class StoreIOManager(dg.ConfigurableIOManager):
    """Keeps each asset's frame in DuckDB as changes over time, and reads it back: the database is the only storage.

    A step refuses a frame of another run: a plan must never be carried out on what was read long ago.
    """

    import_run: dg.ResourceDependency[ImportRunResource]

    def handle_output(self, context: dg.OutputContext, obj: pd.DataFrame) -> None:
        """Do nothing: each step has recorded its frame before it returned it."""

    def load_input(self, context: dg.InputContext) -> pd.DataFrame:
        """The frame that this run recorded."""
        model, run = frame_of(context.upstream_output), self.import_run.run
        if not run.store.recorded(model):
            raise dg.Failure(
                f"{context.asset_key.to_user_string()} was not read in this run. Steps use only what their own run has "
                "read: materialize all assets together, or launch the job employee_import.",
                allow_retries=False,
            )
        return run.store.seen(model)


def frame_of(context: dg.OutputContext | None) -> type[frames.Frame]:
    """The declared frame of an asset."""
    if context is None or context.definition_metadata is None:
        raise dg.DagsterInvariantViolationError("the store keeps the frames of assets only")
    model: type[frames.Frame] = getattr(frames, context.definition_metadata[FRAME])
    return model
