"""The sensor's look for changes: one request, no false alarm, everything found sooner or later (R17)."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from b24_pipeline.bitrix24.client import Bitrix24
from b24_pipeline.bitrix24.exceptions import (
    AccountError,
    Bitrix24Error,
    IncompleteFetchError,
    RateLimited,
    TransportError,
)
from b24_pipeline.bitrix24.lookup import look_up
from b24_pipeline.bitrix24.polling import LastSnapshot, Poll, poll_changes
from b24_pipeline.bitrix24.users import fetch_users
from b24_pipeline.sandbox import Bitrix24Behavior, Fault, FaultKind, Sandbox
from b24_pipeline.sandbox.bitrix24.behavior import (
    AdminMode,
    BlankStyle,
    DismissedUsers,
    Scope,
    TextInIdFilter,
    TimestampStyle,
    UnresolvedReference,
    UserTypeStyle,
)
from b24_pipeline_tests.bitrix24.conftest import Connect, Twist, Twister, commands_sent, hire

LARGE = 2_400
"""Just too many to be compared whole with one request."""


def snapshot(client: Bitrix24, linked: Iterable[int] = ()) -> LastSnapshot:
    """What a run would have stored."""
    return LastSnapshot.of(fetch_users(client, known_ids=range(1, 131)).users, frozenset(linked))


def poll_once(client: Bitrix24, known: LastSnapshot, window_from: int = 0) -> Poll:
    before = client.requests_sent
    poll = poll_changes(client, snapshot=known, window_from=window_from)
    assert client.requests_sent == before + 1
    return poll


@pytest.fixture
def staffed(sandbox: Sandbox) -> Sandbox:
    """130 employees, the tenth dismissed, one of extranet."""
    hire(sandbox, range(1, 131), NAME="Ira", UF_DEPARTMENT=[4, 17])
    hire(sandbox, [131], USER_TYPE="extranet")
    sandbox.portal.dismiss(10)
    return sandbox


@pytest.mark.usefixtures("staffed")
def test_r17_nothing_changed_is_nothing_found(client: Bitrix24) -> None:
    poll = poll_once(client, snapshot(client))
    assert not poll.changed
    assert (poll.appeared, poll.dismissed, poll.edited, poll.active_count_changed) == ((), (), (), False)
    assert (poll.active_count, poll.next_window_from) == (129, 0)
    assert poll.message == "nothing changed: 130 of 130 employees compared"


def test_r17_a_user_who_appears_is_found(client: Bitrix24, staffed: Sandbox) -> None:
    known = snapshot(client)
    new = staffed.portal.hire(LAST_NAME="New")
    poll = poll_once(client, known)
    assert (poll.appeared, poll.changed, poll.active_count) == ((new,), True, 130)
    assert poll.message == f"1 appeared (id {new}); the portal counts 130 active employees, 129 were known"


def test_r17_a_user_who_comes_back_appears(client: Bitrix24, staffed: Sandbox) -> None:
    known = snapshot(client)
    staffed.portal.reinstate(10)
    assert poll_once(client, known).appeared == (10,)


def test_r17_a_guest_who_becomes_an_employee_appears(client: Bitrix24, staffed: Sandbox) -> None:
    known = snapshot(client)
    staffed.portal.edit(131, USER_TYPE="employee")
    assert poll_once(client, known).appeared == (131,)


def test_r17_guests_and_hires_who_have_left_already_do_not_appear(client: Bitrix24, staffed: Sandbox) -> None:
    known = snapshot(client)
    hire(staffed, [200], USER_TYPE="extranet")
    hire(staffed, [201], ACTIVE=False)
    assert not poll_once(client, known).changed


@pytest.mark.parametrize("dismissed", [DismissedUsers.INCLUDED, DismissedUsers.HIDDEN_BY_DEFAULT, DismissedUsers.NEVER])
@pytest.mark.parametrize("number", [1, 50, 51, 130])
@pytest.mark.parametrize("linked", [False, True])
def test_r17_a_dismissed_user_is_found_and_named(
    client: Bitrix24, staffed: Sandbox, dismissed: DismissedUsers, number: int, linked: bool
) -> None:
    staffed.bitrix24 = Bitrix24Behavior(dismissed=dismissed)
    known = snapshot(client, [number] if linked else [])
    staffed.portal.dismiss(number)
    poll = poll_once(client, known)
    assert (poll.dismissed, poll.active_count_changed, poll.edited) == ((number,), True, ())


def test_r17_a_deleted_user_is_found(client: Bitrix24, staffed: Sandbox) -> None:
    known = snapshot(client)
    staffed.portal.delete(60)
    assert poll_once(client, known).dismissed == (60,)


@pytest.mark.parametrize("counted", [False, True])
def test_r16a_a_portal_without_active_employees_is_seen_to_have_none(
    client: Bitrix24, sandbox: Sandbox, counted: bool
) -> None:
    sandbox.bitrix24 = Bitrix24Behavior(counts_nothing=counted)
    hire(sandbox, [1, 2])
    known = snapshot(client)
    for number in (1, 2):
        sandbox.portal.dismiss(number)
    poll = poll_once(client, known)
    assert (poll.active_count, poll.dismissed) == (0, (1, 2))


@pytest.fixture
def with_unlisted(sandbox: Sandbox) -> Sandbox:
    """130 employees; those with an id of a hundred and more have no department, and lists leave them out."""
    hire(sandbox, range(1, 100))
    hire(sandbox, range(100, 131), UF_DEPARTMENT=[])
    sandbox.bitrix24 = Bitrix24Behavior(lists_without_department=False, owner_is_admin=False)
    return sandbox


def everybody(client: Bitrix24, sandbox: Sandbox) -> LastSnapshot:
    """What a run has stored that has looked up those who are not listed."""
    return LastSnapshot.of(look_up(client, sandbox.portal.users).unlisted, frozenset())


def test_r16a_users_whom_lists_leave_out_are_no_change(client: Bitrix24, with_unlisted: Sandbox) -> None:
    poll = poll_once(client, everybody(client, with_unlisted))
    assert (poll.changed, poll.active_count) == (False, 99)
    assert poll.message == "nothing changed: 130 of 130 employees compared"


def test_r17_changes_of_users_whom_lists_leave_out_are_found(client: Bitrix24, with_unlisted: Sandbox) -> None:
    known = everybody(client, with_unlisted)
    with_unlisted.portal.dismiss(100)
    with_unlisted.portal.delete(101)
    with_unlisted.portal.edit(102, LAST_NAME="Married")
    with_unlisted.portal.dismiss(5)
    poll = poll_once(client, known)
    assert (poll.dismissed, poll.edited) == ((5, 100, 101), (102,))


def test_r16a_users_whom_lists_leave_out_are_no_change_in_a_large_portal(
    client: Bitrix24, with_unlisted: Sandbox
) -> None:
    hire(with_unlisted, range(200, LARGE + 200))
    known = everybody(client, with_unlisted)
    id_range = 0
    for _ in range(3):
        poll = poll_once(client, known, id_range)
        assert not poll.changed, poll.message
        id_range = poll.next_window_from


@pytest.mark.parametrize("mode", AdminMode)
@pytest.mark.parametrize("admin", [True, False])
def test_r17_a_look_survives_whatever_admin_mode_does(
    connect: Connect, with_unlisted: Sandbox, mode: AdminMode, admin: bool
) -> None:
    known = everybody(connect(), with_unlisted)
    with_unlisted.bitrix24 = replace(with_unlisted.bitrix24, admin_mode=mode, owner_is_admin=admin)
    with_unlisted.portal.dismiss(5)
    assert poll_changes(connect(), snapshot=known, window_from=0).dismissed == (5,)


def test_r17_a_dismissal_and_a_hire_at_once_are_both_found(client: Bitrix24, staffed: Sandbox) -> None:
    known = snapshot(client)
    new = staffed.portal.hire()
    staffed.portal.dismiss(60)
    poll = poll_once(client, known)
    assert (poll.appeared, poll.dismissed, poll.active_count_changed) == ((new,), (60,), False)


FIELDS = ["NAME", "LAST_NAME", "SECOND_NAME", "EMAIL", "WORK_PHONE", "PERSONAL_MOBILE", "PERSONAL_PHONE"]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", ["other", None])
def test_r17_a_change_of_one_not_yet_linked_is_found(
    client: Bitrix24, staffed: Sandbox, field: str, value: str | None
) -> None:
    staffed.portal.edit(60, **dict.fromkeys(FIELDS, "before"))
    known = snapshot(client)
    staffed.portal.edit(60, **{field: value})
    poll = poll_once(client, known)
    assert (poll.edited, poll.changed) == ((60,), True)
    assert poll.message == "1 not yet linked changed (id 60)"


def test_r17_a_change_of_departments_is_found_but_not_of_their_order(client: Bitrix24, staffed: Sandbox) -> None:
    known = snapshot(client)
    staffed.portal.edit(60, UF_DEPARTMENT=[17, 4])
    assert not poll_once(client, known).changed
    staffed.portal.edit(60, UF_DEPARTMENT=[17])
    assert poll_once(client, known).edited == (60,)


def test_r17_a_change_of_one_linked_or_dismissed_or_of_a_guest_is_nothing(client: Bitrix24, staffed: Sandbox) -> None:
    known = snapshot(client, [60])
    for number in (60, 10, 131):
        staffed.portal.edit(number, EMAIL="other@x.test")
    assert not poll_once(client, known).changed


def test_r17_what_people_do_all_day_is_no_change(client: Bitrix24, staffed: Sandbox) -> None:
    known = snapshot(client)
    staffed.portal.edit(60, WORK_POSITION="Boss", PERSONAL_GENDER="F", LAST_LOGIN="2026-01-01T00:00:00+00:00")
    assert not poll_once(client, known).changed


@pytest.mark.usefixtures("staffed")
def test_without_a_snapshot_everybody_appears(client: Bitrix24) -> None:
    poll = poll_once(client, LastSnapshot({}, frozenset()))
    assert len(poll.appeared) == 99
    assert poll.message.startswith("99 appeared (id 1, 2, 3, 4, 5, …); the portal counts 129 active employees, 0 were")


def test_equal_findings_have_equal_digests_and_other_findings_others(client: Bitrix24, staffed: Sandbox) -> None:
    known = snapshot(client)
    digests = [poll_once(client, known).digest]
    for name in ("first", "first", "second"):
        staffed.portal.edit(60, NAME=name)
        digests.append(poll_once(client, known).digest)
    assert digests[1] == digests[2]
    assert len(set(digests)) == 3


STYLES = [
    *(Bitrix24Behavior(blanks=style) for style in BlankStyle),
    *(Bitrix24Behavior(timestamps=style) for style in TimestampStyle),
    Bitrix24Behavior(departments_as_text=True),
    Bitrix24Behavior(uncounted_total=None),
    *(Bitrix24Behavior(unresolved_reference=style) for style in UnresolvedReference),
    *(Bitrix24Behavior(text_in_id_filter=style) for style in TextInIdFilter),
    Bitrix24Behavior(scope=Scope.BASIC),
    Bitrix24Behavior(user_type=UserTypeStyle.ABSENT),
    Bitrix24Behavior(user_type=UserTypeStyle.BLANK),
    Bitrix24Behavior(select_supported=False),
    Bitrix24Behavior(uncounted_supported=False),
]


@pytest.mark.parametrize("style", STYLES)
def test_r17_no_spelling_is_a_change_and_none_hides_one(
    client: Bitrix24, staffed: Sandbox, style: Bitrix24Behavior
) -> None:
    known = snapshot(client)
    staffed.bitrix24 = style
    assert not poll_once(client, known).changed
    staffed.portal.edit(60, EMAIL="other@x.test")
    assert poll_once(client, known).edited == (60,)


def test_r17_a_large_portal_is_gone_over_in_stretches(client: Bitrix24, sandbox: Sandbox) -> None:
    hire(sandbox, range(1, LARGE + 1))
    known = snapshot(client, linked=range(1, LARGE + 1))
    ends, id_range = [], 0
    for _ in range(3):
        id_range = poll_once(client, known, id_range).next_window_from
        ends.append(id_range)
    assert ends == [2_350, 0, 2_350]
    assert commands_sent(sandbox)[-3:] == [50, 50, 50]


def test_r17_those_not_yet_linked_are_looked_at_first(client: Bitrix24, sandbox: Sandbox) -> None:
    hire(sandbox, range(1, LARGE + 1))
    waiting = range(2_300, 2_400)
    known = snapshot(client, linked=set(range(1, LARGE + 1)) - set(waiting))
    sandbox.portal.edit(2_399, NAME="other")
    poll = poll_once(client, known)
    assert (poll.edited, poll.next_window_from) == ((2_399,), 45 * 50)


def test_r17_many_not_yet_linked_take_turns(client: Bitrix24, sandbox: Sandbox) -> None:
    hire(sandbox, range(1, LARGE + 1))
    known = snapshot(client)
    id_range = poll_once(client, known).next_window_from
    assert id_range == 27 * 50
    poll_once(client, known, id_range)
    looked_up = [request.params["CMD"] for request in sandbox.requests[-2:]]
    assert [commands["l00"].partition("&")[0] for commands in looked_up] == [
        "user.get?filter[ID][]=1",
        "user.get?filter[ID][]=1351",
    ]
    assert [len(commands) for commands in looked_up] == [50, 50]


def test_r17_on_a_large_portal_a_dismissal_anywhere_is_seen_at_once_by_the_count(
    client: Bitrix24, sandbox: Sandbox
) -> None:
    hire(sandbox, range(1, LARGE + 1))
    known = snapshot(client, linked=range(1, LARGE + 1))
    sandbox.portal.dismiss(2_390)
    poll = poll_once(client, known)
    assert (poll.changed, poll.active_count_changed, poll.dismissed) == (True, True, ())
    assert poll.message == "the portal counts 2399 active employees, 2400 were known"


def test_a_window_beyond_the_last_user_begins_again(client: Bitrix24, sandbox: Sandbox) -> None:
    hire(sandbox, range(1, LARGE + 1))
    known = snapshot(client, linked=range(1, LARGE + 1))
    poll = poll_once(client, known, window_from=10**9)
    assert (poll.changed, poll.next_window_from) == (False, 0)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.QUERY_LIMIT_EXCEEDED, RateLimited),
        (FaultKind.WEBHOOK_REVOKED_401, AccountError),
        (FaultKind.RESET_AFTER, TransportError),
        (FaultKind.TRUNCATED_JSON, TransportError),
        (FaultKind.OK_HTML, TransportError),
        (FaultKind.HTTP_502_HTML, Bitrix24Error),
    ],
)
def test_r17_a_look_that_fails_is_an_error_and_not_repeated(
    client: Bitrix24, staffed: Sandbox, kind: FaultKind, error: type[Bitrix24Error]
) -> None:
    known = snapshot(client)
    sent = client.requests_sent
    staffed.faults.add(Fault(kind=kind, api="bitrix24", nth=1))
    with pytest.raises(error):
        poll_changes(client, snapshot=known, window_from=0)
    assert client.requests_sent == sent + 1


def fail(*names: str) -> Twist:
    """Let these commands, or all whose names begin so, fail."""

    def twist(result: dict[str, Any]) -> None:
        for name in [name for name in result["result"] if name.startswith(names)]:
            del result["result"][name]
            result["result_total"].pop(name, None)
            result["result_error"][name] = {"error": "INTERNAL_SERVER_ERROR"}

    return twist


def test_r17_guests_do_not_appear_where_the_portal_lists_them_unasked(
    client: Bitrix24, twisted: Twister, staffed: Sandbox
) -> None:
    known = snapshot(client)
    staffed.portal.hire(EMAIL="guest@x.test")

    def as_guest(result: dict[str, Any]) -> None:
        result["result"]["n00"][0]["USER_TYPE"] = result["result"]["w02"][-1]["USER_TYPE"] = "extranet"
        result["result_total"]["count"] -= 1

    assert not poll_once(twisted(as_guest), known).changed


@pytest.mark.usefixtures("staffed")
@pytest.mark.parametrize("names", [("count",), ("n",), ("w00",), ("w01",), ("w",), ("count", "w"), ("n", "w")])
def test_r17_a_command_that_fails_raises_no_alarm(client: Bitrix24, twisted: Twister, names: tuple[str, ...]) -> None:
    known = snapshot(client)
    assert not poll_once(twisted(fail(*names)), known).changed


def test_r17_a_command_that_fails_hides_nothing_that_the_others_show(
    client: Bitrix24, twisted: Twister, staffed: Sandbox
) -> None:
    known = snapshot(client)
    new = staffed.portal.hire()
    staffed.portal.edit(3, NAME="other")
    poll = poll_once(twisted(fail("count", "w01")), known)
    assert (poll.appeared, poll.edited, poll.active_count, poll.next_window_from) == ((new,), (3,), None, 50)


def test_r17_a_stretch_that_fails_is_begun_again(client: Bitrix24, twisted: Twister, sandbox: Sandbox) -> None:
    hire(sandbox, range(1, LARGE + 1))
    known = snapshot(client, linked=range(1, LARGE + 1))
    assert poll_once(twisted(fail("w")), known, window_from=70).next_window_from == 70


@pytest.mark.usefixtures("staffed")
def test_r17_when_every_command_fails_the_look_fails(client: Bitrix24, twisted: Twister) -> None:
    known = snapshot(client)
    with pytest.raises(Bitrix24Error, match="internal error of the portal"):
        poll_changes(twisted(fail("")), snapshot=known, window_from=0)
    with pytest.raises(TransportError, match="no command was answered"):
        poll_changes(twisted(lambda result: result["result"].clear()), snapshot=known, window_from=0)


@pytest.mark.usefixtures("staffed")
def test_r17_a_page_that_is_short_too_early_raises_no_alarm(client: Bitrix24, twisted: Twister) -> None:
    known = snapshot(client)

    def shorten(result: dict[str, Any]) -> None:
        result["result"]["w01"] = result["result"]["w01"][:20]

    assert not poll_once(twisted(shorten), known).changed


@pytest.mark.usefixtures("staffed")
def test_r17_pages_out_of_order_raise_no_alarm(client: Bitrix24, twisted: Twister) -> None:
    known = snapshot(client)

    def shuffle(result: dict[str, Any]) -> None:
        result["result"]["w01"].reverse()

    poll = poll_once(twisted(shuffle), known)
    assert (poll.changed, poll.next_window_from) == (False, 50)


def test_r17_a_count_that_fell_names_nobody_who_may_only_be_hidden(
    client: Bitrix24, twisted: Twister, staffed: Sandbox
) -> None:
    known = snapshot(client)
    staffed.portal.dismiss(60)

    def shorten(result: dict[str, Any]) -> None:
        result["result"]["w01"] = result["result"]["w01"][:5]

    poll = poll_once(twisted(shorten), known)
    assert (poll.changed, poll.dismissed, poll.active_count_changed) == (True, (), True)


def test_r16a_a_lost_scope_is_no_change_of_everybody(client: Bitrix24, staffed: Sandbox) -> None:
    known = snapshot(client)
    staffed.bitrix24 = Bitrix24Behavior(scope=Scope.BRIEF)
    with pytest.raises(IncompleteFetchError, match="the webhook has lost the scope"):
        poll_changes(client, snapshot=known, window_from=0)


def test_people_who_never_had_an_email_are_no_lost_scope(client: Bitrix24, sandbox: Sandbox) -> None:
    hire(sandbox, range(2, 20, 2), EMAIL="")
    hire(sandbox, [21])
    known = snapshot(client)
    sandbox.portal.delete(21)
    assert poll_once(client, known).dismissed == (21,)
