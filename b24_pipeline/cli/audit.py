"""The commands that read the audit, and those with which a person decides."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime

import pandas as pd
from rich.text import Text

from b24_pipeline import audit, settings
from b24_pipeline.approver import system_user, valid_comment
from b24_pipeline.audit import Approver, Paths, Store, StoreError, erasure
from b24_pipeline.audit import export as exporting
from b24_pipeline.audit.opening import refuse_missing
from b24_pipeline.audit.runs import SHORT_RUN_ID
from b24_pipeline.audit.storage.exceptions import DatabaseMissing, NotUploaded, PublishedFileMounted, UnknownRun
from b24_pipeline.audit.storage.lock import connection_lock
from b24_pipeline.callgear.client import read_account
from b24_pipeline.cli.connections import folder_of_connections
from b24_pipeline.cli.errors import print_error
from b24_pipeline.cli.exit_codes import Exit
from b24_pipeline.cli.options import Place
from b24_pipeline.cli.output import shows_every_character, to_json, wide_console, without_control_characters
from b24_pipeline.cli.run_list import print_runs
from b24_pipeline.cli.sandbox import sandbox_database, settings_of
from b24_pipeline.connection import open_connection, utc_now
from b24_pipeline.reporting import timeline
from b24_pipeline.reporting.refresh import report_beside
from b24_pipeline.rules.labels import CHANGES, reason
from b24_pipeline.settings import SettingsError
from b24_pipeline.text import numbered, one_line, printable

AFTER_ERASURE = """The next run imports and stores an active candidate again: exclude them with
B24_PIPELINE_EXCLUDE_USERS or B24_PIPELINE_EXCLUDE_EMAILS. Of people who are excluded, dismissed or deleted,
only ids are stored from now on."""
NAMES_SHOWN = 10
"""`approve` names so many people, and counts the others."""


def history(*, since: str | None, limit: int, as_json: bool, place: Place, every: bool) -> Exit:
    after, code = parsed_date(since), Exit.DONE
    if every:
        runs, code = runs_of_every_connection(limit=limit, since=after)
    else:
        runs = runs_of(paths_of(place), limit=limit, since=after)
    if as_json:
        written = runs.to_json(orient="records", date_format="iso", force_ascii=not shows_every_character())
        print(without_control_characters(written))
        return code
    print_runs(runs, since=after, console=wide_console())
    return code


def runs_of(paths: Paths, *, limit: int, since: datetime | None) -> pd.DataFrame:
    with Store.reader(paths, now=utc_now) as database:
        return audit.runs.history(database, limit=limit, since=since)


def runs_of_every_connection(*, limit: int, since: datetime | None) -> tuple[pd.DataFrame, Exit]:
    """Return the last runs of all connections, each with its `connection`; those without an audit have none.

    One that cannot be read is named on standard error; the exit code is the highest.
    """
    found, code = [], Exit.DONE
    for key in folder_of_connections().keys:
        try:
            runs = runs_of(paths_of(Place(connection=key)), limit=limit, since=since)
            found.append(runs.assign(connection=key))
        except DatabaseMissing:
            continue
        except (SettingsError, StoreError) as error:
            code = max(code, print_error(error, about=f"{key}: "))
    if not found:
        return pd.DataFrame(), code
    return pd.concat(found).sort_values("started_at", ascending=False, ignore_index=True).head(limit), code


def explain(*, person: str, as_json: bool, place: Place) -> Exit:
    """Print the state now and the events, newest first; of several people, if they had the same e-mail address."""
    with Store.reader(paths_of(place), now=utc_now) as database:
        found = timeline.explain(database, person)
    if not found:
        example = "Example: b24-pipeline explain 42"
        print(f"b24-pipeline: no person found for {printable(person)}. {example}", file=sys.stderr)
        return Exit.USAGE
    if as_json:
        print(to_json([asdict(one) for one in found]))
        return Exit.DONE
    console = wide_console()
    for one in found:
        console.print(Text(f"{printable(one.person)} (Bitrix24 user {one.bitrix24_id})", style="bold"))
        console.print(Text(one_line(one.now)))
        for event in one.events:
            at = Text(f"  {event.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC  ", style="dim")
            run = Text(f"  (run {event.run_id[:SHORT_RUN_ID]})" if event.run_id else "", style="dim")
            console.print(at + Text(one_line(event.text)) + run)
    return Exit.DONE


def approve(*, run_id: str, user: tuple[int, ...], comment: str, place: Place) -> Exit:
    approver = Approver(system_user(), checked_comment(comment))
    if place == Place():
        place = place_of_run(run_id)
    with writable(place, owner="b24-pipeline approve") as store:
        approved = store.approve(run_id, bitrix24_ids=user or None, approver=approver)
    print(f"Approved for 24 hours by {printable(approver.name)}:")
    kinds = approved["risk"].fillna(approved["reason"])  # the reason is that of a conflict
    for kind, rows in approved.groupby(kinds, sort=False):
        one, many = CHANGES.get(str(kind), (reason(str(kind)),) * 2)
        names = [printable(name) for name in rows["display_name"].fillna("user " + rows["bitrix24_id"].astype("str"))]
        rest = f", and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
        print(f"  {numbered(len(names), one, many)}: {', '.join(names[:NAMES_SHOWN])}{rest}")
    return Exit.DONE


def place_of_run(run_id: str) -> Place:
    """Return which of several connections has the run.

    Raises:
        UnknownRun: none of them has it.
    """
    folder = settings.connections()
    for key in folder.keys if folder else ():
        place = Place(connection=key)
        try:
            with Store.reader(paths_of(place), now=utc_now) as database:
                audit.runs.run_named(database, run_id)
                return place
        except (UnknownRun, DatabaseMissing):
            continue
        except (SettingsError, StoreError) as error:
            print_error(error, about=f"{key}: ")
    if folder and folder.keys:
        raise UnknownRun(f"No run {run_id} is known in any connection that can be read.")
    return Place()


def checked_comment(typed: str) -> str:
    """Return the comment of a decision.

    Raises:
        SettingsError: it is not one line of text, or too long.
    """
    try:
        return valid_comment(typed)
    except ValueError as problem:
        raise SettingsError(f"--comment: {problem}") from None


def unlink(*, users: tuple[int, ...], comment: str, place: Place) -> Exit:
    by = Approver(system_user(), checked_comment(comment))
    unique = list(dict.fromkeys(users))
    with writable(place, owner="b24-pipeline unlink") as store:
        employees = audit.links.unlink(store.database, unique, by, at=store.now())
    pairs = ", ".join(f"user {user} from employee {employee}" for user, employee in zip(unique, employees, strict=True))
    print(f"Unlinked by {printable(by.name)}: {pairs}.")
    print("The next run matches those who are still in Bitrix24 again: by e-mail, or with a new employee.")
    return Exit.DONE


def resolve_duplicates(*, place: Place) -> Exit:
    with writable(place, owner="b24-pipeline resolve-duplicates") as store:
        resolved = audit.links.resolve_duplicates(store.database, by=system_user(), now=store.now())
    if not resolved:
        print("Nothing to resolve: no duplicates are known.")
    for pair in resolved:
        print(
            f"Resolved: employee {pair.callgear_id} and employee {pair.other_callgear_id}, "
            f"Bitrix24 user {pair.bitrix24_id}"
        )
    return Exit.DONE


def erase(*, person: str, place: Place) -> Exit:
    """Erase a person's data; ids and counts stay.

    Raises:
        DatabaseMissing: there is no database yet.
        PublishedFileMounted, NotUploaded: all is erased but there, where a copy from before stays.
    """
    paths = paths_of(place)
    refuse_missing(paths)
    report = report_beside(paths.published)
    with connection_lock(paths, owner="b24-pipeline erase", now=utc_now()):
        try:
            user = erasure.erase_person(paths, person, now=utc_now())
        except (PublishedFileMounted, NotUploaded):
            report.unlink(missing_ok=True)
            raise
        report.unlink(missing_ok=True)  # it holds names; the next run renders it again
    named = printable(person) if user is None else f"Bitrix24 user {user}"
    print(f"Erased: {named}. {AFTER_ERASURE}")
    return Exit.DONE


def rebind(*, place: Place) -> Exit:
    """Bind the database to the portal and account of the settings.

    Raises:
        CallGearError: the account cannot be asked which one it is.
    """
    with (
        settings_of(place) as chosen,
        open_connection(chosen, key=place.connection) as opened,
        writable(place, owner="b24-pipeline rebind") as store,
    ):
        former, account = audit.metadata.account(store.database), read_account(opened.callgear)
        audit.metadata.rebind(store.database, portal_host=opened.portal_host, callgear_host=opened.callgear_host)
        audit.metadata.rebind_account(store.database, account)
    print(f"Rebound: the database belongs to {opened.portal_host} and {opened.callgear_host}.")
    if former.app_id not in ("", account.app_id):
        print(f"Rebound: the CallGear account {printable(str(account))} replaces {printable(str(former))}.")
    return Exit.DONE


def export(*, address: str, place: Place) -> Exit:
    """Write the audit as Parquet files.

    Raises:
        StoreError: there is no database yet, or the address cannot be written to.
    """
    with Store.reader(paths_of(place), now=utc_now) as database:
        rows = exporting.export(database, address)
    print(f"Exported {len(rows)} tables with {sum(rows.values())} rows to {printable(address)}.")
    return Exit.DONE


@contextmanager
def writable(place: Place, *, owner: str) -> Iterator[Store]:
    """Open the store for writing, with the run lock, and publish what was stored; it remains if that fails.

    Raises:
        DatabaseMissing: there is no database yet; in a wrong folder, a new one would hide that.
        RunInProgress: a run is active.
    """
    paths = paths_of(place)
    refuse_missing(paths)
    with connection_lock(paths, owner=owner, now=utc_now()), Store.open(paths, now=utc_now) as store:
        yield store
        try:
            store.publish()
        except (PublishedFileMounted, NotUploaded) as error:
            print(f"b24-pipeline: {error}", file=sys.stderr)


def paths_of(place: Place) -> Paths:
    """Return the files of the database; reading them needs no credentials."""
    return settings.database_settings(sandbox_database() if place.sandbox else None, connection=place.connection).paths


def parsed_date(text: str | None) -> datetime | None:
    """Return a date or time; without a zone it is UTC.

    Raises:
        SettingsError: it is neither.
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # in UTC it may be before the first year, or after the last
        raise SettingsError(f"--since: {text!r} is not a date. Example: --since 2026-01-31") from None
