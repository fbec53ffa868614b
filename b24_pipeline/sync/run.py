"""One run of one connection: what its steps share, how it is counted, and how it ended (R16-R20)."""

import logging
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.audit import Approval, RunCounts, RunStart, Store, StoreError
from b24_pipeline.audit.exceptions import PublishedFileMounted
from b24_pipeline.bitrix24.exceptions import Bitrix24Error, IncompleteFetchError
from b24_pipeline.callgear.exceptions import CallGearError, IncompleteReadError
from b24_pipeline.connection import Connection
from b24_pipeline.rules import retry_schedule, safety_limits
from b24_pipeline.rules.models import ActionKind, ApprovedConflict, Outcome, Policy, RunKind, RunStatus, Scope
from b24_pipeline.sync.launch import Launch, RunConfig

log = logging.getLogger(__name__)


class RunNotStarted(Exception):  # noqa: N818
    """The run could not begin: nothing was asked of either system. The text is one line."""


class RunStopped(Exception):  # noqa: N818
    """The run cannot go on; the text says why, in one line."""


@dataclass(slots=True)
class ImportRun:
    """One run. Its steps read and write through it; `end` says how it went."""

    connection: Connection
    store: Store
    config: RunConfig
    launch: Launch
    started_at: datetime
    limit_context: safety_limits.LimitContext
    approval: Approval | None
    interrupted: list[str]
    """Earlier runs that were found to have died."""
    borrowed: dict[str, str] = field(default_factory=dict)
    """Which frames of other runs its steps have used, and how old they are (R18a)."""
    deleted: frozenset[int] = frozenset()
    """R13: users that were imported, and surely are not in the portal any more; known once it was read."""
    counts: RunCounts = field(default_factory=RunCounts)
    warnings: list[str] = field(default_factory=list)
    deferrals: list[str] = field(default_factory=list)
    """What this run could not even plan, and why."""
    importable_before: float | None = None
    """Which share of the candidates could be imported at the last import; None before the first one."""
    out_of_resources: bool = False
    """Something was deferred for want of time or points."""
    account_confirmed: bool = False
    """R16b: the account has been asked for its number, and is the one of this database."""
    failure: tuple[RunStatus, str] | None = None
    scope: Scope | None = None
    """R03: whom the run looks at, with the departments below the chosen ones; known once these were read."""
    finished_steps: set[str] = field(default_factory=set)

    @property
    def run_id(self) -> str:
        """Dagster's run id."""
        return self.launch.run_id

    @property
    def policy(self) -> Policy:
        """The rules' choices for this run."""
        policy = self.config.policy(self.connection.settings.policy)
        return policy if self.scope is None else replace(policy, scope=self.scope)

    @property
    def deadline(self) -> datetime:
        """When the run defers what is not done yet."""
        return self.started_at + timedelta(minutes=self.connection.settings.run_minutes)

    def out_of_time(self) -> bool:
        """Whether the run's time is over."""
        return self.connection.now() >= self.deadline

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Do one step; whatever stops it stops the run, and the audit knows why.

        Raises:
            RunStopped: one line that says what happened; the cause's own text, never its traceback. Also when an
                earlier step was stopped: the steps that do not depend on it are not begun any more.
        """
        if self.failure is not None:
            raise RunStopped(f"{name}: not begun, because the run was stopped")
        try:
            yield
            self.finished_steps.add(name)
        except RunStopped as stopped:
            self.failure = (RunStatus.FAILED, str(stopped))
            raise
        except (IncompleteFetchError, IncompleteReadError) as error:
            self.failure = (RunStatus.UNTRUSTED, str(error))
            raise RunStopped(f"{name}: {error}") from None
        except (Bitrix24Error, CallGearError, StoreError) as error:
            self.failure = (RunStatus.FAILED, str(error))
            raise RunStopped(f"{name}: {error}") from None
        except Exception as error:
            log.exception("step %s failed", name)
            self.failure = (RunStatus.FAILED, f"{type(error).__name__}: {error}")
            raise RunStopped(f"{name}: {error}") from None

    def approved(self) -> DataFrame[schemas.Actions]:
        """What a person approved of a held run, if anything."""
        return self.approval.actions if self.approval is not None else schemas.empty_frame(schemas.Actions)

    def approved_conflicts(self) -> frozenset[ApprovedConflict]:
        """The conflicts that a person approved user by user (R09, R14)."""
        return self.approval.conflicts if self.approval is not None else frozenset()

    def decide(
        self, plan: DataFrame[schemas.Plan], *, dead_letters: DataFrame[schemas.DeadLetters]
    ) -> DataFrame[schemas.Plan]:
        """R16, R18: the plan with its waiting and held rows marked."""
        if plan.empty:
            return plan
        resting = retry_schedule.defer_backing_off(plan, dead_letters=dead_letters, now=self.connection.now())
        return self.limited(resting, dead_letters=dead_letters)

    def limited(
        self, plan: DataFrame[schemas.Plan], *, dead_letters: DataFrame[schemas.DeadLetters]
    ) -> DataFrame[schemas.Plan]:
        """R16: the plan with its held rows marked."""
        return safety_limits.apply_safety_limits(
            plan,
            limits=self.policy.limits,
            context=self.limit_context,
            approved=self.approved(),
            dead_letters=dead_letters,
        )

    def in_scope_of_run(
        self, plan: DataFrame[schemas.Plan], *, dead_letters: DataFrame[schemas.DeadLetters]
    ) -> DataFrame[schemas.Plan]:
        """The plan for the users this run is for; asked for by name, a dead letter is tried at once."""
        if self.config.only is None:
            return self.decide(plan, dead_letters=dead_letters)
        narrowed = schemas.check(schemas.Plan, plan[plan["bitrix24_id"].isin(self.config.only)])
        return self.limited(narrowed, dead_letters=dead_letters)

    def out_of_scope_of_run(
        self, plan: DataFrame[schemas.Plan], *, dead_letters: DataFrame[schemas.DeadLetters]
    ) -> DataFrame[schemas.Plan]:
        """The decided plan for the users this run is not for: nothing is sent, but what stands for them stands on."""
        if self.config.only is None:
            return schemas.empty_frame(schemas.Plan)
        decided = self.decide(plan, dead_letters=dead_letters)
        return schemas.check(schemas.Plan, decided[~decided["bitrix24_id"].isin(self.config.only)])

    def update_dead_letters(
        self,
        actions: DataFrame[schemas.Actions],
        *,
        known: DataFrame[schemas.DeadLetters],
        kinds: frozenset[ActionKind],
        unanswered: AbstractSet[tuple[int, str]],
    ) -> None:
        """R18: failures of these kinds become dead letters; what is mended is taken out. Others' stay untouched."""
        if known.empty and not (actions["outcome"] == Outcome.FAILED).any():
            return
        concerned = known["action"].isin([kind.value for kind in kinds])
        if self.config.only is not None:
            concerned &= known["bitrix24_id"].isin(self.config.only)
        settled = retry_schedule.update_dead_letters(
            schemas.check(schemas.DeadLetters, known[concerned]),
            actions=actions,
            unanswered=unanswered,
            now=self.connection.now(),
        )
        self.store.put_dead_letters(schemas.concat(schemas.DeadLetters, known[~concerned], settled))

    def count(self, **numbers: int) -> None:
        """Set some of the run's figures."""
        self.counts = replace(self.counts, **numbers)

    def importable_fall(self) -> str | None:
        """R02: that far fewer candidates can be imported than at the last import, in words; None where it is not so."""
        now, before = self.counts.importable, self.importable_before
        is_for_everybody = self.launch.kind in (RunKind.IMPORT, RunKind.DRY_RUN)
        if not is_for_everybody or before is None or not now.has_fallen(before=before):
            return None
        return now.describe_fall(before=before)

    def status(self) -> tuple[RunStatus, str | None]:
        """How the run ended, and why it did not end well."""
        if self.failure is not None:
            return self.failure
        fall = self.importable_fall()
        note = "; ".join([*self.warnings, *self.deferrals, *([fall] if fall else [])]) or None
        if self.counts.held:
            return RunStatus.HELD, note
        if self.counts.failed or self.counts.deferred or self.deferrals or fall:
            return RunStatus.PARTIAL, note
        return RunStatus.DONE, note


def begin(connection: Connection, store: Store, *, config: RunConfig, launch: Launch) -> ImportRun:
    """Begin a run: note it in the audit, and look at what R16 needs to know.

    Raises:
        StoreError: the database cannot be used.
    """
    started_at = connection.now()
    store.bind(portal_host=connection.portal_host, callgear_host=connection.callgear_host)
    imported = store.people_imported()
    limit_context = safety_limits.LimitContext(
        people_imported=imported,
        first_import=store.first_import(),
        rebuilding_links=not imported,
        done=store.done_since(started_at - safety_limits.WINDOW, now=started_at),
    )
    interrupted = store.begin_run(
        RunStart(
            run_id=launch.run_id,
            started_at=started_at,
            trigger=launch.trigger,
            kind=launch.kind,
            only=tuple(sorted(config.only or ())),
            policy=config.as_json(),
        )
    )
    connection.callgear.budget.set_prior_usage(store.points_since(started_at - timedelta(days=1)))
    return ImportRun(
        connection=connection,
        store=store,
        config=config,
        launch=launch,
        started_at=started_at,
        limit_context=limit_context,
        approval=store.open_approval(started_at),
        importable_before=store.importable_before(),
        interrupted=interrupted,
    )


def end(run: ImportRun, *, dagster_failure: tuple[RunStatus, str] | None = None) -> RunStatus:
    """Note how the run ended, and publish the database for its readers.

    Raises:
        StoreError: it cannot be stored or published.
    """
    if dagster_failure is not None and run.failure is None:
        run.failure = dagster_failure
    status, reason = run.status()
    run.count(
        bitrix24_requests=run.connection.bitrix24.requests_sent, callgear_points=run.connection.callgear.points_spent
    )
    run.store.finish_run(status, reason, run.counts)
    if not run.config.dry_run:
        run.store.close_approvals()
    if run.importable_fall() is None:
        run.store.remember_importable(run.counts)
    try:
        run.store.publish()
    except PublishedFileMounted as error:
        run.store.finish_run(status, "; ".join(filter(None, (reason, str(error)))), run.counts)
    except StoreError as error:
        run.store.finish_run(RunStatus.FAILED, f"people cannot be shown what was done: {error}", run.counts)
        raise
    return status
