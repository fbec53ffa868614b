"""One whole JSON answer between warnings and markup is taken; two, or half of one, is not."""

import time
from contextlib import suppress

import pytest

from b24_pipeline.bitrix24.client import Bitrix24
from b24_pipeline.bitrix24.exceptions import TransportError
from b24_pipeline.bitrix24.health_check import check_bitrix24
from b24_pipeline.bitrix24.polling import LastSnapshot, poll_changes
from b24_pipeline.bitrix24.responses import read_response
from b24_pipeline.bitrix24.users import fetch_users
from b24_pipeline.sandbox import Fault, FaultKind, Sandbox
from b24_pipeline_tests.bitrix24.conftest import hire

ANSWER = b'{"result": [{"ID": "1", "NAME": "{\\"<b>\\u0416"}], "total": 1}'
WARNING = b"<br />\n<b>Warning</b>:  x() in {closure}, {main} of <b>/x.php</b> on line <b>3</b><br />\n"
ACCEPTED = [
    b"\xef\xbb\xbf" + ANSWER,
    b"\n\n \t" + ANSWER + b"\r\n",
    WARNING + ANSWER,
    WARNING * 3 + ANSWER,
    b"\xef\xbb\xbf" + WARNING + ANSWER,
    b"\nWarning: x in /x.php on line 3\n" + ANSWER,
    b"PHP Notice:  Undefined index in /x.php on line 3\n" + ANSWER,
    b"Deprecated: x\n\nFatal error: x\n" + ANSWER,
    "<b>Внимание</b>".encode("cp1251") + ANSWER,
    ANSWER + b"</body></html>",
    ANSWER + b"<!-- 0.12 s -->",
    ANSWER + WARNING,
    ANSWER + b'<script>BX.message({"LANGUAGE_ID": "en"})</script>',
    b'<SCRIPT>var a = {"result": []};</SCRIPT><!-- {"error": "x"} --><style>a{"b"}</style>' + ANSWER,
    b"<html><body><pre>" + ANSWER + b"</pre></body></html>",
]
REFUSED = [
    ANSWER * 2,
    ANSWER + b"\n" + ANSWER,
    WARNING + ANSWER + ANSWER,
    ANSWER + WARNING + ANSWER,
    b'{"a": 1}' + ANSWER,
    b'<p>{"a": 1}</p>' + ANSWER,
    ANSWER + b'<p>{"a": 1}</p>',
    ANSWER[:-1],
    WARNING + ANSWER[:-1],
    WARNING + ANSWER[:30],
    ANSWER[:-1] + b"<html></html>",
    b'{"result": {"result": {"a": []}, "result_error": []}, "ti',
    WARNING + b'{"result": {"result": {"a": []}, "result_error": []}, "time": {"start": 1',
    ANSWER[:30] + WARNING + ANSWER,
    b"[" + ANSWER + b"]",
    b"callback(" + ANSWER + b");",
    ANSWER + b', "total": 1}',
    b'"' + ANSWER + b'"',
    b"<p>" + ANSWER[:-1] + b', "x": "\xff"}',
    WARNING,
    WARNING + b'{"status": "ok"}',
]


@pytest.mark.parametrize("body", ACCEPTED)
def test_one_whole_answer_is_taken(body: bytes) -> None:
    response = read_response("user.get", 200, body)
    assert (response.result, response.total) == ([{"ID": "1", "NAME": '{"<b>Ж'}], 1)


@pytest.mark.parametrize("body", REFUSED)
def test_two_answers_or_half_of_one_are_not(body: bytes) -> None:
    with pytest.raises(TransportError):
        read_response("user.get", 200, body)


def test_a_number_of_thousands_of_digits_spoils_only_itself() -> None:
    body = b'{"result": [{"ID": "1", "WORK_PHONE": ' + b"9" * 5_000 + b'}, {"ID": "2"}]}'
    assert [row["ID"] for row in read_response("user.get", 200, body).result] == ["1", "2"]


@pytest.mark.parametrize(
    "part", [b'{"a ', b"<script", b'{"a":', b"<", b'<!--{"', b'<b>{"a":1}', b'{"result":1 ', b"<title", b'"', b"{ "]
)
def test_a_large_body_of_any_kind_is_judged_quickly(part: bytes) -> None:
    started = time.perf_counter()
    for body in (part * (8_000_000 // len(part)), b"Warning: " + part * (4_000_000 // len(part)) + ANSWER):
        with suppress(TransportError):
            read_response("user.get", 200, body)
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize("kind", [FaultKind.WARNING_BEFORE, FaultKind.PAGE_AFTER])
def test_a_portal_that_warns_in_every_answer_is_read_and_said_once(
    client: Bitrix24, sandbox: Sandbox, kind: FaultKind, caplog: pytest.LogCaptureFixture
) -> None:
    hire(sandbox, range(1, 131))
    sandbox.faults.add(Fault(kind, api="bitrix24", times=None))
    users = fetch_users(client, known_ids=None).users
    assert len(users) == 130
    assert all(check.passed for check in check_bitrix24(client))
    assert not poll_changes(client, snapshot=LastSnapshot.of(users, frozenset()), window_from=0).changed
    (said,) = [record.getMessage() for record in caplog.records if record.name.startswith("b24_pipeline")]
    assert "The portal sends other text around its JSON, which is ignored: " in said
    assert ("Warning : Undefined array key" in said) is (kind is FaultKind.WARNING_BEFORE)
