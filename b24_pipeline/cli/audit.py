"""`history`, `explain`, `approve` and `forget`: what people ask of the audit."""

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from b24_pipeline import settings
from b24_pipeline.cli.exits import Exit
from b24_pipeline.cli.sandbox_use import DATABASE, sandbox_settings
from b24_pipeline.connection import open_connection, utc_now
from b24_pipeline.importing.lock import run_lock
from b24_pipeline.reporting.texts import printable
from b24_pipeline.settings import SettingsError
from b24_pipeline.store import Paths, Store

HISTORY_COLUMNS = (
    "started_at",
    "status",
    "trigger",
    "users",
    "created",
    "linked",
    "conflicts",
    "failed",
    "held",
    "run_id",
)


def history(arguments: argparse.Namespace) -> Exit:
    """The last runs as a table."""
    with Store.reader(paths_of(arguments), now=utc_now) as store:
        runs = store.history(limit=arguments.limit, since=parsed_date(arguments.since))
    if arguments.json:
        print(runs.to_json(orient="records", date_format="iso", force_ascii=False))
        return Exit.DONE
    table = Table(box=None)
    for column in HISTORY_COLUMNS:
        table.add_column(column, no_wrap=True)
    for row in runs.to_dict("records"):
        started = row["started_at"].strftime("%Y-%m-%d %H:%M:%S")
        table.add_row(started, *(printable(row[column]) for column in HISTORY_COLUMNS[1:]))
    Console(highlight=False).print(table if len(runs) else "no run yet")
    return Exit.DONE


def explain(arguments: argparse.Namespace) -> Exit:
    """The life of one person, newest first."""
    with Store.reader(paths_of(arguments), now=utc_now) as store:
        life = store.explain(arguments.person)
    if arguments.json:
        events = [{"at": event.at.isoformat(), "run_id": event.run_id, "text": event.text} for event in life.events]
        print(json.dumps({"person": life.title, "events": events}, ensure_ascii=False))
        return Exit.DONE
    console = Console(highlight=False)
    console.print(Text(printable(life.title), style="bold"))
    for event in life.events:
        when = Text(f"  {event.at:%Y-%m-%d %H:%M}  ", style="dim")
        console.print(when + Text(printable(event.text)) + Text(f"  (run {event.run_id[:8]})", style="dim"))
    return Exit.DONE


def approve(arguments: argparse.Namespace) -> Exit:
    """Let the next run do what a held run listed."""
    with writable(arguments, holder="b24-pipeline approve") as store:
        store.approve(arguments.run_id, bitrix24_ids=arguments.user or None)
        store.publish()
    print("Approved: the next run within 24 hours does at most what that run listed.")
    return Exit.DONE


def forget(arguments: argparse.Namespace) -> Exit:
    """Erase a person's data; ids and counts stay."""
    with writable(arguments, holder="b24-pipeline forget") as store:
        erased = store.forget(arguments.person)
        store.publish()
    print(
        f"Erased from {erased} rows. The next run reads the person again, unless Bitrix24 no longer has them "
        "or B24_PIPELINE_EXCLUDE_USERS names them."
    )
    return Exit.DONE


def accept_address(arguments: argparse.Namespace) -> Exit:
    """Let the database belong to the portal and account that the settings name now."""
    with (
        sandbox_settings() if arguments.sandbox else nullcontext(),
        open_connection(settings.load()) as connection,
        writable(arguments, holder="b24-pipeline accept-address") as store,
    ):
        store.accept_address(portal_host=connection.portal_host, callgear_host=connection.callgear_host)
        store.publish()
    print(f"Accepted: {connection.portal_host} and {connection.callgear_host} are the same pair as before.")
    return Exit.DONE


@contextmanager
def writable(arguments: argparse.Namespace, *, holder: str) -> Iterator[Store]:
    """The store, while no run is going on.

    Raises:
        RunInProgress: a run is going on.
    """
    paths = paths_of(arguments)
    with run_lock(paths.lock, holder=holder, now=utc_now()), Store.open(paths, now=utc_now) as store:
        yield store


def paths_of(arguments: argparse.Namespace) -> Paths:
    """Which database is meant; reading it needs no credentials."""
    return Paths(settings.database_path(default=DATABASE if arguments.sandbox else None))


def parsed_date(text: str | None) -> datetime | None:
    """A date or time; without a zone it is UTC.

    Raises:
        SettingsError: it is none.
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"--since: {text!r} is not a date. Example: --since 2026-01-31") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
