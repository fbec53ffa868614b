"""One answer of the portal becomes an envelope or one error (contract 1.3 - 1.5, 4.4)."""

import json
from typing import Any

import httpx
import pytest

from b24_pipeline.bitrix24.exceptions import (
    AccountError,
    Bitrix24Error,
    OperationLimit,
    RateLimited,
    RequestError,
    RetryableError,
    ServerError,
    TransportError,
)
from b24_pipeline.bitrix24.responses import Envelope, number, read_response, whole_number

ERRORS = [
    (503, "QUERY_LIMIT_EXCEEDED", RateLimited),
    (200, "QUERY_LIMIT_EXCEEDED", RateLimited),
    (503, "query_limit_exceeded", RateLimited),
    (503, "OVERLOAD_LIMIT", AccountError),
    (429, "OPERATION_TIME_LIMIT", OperationLimit),
    (200, "operation_time_limit", OperationLimit),
    (429, "SOMETHING_NEW", OperationLimit),
    (500, "INTERNAL_SERVER_ERROR", ServerError),
    (200, "INTERNAL_SERVER_ERROR", ServerError),
    (500, "ERROR_UNEXPECTED_ANSWER", ServerError),
    (500, "PORTAL_DELETED", ServerError),
    (503, "portal_deleted", ServerError),
    *((status, "PORTAL_DELETED", AccountError) for status in (200, 401, 403, 410)),
    *((status, "INVALID_CREDENTIALS", AccountError) for status in (200, 400, 401, 404, 500)),
    *((status, "PAYMENT_REQUIRED", AccountError) for status in (200, 401, 402, 403, 503)),
    *((status, "allowed_only_intranet_user", AccountError) for status in (200, 400, 401, 403, 500)),
    *((status, "WRONG_ENCODING", AccountError) for status in (200, 400, 500)),
    *((status, "METHOD_NOT_FOUND", AccountError) for status in (200, 400, 404)),
    (402, "SOMETHING_NEW", AccountError),
    (410, "SOMETHING_NEW", AccountError),
    (503, "SOMETHING_NEW", ServerError),
    (401, "NO_AUTH_FOUND", AccountError),
    (401, "expired_token", AccountError),
    (401, "SOMETHING_NEW", AccountError),
    (200, "no_auth_found", AccountError),
    (403, "insufficient_scope", AccountError),
    (403, "INVALID_CREDENTIALS", AccountError),
    (403, "user_access_error", AccountError),
    (403, "ACCESS_DENIED", AccountError),
    (403, "WRONG_AUTH_TYPE", AccountError),
    (403, "METHOD_CONFIRM_DENIED", AccountError),
    (403, "SOMETHING_NEW", AccountError),
    (400, "INVALID_REQUEST", AccountError),
    (400, "ERROR_BATCH_LENGTH_EXCEEDED", RequestError),
    (405, "ERROR_BATCH_METHOD_NOT_ALLOWED", RequestError),
    (404, "ERROR_METHOD_NOT_FOUND", AccountError),
    (400, "SOMETHING_NEW", RequestError),
    (200, "SOMETHING_NEW", RequestError),
]
WITHOUT_JSON = [
    (200, b"<html>Welcome</html>", TransportError),
    (200, b"", TransportError),
    (200, b'{"result": [{"ID": "1"', TransportError),
    (200, b"[]", TransportError),
    (200, b"{}", TransportError),
    (200, b"\xff\xfe", TransportError),
    (200, b"[" * 100_000, TransportError),
    (502, b"<html>Bad Gateway</html>", ServerError),
    (503, b"", ServerError),
    (504, b"", ServerError),
    (500, b"{}", ServerError),
    (408, b"", ServerError),
    (429, b"<html>", OperationLimit),
    (401, b"<html>", AccountError),
    (403, b"", AccountError),
    (404, b"<html>Not found</html>", AccountError),
    (404, b"", AccountError),
    (410, b"404 page not found", AccountError),
    (400, b"<html>400 The plain HTTP request was sent to HTTPS port</html>", AccountError),
    (407, b"<html>", AccountError),
    (403, b'{"message": "Forbidden"}', AccountError),
    (403, b'{"error": "Forbidden"}', AccountError),
    (404, b'{"error": {"code": 404, "message": "x"}}', AccountError),
    (503, b'{"message": "starting"}', ServerError),
    (200, b'{"status": "ok"}', TransportError),
    (200, b"It works!", TransportError),
    (200, b"<title>Sign in</title>", AccountError),
    (200, "<title>Авторизация</title>".encode(), AccountError),
    (200, b"<html><INPUT Type = password></html>", AccountError),
    (404, b'{"error": "NO_AU', TransportError),
    (413, b"<html>", RequestError),
]


def body(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


@pytest.mark.parametrize(("status", "code", "kind"), ERRORS)
def test_the_code_decides_whatever_the_status(status: int, code: str, kind: type[Bitrix24Error]) -> None:
    with pytest.raises(Bitrix24Error) as raised:
        read_response("user.get", status, body(error=code, error_description="text of the portal"))
    assert type(raised.value) is kind
    assert str(raised.value).startswith(f"user.get: {code} (HTTP {status}): ")
    assert "text of the portal" not in str(raised.value)


@pytest.mark.parametrize(("status", "content", "kind"), WITHOUT_JSON)
def test_an_answer_that_is_no_json_is_judged_by_its_status(
    status: int, content: bytes, kind: type[Bitrix24Error]
) -> None:
    with pytest.raises(Bitrix24Error) as raised:
        read_response("batch", status, content)
    assert type(raised.value) is kind


def test_what_looks_like_a_secret_is_not_repeated_as_a_code() -> None:
    for code in ("abcd1234abcd1234", "https://x.test/rest/1/abcd/", "<b>", "", 5, ["A_B"]):
        with pytest.raises(Bitrix24Error) as raised:
            read_response("scope", 400, body(error=code or {"code": "", "message": "x"}))
        assert str(raised.value) == "scope: error (HTTP 400): the portal rejected the request"


def test_an_error_of_rest_3_is_read_too() -> None:
    with pytest.raises(AccountError, match="NO_AUTH_FOUND"):
        read_response("scope", 401, body(error={"code": "NO_AUTH_FOUND", "message": "x"}))


def test_every_account_error_says_what_to_do() -> None:
    for _, code, kind in ERRORS:
        if kind is AccountError and code != "SOMETHING_NEW":
            with pytest.raises(AccountError, match=r"webhook|support|administrator|https|_URL|pay for it|switch it on"):
                read_response("user.get", 403, body(error=code))


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ("REST API is available only on commercial plans", "plan has no REST"),
        ("Your subscription does not include REST", "plan has no REST"),
        ("Application context required", "does not accept a webhook"),
        ("Access denied: administrators only", "is not an administrator"),
        ("", "needs a commercial plan and an administrator"),
    ],
)
def test_what_access_denied_means_is_told_by_its_text(description: str, message: str) -> None:
    with pytest.raises(AccountError, match=message):
        read_response("user.get", 403, body(error="ACCESS_DENIED", error_description=description))


@pytest.mark.parametrize("status", [401, 403])
def test_an_error_without_a_code_is_judged_by_its_status(status: int) -> None:
    with pytest.raises(AccountError, match="create a new inbound webhook"):
        read_response("batch", status, body(error="", error_description="text of the portal"))


def test_a_missing_method_that_is_not_needed_is_a_fault_of_ours() -> None:
    with pytest.raises(RequestError):
        read_response("profile", 404, body(error="ERROR_METHOD_NOT_FOUND"))


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        ("<html><title>\n 403\tForbidden </title>", '"403 Forbidden"'),
        ("<!DOCTYPE html><TITLE lang=en>A &amp; B</TITLE>", '"A & B"'),
        ("<html><h1>Not <b>here</b></h1>", '"Not here"'),
        ("<html><body>x", "without a title"),
        ("<title>\x1b[31m\u202ered\x00</title>", '"[31m red"'),
        (f"<title>{'long ' * 100}</title>", f'"{("long " * 16).strip()}…"'),
        ("<title>{", "without a title"),
    ],
)
def test_a_page_is_shown_by_its_title_in_one_short_clean_line(page: str, shown: str) -> None:
    with pytest.raises(AccountError) as raised:
        read_response("batch", 403, page.encode())
    text = str(raised.value)
    assert shown in text
    assert "check the address in BITRIX24_WEBHOOK_URL, the proxy and the firewall" in text


def test_who_asks_for_a_login_is_named() -> None:
    for status, header, advice in (
        (401, "WWW-Authenticate", "the firewall"),
        (407, "Proxy-Authenticate", "HTTPS_PROXY"),
    ):
        with pytest.raises(AccountError, match=rf"which asks for a login \(Basic\).*{advice}"):
            read_response("batch", status, b"", headers=httpx.Headers({header.lower(): "Basic"}))


def test_a_used_up_method_tells_when_it_is_free_again() -> None:
    with pytest.raises(OperationLimit) as raised:
        read_response("user.get", 429, body(error="OPERATION_TIME_LIMIT", time={"operating_reset_at": 1_700_000_600}))
    assert raised.value.resets_at == 1_700_000_600


def test_a_closed_portal_is_asked_again_only_slowly() -> None:
    with pytest.raises(RetryableError) as raised:
        read_response("user.get", 500, body(error="PORTAL_DELETED"))
    assert raised.value.first_pause == 10


def test_a_success_is_its_result_and_total() -> None:
    response = read_response("user.get", 200, body(result=[1], total="2", time={"operating_reset_at": 5}))
    assert response == Envelope([1], total=2, resets_at=5)


def test_a_success_may_have_any_result_and_an_empty_error() -> None:
    for result in (None, False, 0, "", [], {}):
        assert read_response("profile", 200, body(result=result, error="", time=[])) == Envelope(result)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *(("7", 7), (7, 7), (0, 0), ("007", 7), (7.0, 7)),
        *((value, None) for value in (True, "٧", "-1", " 7", 1.5, None, "", "9" * 19, 10**18, 1e17, float("nan"), [])),
    ],
)
def test_a_whole_number_is_an_int_or_digits(value: object, expected: int | None) -> None:
    assert whole_number(value) == expected


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, True, "5", None])
def test_a_time_that_can_be_none_is_not_taken_for_one(value: object) -> None:
    assert number(value) is None
