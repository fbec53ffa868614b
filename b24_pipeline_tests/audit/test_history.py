"""Snapshots are kept as changes, and every run can be shown exactly as it was (R20)."""

from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from b24_pipeline import audit, schemas
from b24_pipeline.audit import LinkWritten, Store
from b24_pipeline.audit.schema import FORMER, HISTORIES
from b24_pipeline.audit.storage.column_types import to_pandas
from b24_pipeline.audit.storage.exceptions import RunNotBegun, UnknownRun
from b24_pipeline.rules.models import MatchKind, MatchReason
from b24_pipeline_tests.audit.helpers import NewStore, Recorder, employees, judged, users
from b24_pipeline_tests.clock import HALF_AN_HOUR


def rows_kept(store: Store, table: str) -> int:
    return int(store.database.value("row_count", table=table))


def test_r20_a_run_is_shown_as_it_was(recorder: Recorder) -> None:
    before, after = users((1, "Antonova"), (2, "Belov")), users((1, "Antonova-Belova"), (3, "Vlasov"))
    first, second = recorder.run(before), recorder.run(after)
    assert_frame_equal(audit.history.snapshot(recorder.store.database, schemas.Users, first), before)
    assert_frame_equal(audit.history.snapshot(recorder.store.database, schemas.Users, second), after)


def test_r20_an_unchanged_snapshot_adds_no_row(recorder: Recorder) -> None:
    for _ in range(3):
        recorder.run(users((1, "Antonova"), (2, "Belov")))
    assert rows_kept(recorder.store, "bitrix24_users") == 2


def test_r20_a_changed_row_alone_is_stored_anew(recorder: Recorder) -> None:
    recorder.run(users((1, "Antonova"), (2, "Belov")))
    recorder.run(users((1, "Antonova"), (2, "Belova")))
    assert rows_kept(recorder.store, "bitrix24_users") == 3


def test_without_a_run_the_state_is_that_of_the_last_run_that_saw_it(recorder: Recorder) -> None:
    seen = users((1, "Antonova"))
    recorder.run(seen)
    recorder.run(employees((7, "Antonova")))
    assert_frame_equal(audit.history.snapshot(recorder.store.database, schemas.Users), seen)


def test_a_time_means_the_latest_run_started_by_then(recorder: Recorder) -> None:
    recorder.run(users((1, "Antonova")))
    started = recorder.clock.now()
    recorder.run(users((1, "Belova")))
    seen = audit.history.snapshot(recorder.store.database, schemas.Users, started + HALF_AN_HOUR / 2)
    assert list(seen["last_name"]) == ["Antonova"]


@pytest.mark.parametrize("moment", ["no such run", datetime(1999, 1, 1, tzinfo=UTC)])
def test_a_moment_before_every_run_is_an_error_in_words(recorder: Recorder, moment: str | datetime) -> None:
    recorder.run(users((1, "Antonova")))
    with pytest.raises(UnknownRun, match="No run is known as of"):
        audit.history.snapshot(recorder.store.database, schemas.Users, moment)


def test_a_run_that_records_twice_saw_what_it_recorded_last(recorder: Recorder) -> None:
    recorder.run(users((1, "Antonova")))
    recorder.run(users((1, "Belova")), users((1, "Antonova"), (2, "Vlasov")))
    history = recorder.store.database._connection.execute("SELECT last_name FROM audit.bitrix24_users_history")
    assert sorted(history.fetchall()) == [("Antonova",), ("Vlasov",)]
    assert list(audit.history.snapshot(recorder.store.database, schemas.Users, "run-2")["last_name"]) == [
        "Antonova",
        "Vlasov",
    ]


def test_a_store_knows_which_snapshots_its_run_recorded(recorder: Recorder) -> None:
    recorder.run(users((1, "Antonova")))
    recorder.begin()
    recorder.store.record_snapshot(schemas.CallGearEmployees, employees())
    assert recorder.store.recorded(schemas.CallGearEmployees)
    assert not recorder.store.recorded(schemas.Users)


def test_nothing_is_recorded_without_a_run(store: Store) -> None:
    with pytest.raises(RunNotBegun):
        store.record_snapshot(schemas.Users, users((1, "Antonova")))


@pytest.mark.parametrize(
    "text", ["'; DROP TABLE store.links; --", "{columns}", "$run", 'a"b', "имя\n\t| 名前 \u202e", "%s"]
)
def test_texts_of_a_portal_are_data(recorder: Recorder, text: str) -> None:
    recorder.run(users((1, text)))
    assert list(audit.history.snapshot(recorder.store.database, schemas.Users)["last_name"]) == [text]


def test_each_kind_of_snapshot_has_its_history(recorder: Recorder) -> None:
    shown = {
        schemas.Users: users((1, "Antonova")),
        schemas.Employees: judged((1, "candidate")),
        schemas.CallGearEmployees: employees((7, "Antonova")),
        schemas.Matches: schemas.from_records(
            schemas.Matches, [{"bitrix24_id": 1, "callgear_id": 7, "match_type": "by_email"}]
        ),
        schemas.ResponsibleEmployees: schemas.from_records(
            schemas.ResponsibleEmployees, [{"bitrix24_id": 1, "employment_status": "active", "listed": True}]
        ),
    }
    run_id = recorder.run(*shown.values())
    for model, frame in shown.items():
        assert_frame_equal(audit.history.snapshot(recorder.store.database, model, run_id), frame)


names = st.sampled_from(["Antonova", "Белов", "", "Ōta"]) | st.none()
directories = st.dictionaries(st.integers(1, 6), st.tuples(names, names, st.booleans()), max_size=6).map(
    lambda people: schemas.from_records(
        schemas.Users,
        [
            {"bitrix24_id": user, "last_name": last, "email": email, "active": active}
            for user, (last, email, active) in sorted(people.items())
        ],
    )
)
accounts = st.dictionaries(
    st.integers(11, 16), st.tuples(names, names, st.sampled_from(["[]", '[{"phone_number": "7495"}]'])), max_size=6
).map(
    lambda people: schemas.from_records(
        schemas.CallGearEmployees,
        [
            {"callgear_id": employee, "last_name": last, "email": email, "phone_numbers": phones}
            for employee, (last, email, phones) in sorted(people.items())
        ],
    )
)
found = st.tuples(st.none() | st.integers(11, 13), st.sampled_from(MatchKind), st.none() | st.sampled_from(MatchReason))
match_tables = st.dictionaries(st.integers(1, 6), found, max_size=6).map(
    lambda people: schemas.from_records(
        schemas.Matches,
        [
            {"bitrix24_id": user, "callgear_id": employee, "match_type": kind.value, "reason": reason and reason.value}
            for user, (employee, kind, reason) in sorted(people.items())
        ],
    )
)
kinds = st.fixed_dictionaries({}, optional={"dry_run": st.just(value=True), "only": st.just([1])})
days = st.lists(
    st.tuples(
        kinds,
        st.lists(directories, max_size=2),
        st.lists(accounts, max_size=2),
        st.lists(match_tables, max_size=2),
    ),
    min_size=1,
    max_size=4,
)
"""A day is a run, also a dry one or one for single people. It sees nothing of a side (it died early), or a state, or
one state and then another one."""
RECONSTRUCTED = (schemas.Users, schemas.CallGearEmployees, schemas.Matches)


@settings(max_examples=6, deadline=None)
@given(days=days)
def test_r20_after_any_changes_every_past_run_is_reconstructed_to_the_row(
    new_store: NewStore, days: list[tuple[dict[str, Any], *tuple[list[pd.DataFrame], ...]]]
) -> None:
    with new_store() as recorder:
        last: dict[type[schemas.Frame], pd.DataFrame] = {model: schemas.empty_frame(model) for model in RECONSTRUCTED}
        seen = {}
        for kind, *sides in days:
            run_id = recorder.run(*(state for states in sides for state in states), **kind)
            last |= {model: states[-1] for model, states in zip(RECONSTRUCTED, sides, strict=True) if states}
            seen[run_id] = (recorder.clock.now(), dict(last))
        for run_id, (started, states) in seen.items():
            for model, frame in states.items():
                assert_frame_equal(audit.history.snapshot(recorder.store.database, model, run_id), frame)
                assert_frame_equal(audit.history.snapshot(recorder.store.database, model, started), frame)
                for moment in (run_id, str(started)):
                    shown = by_macro(recorder.store, HISTORIES[model], moment, key=frame.columns[0])
                    assert_frame_equal(shown, frame, check_dtype=False)
        for model, frame in last.items():
            assert_frame_equal(audit.history.snapshot(recorder.store.database, model), frame)


assignments = st.lists(st.tuples(st.integers(1, 4), st.integers(11, 14)), max_size=4)


@settings(max_examples=8, deadline=None)
@given(days=st.lists(st.tuples(kinds, st.lists(assignments, max_size=3)), min_size=1, max_size=5))
def test_r20_after_any_linking_the_links_of_every_past_run_are_reconstructed(
    new_store: NewStore, days: list[tuple[dict[str, Any], list[list[tuple[int, int]]]]]
) -> None:
    with new_store() as recorder:
        live, seen, ever = dict[int, int](), {}, set()
        for kind, day in days:
            run_id = recorder.begin(**kind)
            for batch in day:
                recorder.store.put_links([LinkWritten(user, employee, "email") for user, employee in batch])
                for user, employee in batch:
                    live = {u: e for u, e in live.items() if u != user and e != employee} | {user: employee}
                    ever.add(user)
            recorder.finish()
            seen[run_id] = (recorder.clock.now(), dict(live))
        for run_id, (started, expected) in seen.items():
            for moment in (run_id, str(started)):
                shown = by_macro(recorder.store, "links", moment)
                assert dict(zip(shown["bitrix24_id"], shown["callgear_id"], strict=True)) == expected
        links = audit.links.live_links(recorder.store.database)
        assert dict(zip(links["bitrix24_id"], links["callgear_id"], strict=True)) == live
        assert audit.links.ever_linked(recorder.store.database) == ever


def by_macro(store: Store, table: str, moment: str, *, key: str = "bitrix24_id") -> pd.DataFrame:
    """What a person gets from the table macro."""
    relation = store.database._connection.sql(
        f"SELECT * FROM audit.{table}_as_of($moment) ORDER BY {key}", params={"moment": moment}
    )
    return to_pandas(relation.to_arrow_table()).drop(columns=[*FORMER.get(table, {})])


def test_every_history_has_its_views_and_macro(store: Store) -> None:
    for table in [*HISTORIES.values(), "links"]:
        assert store.database._connection.execute(f"SELECT * FROM audit.{table}").fetchall() == []
        assert store.database._connection.execute(f"SELECT * FROM audit.{table}_history").fetchall() == []
        assert by_macro_is_empty(store, table)


def by_macro_is_empty(store: Store, table: str) -> bool:
    return not store.database._connection.execute(f"SELECT * FROM audit.{table}_as_of('x')").fetchall()


def test_how_a_user_was_seen_last_is_known_when_the_user_is_gone(recorder: Recorder) -> None:
    recorder.run(users((1, "Antonova"), (2, "Belov")))
    recorder.run(users((1, "Antonova"), (2, "Vlasov")))
    recorder.run(users((1, "Married")))
    found = audit.history.users_known_last(recorder.store.database, [1, 2, 3])
    assert dict(zip(found["bitrix24_id"], found["last_name"], strict=True)) == {1: "Married", 2: "Vlasov"}
