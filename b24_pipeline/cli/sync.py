"""`b24-pipeline sync`: one run of the import through Dagster, so that it shows in the UI's run list."""

import logging
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import click
import dagster as dg

from b24_pipeline import audit, schemas, settings
from b24_pipeline.audit import Paths, RunCounts, Store, StoreError
from b24_pipeline.audit.storage.exceptions import DatabaseMissing, UnknownRun
from b24_pipeline.audit.storage.lock import connection_lock
from b24_pipeline.cli.connections import for_each_connection
from b24_pipeline.cli.dagster import set_dagster_home
from b24_pipeline.cli.dagster_storage import DagsterStorageError, dagster_instance
from b24_pipeline.cli.errors import LaunchFailed, to_message
from b24_pipeline.cli.exit_codes import Exit
from b24_pipeline.cli.options import Place
from b24_pipeline.cli.output import progress_bar, to_json, wide_console
from b24_pipeline.cli.result import RunResult, print_result, printable_line, read_result
from b24_pipeline.cli.sandbox import settings_of, use_sandbox_home
from b24_pipeline.connection import open_connection, utc_now
from b24_pipeline.dagster_runs import LOCK_TAG, TRIGGER_TAG
from b24_pipeline.definitions import build_definitions
from b24_pipeline.partitions import update_partitions
from b24_pipeline.resources import RunNotStarted
from b24_pipeline.rules.models import RunStatus, Trigger
from b24_pipeline.settings import Settings
from b24_pipeline.sync.launch import NOBODY_FAILED

JSON_NAMES = {"unchanged": "left_alone", "backing_off": "waiting"}
"""The keys of figures in JSON that keep the name that they had before 0.2."""
EXIT_OF = {
    RunStatus.DONE: Exit.DONE,
    RunStatus.PARTIAL: Exit.PARTIAL,
    RunStatus.HELD: Exit.HELD,
    RunStatus.UNTRUSTED: Exit.UNTRUSTED,
}
"""How the command ends after these runs; after any other it has failed."""
Choices = dict[str, bool | list[int]]
"""What the launchpad offers for one run, as far as the command line has it."""


def sync(  # noqa: PLR0913 - the options of the command
    *, dry_run: bool, failed: bool, only: tuple[int, ...], place: Place, every: bool, as_json: bool, verbose: bool
) -> Exit:
    """Run the import once and print what was done.

    Raises:
        click.UsageError: the options exclude each other.
    """
    if failed and only:
        raise click.UsageError("--failed and --only exclude each other.", click.get_current_context())
    if every and only:
        raise click.UsageError("--only needs --connection: ids are those of one portal.", click.get_current_context())
    choices: Choices = {"dry_run": dry_run, "only": sorted(set(only)), "only_failed": failed}
    if every:
        return for_each_connection(
            lambda one: sync_one(choices, one, as_json=as_json, verbose=verbose), for_people=not as_json
        )
    return sync_one(choices, place, as_json=as_json, verbose=verbose)


def sync_one(choices: Choices, place: Place, *, as_json: bool, verbose: bool) -> Exit:
    """Run the import of one connection, with a home of Dagster of its own for the sandbox, and print what was done."""
    dry_run = bool(choices["dry_run"])
    try:
        if place.sandbox:
            use_sandbox_home()
        else:
            set_dagster_home()
        with settings_of(place) as chosen:
            result = run_once(chosen, choices, key=place.connection, verbose=verbose)
    except (Exception, KeyboardInterrupt) as error:
        if as_json:
            print_json(None, place, dry_run=dry_run, error=to_message(error))
        raise
    for warning in result.warnings if result else ():
        about = f"{place.connection}: " if place.connection else ""
        print(f"b24-pipeline: {about}{printable_line(warning)}", file=sys.stderr)
    if as_json:
        print_json(result, place, dry_run=dry_run, error=result.reason if result else None)
    elif result:
        print_result(result, console=wide_console(), place=place)
    else:
        print(NOBODY_FAILED)
    return EXIT_OF.get(result.status, Exit.FAILED) if result else Exit.DONE


def run_once(chosen: Settings, choices: Choices, *, key: str | None, verbose: bool) -> RunResult | None:
    """Run the import with the lock taken before Dagster knows the run: a busy connection leaves no failed run behind.

    Return nothing where only failed people are meant and nobody has failed.

    Raises:
        SettingsError: the settings are not usable.
        RunInProgress: another run is active.
        StoreError: the database cannot be used; nothing was asked of either system.
        LaunchFailed: Dagster could not start the run.
    """
    paths = chosen.paths
    with open_connection(chosen):
        pass
    with connection_lock(paths, owner="b24-pipeline sync", now=utc_now()):
        with Store.open(paths, now=utc_now) as store:
            if choices["only_failed"] and not audit.actions.people_failed(store.database):
                return None
        run_id = str(uuid.uuid4())
        try:
            run = execute(choices, key=key, run_id=run_id, lock=paths.lock, verbose=verbose)
        except DagsterStorageError as error:
            return result_despite(error, paths, run_id=run_id)
        check_started(run)
        try:
            result = read_result(paths, run_id=run_id)
        except StoreError as error:
            return unread_result(error, paths, run_id=run_id, dry_run=bool(choices["dry_run"]))
        failure = failure_at_the_end(run)
        return result if failure is None else replace(result, status=RunStatus.FAILED, reason=failure)


def execute(choices: Choices, *, key: str | None, run_id: str, lock: Path, verbose: bool) -> dg.ExecuteInProcessResult:
    """Execute the job.

    Raises:
        SettingsError: the configuration of Dagster is not valid.
        DagsterStorageError: Dagster could not store the run, which may have been carried out.
    """
    folder = settings.connections()
    with quiet_dagster(verbose=verbose), progress_bar(), dagster_instance() as instance:
        if folder is not None:
            update_partitions(instance, frozenset(folder.keys))
        return (
            build_definitions(connections=folder)
            .resolve_job_def("employee_import")
            .execute_in_process(
                instance=instance,
                raise_on_error=False,
                run_id=run_id,
                partition_key=key,
                tags={TRIGGER_TAG: Trigger.CLI.value, LOCK_TAG: str(lock.resolve())},
                run_config={
                    "resources": {"import_run": {"config": choices}},
                    "loggers": {"console": {"config": {"log_level": "INFO" if verbose else "CRITICAL"}}},
                },
            )
        )


def result_despite(error: DagsterStorageError, paths: Paths, *, run_id: str) -> RunResult:
    """Return the result in the audit of a run whose end Dagster could not store.

    Raises:
        DagsterStorageError: the run was not started.
    """
    try:
        result = read_result(paths, run_id=run_id)
    except (UnknownRun, DatabaseMissing):
        raise error from None
    return replace(result, warnings=(f"{error} The run itself is in the audit; Dagster's history lacks its end.",))


def unread_result(error: StoreError, paths: Paths, *, run_id: str, dry_run: bool) -> RunResult:
    """Return what is known of a run that was started and whose audit cannot be read at its end."""
    return RunResult(
        run_id=run_id,
        status=RunStatus.FAILED,
        dry_run=dry_run,
        reason=f"{error} The run was started; what it has done is in the audit, once that can be read.",
        counts=None,
        actions=schemas.empty_frame(schemas.Actions),
        database=paths.published,
    )


def check_started(run: dg.ExecuteInProcessResult) -> None:
    """Check that the run reached its first step: before, the audit does not know it.

    Raises:
        LaunchFailed: it did not; the text says why, in one line.
    """
    events = {event.event_type: event for event in run.all_events}
    failed = events.get(dg.DagsterEventType.RUN_FAILURE)
    if failed is None or dg.DagsterEventType.STEP_START in events:
        return
    error = failed.job_failure_data.error
    text = error.message.strip() if error is not None else "Dagster could not start the run"
    raise LaunchFailed(text.removeprefix(f"{RunNotStarted.__module__}.{RunNotStarted.__name__}: "))


def failure_at_the_end(run: dg.ExecuteInProcessResult) -> str | None:
    """Return why the end of the run could not be stored or published: Dagster takes such a run for a success."""
    errors = (event.engine_event_data.error for event in run.all_events if event.is_engine_event)
    failed = next((error for error in errors if error is not None), None)
    return None if failed is None else f"the run could not be ended: {failed.message.strip().partition(': ')[2]}"


@contextmanager
def quiet_dagster(*, verbose: bool) -> Iterator[None]:
    """Send our log records to Dagster's log only, not also to the terminal."""
    logger = logging.getLogger("b24_pipeline")
    before, logger.propagate = logger.propagate, verbose
    try:
        yield
    finally:
        logger.propagate = before


def print_json(result: RunResult | None, place: Place, *, dry_run: bool, error: str | None) -> None:
    """Print the result as one JSON object, the last line of standard output."""
    counts = result.counts if result else RunCounts()
    figures = asdict(counts) if counts else {}
    found = {
        "run_id": result.run_id if result else None,
        **({"connection": place.connection} if place.connection else {}),
        "status": result.status.value if result else "not_started",
        "dry_run": dry_run,
        "counts": {JSON_NAMES.get(name, name): count for name, count in figures.items()},
        "planned": result.planned if result else {},
        "error": error,
        "warnings": list(result.warnings) if result else [],
    }
    sys.stdout.flush()
    print(to_json(found), flush=True)
