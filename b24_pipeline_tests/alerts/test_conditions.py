"""A state begins once and ends once; its message names people and nothing else about them."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from b24_pipeline.alerts.channels import card, plain
from b24_pipeline.alerts.conditions import (
    Change,
    Condition,
    State,
    compare,
    duplicated,
    failed,
    held,
    of_unknown_age,
    records_failing,
    stale,
    undecided,
)
from b24_pipeline.alerts.messages import message_of, plain_name, without_personal_data
from b24_pipeline.audit.health import (
    ConflictPerson,
    DuplicatedPerson,
    FailingPerson,
    Failure,
    Health,
    HeldPerson,
    Success,
)
from b24_pipeline.rules.models import ActionKind, ChangeRisk, ListReason, MatchReason, RunStatus

NOON = datetime(2026, 1, 12, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
RUN_ID = "0b6a1f8e-1111-2222-3333-444455556666"


def success(at: datetime = NOON) -> Success:
    return Success(RUN_ID, started_at=at - timedelta(minutes=1), finished_at=at)


def failure(at: datetime, reason: str | None = "the token has expired") -> Failure:
    return Failure("run", at, RunStatus.FAILED, reason)


def failing(user: int, action: ActionKind = ActionKind.CREATE, **fields: object) -> FailingPerson:
    given = {"display_name": f"Name{user}", "first_failed_at": NOON, "attempts": 1, "error": "invalid_parameter_value"}
    return FailingPerson(bitrix24_id=user, action=action, **(given | fields))  # type: ignore[arg-type]


def test_failures_since_the_last_success_are_one_trouble_with_the_newest_reason() -> None:
    (condition,) = failed([failure(NOON), failure(NOON + HOUR, "the portal is down")])
    assert (condition.state, condition.since, condition.detail) == (State.FAILED, NOON, "the portal is down")
    assert failed([]) == []


@pytest.mark.parametrize(("minutes", "is_stale"), [(59, False), (60, False), (61, True)])
def test_an_import_is_stale_when_the_last_success_is_older_than_allowed(minutes: int, is_stale: bool) -> None:
    now = NOON + timedelta(minutes=minutes)
    assert bool(stale(Health(success=success()), now=now, after=HOUR)) is is_stale


def test_r16c_the_age_of_a_success_in_the_future_is_unknown() -> None:
    ahead = replace(success(NOON + 24 * HOUR), in_future=True)
    (condition,) = of_unknown_age(Health(success=ahead), now=NOON)
    assert "Check the clock of the host" in condition.message
    assert of_unknown_age(Health(success=success()), now=NOON) == of_unknown_age(Health(), now=NOON) == []


def test_an_import_that_never_succeeded_is_stale() -> None:
    (condition,) = stale(Health(), now=NOON, after=HOUR)
    assert condition.message == "No import has succeeded yet."


def test_each_kind_that_is_held_is_a_state_of_its_own_and_says_how_to_approve() -> None:
    people = (
        HeldPerson(ChangeRisk.CREATE, 1, "Lebedeva Ira"),
        HeldPerson(ChangeRisk.REMOVAL, 2, None),
        HeldPerson(ChangeRisk.REMOVAL, 3, "ira@x.test"),
    )
    found = held(Health(success=success(), held=people))
    assert {condition.state: condition.people for condition in found} == {
        State.HELD_CREATE: ("Lebedeva Ira",),
        State.HELD_REMOVAL: ("user 2", "user 3"),
    }
    assert all(f"Approve within 24 hours: b24-pipeline approve {RUN_ID}" in condition.message for condition in found)
    assert all(
        "after that, approve the newest held run from b24-pipeline history" in condition.message for condition in found
    )


def test_conflicts_that_last_until_a_person_decides_are_states_with_the_command() -> None:
    people = (
        ConflictPerson(MatchReason.IDENTITY_CHANGED, 1, "Lebedeva Ira"),
        ConflictPerson(ListReason.OTHER_NAME, 2, None),
        ConflictPerson(ListReason.OTHER_NAME, 3, "Wolf Tom"),
    )
    changed, other = undecided(Health(success=success(), conflicts=people))
    assert (changed.state, changed.people) == (State.IDENTITY_CHANGED, ("Lebedeva Ira",))
    assert (other.state, other.people) == (State.OTHER_NAME, ("user 2", "Wolf Tom"))
    assert changed.message.startswith("1 conflict needs a decision. ")
    assert changed.message.endswith(f"b24-pipeline approve {RUN_ID} --user ID; to end the link: b24-pipeline unlink ID")
    assert other.message.endswith(f"b24-pipeline approve {RUN_ID} --user ID")


def test_leavers_who_own_deals_do_not_hide_that_other_records_fail() -> None:
    people = (failing(1, ActionKind.REMOVE_RESPONSIBLE, error="dependency_error"), failing(2))
    found = records_failing(Health(failing=people))
    assert {condition.state: (condition.people, condition.detail) for condition in found} == {
        State.RECORDS_FAILING: (("Name2",), "invalid_parameter_value"),
        State.LEAVERS_STILL_LISTED: (("Name1",), "dependency_error"),
    }


def condition(state: State, **fields: object) -> Condition:
    return Condition(state, **({"since": NOON, "message": "Words."} | fields))  # type: ignore[arg-type]


def test_what_was_told_is_not_new() -> None:
    change = compare([condition(State.HELD_CREATE)], notified={State.HELD_CREATE: NOON}, success_at=NOON)
    assert not change
    assert change.still == (State.HELD_CREATE,)


def test_what_holds_no_more_is_over() -> None:
    change = compare([], notified={State.HELD_CREATE: NOON, State.RECORDS_FAILING: NOON}, success_at=NOON)
    assert change.over == (State.HELD_CREATE, State.RECORDS_FAILING)
    assert change.recovered


@pytest.mark.parametrize("state", [State.FAILED, State.STALE])
def test_only_a_later_success_ends_a_failure_and_a_standstill(state: State) -> None:
    assert compare([], notified={state: NOON}, success_at=NOON - HOUR).still == (state,)
    assert compare([], notified={state: NOON}, success_at=None).still == (state,)
    assert compare([], notified={state: NOON}, success_at=NOON + HOUR).over == (state,)


def test_what_could_not_be_judged_is_taken_to_hold_on() -> None:
    change = compare([], notified={State.HELD_CREATE: NOON}, success_at=None, judged=frozenset())
    assert not change


def test_a_message_says_what_why_since_when_and_who() -> None:
    new = condition(
        State.RECORDS_FAILING, message="Two fail.", detail="bad number", people=("Лебедева Ира", "Wolf Tom")
    )
    change = Change(new=(new,), still=(State.HELD_CREATE,), over=(State.STALE,))
    assert message_of(change, connection="portal → account").text.splitlines() == [
        "portal → account: records failing",
        "Two fail.",
        "Reason: bad number",
        "Since: 2026-01-12 12:00 UTC",
        "Who: Лебедева Ира, Wolf Tom",
        "Over: stale",
        "Still: held: employees to create",
    ]


@pytest.mark.parametrize(
    ("change", "headline"),
    [
        (Change(new=(), still=(), over=(State.FAILED,)), "recovered"),
        (Change(new=(), still=(State.STALE,), over=(State.FAILED,)), "over: failed"),
        (Change(new=(condition(State.FAILED), condition(State.STALE)), still=(), over=()), "failed; stale"),
    ],
)
def test_the_subject_says_the_change(change: Change, headline: str) -> None:
    assert message_of(change, connection="p → a").subject == f"p → a: {headline}"


def test_a_long_list_of_names_is_cut() -> None:
    new = condition(State.RECORDS_FAILING, people=tuple(f"Name{number}" for number in range(13)))
    text = message_of(Change(new=(new,), still=(), over=()), connection="p → a").text
    assert text.endswith("Name9 and 3 more")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("ira@x.test is taken", "(e-mail) is taken"),
        ("the number +7 (900) 555-01-02 is in use", "the number (number) is in use"),
        ("GET https://portal.test/rest/1/secretsecret16/user.get failed", "GET (address) failed"),
        ("update.employees: <!channel> `rm` [x](y)", "update.employees: ‹!channel› 'rm' (x)(y)"),
        ("two\nlines\x1b[31m", "two lines(31m"),
        ("invalid_parameter_value, code -32602", "invalid_parameter_value, code -32602"),
        ("phone 102 is taken", "phone (number) is taken"),
        ("phone 10234, or 8 800 2, or ٣٤٥٦, is taken", "phone (number), or (number), or (number), is taken"),
        ("phone +7(900)555-01-02, ext.12", "phone (number), ext.12"),
        ("the code 79005550102 of user 79005550102", "the code (number) of user (number)"),
        ("{{DATE(2)}} ${x}", "((DATE(2))) $(x)"),
        ("evil.example said no", "evil[.]example said no"),
        ("see www.evil.example/x?y=1.", "see www[.]evil[.]example/x?y=1."),
        ("moved to xn--e1afmkfd.xn--p1ai", "moved to xn--e1afmkfd[.]xn--p1ai"),
        ("//сайт.рф/, 3.3com.example", "//сайт[.]рф/, 3[.]3com[.]example"),
        ("evil。example, evil．example", "evil[.]example, evil[.]example"),
        ("user.get.example: get.example", "user.get[.]example: get[.]example"),
        ('"ira b"@evil.example', '"ira b"@evil[.]example'),
    ],
)
def test_an_answer_is_told_without_personal_data_secrets_and_markup(said: str, shown: str) -> None:
    assert without_personal_data(said) == shown


@pytest.mark.parametrize(
    "said",
    [
        "user.get: HTTP 503: the portal failed",
        "users: read 1,255 users but the portal reports 1255 before and 1256 after (after a retry)",
        "get.employees: received 250 employees, expected 251",
        "get.deal_employees: 120 different owners in 1200 rows, expected 121",
        "login.user: the address 203.0.113.70 is not on the account's list",
        "another run is in progress: run 0b6a1f8e-1111-2222-3333-444455556666, process 12345",
        "since 2026-01-12 12:00:01",
        "update.employees: employee 10101 is no longer in CallGear",
        "verification failed: a lookup by id did not return the known user 12345",
        "create.employees: error, value of 120 characters",
        "The disk of data has 120 MiB left, 1200 MiB are needed: make room.",
        "The database data/b24_pipeline.duckdb is damaged, e.g. cut.",
        "delete.deal_employees: get.account: login.user: department.get",
    ],
)
def test_figures_codes_ids_and_times_of_our_own_are_no_phone_numbers(said: str) -> None:
    assert without_personal_data(said) == said


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("O’Neil-Smith Jr.", "O’Neil-Smith Jr."),
        ("गुप्ता अनन्या", "गुप्ता अनन्या"),
        ("<!channel> *Ira* ira@x.test", "channel Ira (e-mail)"),
        ("[click](https://evil.test)", "click ((address)"),
        ("Лебедева Ира, доб. 102", "Лебедева Ира доб. (number)"),
        ("\u202e\x1b", "(no name)"),
        ("evil.example", "evil[.]example"),
        ("www.evil.example/x Ira", "www[.]evil[.]example x Ira"),
        ("evil\u200b.\u200bexample", "evil[.]example"),
        ("गुप्ता.भारत", "गुप्ता[.]भारत"),
        ("J.R. Smith-Jones Ph.D.", "J.R. Smith-Jones Ph.D."),
    ],
)
def test_a_name_means_nothing_to_a_chat(name: str, shown: str) -> None:
    assert plain_name(name) == shown


def test_nothing_from_outside_is_a_link_in_any_form_of_a_message() -> None:
    new = condition(State.RECORDS_FAILING, detail="ask help.example", people=("www.evil.example/x", "ira@evil.example"))
    message = message_of(Change(new=(new,), still=(), over=()), connection="portal.test → account.test")

    for sent in (message.text, json.dumps(plain(message)), json.dumps(card(message))):
        assert not re.search(r"\w\.(evil|example)|@", sent)
        assert "portal.test" in sent


def test_r16b_employees_that_became_double_are_a_state_that_names_both_and_the_way_out() -> None:
    pairs = (
        DuplicatedPerson(1, "Lebedeva Ira", 704001, 704002, NOON + HOUR),
        DuplicatedPerson(2, None, 704003, 704004, NOON),
    )
    (condition,) = duplicated(Health(success=success(), duplicated=pairs))
    assert (condition.state, condition.since) == (State.DUPLICATED, NOON)
    assert condition.people == (
        "Lebedeva Ira: employee 704001 and employee 704002",
        "user 2: employee 704003 and employee 704004",
    )
    assert "b24-pipeline resolve-duplicates" in condition.message
    assert plain_name(condition.people[0]) == "Lebedeva Ira employee 704001 and employee 704002"
    assert duplicated(Health()) == []
