"""One call, one batch: sending, repeating, following, and what never leaves (contract 1, 3.3, 4)."""

import json
import logging
import traceback
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from b24_pipeline.bitrix24.admin_mode import in_admin_mode
from b24_pipeline.bitrix24.client import Bitrix24
from b24_pipeline.bitrix24.exceptions import (
    AccountError,
    Bitrix24Error,
    OperationLimit,
    RateLimited,
    RequestError,
    ServerError,
    TransportError,
)
from b24_pipeline.bitrix24.rate_limit import LeakyBucket
from b24_pipeline.bitrix24.retry import RetryLimits
from b24_pipeline_tests.bitrix24.conftest import SHORT, START, TLS
from b24_pipeline_tests.clock import Clock
from b24_pipeline_tests.slow_server import IN_ANY_CASE, dripping, in_time

SECRET = "abcd1234abcd1234"
URL = f"https://old.bitrix24.com/rest/1/{SECRET}/"
Handler = Callable[[httpx.Request], httpx.Response]
COMMANDS = {"a": "profile", "b": "user.get?start=0", "c": "scope"}


def ok(result: object = True, **envelope: Any) -> httpx.Response:
    return httpx.Response(200, json={"result": result, **envelope})


def error(status: int, code: str, **envelope: Any) -> httpx.Response:
    return httpx.Response(status, json={"error": code, "error_description": "x", **envelope})


class Portal:
    """Answers requests with the given answers, the last of them for ever."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        response = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(response, Exception):
            raise response
        return httpx.Response(response.status_code, headers=response.headers, content=response.content)


@pytest.fixture
def client_of(clock: Clock) -> Callable[..., Bitrix24]:
    def make(portal: Portal, **settings: Any) -> Bitrix24:
        bucket = LeakyBucket(clock=clock, sleep=clock.sleep)
        usual = {"clock": clock, "sleep": clock.sleep, "random": lambda: 0.0, "bucket": bucket}
        http = httpx.Client(transport=httpx.MockTransport(portal), verify=TLS)
        return Bitrix24(URL, http=http, **{**usual, **settings})

    return make


Make = Callable[..., Bitrix24]


def test_a_call_is_a_post_of_json_without_the_secret_in_its_body(client_of: Make) -> None:
    portal = Portal(ok([1], total=3))
    envelope = client_of(portal).call("user.get", {"start": 0})
    (request,) = portal.requests
    assert (request.method, str(request.url), json.loads(request.content)) == ("POST", f"{URL}user.get", {"start": 0})
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Accept"] == "application/json"
    assert request.headers["User-Agent"].startswith("b24-pipeline/")
    assert (envelope.result, envelope.total) == ([1], 3)


def test_a_method_without_parameters_is_sent_with_an_empty_object(client_of: Make) -> None:
    portal = Portal(ok())
    client_of(portal).call("profile")
    assert portal.requests[0].content == b"{}"


def test_nothing_that_writes_can_be_called(client_of: Make) -> None:
    portal = Portal(ok())
    client = client_of(portal)
    for attempt in (lambda: client.call("user.update", {"ID": 1}), lambda: client.batch({"a": "user.update?ID=1"})):
        with pytest.raises(ValueError, match="this client only reads"):
            attempt()
    assert portal.requests == []


def test_a_batch_is_sent_in_order_and_stops_at_the_first_error_by_default(client_of: Make) -> None:
    portal = Portal(ok({"result": {"a": 1}}))
    client_of(portal).batch(COMMANDS)
    client_of(portal).batch(COMMANDS, halt=0)
    bodies = [json.loads(request.content) for request in portal.requests]
    sent = in_admin_mode(COMMANDS)
    assert bodies == [{"halt": 1, "cmd": sent}, {"halt": 0, "cmd": sent}]
    assert list(bodies[0]["cmd"]) == ["a", "b", "c"]


def test_each_command_of_a_batch_has_its_result_its_error_or_nothing(client_of: Make) -> None:
    result = {
        "result": {"a": {"ID": "1"}, "b": []},
        "result_error": {"c": {"error": "insufficient_scope", "error_description": ""}},
        "result_total": {"b": 7, "a": None},
    }
    response = client_of(Portal(ok(result))).batch(COMMANDS)
    assert response.results == {"a": {"ID": "1"}, "b": []}
    assert response.totals == {"b": 7}
    assert list(response.errors) == ["c"]
    assert isinstance(response.errors["c"], AccountError)
    assert str(response.errors["c"]).startswith("scope: insufficient_scope")


def test_the_empty_maps_of_a_batch_are_lists(client_of: Make) -> None:
    empty: dict[str, list[Any]] = {
        name: [] for name in ("result", "result_error", "result_total", "result_next", "result_time")
    }
    response = client_of(Portal(ok(empty))).batch(COMMANDS)
    assert (response.results, response.errors, response.totals) == ({}, {}, {})


@pytest.mark.parametrize("result", [[], None, "x", {"other": 1}])
def test_a_batch_without_its_maps_is_a_broken_answer_and_repeated(client_of: Make, result: object) -> None:
    portal = Portal(ok(result), ok({"result": {"a": 1}}))
    assert client_of(portal).batch({"a": "profile"}).results == {"a": 1}
    assert len(portal.requests) == 2


def test_a_batch_holds_up_to_50_commands(client_of: Make) -> None:
    client = client_of(Portal(ok({"result": []})))
    client.batch({f"p{number}": "profile" for number in range(50)})
    for count in (0, 51):
        with pytest.raises(ValueError, match=f"1 to 50 commands, these are {count}"):
            client.batch({f"p{number}": "profile" for number in range(count)})


def test_a_whole_batch_is_repeated_when_one_command_failed_for_the_moment(client_of: Make) -> None:
    broken = ok({"result": {"a": 1}, "result_error": {"b": {"error": "INTERNAL_SERVER_ERROR"}}})
    portal = Portal(broken, ok({"result": {"a": 1}}), ok({"result": {"a": 1, "b": 2}}))
    response = client_of(portal).batch_all_or_nothing({"a": "profile", "b": "scope"})
    assert (response.results, len(portal.requests)) == ({"a": 1, "b": 2}, 3)


def test_a_guess_that_fails_is_no_error_of_the_batch_and_comes_last(client_of: Make) -> None:
    answered = {"result": {"a": 1}, "result_error": {"z": {"error": "ERROR_ARGUMENT"}}}
    portal = Portal(ok(answered))
    response = client_of(portal).batch_all_or_nothing(
        {"a": "profile"}, optional_commands={"z": "user.get?start=50", "y": "scope"}
    )
    assert (response.results, list(response.errors)) == ({"a": 1}, ["z"])
    assert list(json.loads(portal.requests[0].content)["cmd"]) == ["a", "z", "y"]


@pytest.mark.parametrize(
    "failure",
    [
        error(503, "QUERY_LIMIT_EXCEEDED"),
        error(200, "QUERY_LIMIT_EXCEEDED"),
        error(500, "INTERNAL_SERVER_ERROR"),
        httpx.Response(502, html="<html>Bad Gateway"),
        httpx.Response(200, text=""),
        httpx.Response(200, text='{"result": [1'),
        httpx.ReadTimeout("x"),
        httpx.ConnectTimeout("x"),
        httpx.PoolTimeout("x"),
        httpx.ConnectError("x"),
        httpx.ReadError("x"),
        httpx.RemoteProtocolError("x"),
        httpx.DecodingError("x"),
    ],
)
def test_what_may_pass_is_repeated(client_of: Make, failure: httpx.Response | Exception) -> None:
    portal = Portal(failure, failure, ok("done"))
    client = client_of(portal)
    assert client.call("profile").result == "done"
    assert client.requests_sent == len(portal.requests) == 3


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (error(503, "OVERLOAD_LIMIT"), AccountError),
        (error(401, "NO_AUTH_FOUND"), AccountError),
        (error(200, "INVALID_CREDENTIALS"), AccountError),
        (error(400, "ERROR_ARGUMENT"), RequestError),
        (httpx.Response(404, html="x"), AccountError),
        (httpx.UnsupportedProtocol("x"), AccountError),
        (httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed"), AccountError),
    ],
)
def test_what_does_not_pass_by_itself_is_not_repeated(
    client_of: Make, failure: httpx.Response | Exception, kind: type[Bitrix24Error]
) -> None:
    portal = Portal(failure, ok())
    with pytest.raises(kind):
        client_of(portal).call("profile")
    assert len(portal.requests) == 1


def test_the_pauses_double_and_end(client_of: Make, clock: Clock) -> None:
    portal = Portal(httpx.ReadTimeout("x"))
    with pytest.raises(TransportError, match="profile: the portal did not answer within"):
        client_of(portal, retries=RetryLimits(max_attempts=7, max_pause=10)).call("profile")
    assert clock.waits == [1, 2, 4, 8, 10, 10]
    assert len(portal.requests) == 7


def test_an_answer_that_drips_is_waited_for_as_long_as_one_that_does_not_come(clock: Clock) -> None:
    with dripping() as drip, in_time(timeout=SHORT, authorities=TLS) as http:
        client = Bitrix24(f"{drip.url}rest/1/{SECRET}/", http=http, clock=clock, sleep=clock.sleep)

        with pytest.raises(TransportError, match="profile: the portal did not answer within") as caught:
            client.call_once("profile")

        assert drip.hung_up.wait(IN_ANY_CASE)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_pauses_are_jittered(client_of: Make, clock: Clock) -> None:
    with pytest.raises(ServerError):
        client_of(Portal(httpx.Response(502)), random=lambda: 0.5, retries=RetryLimits(max_attempts=3)).call("profile")
    assert clock.waits == [1.25, 2.5]


def test_no_pause_leads_beyond_the_deadline(client_of: Make, clock: Clock) -> None:
    with pytest.raises(ServerError):
        client_of(Portal(httpx.Response(502)), retries=RetryLimits(max_attempts=99, deadline=5)).call("profile")
    assert clock.waits == [1, 2]


def test_after_a_rate_limit_all_requests_wait_for_the_bucket_too(client_of: Make, clock: Clock) -> None:
    client = client_of(Portal(error(503, "QUERY_LIMIT_EXCEEDED"), ok()))
    client.call("profile")
    client.call("profile")
    client.call("profile")
    assert clock.waits == [1, 0.5]


def test_a_used_up_method_is_called_again_when_it_is_free(client_of: Make, clock: Clock) -> None:
    portal = Portal(error(429, "OPERATION_TIME_LIMIT", time={"operating_reset_at": START + 300}), ok("done"))
    assert client_of(portal).call("user.get").result == "done"
    assert clock.waits == [300]


def test_the_last_success_tells_when_a_used_up_method_is_free(client_of: Make, clock: Clock) -> None:
    limit = error(429, "OPERATION_TIME_LIMIT")
    client = client_of(Portal(ok(time={"operating_reset_at": START + 200}), limit, ok("done")))
    client.call("user.get")
    assert client.call("user.get").result == "done"
    assert clock.waits == [200]


def test_the_times_of_a_batch_tell_it_too(client_of: Make, clock: Clock) -> None:
    times = {"a": {"operating_reset_at": START + 100}, "b": {"duration": 1}}
    part = {"result": {"a": 1}, "result_error": {"b": {"error": "OPERATION_TIME_LIMIT"}}, "result_time": times}
    portal = Portal(ok(part), ok({"result": {"a": 1, "b": 2}}))
    client_of(portal).batch_all_or_nothing({"a": "profile", "b": "scope"})
    assert clock.waits == [100]


def test_a_used_up_method_that_does_not_tell_is_tried_after_a_minute(client_of: Make, clock: Clock) -> None:
    client_of(Portal(error(429, "OPERATION_TIME_LIMIT"), ok())).call("user.get")
    assert clock.waits == [60]


def test_nobody_waits_for_a_used_up_method_beyond_the_deadline(client_of: Make, clock: Clock) -> None:
    limit = error(429, "OPERATION_TIME_LIMIT", time={"operating_reset_at": START + 800})
    with pytest.raises(OperationLimit):
        client_of(Portal(limit)).call("user.get")
    assert clock.waits == []


@pytest.mark.parametrize("reset", [START - 50, START])
def test_a_method_that_is_used_up_after_its_reset_is_tried_after_a_minute(
    client_of: Make, clock: Clock, reset: float
) -> None:
    limit = error(429, "OPERATION_TIME_LIMIT", time={"operating_reset_at": reset})
    client_of(Portal(limit, ok())).call("user.get")
    assert clock.waits == [60]


def test_a_limit_that_outlasts_its_reset_is_waited_for_bucket_by_bucket(client_of: Make, clock: Clock) -> None:
    limit = error(429, "OPERATION_TIME_LIMIT", time={"operating_reset_at": START + 55})
    assert client_of(Portal(limit, limit, limit, limit, ok("done"))).call("user.get").result == "done"
    assert clock.waits == [55, 60, 60, 60]


def test_a_limit_that_outlasts_its_reset_is_not_waited_for_beyond_the_deadline(client_of: Make, clock: Clock) -> None:
    limit = error(429, "OPERATION_TIME_LIMIT", time={"operating_reset_at": START + 55})
    with pytest.raises(OperationLimit):
        client_of(Portal(limit), retries=RetryLimits(deadline=150)).call("user.get")
    assert clock.waits == [55, 60]


def test_once_means_once(client_of: Make) -> None:
    portal = Portal(error(503, "QUERY_LIMIT_EXCEEDED"))
    with pytest.raises(RateLimited):
        client_of(portal).batch_once(COMMANDS)
    assert len(portal.requests) == 1


def test_a_renamed_portal_gets_the_same_post_with_the_same_body(client_of: Make) -> None:
    new = URL.replace("old", "new")
    portal = Portal(httpx.Response(302, headers={"Location": f"{new}user.get"}), ok("done"))
    client = client_of(portal)
    assert client.call("user.get", {"start": 5}).result == "done"
    first, second = portal.requests
    assert (second.method, str(second.url), second.content) == ("POST", f"{new}user.get", first.content)
    assert (client.moved_to, client.requests_sent) == ("new.bitrix24.com", 2)


@pytest.mark.parametrize("place", ["new.bitrix24.com", "old.bitrix24.com:8443"])
def test_a_portal_at_another_host_or_port_is_remembered_and_said_once(
    client_of: Make, caplog: pytest.LogCaptureFixture, place: str
) -> None:
    new = URL.replace("old.bitrix24.com", place)
    portal = Portal(httpx.Response(302, headers={"Location": f"{new}profile"}), ok())
    client = client_of(portal)
    assert client.moved_to is None
    client.call("profile")
    client.call("scope")
    assert str(portal.requests[2].url) == f"{new}scope"
    assert client.moved_to == place
    assert [record.getMessage() for record in caplog.records] == [
        f"The portal has moved to the host {place}: put its new address into BITRIX24_WEBHOOK_URL"
    ]


def test_a_redirect_out_of_the_domain_gets_no_request(client_of: Make) -> None:
    portal = Portal(httpx.Response(302, headers={"Location": f"https://evil.test/rest/1/{SECRET}/profile"}))
    with pytest.raises(AccountError, match=r"the host evil\.test, outside its own domain"):
        client_of(portal).call("profile")
    assert len(portal.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_in_circles_end(client_of: Make, status: int) -> None:
    portal = Portal(httpx.Response(status, headers={"Location": f"{URL}profile"}))
    with pytest.raises(AccountError, match="too many redirects"):
        client_of(portal).call("profile")
    assert len(portal.requests) == 4


def test_a_redirect_without_a_location_is_an_error_of_the_address(client_of: Make) -> None:
    with pytest.raises(AccountError):
        client_of(Portal(httpx.Response(302))).call("profile")


FAULTS: list[httpx.Response | Exception] = [
    httpx.ReadTimeout(f"reading {URL}"),
    httpx.ConnectError(f"connecting {URL}"),
    httpx.UnsupportedProtocol(URL),
    httpx.Response(200, text=f"<html>{URL}"),
    httpx.Response(502, text=f"<html>{URL}"),
    httpx.Response(401, json={"error": "NO_AUTH_FOUND", "error_description": URL}),
    httpx.Response(400, json={"error": SECRET, "error_description": URL}),
    httpx.Response(302, headers={"Location": f"http://old.bitrix24.com/rest/1/{SECRET}/profile"}),
    httpx.Response(302, headers={"Location": f"https://evil.test/rest/1/{SECRET}/profile"}),
    httpx.Response(302, headers={"Location": f"/login?from={SECRET}"}),
]


@pytest.mark.parametrize("failure", FAULTS)
def test_no_error_no_log_and_no_traceback_holds_the_secret(
    client_of: Make, failure: httpx.Response | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    client = client_of(Portal(failure))
    with pytest.raises(Bitrix24Error) as raised:
        client.call("profile")
    said = "".join(traceback.format_exception(raised.value)) + caplog.text + repr(client) + repr(raised.value)
    assert SECRET not in said
    assert raised.value.__context__ is None or SECRET not in str(raised.value.__context__)


def test_a_success_logs_no_address(client_of: Make, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.INFO, logger="httpx")
    client_of(Portal(ok())).call("profile")
    assert caplog.text == ""
