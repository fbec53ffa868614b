"""`history`, `explain`, `export`, `approve` and `forget`: what people ask of the audit."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from datetime import UTC, datetime

import pandas as pd
from rich.console import Console
from rich.text import Text

from b24_pipeline import settings
from b24_pipeline.approver import system_user, valid_comment
from b24_pipeline.audit import Approver, Paths, Store, erasure
from b24_pipeline.audit import export as exporting
from b24_pipeline.audit.exceptions import PublishedFileMounted
from b24_pipeline.audit.run_lock import run_lock
from b24_pipeline.audit.runs import SHORT_RUN_ID
from b24_pipeline.callgear.account import read_account
from b24_pipeline.cli.exit_codes import Exit
from b24_pipeline.cli.run_list import print_runs
from b24_pipeline.cli.sandbox import sandbox_database, sandbox_settings
from b24_pipeline.cli.terminal import as_json, shows_every_character, wide_console, without_steering
from b24_pipeline.connection import open_connection, utc_now
from b24_pipeline.reporting import timeline
from b24_pipeline.reporting.refresh import ReportFiles
from b24_pipeline.rules.labels import CHANGES, reason
from b24_pipeline.settings import SettingsError
from b24_pipeline.text import numbered, one_line, printable

NAMES_SHOWN = 10
"""So many people are named by `approve`; the others are counted."""


def history(arguments: argparse.Namespace) -> Exit:
    """The last runs as a table."""
    since = parsed_date(arguments.since)
    with Store.reader(paths_of(arguments), now=utc_now) as store:
        runs = store.history(limit=arguments.limit, since=since)
    if arguments.json:
        written = runs.to_json(orient="records", date_format="iso", force_ascii=not shows_every_character())
        print(without_steering(written))
        return Exit.DONE
    print_runs(runs, since=since, console=wide_console())
    return Exit.DONE


def explain(arguments: argparse.Namespace) -> Exit:
    """The life of one person, newest first; of several, where they had the same e-mail address."""
    with Store.reader(paths_of(arguments), now=utc_now) as store:
        lives = timeline.explain(store, arguments.person)
    if not lives:
        return complain_of_stranger(arguments.person)
    if arguments.json:
        print(as_json([asdict(told) for told in lives]))
        return Exit.DONE
    for told in lives:
        print_life(told, console=wide_console())
    return Exit.DONE


def complain_of_stranger(person: str) -> Exit:
    """Nobody of that id or address was ever seen."""
    print(
        f"b24-pipeline: nobody of the id or e-mail address {printable(person)} was ever seen in Bitrix24. "
        "Example: b24-pipeline explain 42",
        file=sys.stderr,
    )
    return Exit.USAGE


def print_life(told: timeline.Life, *, console: Console) -> None:
    """One person: how it is now, then what happened, newest first."""
    console.print(Text(f"{printable(told.person)} (Bitrix24 user {told.bitrix24_id})", style="bold"))
    console.print(Text(one_line(told.now)))
    for event in told.events:
        run = f"  (run {event.run_id[:SHORT_RUN_ID]})" if event.run_id else ""
        console.print(
            Text(f"  {event.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC  ", style="dim")
            + Text(one_line(event.text))
            + Text(run, style="dim")
        )


def approve(arguments: argparse.Namespace) -> Exit:
    """Let the next run do what a held run listed, and say what that is."""
    approver = Approver(system_user(), checked_comment(arguments.comment))
    with writable(arguments, holder="b24-pipeline approve") as store:
        approved = store.approve(arguments.run_id, bitrix24_ids=arguments.user or None, approver=approver)
        publish(store)
    print(f"Approved by {printable(approver.name)}: within 24 hours the next run does at most this; what it defers")
    print("stays approved.")
    for line in approved_lines(approved):
        print(f"  {line}")
    return Exit.DONE


def checked_comment(typed: str) -> str:
    """The comment of an approval.

    Raises:
        SettingsError: it is not one line of text, or too long.
    """
    try:
        return valid_comment(typed)
    except ValueError as problem:
        raise SettingsError(f"--comment: {problem}") from None


def approved_lines(approved: pd.DataFrame) -> Iterator[str]:
    """Yield one line a kind of change, or reason of a conflict: how many people, and the first names."""
    kinds = approved["harm"].fillna(approved["reason"])
    for kind, rows in approved.groupby(kinds, sort=False):
        one, many = CHANGES.get(str(kind), (reason(str(kind)),) * 2)
        names = [printable(name) for name in rows["person"].fillna("user " + rows["bitrix24_id"].astype("str"))]
        rest = f", and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
        yield f"{numbered(len(names), one, many)}: {', '.join(names[:NAMES_SHOWN])}{rest}"


def unlink(arguments: argparse.Namespace) -> Exit:
    """End the links of some users, so that they are matched afresh."""
    by = Approver(system_user(), checked_comment(arguments.comment))
    users = list(dict.fromkeys(arguments.users))
    with writable(arguments, holder="b24-pipeline unlink") as store:
        employees = store.unlink(users, by)
        store.publish()
    pairs = ", ".join(f"user {user} from employee {employee}" for user, employee in zip(users, employees, strict=True))
    print(f"Unlinked by {printable(by.name)}: {pairs}.")
    print("The next run matches who is a candidate afresh: by e-mail, or with a new employee.")
    return Exit.DONE


def resolve_duplicates(arguments: argparse.Namespace) -> Exit:
    """Let employees be created again, because a person says that those that became double are settled."""
    with writable(arguments, holder="b24-pipeline resolve-duplicates") as store:
        resolved = store.resolve_duplicates(by=system_user())
        store.publish()
    if not resolved:
        print("Nothing to resolve: no employee is known to have become double.")
    for pair in resolved:
        print(
            f"Resolved: employee {pair.callgear_id} and employee {pair.other_callgear_id}, "
            f"Bitrix24 user {pair.bitrix24_id}"
        )
    return Exit.DONE


def forget(arguments: argparse.Namespace) -> Exit:
    """Erase a person's data; ids and counts stay."""
    paths = paths_of(arguments)
    with run_lock(paths.lock, holder="b24-pipeline forget", now=utc_now()):
        user = erasure.forget(paths, arguments.person, now=utc_now())
        ReportFiles.beside(paths.published).html.unlink(missing_ok=True)  # it holds names; the next run draws it anew
    named = printable(arguments.person) if user is None else f"Bitrix24 user {user}"
    print(f"Erased: {named}. While they are an active candidate, the next run imports and stores them again: leave")
    print("them out with B24_PIPELINE_EXCLUDE_USERS or B24_PIPELINE_EXCLUDE_EMAILS. Of somebody who is left out,")
    print("dismissed or gone, only ids are stored from now on.")
    return Exit.DONE


def accept_address(arguments: argparse.Namespace) -> Exit:
    """Let the database belong to the portal and account that the settings name now.

    Raises:
        CallGearError: the account cannot be asked which one it is.
    """
    with (
        sandbox_settings() if arguments.sandbox else nullcontext(),
        open_connection(settings.load()) as connection,
        writable(arguments, holder="b24-pipeline accept-address") as store,
    ):
        former, account = store.account(), read_account(connection.callgear)
        store.accept_address(portal_host=connection.portal_host, callgear_host=connection.callgear_host)
        store.accept_account(account)
        publish(store)
    print(f"Accepted: {connection.portal_host} and {connection.callgear_host} are the same pair as before.")
    if former.app_id not in ("", account.app_id):
        print(f"Accepted: the CallGear account {printable(str(account))} in place of {printable(str(former))}.")
    return Exit.DONE


def export(arguments: argparse.Namespace) -> Exit:
    """Write the audit as Parquet files and say how much it was.

    Raises:
        StoreError: there is no database yet, or the address cannot be written to.
    """
    with Store.reader(paths_of(arguments), now=utc_now) as store:
        rows = exporting.export(store.database, arguments.address)
    print(f"Exported {len(rows)} tables with {sum(rows.values())} rows to {printable(arguments.address)}.")
    return Exit.DONE


def publish(store: Store) -> None:
    """Show it in the published file; that this cannot be replaced undoes nothing of what was stored."""
    try:
        store.publish()
    except PublishedFileMounted as error:
        print(f"b24-pipeline: {error}", file=sys.stderr)


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
    return Paths(settings.database_path(sandbox_database() if arguments.sandbox else None))


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
