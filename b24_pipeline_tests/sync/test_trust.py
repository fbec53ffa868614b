"""R16a through the whole chain: a source that cannot be trusted stops the run before any write."""

import pytest

from b24_pipeline import audit, schemas
from b24_pipeline.rules import eligibility
from b24_pipeline.sandbox import Bitrix24Behavior, Fault, FaultKind, Phase, RequestSeen
from b24_pipeline.sandbox.bitrix24.behavior import AdminMode, NoDepartmentStyle, Scope, UserTypeStyle
from b24_pipeline_tests.harness import World


@pytest.fixture
def prepared(imported: World) -> World:
    """One person to create, one to remove: any write would be seen."""
    imported.list_responsible(1)
    imported.portal.dismiss(1)
    imported.hire("Newcomer")
    return imported


@pytest.mark.parametrize(
    ("switches", "reason"),
    [
        ({"scope": Scope.BRIEF}, "the webhook lacks the scope"),
        ({"total_error": 5}, "users but the portal reports"),
    ],
)
def test_r16a_a_fetch_that_is_not_to_be_trusted_ends_the_run_untrusted(
    prepared: World, switches: dict[str, object], reason: str
) -> None:
    prepared.behave(**switches)

    result = prepared.run()

    assert (result.success, result.status, prepared.writes()) == (False, "untrusted", [])
    assert reason in (result.reason or "")


def test_r16a_an_empty_portal_is_not_to_be_trusted(prepared: World) -> None:
    for user in list(prepared.portal.users):
        prepared.portal.delete(user)

    result = prepared.import_people()

    assert (result.status, prepared.writes()) == ("untrusted", [])


def leave_out_of_lists(world: World, *users: int) -> None:
    """Let the portal list these users nowhere; a look-up by id finds them."""
    hidden = {user: world.portal.users[user] for user in users}

    def hide(request: RequestSeen, phase: Phase) -> None:
        looks_up = "listed00" in request.params.get("CMD", {})
        for user, fields in hidden.items():
            if user in world.portal.users and not looks_up:
                world.portal.delete(user)
            elif user not in world.portal.users and looks_up and phase is Phase.BEFORE:
                world.portal.hire(**fields)

    world.sandbox.on_request = hide


def test_r16a_an_imported_user_whom_lists_leave_out_and_a_look_up_finds_stops_nobody(prepared: World) -> None:
    leave_out_of_lists(prepared, 2)

    result = prepared.import_people()

    assert (result.status, result.counts.created, result.counts.responsible_removed) == ("done", 1, 1)
    assert result.reason == "the portal's lists leave out 1 employees whom a direct look-up finds: 2"


def test_r16a_many_imported_users_whom_lists_leave_out_without_a_reason_make_the_fetch_untrusted(
    prepared: World,
) -> None:
    leave_out_of_lists(prepared, 2, 3, 4, 5)

    result = prepared.import_people()

    assert (result.status, prepared.writes()) == ("untrusted", [])
    assert result.reason == (
        "the portal's lists leave out 4 employees whom a direct look-up finds: 2, 3, 4, 5; also when read again"
    )


ADMIN_MODES = [(mode, admin) for mode in AdminMode for admin in (True, False)]


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("mode", "admin"), ADMIN_MODES, ids=str)
def test_r16a_users_without_a_department_are_imported_as_they_are_found_whatever_admin_mode_does(
    imported: World, mode: AdminMode, admin: bool
) -> None:
    linked = list(imported.links())
    imported.behave(lists_without_department=False, admin_mode=mode, owner_is_admin=admin)
    for user in linked[1:]:
        imported.portal.edit(user, UF_DEPARTMENT=[])
    imported.portal.dismiss(linked[1])
    imported.portal.edit(linked[2], USER_TYPE="extranet")
    imported.list_responsible(*linked)
    imported.hire("Newcomer")
    imported.hire("Homeless", UF_DEPARTMENT=[])

    result = imported.import_people()

    listed = (mode is AdminMode.HEEDED and admin) or (mode is AdminMode.ADMINISTRATORS_ONLY and admin)
    assert (result.status, result.reason, result.counts.created) == ("done", None, 2 if listed else 1)
    assert set(imported.account.responsible) == {str(user) for user in linked} - {str(linked[1])}


def test_r02_a_user_without_a_department_whom_only_a_look_up_finds_is_rejected_on_premise(imported: World) -> None:
    imported.set(BITRIX24_EDITION="on_premise")
    imported.behave(lists_without_department=False, owner_is_admin=False)
    imported.portal.edit(2, UF_DEPARTMENT=False)

    result = imported.import_people()

    assert (result.status, result.counts.rejected) == ("done", 1)


def test_r13_an_employee_who_becomes_an_extranet_user_blocks_no_run_where_rows_do_not_tell_the_type(
    imported: World,
) -> None:
    """R14 speaks of who is dismissed or deleted: of the three only the first and the last leave the list."""
    deleted, extranet, dismissed_extranet = 1, 2, 3
    imported.behave(user_type=UserTypeStyle.ABSENT)
    imported.list_responsible(deleted, extranet, dismissed_extranet)
    imported.portal.delete(deleted)
    for user in (extranet, dismissed_extranet):
        imported.portal.edit(user, USER_TYPE="extranet")
    imported.portal.dismiss(dismissed_extranet)

    result = imported.import_people()

    assert (result.status, result.reason) == ("done", None)
    assert set(imported.account.responsible) == {str(extranet)}
    assert result.outcomes() == {
        deleted: "remove_responsible deleted: done",
        dismissed_extranet: "remove_responsible dismissed: done",
    }


def test_a_fault_of_ours_is_one_line_in_the_ui_and_its_traceback_is_in_the_log(
    prepared: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("nobody expected this")

    monkeypatch.setattr(eligibility, "evaluate_users", broken)

    result = prepared.run()

    assert (result.status, result.reason) == ("failed", "ValueError: nobody expected this")
    assert "Failure: employees: nobody expected this" in result.failures()[0]
    assert "in broken" in caplog.text
    assert prepared.writes() == []


def test_r16a_an_account_that_is_read_incompletely_ends_the_run_untrusted(prepared: World) -> None:
    prepared.behave(total_items_error=3)

    result = prepared.import_people()

    assert (result.status, prepared.writes()) == ("untrusted", [])


def test_an_untrusted_run_says_why_in_one_line_and_the_next_one_goes_on(prepared: World) -> None:
    prepared.behave(scope=Scope.BRIEF)
    untrusted = prepared.run()
    prepared.behave(scope=Bitrix24Behavior().scope)

    result = prepared.import_people()

    line, *_ = untrusted.failures()
    assert "Failure: bitrix24_users: no user came with an e-mail field" in line
    assert "\n" not in line
    assert (result.status, result.counts.created, result.counts.responsible_removed) == ("done", 1, 1)


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Fault(FaultKind.WEBHOOK_REVOKED_401, api="bitrix24", times=None), "webhook"),
        (Fault(FaultKind.TOKEN_BLOCKED, api="callgear", times=None), "unblock it"),
        (Fault(FaultKind.IP_NOT_WHITELISTED, api="callgear", times=None), "add it under Account"),
        (Fault(FaultKind.OVERLOAD_LIMIT, api="bitrix24", times=None), "OVERLOAD_LIMIT"),
    ],
    ids=lambda value: value.kind.name if isinstance(value, Fault) else "",
)
def test_r18_a_bad_account_stops_the_run_at_once_and_says_what_to_do(world: World, fault: Fault, says: str) -> None:
    world.hire("Newcomer")
    world.sandbox.faults.add(fault)

    result = world.run()

    assert (result.success, result.status, world.writes()) == (False, "failed", [])
    assert says in (result.reason or "")
    assert "Error" not in (result.reason or "")
    assert world.sandbox.requests[-1].fault == fault.kind.name
    assert len([request for request in world.sandbox.requests if request.fault]) <= 2, "more than were in flight"


def test_a_database_of_another_connection_is_refused_before_anything_is_asked(imported: World) -> None:
    world = imported
    world.set(BITRIX24_WEBHOOK_URL=world.server.webhook_url.replace("127.0.0.1", "localhost"))

    result = world.run()

    assert (result.success, result.row, world.sandbox.requests) == (False, None, [])
    assert "belongs to 127.0.0.1 and 127.0.0.1, not to localhost and 127.0.0.1" in result.failures()[0]


FINAL = {
    FaultKind.WEBHOOK_MISTYPED: "the webhook is not valid (mistyped",
    FaultKind.PAYMENT_REQUIRED: "subscription is unpaid",
    FaultKind.PORTAL_DELETED: "was deleted or is switched off",
    FaultKind.OWNER_IN_EXTRANET: "is an extranet user",
    FaultKind.PLAN_WITHOUT_REST: "plan has no REST",
    FaultKind.WRONG_ENCODING: "not valid UTF-8",
    FaultKind.LOGIN_REQUIRED: "which asks for a login (Basic",
    FaultKind.FORBIDDEN_PAGE: '"403 Forbidden"',
    FaultKind.LOGIN_PAGE: '"Company portal"',
    FaultKind.OTHER_JSON: "JSON of another kind",
}


@pytest.mark.parametrize("kind", FINAL, ids=lambda kind: kind.name)
def test_a_clear_final_answer_of_the_portal_ends_the_run_at_once_and_says_what_to_do(
    imported: World, kind: FaultKind
) -> None:
    imported.forget_requests()
    imported.sandbox.faults.add(Fault(kind, api="bitrix24", times=None))

    result = imported.import_people()

    assert (result.status, imported.writes(), len(imported.sandbox.requests)) == ("failed", [], 1)
    assert FINAL[kind] in (result.reason or "")
    assert imported.clock.waits == []


def test_r05_phones_that_come_as_json_numbers_are_their_whole_value_or_noted(world: World) -> None:
    world.hire("Whole", WORK_PHONE=79123456789.0, PERSONAL_MOBILE=79123456780, PERSONAL_PHONE="+7 912 345-67-81")
    world.hire("Broken", WORK_PHONE=79123456789.5, PERSONAL_MOBILE=float("nan"), PERSONAL_PHONE=True)

    result = world.import_people()

    assert (result.status, world.employees()) == (
        "done",
        {"(bitrix24) Whole": ["79123456789", "79123456780", "79123456781"], "(bitrix24) Broken": []},
    )
    with world.database() as database:
        noted = audit.history.snapshot(database, schemas.Employees).set_index("bitrix24_id")["unusable_phones"]
    assert noted.isna().tolist() == [True, False]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("style", NoDepartmentStyle)
def test_r02_no_department_in_any_spelling_is_none(world: World, style: NoDepartmentStyle) -> None:
    world.set(BITRIX24_EDITION="on_premise")
    world.behave(no_department=style)
    world.hire("Homeless", UF_DEPARTMENT=[])
    world.hire("Employed")

    result = world.import_people()

    assert (result.status, list(world.employees())) == ("done", ["(bitrix24) Employed"])
    assert result.outcomes() == {1: "reject missing_department: rejected", 2: "create: done"}
