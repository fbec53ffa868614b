"""One run of one connection: the context that its steps share, and its outcome apart (R16-R20)."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from b24_pipeline import audit, settings
from b24_pipeline.audit import Approval, RunCounts, RunStart, Store, StoreError
from b24_pipeline.audit.storage import claims
from b24_pipeline.audit.storage.advisory_lock import session_of
from b24_pipeline.audit.storage.exceptions import NotUploaded, PublishedFileMounted
from b24_pipeline.bitrix24.exceptions import Bitrix24Error, IncompleteFetchError
from b24_pipeline.bitrix24.rate_limit import EMPTIES_WITHIN
from b24_pipeline.callgear.client import read_account
from b24_pipeline.callgear.exceptions import CallGearError, IncompleteReadError
from b24_pipeline.connection import Connection
from b24_pipeline.rules import safety_limits
from b24_pipeline.rules.models import Policy, RunKind, RunStatus, Scope
from b24_pipeline.sync.launch import Launch, RunConfig

log = logging.getLogger(__name__)


class RunStopped(Exception):  # noqa: N818
    """The run cannot go on; the text says why, in one line."""


@dataclass(slots=True)
class RunOutcome:
    """The results of a run so far; `end` writes them into the audit."""

    counts: RunCounts = field(default_factory=RunCounts)
    warnings: list[str] = field(default_factory=list)
    deferrals: list[str] = field(default_factory=list)
    """Work that the run could not even plan, and why."""
    failure: tuple[RunStatus, str] | None = None
    finished_steps: set[str] = field(default_factory=set)
    put_off: bool = False
    """Something was deferred for want of time or points, or a create because everything was stopped."""
    account_confirmed: bool = False
    """R16b: the account has been asked for its number, and is the one of this database."""
    deleted: frozenset[int] = frozenset()
    """R13: imported users that surely are not in the portal any more; known once it was read."""
    scope: Scope | None = None
    """R03: the scope with the departments below the chosen ones; known once these were read."""
    borrowed: dict[str, str] = field(default_factory=dict)
    """The frames of other runs that steps have used, and how old they are (R18a)."""

    def count(self, **numbers: int) -> None:
        """Set some of the run's figures."""
        self.counts = replace(self.counts, **numbers)

    def fail(self, status: RunStatus, reason: str) -> None:
        """Note why the run failed; the first reason stays."""
        self.failure = self.failure or (status, reason)


@dataclass(frozen=True, slots=True)
class RunContext:
    """One run, as all of its steps see it: they read and write through it, and note in `outcome` what came of it."""

    connection: Connection
    store: Store
    config: RunConfig
    launch: Launch
    started_at: datetime
    limit_context: safety_limits.LimitContext
    approval: Approval | None
    interrupted: list[str]
    """Earlier runs that were found to have died."""
    importable_before: float | None = None
    """The share of the candidates that could be imported at the last import; None before the first one."""
    outcome: RunOutcome = field(default_factory=RunOutcome)

    @property
    def run_id(self) -> str:
        """Dagster's run id."""
        return self.launch.run_id

    @property
    def policy(self) -> Policy:
        """The rules' choices for this run."""
        policy = self.config.policy(self.connection.settings.policy)
        return policy if self.outcome.scope is None else replace(policy, scope=self.outcome.scope)

    def out_of_time(self) -> bool:
        """Return whether the run has to defer what is not done yet."""
        return self.connection.now() >= self.started_at + timedelta(minutes=self.connection.settings.run_minutes)

    def confirm_account(self) -> None:
        """Ask once, before the first write, which account answers; the first one ever written to is remembered (R16b).

        Raises:
            DatabaseOfAnotherConnection: another account than before, or one that another connection imports into:
                nothing may be written.
            CallGearError: it could not be asked.
        """
        if self.outcome.account_confirmed:
            return
        account = read_account(self.connection.callgear)
        audit.metadata.bind_account(self.store.database, account)
        connection, folder, lake = self.connection, settings.connections(), self.connection.paths.lake
        key = connection.key or (lake.schema if lake else None)
        if key is not None:
            notes = session_of(lake) if lake else notes_of_machine(connection)
            keys = folder.keys if folder else None
            claims.claim_account(notes, account, host=account_host(connection), key=key, keys=keys)
        self.outcome.account_confirmed = True

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Do one step; whatever stops it stops the run, and the audit knows why.

        Raises:
            RunStopped: one line that says what happened; the cause's own text, never its traceback. Also when an
                earlier step was stopped: the steps that do not depend on it are not begun any more.
        """
        if self.outcome.failure is not None:
            raise RunStopped(f"{name}: not begun, because the run was stopped")
        try:
            yield
            self.outcome.finished_steps.add(name)
        except RunStopped as stopped:
            self.outcome.fail(RunStatus.FAILED, str(stopped))
            raise
        except (IncompleteFetchError, IncompleteReadError) as error:
            self.outcome.fail(RunStatus.UNTRUSTED, str(error))
            raise RunStopped(f"{name}: {error}") from None
        except (Bitrix24Error, CallGearError, StoreError) as error:
            self.outcome.fail(RunStatus.FAILED, str(error))
            raise RunStopped(f"{name}: {error}") from None
        except Exception as error:
            log.exception("step %s failed", name)
            self.outcome.fail(RunStatus.FAILED, f"{type(error).__name__}: {error}")
            raise RunStopped(f"{name}: {error}") from None

    def importable_fall(self) -> str | None:
        """R02: that far fewer candidates can be imported than at the last import, in words; None where it is not so."""
        now, before = self.outcome.counts.importable, self.importable_before
        is_for_everybody = self.launch.kind in (RunKind.IMPORT, RunKind.DRY_RUN)
        if not is_for_everybody or before is None or not now.has_fallen(before=before):
            return None
        return now.describe_fall(before=before)

    def status(self) -> tuple[RunStatus, str | None]:
        """Return how the run ended, and why it did not end well."""
        outcome, fall = self.outcome, self.importable_fall()
        if outcome.failure is not None:
            return outcome.failure
        note = "; ".join([*outcome.warnings, *outcome.deferrals, *([fall] if fall else [])]) or None
        if outcome.counts.held:
            return RunStatus.HELD, note
        if outcome.counts.failed or outcome.counts.deferred or outcome.deferrals or fall:
            return RunStatus.PARTIAL, note
        return RunStatus.DONE, note


def begin(connection: Connection, store: Store, *, config: RunConfig, launch: Launch) -> RunContext:
    """Begin a run: note it in the audit, and look at what R16 needs to know.

    Raises:
        StoreError: the database cannot be used.
    """
    started_at = connection.now()
    audit.metadata.bind(store.database, portal_host=connection.portal_host, callgear_host=connection.callgear_host)
    imported = audit.links.people_imported(store.database)
    limit_context = safety_limits.LimitContext(
        people_imported=imported,
        first_import=audit.runs.first_import(store.database),
        rebuilding_links=not imported,
        done=audit.actions.done_since(store.database, started_at - safety_limits.WINDOW, now=started_at),
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
    connection.callgear.budget.set_prior_usage(audit.runs.points_since(store.database, started_at - timedelta(days=1)))
    sent, last_at = audit.runs.requests_between(store.database, started_at - EMPTIES_WITHIN, started_at)
    connection.bitrix24.set_prior_usage(sent, seconds_ago=(started_at - last_at).total_seconds())
    return RunContext(
        connection=connection,
        store=store,
        config=config,
        launch=launch,
        started_at=started_at,
        limit_context=limit_context,
        approval=audit.approvals.open_approval(store.database, started_at),
        importable_before=audit.runs.importable_before(store.database),
        interrupted=interrupted,
    )


def notes_of_machine(connection: Connection) -> Path:
    """Return where is noted which connection imports into which account, unless a lake has it."""
    return connection.settings.data_folder / settings.FOLDER / ".accounts"


def account_host(connection: Connection) -> str:
    """Return the host of the account's API, with its port if it has one."""
    return urlsplit(connection.settings.callgear_api_url).netloc


def end(run: RunContext, *, dagster_failure: tuple[RunStatus, str] | None = None) -> RunStatus:
    """Note how the run ended, and publish the database for its readers.

    Raises:
        StoreError: it cannot be stored or published.
    """
    if dagster_failure is not None:
        run.outcome.fail(*dagster_failure)
    status, reason = run.status()
    run.outcome.count(
        bitrix24_requests=run.connection.bitrix24.requests_sent, callgear_points=run.connection.callgear.points_spent
    )
    run.store.finish_run(status, reason, run.outcome.counts)
    if not run.config.dry_run:
        audit.approvals.close_approvals(run.store.database, run.store.run)
    if run.importable_fall() is None:
        audit.runs.remember_importable(run.store.database, run.store.run, run.outcome.counts)
    try:
        run.store.publish()
    except (PublishedFileMounted, NotUploaded) as error:
        run.store.finish_run(status, "; ".join(filter(None, (reason, str(error)))), run.outcome.counts)
    except StoreError as error:
        run.store.finish_run(RunStatus.FAILED, f"people cannot be shown what was done: {error}", run.outcome.counts)
        raise
    return status
