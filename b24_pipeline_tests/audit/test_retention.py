"""What is old goes, links never do, kept runs are shown as they were, and the file shrinks."""

from datetime import timedelta
from hashlib import sha256

from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from b24_pipeline import audit, schemas
from b24_pipeline.audit import LinkWritten, Paths, Step, Store
from b24_pipeline.audit.retention import apply_retention, expire
from b24_pipeline.reporting.timeline import explain
from b24_pipeline.rules.models import RunStatus
from b24_pipeline_tests.audit.helpers import NewStore, Recorder, action, actions, ask, employees, judged, users


def a_day_of(recorder: Recorder, *names: tuple[int, str], rejected: int = 1) -> str:
    run_id = recorder.begin()
    recorder.store.record_snapshot(schemas.Users, users(*names))
    recorder.store.record_open_actions(Step.UPSERT, actions(action(rejected, "reject", "rejected")))
    recorder.store.record_events(actions(action(9, "create", "done")))
    recorder.finish()
    recorder.clock.advance(timedelta(days=1))
    return run_id


def test_runs_and_actions_older_than_the_setting_go(recorder: Recorder, paths: Paths) -> None:
    for _ in range(4):
        a_day_of(recorder, (1, "Antonova"))
    recorder.store.close()
    assert apply_retention(paths, keep_days=2, now=recorder.clock.now()) == 3
    assert ask(paths, "SELECT run_id FROM audit.runs") == [("run-4",)]
    assert ask(paths, "SELECT run_id, outcome FROM audit.actions ORDER BY 2") == [
        ("run-4", "done"),
        ("run-4", "rejected"),
    ]
    assert ask(paths, "SELECT count(*) FROM store.events") == [(1,)]


def test_r16c_a_run_in_the_future_is_as_old_as_the_run_after_it(recorder: Recorder, paths: Paths) -> None:
    year = timedelta(days=365)
    a_day_of(recorder, (1, "Antonova"))
    recorder.clock.advance(year)
    a_day_of(recorder, (1, "Antonova"))
    recorder.clock.advance(-year)
    for _ in range(4):
        a_day_of(recorder, (1, "Antonova"))
    recorder.store.close()
    assert apply_retention(paths, keep_days=2, now=recorder.clock.now()) == 5
    assert ask(paths, "SELECT run_id FROM audit.runs") == [("run-6",)]


def test_the_newest_run_always_stays(recorder: Recorder, paths: Paths) -> None:
    a_day_of(recorder, (1, "Antonova"))
    recorder.store.close()
    assert apply_retention(paths, now=recorder.clock.now() + timedelta(days=4000)) == 0
    assert ask(paths, "SELECT last_name FROM audit.bitrix24_users_as_of('run-1')") == [("Antonova",)]


def test_an_empty_database_has_nothing_to_lose(recorder: Recorder, paths: Paths) -> None:
    recorder.store.close()
    assert apply_retention(paths, now=recorder.clock.now()) == 0


def test_links_never_expire_nor_the_last_name_of_a_linked_user(recorder: Recorder, paths: Paths) -> None:
    recorder.begin()
    known = {"first_name": "Anna", "work_phone": "79161234567"}
    recorder.store.record_snapshot(schemas.Users, users((1, "Antonova"), (2, "Belov"), **known))
    recorder.store.put_links([LinkWritten(1, 11, "create")])
    recorder.store.put_links([LinkWritten(1, 12, "email")])
    recorder.finish()
    recorder.run(users())
    recorder.clock.advance(timedelta(days=500))
    recorder.run(users())
    recorder.store.close()
    apply_retention(paths, now=recorder.clock.now())
    assert ask(paths, "SELECT bitrix24_id, callgear_id FROM audit.links") == [(1, 12)]
    assert ask(paths, "SELECT callgear_id FROM store.links ORDER BY 1") == [(11,), (12,)]
    assert ask(paths, "SELECT bitrix24_id, last_name FROM store.bitrix24_users") == [(1, "Antonova")]
    assert ask(paths, "SELECT first_name, email, work_phone FROM store.bitrix24_users") == [(None, None, None)]


def test_explain_knows_when_a_link_ended_though_that_run_is_deleted(recorder: Recorder, paths: Paths) -> None:
    recorder.begin()
    recorder.store.record_snapshot(schemas.Users, users((1, "Antonova")))
    recorder.store.put_links([LinkWritten(1, 11, "create")])
    recorder.finish()
    recorder.clock.advance(timedelta(days=30))
    recorder.begin()
    recorder.store.put_links([LinkWritten(1, 12, "email")])
    recorder.finish()
    ended_at = recorder.clock.now()
    recorder.clock.advance(timedelta(days=500))
    recorder.run(users((1, "Antonova")))
    recorder.store.close()
    apply_retention(paths, now=recorder.clock.now())
    with Store.reader(paths, now=recorder.clock.now) as database:
        (lived,) = explain(database, "1")
    assert [event.at for event in lived.events if "employee 11 ended" in event.text] == [ended_at]


def test_whose_employee_is_gone_for_years_is_still_not_in_callgear(recorder: Recorder, paths: Paths) -> None:
    recorder.begin()
    recorder.store.record_snapshot(schemas.CallGearEmployees, employees((11, "Antonova")))
    recorder.store.put_links([LinkWritten(1, 11, "email")])
    recorder.finish()
    recorder.run(users((1, "Antonova")), employees())
    recorder.clock.advance(timedelta(days=500))
    recorder.run(users((1, "Antonova")), employees())
    recorder.store.close()
    apply_retention(paths, now=recorder.clock.now())
    with Store.reader(paths, now=recorder.clock.now) as database:
        (lived,) = explain(database, "1")
    assert lived.now == "Not in CallGear."


def test_r07a_of_who_is_gone_for_years_the_accepted_last_name_stays_alone(recorder: Recorder) -> None:
    recorder.begin()
    recorder.store.record_snapshot(schemas.Users, users((1, "Antonova"), (2, "Belov")))
    recorder.store.record_snapshot(
        schemas.Employees, judged((1, "candidate"), (2, "candidate"), first_name="Ira", last_name="Name")
    )
    recorder.store.put_links([LinkWritten(1, 11, "email"), LinkWritten(2, 12, "email")])
    recorder.finish()
    recorder.run(users((2, "Belov")))
    recorder.clock.advance(timedelta(days=500))
    recorder.run(users((2, "Belov")))
    expire(recorder.store.database, since=recorder.clock.now() - timedelta(days=400))

    found = audit.links.identities(recorder.store.database)[["first_name", "last_name", "email"]].to_numpy().tolist()
    assert found == [["(forgotten)", "Name", "(forgotten)"], ["Ira", "Name", "u2@x.test"]]


def test_numbers_of_runs_go_on_rising(recorder: Recorder) -> None:
    for _ in range(3):
        a_day_of(recorder, (1, "Antonova"))
    expire(recorder.store.database, since=recorder.clock.now())
    recorder.begin()
    assert audit.runs.history(recorder.store.database)["number"].tolist() == [4, 3]


def test_r16_the_first_import_stays_ended_when_its_run_is_deleted(recorder: Recorder) -> None:
    recorder.begin()
    recorder.store.record_open_actions(Step.UPSERT, actions())
    recorder.finish()
    recorder.clock.advance(timedelta(days=500))
    recorder.run(status=RunStatus.FAILED)
    expire(recorder.store.database, since=recorder.clock.now() - timedelta(days=400))
    assert not audit.runs.first_import(recorder.store.database)


def test_the_file_shrinks(recorder: Recorder, paths: Paths) -> None:
    for day in range(6):
        names = [(user, sha256(b"%d %d" % (user, day)).hexdigest()) for user in range(10_000)]
        recorder.run(users(*names))
        recorder.clock.advance(timedelta(days=1))
    recorder.store.close()
    before = paths.working.stat().st_size
    apply_retention(paths, keep_days=1, now=recorder.clock.now())
    assert paths.working.stat().st_size < before * 0.7
    assert oct(paths.working.stat().st_mode & 0o777) == "0o600"


@settings(max_examples=6, deadline=None)
@given(
    days=st.lists(st.dictionaries(st.integers(1, 4), st.sampled_from("ABC"), max_size=4), min_size=2, max_size=6),
    kept=st.integers(1, 6),
)
def test_r20_every_kept_run_is_shown_as_it_was(new_store: NewStore, days: list[dict[int, str]], kept: int) -> None:
    with new_store() as recorder:
        seen = {}
        for day in days:
            frame = users(*sorted(day.items()))
            run_id = recorder.run(frame)
            seen[run_id] = (recorder.clock.now(), frame)
        kept_runs = list(seen)[-kept:]
        expire(recorder.store.database, since=seen[kept_runs[0]][0])
        assert sorted(audit.runs.history(recorder.store.database, limit=99)["run_id"]) == sorted(kept_runs)
        for run_id in kept_runs:
            assert_frame_equal(audit.history.snapshot(recorder.store.database, schemas.Users, run_id), seen[run_id][1])


def test_what_is_approved_of_a_deleted_run_goes_with_it(recorder: Recorder) -> None:
    recorder.begin()
    recorder.store.record_open_actions(Step.UPSERT, actions(action(1, "create", "held")))
    recorder.finish(RunStatus.HELD)
    recorder.store.approve("run-1")
    recorder.run()
    expire(recorder.store.database, since=recorder.clock.now())
    assert int(recorder.store.database.value("row_count", table="approvals")) == 0
