"""`b24-pipeline sync`: one run of the import through Dagster, so that it shows in the UI's run list."""

import argparse
import logging
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, replace
from pathlib import Path

import dagster as dg

from b24_pipeline import settings
from b24_pipeline.audit import Paths, RunCounts, Store
from b24_pipeline.audit.exceptions import DatabaseMissing, UnknownRun
from b24_pipeline.audit.run_lock import run_lock
from b24_pipeline.cli.dagster import set_dagster_home
from b24_pipeline.cli.dagster_storage import DagsterStorageError, dagster_instance
from b24_pipeline.cli.exit_codes import Exit
from b24_pipeline.cli.faults import in_words
from b24_pipeline.cli.progress_bar import progress_bar
from b24_pipeline.cli.result import RunResult, print_result, printable_line, read_result
from b24_pipeline.cli.sandbox import sandbox_settings, use_sandbox_home
from b24_pipeline.cli.terminal import as_json, wide_console
from b24_pipeline.connection import open_connection, utc_now
from b24_pipeline.dagster_runs import LOCK_TAG, TRIGGER_TAG
from b24_pipeline.definitions import defs
from b24_pipeline.resources import NotStarted
from b24_pipeline.rules.models import RunStatus, Trigger
from b24_pipeline.settings import Settings
from b24_pipeline.sync.launch import NOBODY_FAILED
from b24_pipeline.sync.run import RunNotStarted

EXIT_OF = {
    RunStatus.DONE: Exit.DONE,
    RunStatus.PARTIAL: Exit.PARTIAL,
    RunStatus.HELD: Exit.HELD,
    RunStatus.UNTRUSTED: Exit.UNTRUSTED,
    RunStatus.FAILED: Exit.FAILED,
    RunStatus.INTERRUPTED: Exit.FAILED,
    RunStatus.RUNNING: Exit.FAILED,
}


def sync(arguments: argparse.Namespace) -> Exit:
    """Run the import once and print what was done."""
    try:
        if arguments.sandbox:
            use_sandbox_home()
        else:
            set_dagster_home()
        with sandbox_settings() if arguments.sandbox else nullcontext():
            chosen = settings.load()
            result = run_once(chosen, arguments)
    except Exception as error:
        if arguments.json:
            print_json(None, dry_run=arguments.dry_run, error=in_words(error))
        raise
    except KeyboardInterrupt:
        if arguments.json:
            print_json(None, dry_run=arguments.dry_run, error="stopped by a person")
        raise
    if result is None:
        return tell_nobody_failed(arguments)
    for warning in result.warnings:
        print(f"b24-pipeline: {printable_line(warning)}", file=sys.stderr)
    if arguments.json:
        print_json(result, dry_run=arguments.dry_run, error=result.reason)
    else:
        print_result(result, console=wide_console(), sandbox=arguments.sandbox)
    return EXIT_OF[result.status]


def tell_nobody_failed(arguments: argparse.Namespace) -> Exit:
    """Say that no run was needed."""
    if arguments.json:
        print_json(None, dry_run=arguments.dry_run, error=None)
    else:
        print(NOBODY_FAILED)
    return Exit.DONE


def run_once(chosen: Settings, arguments: argparse.Namespace) -> RunResult | None:
    """Hold the lock from before the run is known to Dagster, so that a busy connection leaves no failed run behind.

    Gives None where only those are meant who have failed, and there are none.

    Raises:
        SettingsError: a setting makes no connection.
        RunInProgress: another run is going on.
        StoreError: the database cannot be used; nothing was asked of either system.
        RunNotStarted: Dagster could not begin the run.
    """
    paths = Paths(chosen.database)
    with open_connection(chosen):
        pass
    with run_lock(paths.lock, holder="b24-pipeline sync", now=utc_now()):
        with Store.open(paths, now=utc_now) as store:
            if arguments.failed and not store.people_failed():
                return None
        run_id = str(uuid.uuid4())
        try:
            run = executed(arguments, run_id=run_id, lock=paths.lock)
        except DagsterStorageError as error:
            return result_despite(error, paths, run_id=run_id)
        refuse_not_started(run)
        result = read_result(paths, run_id=run_id)
        trouble = trouble_at_the_end(run)
        return result if trouble is None else replace(result, status=RunStatus.FAILED, reason=trouble)


def executed(arguments: argparse.Namespace, *, run_id: str, lock: Path) -> dg.ExecuteInProcessResult:
    """The run, as Dagster saw it.

    Raises:
        SettingsError: Dagster is configured by something that is no configuration.
        DagsterStorageError: what it saw could not be stored; the run may have been carried out.
    """
    with quiet_dagster(verbose=arguments.verbose), progress_bar(), dagster_instance() as instance:
        return defs.resolve_job_def("employee_import").execute_in_process(
            instance=instance,
            raise_on_error=False,
            run_id=run_id,
            tags={TRIGGER_TAG: Trigger.TERMINAL.value, LOCK_TAG: str(lock.resolve())},
            run_config={
                "resources": {
                    "import_run": {
                        "config": {
                            "dry_run": arguments.dry_run,
                            "only": sorted(set(arguments.only)),
                            "only_failed": arguments.failed,
                        }
                    }
                },
                "loggers": {"console": {"config": {"log_level": "INFO" if arguments.verbose else "CRITICAL"}}},
            },
        )


def result_despite(error: DagsterStorageError, paths: Paths, *, run_id: str) -> RunResult:
    """What the audit has of a run whose end Dagster could not store.

    Raises:
        DagsterStorageError: the run was not begun.
    """
    try:
        result = read_result(paths, run_id=run_id)
    except (UnknownRun, DatabaseMissing):
        raise error from None
    return replace(result, warnings=(f"{error} The run itself is in the audit; Dagster's history lacks its end.",))


def refuse_not_started(run: dg.ExecuteInProcessResult) -> None:
    """The audit knows nothing of a run that ended before its first step.

    Raises:
        RunNotStarted: it did; the text says why, in one line.
    """
    events = {event.event_type: event for event in run.all_events}
    failed = events.get(dg.DagsterEventType.RUN_FAILURE)
    if failed is None or dg.DagsterEventType.STEP_START in events:
        return
    error = failed.job_failure_data.error
    text = error.message.strip() if error is not None else "Dagster could not begin the run"
    raise RunNotStarted(text.removeprefix(f"{NotStarted.__module__}.{NotStarted.__name__}: "))


def trouble_at_the_end(run: dg.ExecuteInProcessResult) -> str | None:
    """Why the end of the run could not be stored or published: Dagster takes such a run for a success."""
    errors = (event.engine_event_data.error for event in run.all_events if event.is_engine_event)
    failed = next((error for error in errors if error is not None), None)
    return None if failed is None else f"the run could not be ended: {failed.message.strip().partition(': ')[2]}"


@contextmanager
def quiet_dagster(*, verbose: bool) -> Iterator[None]:
    """Our own records go to Dagster's log, not twice to the terminal."""
    logger = logging.getLogger("b24_pipeline")
    before, logger.propagate = logger.propagate, verbose
    try:
        yield
    finally:
        logger.propagate = before


def print_json(result: RunResult | None, *, dry_run: bool, error: str | None) -> None:
    """The result as one JSON object, the last line of standard output."""
    found = {
        "run_id": result.run_id if result else None,
        "status": result.status.value if result else "not_started",
        "dry_run": dry_run,
        "counts": asdict(result.counts if result else RunCounts()),
        "planned": result.planned if result else {},
        "error": error,
        "warnings": list(result.warnings) if result else [],
    }
    sys.stdout.flush()
    print(as_json(found), flush=True)
