"""\"Why is Anna not in CallGear?" is answered in one command, in plain words, newest first."""

import pytest
from pandera.typing import DataFrame

from b24_pipeline import audit, schemas
from b24_pipeline.audit import LinkWritten, Step
from b24_pipeline.audit.retention import expire
from b24_pipeline.reporting.timeline import Timeline, explain
from b24_pipeline.rules.labels import REASONS
from b24_pipeline.rules.models import MatchReason, Rejection
from b24_pipeline_tests.audit.helpers import Recorder, action, actions, employees, judged, users


def matches(*rows: dict[str, object]) -> DataFrame[schemas.Matches]:
    return schemas.from_records(schemas.Matches, list(rows))


def timeline_of(recorder: Recorder, id_or_email: str) -> Timeline:
    (found,) = explain(recorder.store.database, id_or_email)
    return found


def told(recorder: Recorder, id_or_email: str = "1") -> list[str]:
    return [event.text for event in timeline_of(recorder, id_or_email).events]


def test_why_somebody_is_not_in_callgear(recorder: Recorder) -> None:
    recorder.begin()
    recorder.store.record_snapshot(schemas.Users, users((1, "Antonova"), email=None, first_name="Anna"))
    recorder.store.record_snapshot(schemas.Employees, judged((1, "rejected"), reason="missing_email"))
    recorder.store.record_snapshot(
        schemas.Matches, matches({"bitrix24_id": 1, "match_type": "rejected", "reason": "missing_email"})
    )
    recorder.store.record_open_actions(Step.UPSERT, actions(action(1, "reject", "rejected", reason="missing_email")))
    recorder.finish()
    anna = timeline_of(recorder, "1")
    assert anna.person == "Antonova Anna"
    assert anna.now == "Not in CallGear: rejected: no e-mail in Bitrix24."
    assert [event.text for event in anna.events] == [
        "rejected: no e-mail in Bitrix24",
        'seen in Bitrix24: type "employee", first name "Anna", last name "Antonova"',
    ]


def test_what_one_run_saw_and_decided_is_newest_first_too(recorder: Recorder) -> None:
    recorder.begin()
    recorder.store.record_snapshot(schemas.Matches, matches({"bitrix24_id": 1, "match_type": "none"}))
    recorder.store.record_snapshot(schemas.Employees, judged((1, "candidate")))
    recorder.store.record_snapshot(schemas.Users, users((1, "Antonova")))
    recorder.finish()
    assert told(recorder) == [
        "no match in CallGear",
        "a candidate for the import",
        'seen in Bitrix24: type "employee", last name "Antonova", e-mail "u1@x.test"',
    ]


def test_an_employees_phones_are_shown_as_numbers(recorder: Recorder) -> None:
    entries = '[{"phone_id": 9, "phone_number": "7495", "dial_time": 60}, {"phone_id": 8, "phone_number": "7916"}]'
    recorder.begin()
    recorder.store.record_snapshot(schemas.Users, users((1, "Antonova")))
    recorder.store.record_snapshot(schemas.CallGearEmployees, employees((11, "Antonova"), phone_numbers=entries))
    recorder.store.put_links([LinkWritten(1, 11, "email")])
    recorder.finish()
    (seen,) = [text for text in told(recorder) if text.startswith("seen in CallGear")]
    assert seen.endswith('phones "7495, 7916"')


def test_a_timeline_is_newest_first_with_time_and_run(recorder: Recorder) -> None:
    recorder.run(users((1, "Antonova")))
    first = recorder.clock.now()
    recorder.run(users((1, "Belova")))
    events = timeline_of(recorder, "1").events
    assert [(event.at, event.run_id) for event in events] == [(recorder.clock.now(), "run-2"), (first, "run-1")]
    assert events[0].text == 'changed in Bitrix24: last name "Antonova" → "Belova"'


def test_dismissed_gone_and_back(recorder: Recorder) -> None:
    recorder.run(users((1, "Antonova")))
    recorder.run(users((1, "Antonova"), active=False))
    recorder.run(users())
    recorder.run(users((1, "Antonova")))
    assert told(recorder)[:3] == [
        'back in Bitrix24: type "employee", last name "Antonova", e-mail "u1@x.test"',
        "no longer in Bitrix24",
        "dismissed in Bitrix24",
    ]


def test_what_was_sent_and_answered(recorder: Recorder) -> None:
    recorder.begin()
    recorder.store.record_snapshot(schemas.Users, users((1, "Antonova")))
    created = {"after": '{"email": "u1@x.test", "phone_numbers": ["7495", "7916"]}', "error": "no rights"}
    linked = {"callgear_id": 11, "before": '{"last_name": "A"}', "after": '{"last_name": "B"}', "reason": "rehired"}
    recorder.store.record_events(actions(action(1, "create", "failed", **created), action(1, "link", "done", **linked)))
    recorder.finish()
    link, create = told(recorder)[:2]
    assert create == 'create in CallGear: failed; sent: e-mail "u1@x.test", phones "7495, 7916"; answer: no rights'
    assert link == (
        "link with the CallGear employee (employee 11): done: rehired under a new Bitrix24 id; "
        'sent: last name "A" → "B"'
    )


def test_linked_moved_and_what_callgear_changed_meanwhile(recorder: Recorder) -> None:
    recorder.begin()
    recorder.store.record_snapshot(schemas.Users, users((1, "Antonova"), (2, "Belov")))
    recorder.store.record_snapshot(schemas.CallGearEmployees, employees((11, "(bitrix24) Antonova")))
    recorder.store.put_links([LinkWritten(1, 11, "create")])
    recorder.finish()
    assert timeline_of(recorder, "1").now.startswith("In CallGear as employee 11, linked since 2026-01-01")
    recorder.run(employees((11, "Antonova")))
    recorder.begin()
    recorder.store.put_links([LinkWritten(2, 11, "approval")])
    recorder.finish()
    recorder.run(employees((11, "Belov")))
    assert told(recorder)[:2] == [
        "the link with CallGear employee 11 ended: another one took its place",
        'changed in CallGear as employee 11: last name "(bitrix24) Antonova" → "Antonova"',
    ]
    assert 'changed in CallGear as employee 11: last name "Antonova" → "Belov"' in told(recorder, "2")


def test_who_was_removed_in_callgear_is_not_there_until_the_create_that_is_held_is_done(recorder: Recorder) -> None:
    recorder.begin()
    recorder.store.record_snapshot(schemas.Users, users((1, "Antonova")))
    recorder.store.put_links([LinkWritten(1, 11, "create")])
    recorder.finish()
    recorder.run(employees(), matches({"bitrix24_id": 1, "match_type": "none", "reason": "stale_link"}))
    assert timeline_of(recorder, "1").now == (
        "Not in CallGear: no match in CallGear: the linked employee no longer exists in CallGear."
    )
    recorder.begin()
    recorder.store.put_links([LinkWritten(1, 12, "create")])
    assert timeline_of(recorder, "1").now.startswith("In CallGear as employee 12, linked since ")


@pytest.mark.parametrize(
    ("match", "why"),
    [
        ({"match_type": "conflict", "reason": "ambiguous_email"}, "in conflict: several"),
        ({"match_type": "rejected", "reason": "missing_last_name"}, "rejected: no"),
    ],
)
def test_whose_employee_is_gone_is_not_in_callgear_whatever_else_is_the_matter(
    recorder: Recorder, match: dict[str, str], why: str
) -> None:
    recorder.begin()
    recorder.store.record_snapshot(schemas.Users, users((1, "Antonova")))
    recorder.store.put_links([LinkWritten(1, 11, "create")])
    recorder.finish()
    recorder.run(employees((11, "Antonova")), matches({"bitrix24_id": 1, "match_type": "by_id", "callgear_id": 11}))
    assert timeline_of(recorder, "1").now.startswith("In CallGear as employee 11")
    recorder.run(employees((12, "Belov")), matches({"bitrix24_id": 1, **match}))
    assert timeline_of(recorder, "1").now.startswith(f"Not in CallGear: {why}")


def test_nobody_is_promised_a_look_up_that_no_run_makes(recorder: Recorder) -> None:
    recorder.begin()
    recorder.store.record_snapshot(schemas.Users, users((1, "Antonova")))
    recorder.store.announce_creates([(1, "u1@x.test")])
    recorder.run(matches({"bitrix24_id": 1, "match_type": "dismissed"}))
    assert timeline_of(recorder, "1").now == ("Create outcome unknown; the user is dismissed.")


def test_who_was_created_anew_in_the_run_that_missed_the_employee_is_in_callgear(
    recorder: Recorder,
) -> None:
    recorder.run(users((1, "Antonova")))
    recorder.begin()
    recorder.store.record_snapshot(schemas.CallGearEmployees, employees())
    recorder.store.record_snapshot(
        schemas.Matches, matches({"bitrix24_id": 1, "match_type": "none", "reason": "stale_link"})
    )
    recorder.store.put_links([LinkWritten(1, 12, "create")])
    assert timeline_of(recorder, "1").now.startswith("In CallGear as employee 12, linked since ")


def test_who_passed_the_employee_on_and_is_gone_was_imported_once(recorder: Recorder) -> None:
    recorder.begin()
    recorder.store.record_snapshot(schemas.Users, users((1, "Antonova"), (2, "Antonova")))
    recorder.store.put_links([LinkWritten(1, 11, "create")])
    recorder.finish()
    recorder.begin()
    recorder.store.put_links([LinkWritten(2, 11, "rehire")])
    recorder.finish()
    recorder.run(users((2, "Antonova")))
    assert timeline_of(recorder, "1").now == (
        "No longer in Bitrix24; CallGear employee 11 is linked with another user now."
    )


def test_the_responsible_list_is_told_with_its_comings_and_goings(recorder: Recorder) -> None:
    def listed(*rows: tuple[int, bool]) -> DataFrame[schemas.ResponsibleEmployees]:
        people = [{"bitrix24_id": user, "employment_status": "active", "listed": is_listed} for user, is_listed in rows]
        return schemas.from_records(schemas.ResponsibleEmployees, people)

    recorder.run(users((1, "Antonova")), listed((1, True)))
    for state in (listed((1, False)), listed(), listed((1, True))):
        recorder.run(state)
    assert told(recorder)[:3] == [
        "on the responsible list",
        "no longer: not on the responsible list",
        "not on the responsible list",
    ]


def test_what_stood_and_stands_no_more(recorder: Recorder) -> None:
    for outcome in ("held", None):
        recorder.begin()
        recorder.store.record_snapshot(schemas.Users, users((1, "Antonova")))
        recorder.store.record_open_actions(
            Step.UPSERT, actions(*([action(1, "create", outcome, after='{"email": "u1@x.test"}')] if outcome else []))
        )
        recorder.finish()
    assert told(recorder) == [
        "no longer create in CallGear: held by a safety limit until somebody approves",
        'create in CallGear: held by a safety limit until somebody approves; to be sent: e-mail "u1@x.test"',
        'seen in Bitrix24: type "employee", last name "Antonova", e-mail "u1@x.test"',
    ]


def test_what_is_held_is_said_at_the_top(recorder: Recorder) -> None:
    recorder.begin()
    recorder.store.record_snapshot(schemas.Users, users((1, "Antonova")))
    recorder.store.record_snapshot(schemas.Matches, matches({"bitrix24_id": 1, "match_type": "none"}))
    recorder.store.record_open_actions(Step.UPSERT, actions(action(1, "create", "held")))
    recorder.finish()
    assert timeline_of(recorder, "1").now == (
        "Not in CallGear: no match in CallGear; create in CallGear: held by a safety limit until somebody approves."
    )


@pytest.mark.parametrize(("attempts", "words"), [(0, "failed,"), (1, "failed 1 time,"), (4, "failed 4 times,")])
def test_what_is_tried_again_is_said_at_the_top(recorder: Recorder, attempts: int, words: str) -> None:
    recorder.run(users((1, "Antonova")))
    at = recorder.clock.now()
    letter = {"first_failed_at": at, "last_failed_at": at, "next_try_at": at, "error": "too long"}
    audit.actions.put_dead_letters(
        recorder.store.database,
        schemas.from_records(
            schemas.DeadLetters, [{"bitrix24_id": 1, "action": "create", "attempts": attempts} | letter]
        ),
    )
    assert timeline_of(recorder, "1").now == (
        f"Not in CallGear; create in CallGear {words} last: too long, next try 2026-01-01 09:30."
    )


def test_r07a_a_link_in_doubt_is_told_with_the_doubt(recorder: Recorder) -> None:
    recorder.begin()
    recorder.store.record_snapshot(schemas.Users, users((1, "Antonova")))
    recorder.store.put_links([LinkWritten(1, 11, "create")])
    recorder.finish()
    doubt = {"match_type": "conflict", "callgear_id": 11, "reason": "identity_changed"}
    recorder.run(matches({"bitrix24_id": 1, **doubt}))
    assert timeline_of(recorder, "1").now == (
        "Linked with CallGear employee 11, linked since 2026-01-01 09:30, but in conflict: "
        "the linked id now shows another first name, last name and e-mail."
    )


def test_a_create_of_unknown_outcome_is_said_at_the_top(recorder: Recorder) -> None:
    recorder.run(users((1, "Antonova")))
    recorder.begin()
    recorder.store.announce_creates([(1, "u1@x.test")])
    assert timeline_of(recorder, "1").now == "Create outcome unknown; the next run will verify."


def test_who_had_an_address_is_found_by_it_whoever_has_it_now(recorder: Recorder) -> None:
    seen = users((1, "Antonova"), (2, "Belov"), email="Shared@x.test")
    recorder.run(seen, judged((1, "candidate"), (2, "candidate"), email="Shared@x.test", email_key="shared@x.test"))
    recorder.run(users((2, "Belov")), judged((2, "candidate")))
    assert [found.bitrix24_id for found in explain(recorder.store.database, " SHARED@x.test ")] == [1, 2]


def test_nobody_has_no_timeline(recorder: Recorder) -> None:
    assert explain(recorder.store.database, "99") == ()
    assert explain(recorder.store.database, "nobody@x.test") == ()


def test_a_linked_user_that_was_never_seen_has_a_timeline(recorder: Recorder) -> None:
    recorder.begin()
    recorder.store.put_links([LinkWritten(1, 11, "create")])
    assert timeline_of(recorder, "1").person == "(never seen in Bitrix24)"


def test_a_timeline_can_be_read_after_its_first_runs_are_deleted(recorder: Recorder) -> None:
    recorder.run(users((1, "Antonova")))
    seen_since = recorder.clock.now()
    recorder.run(users((1, "Antonova")))
    expire(recorder.store.database, since=recorder.clock.now())
    (event,) = timeline_of(recorder, "1").events
    assert (event.at, event.run_id) == (seen_since, None)


@pytest.mark.parametrize("reason", [*MatchReason, *Rejection])
def test_every_reason_has_its_words(reason: str) -> None:
    assert reason in REASONS
