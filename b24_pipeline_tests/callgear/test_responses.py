"""Every shape an answer may have on the wire (contract 1.1, 1.2, 1.6)."""

import json
from typing import Any

import pytest

from b24_pipeline.callgear.exceptions import AccountError, IncompleteReadError, UnknownOutcome
from b24_pipeline.callgear.rate_limit import Limits
from b24_pipeline.callgear.responses import Metadata, Result, read_response


def read(body: Any, *, status: int = 200, request_id: str = "r-1") -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_response("create.employees", request_id=request_id, status=status, body=content)


def success(result: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": "r-1", "result": result}


@pytest.mark.parametrize(
    ("result", "data"),
    [
        ({"id": 7}, {"id": 7}),
        ({"data": {"id": 7}, "metadata": {}}, {"id": 7}),
        ({"data": {}, "id": 7}, {"id": 7}),
        ({}, {}),
        ({"data": {}, "metadata": {}}, {}),
        ({"data": [{"id": 7}], "metadata": {}}, [{"id": 7}]),
        ({"data": [{"app_id": 1}], "meta_data": {}}, [{"app_id": 1}]),
        ({"data": None}, None),
    ],
)
def test_the_data_is_found_in_every_shape_of_a_result(result: dict[str, Any], data: Any) -> None:
    assert read(success(result)).outcome.data == data


@pytest.mark.parametrize("key", ["metadata", "meta_data"])
def test_metadata_is_found_under_both_names(key: str) -> None:
    limits = {"minute_limit": 200, "minute_remaining": 199, "minute_reset": 41, "day_limit": 3500}

    response = read(success({"data": [], key: {"limits": limits, "total_items": 3, "version": None}}))

    expected = Limits(minute_limit=200, minute_remaining=199, minute_reset=41, day_limit=3500)
    assert response.metadata == Metadata(limits=expected, total_items=3)


@pytest.mark.parametrize(
    "metadata", [None, {}, [], "x", {"limits": None}, {"limits": {"minute_limit": "many"}}, {"total_items": True}]
)
def test_metadata_may_lack_anything(metadata: Any) -> None:
    assert read(success({"data": [], "metadata": metadata})).metadata == Metadata()


def test_a_deprecated_version_is_noticed() -> None:
    reported = {"current_version_deprecated": True, "current_version": "v2.0", "latest_version": "v3.0"}

    assert read(success({"data": [], "metadata": {"api_version": reported}})).metadata.deprecated


@pytest.mark.parametrize("status", [200, 400, 401, 500, 503])
@pytest.mark.parametrize("answered_id", ["r-1", None])
def test_an_error_is_an_error_whatever_the_http_status_and_with_a_null_id(status: int, answered_id: str | None) -> None:
    error = {"code": -32009, "message": "x", "data": {"mnemonic": "account_inactive"}}

    response = read({"jsonrpc": "2.0", "id": answered_id, "error": error}, status=status)

    assert isinstance(response.outcome, AccountError)


def test_a_result_counts_whatever_the_http_status() -> None:
    assert isinstance(read(success({"id": 7}), status=500).outcome, Result)


def test_an_error_tells_the_points_left() -> None:
    data = {"mnemonic": "limit_exceeded", "metadata": {"limits": {"minute_remaining": 0, "minute_reset": 23}}}

    response = read({"id": "r-1", "error": {"code": -32029, "message": "x", "data": data}})

    assert response.metadata.limits == Limits(minute_remaining=0, minute_reset=23)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Bad Gateway</html>",
        b'{"jsonrpc": "2.0", "id": "r-1", "resu',
        b"\xff\xfe",
        b"[" * 100_000,
        [],
        None,
        "ok",
        {"jsonrpc": "2.0", "id": "r-1"},
        {"jsonrpc": "2.0", "id": "r-1", "result": None},
        {"jsonrpc": "2.0", "id": "r-1", "result": [7]},
        {"jsonrpc": "2.0", "id": "r-2", "result": {"id": 7}},
        {"jsonrpc": "2.0", "id": None, "result": {"id": 7}},
        {"jsonrpc": "2.0", "id": "r-2", "error": {"code": -32009, "message": "x"}},
        {"error": "bad gateway"},
        {"id": "r-1", "error": {"message": "no code"}},
    ],
)
def test_anything_else_leaves_the_outcome_unknown(body: Any) -> None:
    assert isinstance(read(body, status=502).outcome, UnknownOutcome)


@pytest.mark.parametrize("data", [None, {}, "x", [7], [[]]])
def test_rows_are_a_list_of_objects_or_not_trusted(data: Any) -> None:
    with pytest.raises(IncompleteReadError):
        Result(data, Metadata()).rows()


@pytest.mark.parametrize(
    ("data", "fields"), [({"a": 1}, {"a": 1}), ([{"a": 1}], {"a": 1}), ([], {}), (None, {}), ([7], {})]
)
def test_an_object_is_found_alone_or_as_the_only_row(data: Any, fields: dict[str, Any]) -> None:
    assert Result(data, Metadata()).fields() == fields
