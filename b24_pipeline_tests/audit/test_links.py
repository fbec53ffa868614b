"""Links are never lost, and creates are announced before they are sent (R07-R09, R18)."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from b24_pipeline import audit, schemas
from b24_pipeline.audit import LinkWritten, Store
from b24_pipeline_tests.audit.helpers import Recorder, users


def pairs(store: Store) -> dict[int, int]:
    links = audit.links.live_links(store.database)
    return dict(zip(links["bitrix24_id"], links["callgear_id"], strict=True))


def test_r07_a_link_says_who_when_and_why(recorder: Recorder) -> None:
    recorder.begin()
    recorder.store.put_links([LinkWritten(1, 11, "create")])
    link = audit.links.live_links(recorder.store.database).iloc[0]
    assert (link["bitrix24_id"], link["callgear_id"], link["linked_by"], link["run_id"]) == (1, 11, "create", "run-1")
    assert link["linked_at"] == recorder.clock.now()


def test_r08_a_new_link_of_a_user_replaces_the_stale_one(recorder: Recorder) -> None:
    recorder.begin()
    recorder.store.put_links([LinkWritten(1, 11, "create")])
    recorder.store.put_links([LinkWritten(1, 12, "email")])
    assert pairs(recorder.store) == {1: 12}


def test_r09_a_link_moves_with_its_employee_to_the_rehired_user(recorder: Recorder) -> None:
    recorder.begin()
    recorder.store.put_links([LinkWritten(1, 11, "create")])
    recorder.store.put_links([LinkWritten(2, 11, "rehire")])
    assert pairs(recorder.store) == {2: 11}
    assert audit.links.ever_linked(recorder.store.database) == {1, 2}


def test_of_two_links_written_at_once_the_later_holds_and_none_is_forgotten(recorder: Recorder) -> None:
    recorder.begin()
    recorder.store.put_links([LinkWritten(1, 11, "email"), LinkWritten(2, 11, "email"), LinkWritten(2, 12, "email")])
    assert pairs(recorder.store) == {2: 12}
    assert audit.links.ever_linked(recorder.store.database) == {1, 2}


def test_r09_the_last_known_name_of_a_user_outlives_the_user(recorder: Recorder) -> None:
    recorder.run(users((1, "Antonova"), (2, "Belov")))
    recorder.begin()
    recorder.store.put_links([LinkWritten(1, 11, "create"), LinkWritten(3, 13, "create")])
    recorder.store.record_snapshot(schemas.Users, users((2, "Belov")))
    links = audit.links.live_links(recorder.store.database).set_index("bitrix24_id")["last_name"]
    assert links[1] == "Antonova"
    assert links.isna()[3]


def test_r18_an_announced_create_is_pending_until_its_link_is_stored(recorder: Recorder) -> None:
    recorder.begin()
    recorder.store.announce_creates([(1, "a@x.test"), (2, "b@x.test")])
    recorder.store.put_links([LinkWritten(1, 11, "create")])
    pending = audit.links.pending_creates(recorder.store.database)
    assert pending[["bitrix24_id", "email", "run_id"]].to_numpy().tolist() == [[2, "b@x.test", "run-1"]]


def test_r18_a_create_announced_again_is_pending_once(recorder: Recorder) -> None:
    for address in ("old@x.test", "new@x.test"):
        recorder.begin()
        recorder.store.announce_creates([(1, address)])
        recorder.finish()
    assert audit.links.pending_creates(recorder.store.database)["email"].tolist() == ["new@x.test"]


def test_r18_a_create_that_certainly_did_not_happen_is_settled(recorder: Recorder) -> None:
    recorder.begin()
    recorder.store.announce_creates([(1, "a@x.test"), (2, "b@x.test")])
    audit.links.clear_pending_creates(recorder.store.database, [2])
    assert audit.links.pending_creates(recorder.store.database)["bitrix24_id"].tolist() == [1]


def test_what_is_stored_in_one_transaction_is_stored_together_or_not_at_all(recorder: Recorder) -> None:
    recorder.begin()
    recorder.store.announce_creates([(1, "a@x.test")])
    with suppress(ZeroDivisionError), recorder.store.database.transaction():
        recorder.store.put_links([LinkWritten(1, 11, "create")])
        _ = 1 / 0
    assert pairs(recorder.store) == {}
    assert audit.links.pending_creates(recorder.store.database)["bitrix24_id"].tolist() == [1]


def test_no_links_are_no_work(store: Store) -> None:
    store.put_links([])
    assert pairs(store) == {}


def test_threads_share_one_store(recorder: Recorder) -> None:
    recorder.begin()

    def work(user: int) -> None:
        recorder.store.announce_creates([(user, f"u{user}@x.test")])
        with recorder.store.database.transaction():
            recorder.store.put_links([LinkWritten(user, user + 100, "create")])
        audit.links.live_links(recorder.store.database)

    with ThreadPoolExecutor(max_workers=8) as threads:
        list(threads.map(work, range(24)))
    assert pairs(recorder.store) == {user: user + 100 for user in range(24)}
    assert audit.links.pending_creates(recorder.store.database).empty
