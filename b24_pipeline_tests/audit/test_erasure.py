"""A person is erased on request: every text goes, every id and count stays."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from b24_pipeline import audit, schemas
from b24_pipeline.audit import LinkWritten, Paths, Step, Store
from b24_pipeline.audit.erasure import erase_person
from b24_pipeline.audit.metadata import UNCHECKED_UPDATE
from b24_pipeline.audit.storage.exceptions import AmbiguousPerson, UnknownPerson, UpdateUnchecked
from b24_pipeline.callgear.capabilities import UnverifiedUpdate
from b24_pipeline.reporting.timeline import explain
from b24_pipeline.rules.models import RunStatus
from b24_pipeline_tests.audit.helpers import (
    NewStore,
    Recorder,
    action,
    actions,
    ask,
    employees,
    judged,
    kept_files,
    users,
)
from b24_pipeline_tests.clock import Clock

TEXTS = ("Zhuravleva", "zhura@x.test", "79161234567", "Zoya")


@pytest.fixture(scope="module")
def after_two_runs(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that `lived` begins with; to be copied."""
    with new_store() as recorder:
        live(recorder)
        return kept_files(recorder, tmp_path_factory.mktemp("after_two_runs"))


@pytest.fixture
def lived(after_two_runs: Path, paths: Paths) -> Paths:
    """Zoya Zhuravleva, 1, was created, renamed and dismissed; Belov, 2, is still there."""
    shutil.copytree(after_two_runs, paths.published.parent)
    return paths


def live(recorder: Recorder) -> None:
    """The two runs of `lived`, published."""
    at = recorder.clock.now()
    recorder.begin()
    zoya = {"first_name": "Zoya", "email": "zhura@x.test", "work_phone": "79161234567"}
    recorder.store.record_snapshot(
        schemas.Users, schemas.check(schemas.Users, _both(users((1, "Zhuravleva"), **zoya), users((2, "Belov"))))
    )
    recorder.store.record_snapshot(
        schemas.Employees,
        schemas.check(
            schemas.Employees,
            _both(judged((1, "candidate"), email="Zhura@x.test", email_key="zhura@x.test"), judged((2, "candidate"))),
        ),
    )
    recorder.store.record_snapshot(
        schemas.CallGearEmployees,
        schemas.check(
            schemas.CallGearEmployees,
            _both(
                employees((11, "(bitrix24) Zhuravleva"), email="zhura@x.test", phone_numbers='["79161234567"]'),
                employees((12, "(bitrix24) Belov"), email="u2@x.test"),
            ),
        ),
    )
    recorder.store.put_links([LinkWritten(1, 11, "create"), LinkWritten(2, 12, "create")])
    recorder.store.announce_creates([(1, "zhura@x.test")])
    sent = {
        "display_name": "Zhuravleva Zoya",
        "before": '{"last_name": "Zhuravleva"}',
        "after": '{"email": "zhura@x.test"}',
    }
    recorder.store.record_open_actions(Step.UPSERT, actions(action(1, "conflict", "conflict", **sent)))
    recorder.store.record_events(
        actions(
            action(1, "create", "failed", error="zhura@x.test is taken", **sent),
            action(2, "link", "done", display_name="Belov", after='{"note": "like zhura@x.test"}'),
        )
    )
    letter = {"attempts": 1, "first_failed_at": at, "last_failed_at": at, "next_try_at": at}
    audit.actions.put_dead_letters(
        recorder.store.database,
        schemas.from_records(
            schemas.DeadLetters,
            [{"bitrix24_id": 1, "action": "create", "error": "zhura@x.test", "after": '{"a": "Zoya"}'} | letter],
        ),
    )
    recorder.finish(RunStatus.PARTIAL, "zhura@x.test failed", users=2, failed=1)
    recorder.run(users((2, "Belov")))
    recorder.store.publish()
    recorder.store.close()


def _both(*parts: pd.DataFrame) -> pd.DataFrame:
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("by", ["1", "ZHURA@x.test"])
def test_nothing_of_a_forgotten_person_is_left_in_the_files(lived: Paths, clock: Clock, by: str) -> None:
    before = lived.working.read_bytes() + lived.published.read_bytes()
    assert all(text.encode() in before for text in TEXTS[:2])
    assert erase_person(lived, by, now=clock.now()) == 1
    dump = _dump(lived)
    assert [text for text in TEXTS if text.casefold() in dump.casefold()] == []
    bytes_left = b"".join(file.read_bytes() for file in lived.published.parent.iterdir())
    assert [text for text in TEXTS if text.encode() in bytes_left] == []


def test_counts_ids_and_links_stay(lived: Paths, clock: Clock) -> None:
    queries = (
        "SELECT * FROM audit.links ORDER BY 1",
        "SELECT users, failed FROM audit.runs ORDER BY number",
        "SELECT run_id, bitrix24_id, action, outcome FROM audit.actions ORDER BY ALL",
        "SELECT bitrix24_id, active FROM audit.bitrix24_users_as_of('run-1') ORDER BY 1",
        "SELECT bitrix24_id, attempts FROM audit.dead_letters",
    )
    before = [ask(lived, query) for query in queries]
    erase_person(lived, "1", now=clock.now())
    assert [ask(lived, query) for query in queries] == before


def test_others_are_not_touched(lived: Paths, clock: Clock) -> None:
    erase_person(lived, "1", now=clock.now())
    assert ask(lived, "SELECT last_name, email FROM audit.bitrix24_users") == [("Belov", "u2@x.test")]
    assert ask(lived, "SELECT last_name FROM audit.callgear_employees WHERE callgear_id = 12") == [
        ("(bitrix24) Belov",)
    ]
    assert ask(lived, "SELECT person FROM audit.actions WHERE bitrix24_id = 2") == [("Belov",)]


def test_what_had_a_text_says_that_it_is_forgotten(lived: Paths, clock: Clock) -> None:
    erase_person(lived, "1", now=clock.now())
    shown = ask(lived, "SELECT last_name, second_name FROM audit.bitrix24_users_as_of('run-1') WHERE bitrix24_id = 1")
    assert shown == [("(forgotten)", None)]


def test_somebody_who_is_only_in_callgear_is_forgotten_by_address(recorder: Recorder, paths: Paths) -> None:
    recorder.run(employees((15, "Zhuravleva"), email="Zhura@x.test"))
    recorder.store.close()
    assert erase_person(paths, "zhura@x.test", now=recorder.clock.now()) is None
    assert ask(paths, "SELECT last_name FROM audit.callgear_employees") == [("(forgotten)",)]


def test_the_next_holder_of_the_employee_is_not_forgotten_with_the_former(recorder: Recorder, paths: Paths) -> None:
    recorder.begin()
    recorder.store.record_snapshot(schemas.Users, users((1, "Antonova"), (2, "Belov")))
    recorder.store.record_snapshot(schemas.CallGearEmployees, employees((11, "Antonova")))
    recorder.store.put_links([LinkWritten(1, 11, "create")])
    recorder.finish()
    recorder.begin()
    recorder.store.put_links([LinkWritten(2, 11, "approval")])
    recorder.finish()
    recorder.run(employees((11, "Belov")))
    recorder.store.close()
    erase_person(paths, "1", now=recorder.clock.now())
    shown = ask(paths, "SELECT last_name FROM audit.callgear_employees_history ORDER BY valid_from_run")
    assert shown == [("(forgotten)",), ("Belov",)]


def test_somebody_only_in_callgear_is_forgotten_under_former_addresses_too(recorder: Recorder, paths: Paths) -> None:
    recorder.run(employees((15, "Zhuravleva"), email="maiden@x.test"))
    recorder.run(employees((15, "Zhuravleva"), email="Zhura@x.test"), status=RunStatus.DONE)
    recorder.begin()
    recorder.finish(RunStatus.FAILED, "MAIDEN@x.test failed")
    recorder.store.close()
    erase_person(paths, "zhura@x.test", now=recorder.clock.now())
    assert ask(paths, "SELECT DISTINCT email FROM store.callgear_employees") == [("(forgotten)",)]
    assert ask(paths, "SELECT reason FROM audit.runs WHERE reason IS NOT NULL") == [("(forgotten) failed",)]


def test_an_address_is_erased_in_whatever_letters_it_is_mentioned(recorder: Recorder, paths: Paths) -> None:
    recorder.begin()
    recorder.store.record_snapshot(schemas.Users, users((1, "Zhuravleva"), email="Zhura+1@x.test"))
    recorder.store.record_events(
        actions(action(2, "link", "failed", after='{"note": "like ZHURA+1@X.test"}', error="zhura+1@x.test is taken"))
    )
    recorder.finish()
    recorder.store.close()
    erase_person(paths, "1", now=recorder.clock.now())
    assert ask(paths, "SELECT after, error FROM audit.actions") == [
        ('{"note": "like (forgotten)"}', "(forgotten) is taken")
    ]


def test_a_longer_address_that_holds_the_erased_one_stays(recorder: Recorder, paths: Paths) -> None:
    others = "joanna@x.test, anna@x.test.org, anna@x.tests, x-anna@x.test"
    recorder.begin()
    recorder.store.record_snapshot(schemas.Users, users((1, "Zhuravleva"), email="anna@x.test"))
    recorder.store.record_events(actions(action(2, "create", "failed", error=others)))
    recorder.store.record_events(
        actions(action(3, "create", "failed", error="anna@x.test anna@x.test, 'anna@x.test': ends with anna@x.test."))
    )
    recorder.finish()
    recorder.store.close()
    erase_person(paths, "1", now=recorder.clock.now())
    assert ask(paths, "SELECT error FROM audit.actions ORDER BY bitrix24_id") == [
        (others,),
        ("(forgotten) (forgotten), '(forgotten)': ends with (forgotten).",),
    ]


def test_what_others_have_taken_over_no_longer_tells_the_name_it_had(recorder: Recorder, paths: Paths) -> None:
    former = {"callgear_id": 11, "before": '{"last_name": "Zhuravleva", "other_bitrix24_id": 1}'}
    later = {"callgear_id": 11, "before": '{"last_name": "Belov"}'}
    recorder.begin()
    recorder.store.record_snapshot(schemas.Users, users((1, "Zhuravleva"), (2, "Belov")))
    recorder.store.put_links([LinkWritten(1, 11, "create")])
    recorder.store.record_open_actions(Step.UPSERT, actions(action(2, "conflict", "conflict", **former)))
    recorder.finish()
    recorder.begin()
    recorder.store.put_links([LinkWritten(2, 11, "approval")])
    recorder.store.record_open_actions(Step.UPSERT, actions())
    recorder.store.record_events(actions(action(2, "link", "done", **former)))
    recorder.finish()
    recorder.begin()
    recorder.store.record_events(actions(action(2, "update", "done", **later)))
    recorder.finish()
    recorder.store.close()
    erase_person(paths, "1", now=recorder.clock.now())
    assert ask(paths, "SELECT action, before FROM audit.actions ORDER BY action") == [
        ("conflict", None),
        ("link", None),
        ("update", later["before"]),
    ]


def test_r11_nobody_is_erased_whose_phones_a_run_may_have_to_put_back(recorder: Recorder, paths: Paths) -> None:
    kept = UnverifiedUpdate({"id": 11, "phone_numbers": ["79161234567"]}, at=recorder.clock.now()).as_json()
    recorder.begin()
    recorder.store.record_snapshot(schemas.Users, _both(users((1, "Zhuravleva")), users((2, "Belov"))))
    recorder.store.put_links([LinkWritten(1, 11, "create"), LinkWritten(2, 12, "create")])
    audit.metadata.put_facts(recorder.store.database, {UNCHECKED_UPDATE: kept})
    recorder.finish()
    recorder.store.close()

    erase_person(paths, "2", now=recorder.clock.now())
    with pytest.raises(
        UpdateUnchecked, match=r"The last update of employee 11 .* Run an import first: b24-pipeline sync"
    ):
        erase_person(paths, "1", now=recorder.clock.now())

    assert ask(paths, "SELECT last_name FROM store.bitrix24_users ORDER BY bitrix24_id") == [
        ("Zhuravleva",),
        ("(forgotten)",),
    ]


def test_what_is_read_again_of_an_erased_person_is_stored_without_texts(lived: Paths, clock: Clock) -> None:
    seen = users((1, "Zhuravleva"), email="zhura@x.test", active=False)
    account = employees((11, "Zhuravleva"), (12, "Belov"), email="zhura@x.test")
    erase_person(lived, "1", now=clock.now())
    with Store.open(lived, now=clock.now) as store:
        again = Recorder(store, clock, number=2)
        for _ in range(2):
            again.begin()
            store.record_snapshot(schemas.Users, seen)
            store.record_snapshot(schemas.CallGearEmployees, account)
            store.record_events(
                actions(action(1, "remove_responsible", "done", display_name="Zhuravleva", before='{"a": 1}'))
            )
            assert store.current_snapshot(schemas.Users).equals(seen)
            again.finish()
        store.publish()
    assert ask(lived, "SELECT last_name, email FROM audit.bitrix24_users") == [("(forgotten)", "(forgotten)")]
    assert ask(lived, "SELECT last_name FROM audit.callgear_employees") == [("(forgotten)",), ("Belov",)]
    assert ask(lived, "SELECT DISTINCT person, before FROM audit.actions WHERE action = 'remove_responsible'") == [
        ("(forgotten)", None)
    ]
    assert ask(lived, "SELECT count(*) FROM store.bitrix24_users WHERE NOT active") == [(1,)]


def test_a_conflict_about_the_employee_of_an_erased_person_is_stored_without_the_name(
    lived: Paths, clock: Clock
) -> None:
    erase_person(lived, "1", now=clock.now())
    with Store.open(lived, now=clock.now) as store:
        again = Recorder(store, clock, number=2)
        again.begin()
        wanted = {"callgear_id": 11, "before": '{"last_name": "Zhuravleva", "other_bitrix24_id": 1}'}
        store.record_open_actions(
            Step.UPSERT, actions(action(2, "conflict", "conflict", display_name="Belov", **wanted))
        )
        store.publish()
    assert ask(lived, "SELECT person, before FROM audit.actions WHERE run_id = 'run-3'") == [("Belov", None)]


def test_an_erased_person_who_is_a_candidate_is_stored_like_everybody(lived: Paths, clock: Clock) -> None:
    erase_person(lived, "1", now=clock.now())
    with Store.open(lived, now=clock.now) as store:
        again = Recorder(store, clock, number=2)
        again.begin()
        store.store_texts_of({1})
        store.record_snapshot(schemas.Users, users((1, "Zhuravleva")))
        store.record_snapshot(schemas.CallGearEmployees, employees((11, "Zhuravleva")))
        store.publish()
    assert ask(lived, "SELECT last_name FROM audit.bitrix24_users") == [("Zhuravleva",)]
    assert ask(lived, "SELECT last_name FROM audit.callgear_employees") == [("Zhuravleva",)]


def test_an_address_that_several_had_is_not_guessed_at(recorder: Recorder, paths: Paths) -> None:
    recorder.run(users((1, "Antonova"), (2, "Belov"), email="shared@x.test"))
    recorder.store.close()
    with pytest.raises(AmbiguousPerson, match=r"2 users have or had the address shared@x\.test: 1, 2"):
        erase_person(paths, "shared@x.test", now=recorder.clock.now())


def test_what_stands_for_an_erased_address_names_nobody(lived: Paths, clock: Clock) -> None:
    erase_person(lived, "1", now=clock.now())
    with pytest.raises(UnknownPerson, match=r"\(forgotten\) stands where an address was erased"):
        erase_person(lived, "(forgotten)", now=clock.now())
    with Store.reader(lived, now=clock.now) as database:
        assert explain(database, "(forgotten)") == ()


@pytest.mark.parametrize("nobody", ["99", "nobody@x.test", "'; DROP TABLE store.links; --"])
def test_nobody_is_forgotten_by_mistake(lived: Paths, clock: Clock, nobody: str) -> None:
    with pytest.raises(UnknownPerson, match="Nobody is known by"):
        erase_person(lived, nobody, now=clock.now())


def _dump(paths: Paths) -> str:
    tables = ask(paths, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'store'")
    return "\n".join(str(ask(paths, f"SELECT * FROM store.{name}")) for (name,) in tables)
