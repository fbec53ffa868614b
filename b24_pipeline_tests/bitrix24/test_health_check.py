"""What `b24-pipeline check` says of the webhook: pass, or what to do."""

from typing import Any

import pytest

from b24_pipeline.bitrix24.client import Bitrix24
from b24_pipeline.bitrix24.health_check import check_bitrix24
from b24_pipeline.bitrix24.responses import Envelope
from b24_pipeline.sandbox import Bitrix24Behavior, Fault, FaultKind, Sandbox
from b24_pipeline.sandbox.bitrix24.behavior import AdminMode, DismissedUsers, Scope, ScopeStyle
from b24_pipeline_tests.bitrix24.conftest import Twister, hire


def lines(client: Bitrix24) -> dict[str, tuple[bool, str]]:
    return {check.name: (check.passed, check.text) for check in check_bitrix24(client)}


@pytest.fixture
def staffed(sandbox: Sandbox) -> Sandbox:
    hire(sandbox, range(1, 61), NAME="Ira")
    sandbox.portal.dismiss(5)
    return sandbox


def test_a_good_webhook_passes_every_check_with_one_request(client: Bitrix24, staffed: Sandbox) -> None:
    assert lines(client) == {
        "webhook": (True, "127.0.0.1 answers"),
        "owner": (True, "Ira Ivanov 1 (id 1)"),
        "scope": (True, "user"),
        "contacts": (True, "users come with e-mail and phones"),
        "users": (True, "60 users; 1 are dismissed"),
    }
    assert len(staffed.requests) == 1


def test_the_scope_user_basic_is_enough(client: Bitrix24, staffed: Sandbox) -> None:
    staffed.bitrix24 = Bitrix24Behavior(scope=Scope.BASIC)
    assert all(passed for passed, _ in lines(client).values())


def test_the_scope_user_brief_is_not_enough(client: Bitrix24, staffed: Sandbox) -> None:
    staffed.bitrix24 = Bitrix24Behavior(scope=Scope.BRIEF)
    found = lines(client)
    assert found["scope"][0] is found["contacts"][0] is False
    assert 'user_brief, which has no e-mail and no phones: tick "Users"' in found["scope"][1]
    assert found["owner"][0] is found["users"][0] is True


def test_a_scope_that_names_no_variant_is_seen_through(client: Bitrix24, staffed: Sandbox) -> None:
    staffed.bitrix24 = Bitrix24Behavior(scope=Scope.BRIEF, scope_lists_variant=False)
    found = lines(client)
    assert (found["scope"][0], found["contacts"][0]) == (True, False)


@pytest.mark.parametrize("others", [(), ("crm", "department", "tasks")])
def test_other_scopes_are_neither_needed_nor_named(client: Bitrix24, staffed: Sandbox, others: tuple[str, ...]) -> None:
    staffed.bitrix24 = Bitrix24Behavior(other_scopes=others)
    found = lines(client)
    assert found["scope"] == (True, "user")
    assert all(passed for passed, _ in found.values())


@pytest.mark.parametrize("others", [(), ("crm", "department", "tasks")])
def test_no_scope_for_users_fails_what_needs_it(client: Bitrix24, staffed: Sandbox, others: tuple[str, ...]) -> None:
    staffed.bitrix24 = Bitrix24Behavior(scope=Scope.MISSING, other_scopes=others)
    found = lines(client)
    assert "no scope for users" in found["scope"][1]
    assert [found[name][0] for name in ("webhook", "owner", "scope", "contacts", "users")] == [True, True] + 3 * [False]
    assert "lacks a scope" in found["users"][1]


def test_an_owner_who_left_is_said(client: Bitrix24, staffed: Sandbox) -> None:
    staffed.bitrix24 = Bitrix24Behavior(owner_active=False)
    passed, text = lines(client)["owner"]
    assert (passed, "not active: let an active administrator create a new webhook" in text) == (False, True)


def test_an_owner_who_is_no_administrator_passes_with_a_warning(client: Bitrix24, staffed: Sandbox) -> None:
    staffed.bitrix24 = Bitrix24Behavior(owner_is_admin=False)
    passed, text = lines(client)["owner"]
    assert (passed, "not an administrator" in text) == (True, True)


def test_a_name_cannot_break_out_of_the_line(client: Bitrix24, staffed: Sandbox) -> None:
    staffed.portal.edit(1, NAME="\x1b[31mI\nra\u202e", LAST_NAME=None)
    assert lines(client)["owner"][1] == "[31mIra (id 1)"


def test_an_empty_portal_is_said(client: Bitrix24) -> None:
    assert lines(client)["users"] == (False, "the portal shows no users: use a webhook owned by a portal administrator")


def test_hidden_dismissed_users_are_counted_all_the_same(client: Bitrix24, staffed: Sandbox) -> None:
    staffed.bitrix24 = Bitrix24Behavior(dismissed=DismissedUsers.HIDDEN_BY_DEFAULT)
    assert lines(client)["users"] == (True, "59 users; 1 are dismissed")


@pytest.mark.parametrize("batch_totals", [True, False])
@pytest.mark.parametrize("counted", [False, True])
def test_r16a_nobody_dismissed_needs_no_total(
    client: Bitrix24, staffed: Sandbox, counted: bool, batch_totals: bool
) -> None:
    staffed.portal.reinstate(5)
    staffed.bitrix24 = Bitrix24Behavior(counts_nothing=counted, batch_totals=batch_totals)
    assert lines(client)["users"] == (True, "60 users; 0 are dismissed")


@pytest.mark.usefixtures("staffed")
def test_r16a_a_portal_that_never_counts_does_not_pass(twisted: Twister) -> None:
    def uncounted(result: dict[str, Any]) -> None:
        result["result_total"] = []

    client = twisted(uncounted)
    client.call = lambda *_: Envelope([{"ID": "1"}])  # type: ignore[method-assign]
    assert lines(client)["users"] == (False, "the portal returned no user count")


@pytest.mark.parametrize("mode", AdminMode)
@pytest.mark.parametrize("admin", [True, False])
def test_the_check_survives_whatever_admin_mode_does(
    client: Bitrix24, staffed: Sandbox, mode: AdminMode, admin: bool
) -> None:
    staffed.bitrix24 = Bitrix24Behavior(admin_mode=mode, owner_is_admin=admin)
    assert all(passed for passed, _ in lines(client).values())


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (FaultKind.WEBHOOK_REVOKED_401, "the webhook is not valid"),
        (FaultKind.WEBHOOK_REVOKED_403, "the webhook is not valid (mistyped, blocked, deleted"),
        (FaultKind.WEBHOOK_MISTYPED, "copy its whole address from Bitrix24 again, or create a new"),
        (FaultKind.PAYMENT_REQUIRED, "the portal's subscription is unpaid"),
        (FaultKind.PORTAL_DELETED, "the portal was deleted or is switched off"),
        (FaultKind.OWNER_IN_EXTRANET, "the webhook's owner is an extranet user"),
        (FaultKind.PLAN_WITHOUT_REST, "the portal's plan has no REST"),
        (FaultKind.WRONG_ENCODING, "is not valid UTF-8"),
        (FaultKind.EMPTY_CODE, "the portal rejects the webhook"),
        (FaultKind.LOGIN_REQUIRED, 'which asks for a login (Basic realm="intranet")'),
        (FaultKind.FORBIDDEN_PAGE, 'an HTML page "403 Forbidden": check the address'),
        (FaultKind.NOT_FOUND_PAGE, 'an HTML page "404 Not Found"'),
        (FaultKind.LOGIN_PAGE, 'an HTML page "Company portal"'),
        (FaultKind.OTHER_JSON, "Bitrix24's REST answered, JSON of another kind"),
        (FaultKind.OVERLOAD_LIMIT, "blocked REST for this portal because of overload"),
        (FaultKind.CONNECTION_REFUSED, "closed the connection without an answer"),
    ],
)
def test_a_webhook_that_does_not_work_is_one_line(
    client: Bitrix24, staffed: Sandbox, kind: FaultKind, message: str
) -> None:
    staffed.faults.add(Fault(kind=kind, api="bitrix24", times=None))
    (check,) = check_bitrix24(client)
    assert (check.name, check.passed) == ("webhook", False)
    assert message in check.text
    assert len(staffed.requests) == (5 if kind is FaultKind.CONNECTION_REFUSED else 1), "a final answer is final"


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (FaultKind.OK_HTML, 'an HTML page "Welcome"'),
        (FaultKind.HTTP_502_HTML, 'an HTML page "Bad Gateway"'),
        (FaultKind.PORTAL_CLOSED, "its public section is closed for the moment"),
        (FaultKind.ANSWER_TWICE, "not a complete JSON answer"),
    ],
)
def test_what_may_pass_is_repeated_before_it_is_said(
    client: Bitrix24, staffed: Sandbox, kind: FaultKind, message: str
) -> None:
    staffed.faults.add(Fault(kind=kind, api="bitrix24", times=None))
    (check,) = check_bitrix24(client)
    assert (message in check.text, len(staffed.requests)) == (True, 5)


@pytest.mark.parametrize("style", ScopeStyle)
def test_scopes_may_come_as_a_map(client: Bitrix24, staffed: Sandbox, style: ScopeStyle) -> None:
    staffed.bitrix24 = Bitrix24Behavior(scope_style=style)
    assert lines(client)["scope"] == (True, "user")
    staffed.bitrix24 = Bitrix24Behavior(scope_style=style, scope=Scope.BRIEF)
    assert lines(client)["scope"][0] is False


@pytest.mark.usefixtures("staffed")
def test_a_scope_that_is_switched_off_in_a_map_is_not_there(twisted: Twister) -> None:
    def without_users(result: dict[str, Any]) -> None:
        result["result"]["scope"] = {"user": False, "crm": True}

    assert lines(twisted(without_users))["scope"][0] is False


def test_a_portal_without_the_users_module_says_so(client: Bitrix24, staffed: Sandbox) -> None:
    staffed.bitrix24 = Bitrix24Behavior(user_module=False)
    passed, text = lines(client)["users"]
    assert (passed, "its module for users (intranet) is switched off" in text) == (False, True)


def test_a_portal_that_has_moved_passes_and_says_what_to_do(client: Bitrix24, staffed: Sandbox) -> None:
    staffed.faults.add(Fault(kind=FaultKind.REDIRECT_302, api="bitrix24", nth=1))
    passed, text = lines(client)["webhook"]
    assert (passed, text) == (True, "localhost answers; the portal has moved: put localhost into BITRIX24_WEBHOOK_URL")


@pytest.mark.usefixtures("staffed")
def test_a_check_that_is_not_answered_does_not_pass(twisted: Twister) -> None:
    found = lines(twisted(lambda result: result["result"].pop("owner")))
    assert found["owner"] == (False, "owner: not answered")
