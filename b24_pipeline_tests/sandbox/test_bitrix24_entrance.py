import httpx
import pytest

from b24_pipeline.sandbox import Sandbox, Server
from b24_pipeline.sandbox.bitrix24.behavior import Scope, Tariff
from b24_pipeline_tests.clock import Clock
from b24_pipeline_tests.sandbox.clients import Portal, Turn


def test_the_envelope_carries_result_total_and_time(portal: Portal, sandbox: Sandbox) -> None:
    sandbox.portal.hire(NAME="Ira")

    answer = portal.raw("user.get")

    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    body = answer.json()
    assert set(body) == {"result", "total", "time"}
    assert body["time"]["date_start"] == "2026-01-15T13:00:00+03:00"
    assert body["time"]["operating"] == pytest.approx(0.02)
    assert body["time"]["operating_reset_at"] == 1_768_471_800


def test_operating_is_missing_where_it_is_switched_off(portal: Portal, set_portal: Turn) -> None:
    set_portal(operating=False)

    assert "operating" not in portal.json("user.get")["time"]


def test_names_of_parameters_have_any_case(portal: Portal, sandbox: Sandbox) -> None:
    for name in ("A", "B"):
        sandbox.portal.hire(NAME=name)

    assert portal.json("user.get", {"FILTER": {"id": 2}, "Select": ["ID"]})["result"] == [{"ID": "2"}]


def test_a_body_that_is_not_json_counts_for_nothing(portal: Portal, http: httpx.Client, sandbox: Sandbox) -> None:
    sandbox.portal.hire(NAME="A")
    headers = {"Content-Type": "application/json"}

    for body in (b"{", b"[]", b"\xff"):
        assert http.post(portal.url + "user.get", content=body, headers=headers).json()["total"] == 1


def test_a_wrong_secret_or_owner_is_refused(server: Server, http: httpx.Client) -> None:
    for path in ("/rest/1/wrongsecret/user.get", "/rest/2/sandboxsecret16/user.get"):
        answer = http.post(f"http://127.0.0.1:{server.port}{path}", json={})
        assert answer.status_code == 401
        assert answer.json() == {"error": "NO_AUTH_FOUND", "error_description": "Wrong authorization data"}


def test_an_unknown_method_is_not_found(portal: Portal) -> None:
    answer = portal.raw("user.fire")

    assert (answer.status_code, answer.json()["error"]) == (404, "ERROR_METHOD_NOT_FOUND")


@pytest.mark.parametrize(
    ("scope", "has_email", "has_login"),
    [(Scope.FULL, True, True), (Scope.BASIC, True, False), (Scope.BRIEF, False, False)],
)
def test_a_missing_contact_scope_drops_keys_in_silence(
    portal: Portal, sandbox: Sandbox, set_portal: Turn, scope: Scope, has_email: bool, has_login: bool
) -> None:
    sandbox.portal.hire(NAME="A", EMAIL="a@x.test", LAST_LOGIN="2026-01-01T00:00:00+03:00", UF_PHONE_INNER="11")
    set_portal(scope=scope)

    answer = portal.raw("user.get", {"select": ["ID", "EMAIL", "LAST_LOGIN", "UF_PHONE_INNER"]})

    (row,) = answer.json()["result"]
    assert answer.status_code == 200
    assert ("EMAIL" in row, "LAST_LOGIN" in row, "UF_PHONE_INNER" in row) == (has_email, has_login, True)
    assert portal.json("scope")["result"] == ["department", scope.value]


def test_without_any_user_scope_the_method_is_refused(portal: Portal, set_portal: Turn) -> None:
    set_portal(scope=Scope.MISSING, other_scopes=())

    for method in ("user.get", "department.get"):
        answer = portal.raw(method)
        assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")
    assert portal.json("scope")["result"] == []


def test_scope_may_name_every_variant_user(portal: Portal, set_portal: Turn) -> None:
    set_portal(scope=Scope.BRIEF, scope_lists_variant=False)

    assert portal.json("scope")["result"] == ["department", "user"]


def test_the_profile_is_the_owner_s(portal: Portal, sandbox: Sandbox, set_portal: Turn) -> None:
    sandbox.portal.hire(NAME="Anna", LAST_NAME="Weber")

    profile = portal.json("profile")["result"]
    assert (profile["LAST_NAME"], profile["ADMIN"]) == ("Weber", True)
    set_portal(owner_is_admin=False)
    assert portal.json("profile")["result"]["ADMIN"] is False
    set_portal(owner_active=False)
    assert portal.json("profile")["result"] == {}


def test_the_owner_need_not_be_among_the_users(portal: Portal) -> None:
    assert portal.json("profile")["result"]["ID"] == "1"


def test_departments_are_paged_by_id(portal: Portal, sandbox: Sandbox) -> None:
    for number in range(60):
        sandbox.portal.add_department(f"D{number:02}", parent=1 if number else 7)

    answer = portal.json("department.get")
    assert (len(answer["result"]), answer["total"], answer["next"]) == (50, 61, 50)
    assert answer["result"][0] == {"ID": "1", "NAME": "Company", "SORT": 500}
    assert answer["result"][1] == {"ID": "2", "NAME": "D00", "SORT": 500, "PARENT": "7"}
    assert [row["ID"] for row in portal.json("department.get", {"START": 60})["result"]] == ["61"]


def test_the_bucket_refuses_what_comes_too_fast_and_leaks(portal: Portal, clock: Clock, set_portal: Turn) -> None:
    set_portal(tariff=Tariff(burst=3, leak=2))
    statuses = [portal.raw("scope").status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 503, 503]
    assert portal.json("scope")["error"] == "QUERY_LIMIT_EXCEEDED"

    clock.sleep(1)

    assert [portal.raw("scope").status_code for _ in range(3)] == [200, 200, 503]


def test_the_smallest_plan_is_the_default_and_on_premise_has_no_bucket(portal: Portal, set_portal: Turn) -> None:
    assert [portal.raw("scope").status_code for _ in range(52)].count(503) == 2

    set_portal(tariff=None)

    assert portal.raw("scope").status_code == 200


def test_the_call_that_crosses_the_operating_limit_finishes_and_the_next_waits(
    portal: Portal, clock: Clock, set_portal: Turn
) -> None:
    set_portal(call_seconds=3, operating_limit=5)
    assert [portal.raw("user.get").status_code for _ in range(3)] == [200, 200, 429]
    assert "time" not in portal.json("user.get")
    assert portal.raw("scope").status_code == 200, "other methods go on"

    set_portal(operating_error_has_time=True)
    refused = portal.json("user.get")
    assert refused["error"] == "OPERATION_TIME_LIMIT"
    assert refused["time"]["operating"] == 6

    clock.sleep(600)
    assert portal.raw("user.get").status_code == 200


def test_every_request_is_remembered_with_its_parameters(portal: Portal, sandbox: Sandbox) -> None:
    portal.json("user.get", {"filter": {">ID": 5}})

    (seen,) = sandbox.requests
    assert (seen.number, seen.api, seen.method, seen.params) == (1, "bitrix24", "user.get", {"FILTER": {">ID": 5}})
    assert (seen.acted, seen.is_write) == (True, False)
    assert sandbox.writes() == []
