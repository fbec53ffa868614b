"""A database of an older version upgrades by itself, whole or not at all."""

import hashlib
import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from types import MappingProxyType

import duckdb
import pytest

from b24_pipeline import audit, schemas
from b24_pipeline.audit import LinkWritten, Paths, Step, Store
from b24_pipeline.audit.migrations import bring_up_to_date, version_of
from b24_pipeline.audit.schema import FORMER, FORMER_SPAN, LAYOUT, Layout, Upgrade
from b24_pipeline.audit.storage.database import Database
from b24_pipeline.audit.storage.exceptions import DatabaseTooNew
from b24_pipeline.audit.storage.queries import statements
from b24_pipeline.rules.models import RunStatus
from b24_pipeline_tests.audit.helpers import Recorder, action, actions, judged, users
from b24_pipeline_tests.clock import HALF_AN_HOUR, Clock
from b24_pipeline_tests.factories import listed_people, listed_person

NEXT = replace(
    LAYOUT,
    version=LAYOUT.version + 1,
    tables={
        **LAYOUT.tables,
        "facts": {**LAYOUT.tables["facts"], "noted_at": "TIMESTAMPTZ"},
        "notes": {"text": "VARCHAR"},
    },
    upgrades=(
        Upgrade(LAYOUT.version, ("UPDATE store.runs SET reason = 'older than old'",)),
        Upgrade(LAYOUT.version + 1, ("UPDATE store.runs SET reason = 'upgraded'",)),
    ),
)


@pytest.fixture
def old(recorder: Recorder, paths: Paths) -> Paths:
    """A database of today's version, with a run in it."""
    recorder.run(users((1, "Antonova")))
    recorder.store.close()
    return paths


def upgrade(paths: Paths, clock: Clock, layout: Layout) -> None:
    with closing(Database.open(paths.working)) as database:
        bring_up_to_date(database, at=clock.now(), layout=layout)


def test_an_older_database_gets_its_steps_tables_and_columns_and_keeps_its_rows(old: Paths, clock: Clock) -> None:
    upgrade(old, clock, NEXT)
    with duckdb.connect(old.working, read_only=True) as people:
        assert people.execute("SELECT run_id, reason FROM audit.runs").fetchall() == [("run-1", "upgraded")]
        assert people.execute("SELECT last_name FROM audit.bitrix24_users").fetchall() == [("Antonova",)]
        assert people.execute("SELECT noted_at FROM store.facts").fetchall() == []
        assert people.execute("SELECT text FROM store.notes").fetchall() == []


def test_an_upgraded_database_is_not_upgraded_again(old: Paths, clock: Clock) -> None:
    upgrade(old, clock, NEXT)
    upgrade(old, clock, NEXT)
    with closing(Database.open_read_only(old.working)) as database:
        assert version_of(database, layout=NEXT) == NEXT.version
        assert database.value("row_count", table="schema_version") == 2


def test_an_upgrade_that_fails_leaves_the_database_as_it_was(old: Paths, clock: Clock) -> None:
    broken = replace(NEXT, upgrades=(Upgrade(NEXT.version, ("DELETE FROM store.runs", "SELECT no_such_column")),))
    with pytest.raises(duckdb.BinderException):
        upgrade(old, clock, broken)
    with Store.open(old, now=clock.now) as store:
        assert audit.runs.history(store.database)["run_id"].tolist() == ["run-1"]


def test_the_former_version_says_that_the_database_is_too_new(old: Paths, clock: Clock) -> None:
    upgrade(old, clock, NEXT)
    with pytest.raises(DatabaseTooNew, match="upgrade b24-pipeline"):
        Store.open(old, now=clock.now)
    with pytest.raises(DatabaseTooNew), Store.reader(old, now=clock.now):
        pass


def make_older(paths: Paths) -> None:
    """What a database of a version before the first would be: without a column, a figure and a view."""
    with duckdb.connect(paths.working) as database:
        database.execute("UPDATE store.schema_version SET version = -1")
        database.execute("DROP VIEW audit.runs")
        database.execute("ALTER TABLE store.runs DROP COLUMN held")
        database.execute("ALTER TABLE store.bitrix24_users DROP COLUMN departments")


def seen_by_a_store(paths: Paths, clock: Clock) -> tuple[list[str], list[str]]:
    with Store.open(paths, now=clock.now) as store:
        return audit.runs.history(store.database)["run_id"].tolist(), audit.history.snapshot(
            store.database, schemas.Users
        )["last_name"].tolist()


def seen_by_a_reader(paths: Paths, clock: Clock) -> tuple[list[str], list[str]]:
    with Store.reader(paths, now=clock.now) as database:
        return audit.runs.history(database)["run_id"].tolist(), audit.history.snapshot(database, schemas.Users)[
            "last_name"
        ].tolist()


@pytest.mark.parametrize("see", [seen_by_a_store, seen_by_a_reader])
def test_an_older_database_is_opened_as_if_it_were_of_today(
    old: Paths, clock: Clock, see: Callable[[Paths, Clock], tuple[list[str], list[str]]]
) -> None:
    make_older(old)
    assert see(old, clock) == (["run-1"], ["Antonova"])


def make_third_layout(paths: Paths) -> None:
    """A database of the third version: tables and columns had other names."""
    spans = dict.fromkeys(("links", "open_actions", *LAYOUT.histories), FORMER_SPAN)
    with duckdb.connect(paths.working) as database:
        database.execute("UPDATE store.schema_version SET version = 3")
        database.execute("UPDATE store.runs SET trigger = 'terminal'")
        database.execute("DROP SCHEMA audit CASCADE")
        for table, renamed in [*FORMER.items(), *spans.items()]:
            for old, new in renamed.items():
                database.execute(f'ALTER TABLE store.{table} RENAME COLUMN {new} TO "{old}"')
        database.execute("ALTER TABLE store.open_actions RENAME TO standing_actions")
        database.execute("ALTER TABLE store.run_steps RENAME TO recorded")


def make_second_layout(paths: Paths) -> None:
    """A database of the second version: it did not say what a run was for, nor whom a link was accepted for."""
    make_third_layout(paths)
    with duckdb.connect(paths.working) as database:
        database.execute("UPDATE store.schema_version SET version = 2")
        database.execute("ALTER TABLE store.events DROP COLUMN exemption")
        database.execute("ALTER TABLE store.runs DROP COLUMN kind")
        database.execute("DROP TABLE store.identities")


def make_first_layout(paths: Paths) -> None:
    """A database of the first version: the time of an end stood with the run alone."""
    make_second_layout(paths)
    with duckdb.connect(paths.working) as database:
        database.execute("UPDATE store.schema_version SET version = 1")
        for table in ("links", "standing_actions", *LAYOUT.histories):
            database.execute(f"ALTER TABLE store.{table} DROP COLUMN IF EXISTS until_at")


@pytest.mark.parametrize("make", [make_first_layout, make_second_layout, make_third_layout])
def test_a_database_of_each_older_layout_keeps_its_rows_under_the_new_names(
    recorder: Recorder, paths: Paths, make: Callable[[Paths], None]
) -> None:
    recorder.begin()
    recorder.store.record_snapshot(schemas.Employees, judged((1, "candidate"), (2, "rejected")))
    matched = [{"bitrix24_id": 2, "match_type": "rejected", "reason": "missing_email"}]
    recorder.store.record_snapshot(schemas.Matches, schemas.from_records(schemas.Matches, matched))
    recorder.store.record_snapshot(
        schemas.ResponsibleEmployees, listed_people(listed_person(2, employment_status="deleted", listed=False))
    )
    held = action(1, "create", "held", risk="create", display_name="Antonova")
    recorder.store.record_open_actions(Step.UPSERT, actions(held))
    recorder.finish(RunStatus.HELD, unchanged=4, backing_off=5)
    recorder.store.close()
    make(paths)
    Store.open(paths, now=recorder.clock.now).close()

    with duckdb.connect(paths.working, read_only=True) as people:
        shown = [
            people.execute(query).fetchall()
            for query in (
                "SELECT trigger, unchanged, left_alone, backing_off, waiting FROM audit.runs",
                "SELECT eligibility, standing FROM audit.employees ORDER BY 1",
                "SELECT match_type, match FROM audit.employee_matches",
                "SELECT employment_status, standing FROM audit.responsible_employees_as_of('run-1')",
                "SELECT display_name, person, risk, harm FROM audit.actions",
                "SELECT valid_from_run, from_run, valid_from = from_at, until_at FROM audit.employees_history",
            )
        ]
    assert shown == [
        [("cli", 4, 4, 5, 5)],
        [("candidate", "candidate"), ("rejected", "rejected")],
        [("rejected", "rejected")],
        [("deleted", "deleted")],
        [("Antonova", "Antonova", "create", "create")],
        [(1, 1, True, None)] * 2,
    ]


def test_a_database_of_the_first_layout_learns_when_its_rows_ended(recorder: Recorder, paths: Paths) -> None:
    recorder.run(users((1, "Antonova")))
    recorder.run(users((2, "Belova")))
    ended_at = recorder.clock.now()
    recorder.store.publish()
    recorder.store.close()
    query = "SELECT bitrix24_id, valid_to FROM audit.bitrix24_users_history ORDER BY 1"
    make_first_layout(paths)
    Store.open(paths, now=recorder.clock.now).close()
    with duckdb.connect(paths.working, read_only=True) as people:
        assert people.execute(query).fetchall() == [(1, ended_at), (2, None)]


def test_r16_what_an_older_version_did_is_not_counted_because_it_did_not_say_how(
    recorder: Recorder, paths: Paths
) -> None:
    recorder.begin()
    done = action(1, "create", "done", risk="create", callgear_id=11, at=recorder.clock.now())
    recorder.store.record_events(actions(done))
    window = {"since": recorder.clock.now() - HALF_AN_HOUR, "now": recorder.clock.now()}
    before = audit.actions.done_since(recorder.store.database, **window)
    recorder.store.close()
    make_first_layout(paths)

    with Store.open(paths, now=recorder.clock.now) as store:
        assert (before, audit.actions.done_since(store.database, **window)) == (
            {"create": {1}},
            {},
        )
        assert audit.actions.of_run(store.database, "run-1")["exemption"].tolist() == ["not_recorded"]


def test_r07a_links_of_an_older_version_belong_to_the_people_who_were_seen_last(
    recorder: Recorder, paths: Paths
) -> None:
    recorder.run(users((1, "Maiden"), (2, "Belov")))
    recorder.begin()
    recorder.store.record_snapshot(schemas.Users, users((1, "Married")))
    recorder.store.put_links([LinkWritten(1, 11, "create"), LinkWritten(2, 12, "create"), LinkWritten(3, 13, "email")])
    gone = listed_people(listed_person(2, employment_status="deleted", listed=False))
    recorder.store.record_snapshot(schemas.ResponsibleEmployees, gone)
    recorder.store.close()
    make_first_layout(paths)

    with Store.open(paths, now=recorder.clock.now) as store:
        found = audit.links.identities(store.database)[["bitrix24_id", "last_name", "email", "deleted", "changed"]]

    assert found.to_numpy().tolist() == [
        [1, "Married", "u1@x.test", False, False],
        [2, "Belov", "u2@x.test", True, False],
        [3, "(forgotten)", "(forgotten)", False, False],
    ]


FINGERPRINTS = MappingProxyType(
    {1: "6a3d112dfffe74c6", 2: "6a51c8562459771e", 3: "851316295c69da64", 4: "35ee69d56381bdba"}
)


def test_another_layout_is_another_version() -> None:
    """Where this fails, raise `LAYOUT.version` and note its fingerprint here: files in use upgrade by the version."""
    views = {name: text for name, text in statements().items() if name.endswith(("_view", "_macro"))}
    layout = json.dumps([LAYOUT.tables, LAYOUT.histories, views], sort_keys=True, default=dict)
    assert hashlib.sha256(layout.encode()).hexdigest()[:16] == FINGERPRINTS[LAYOUT.version]
