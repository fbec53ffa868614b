"""Each error of the contract's table becomes one exception, chosen by code and mnemonic together."""

from typing import Any

import pytest

from b24_pipeline.callgear.error_mapping import is_read, redact, to_exception
from b24_pipeline.callgear.exceptions import (
    AccountError,
    AccountFault,
    CallGearError,
    DayLimit,
    MethodError,
    MinuteLimit,
    RecordError,
    RecordFault,
    RequestError,
    UnknownOutcome,
)

READ, WRITE = "get.employees", "create.employees"


def refusal(code: int, mnemonic: str | None, **data: Any) -> dict[str, Any]:
    named = {} if mnemonic is None else {"mnemonic": mnemonic}
    return {"code": code, "message": "whatever the text says", "data": {**named, **data}}


@pytest.mark.parametrize(
    ("code", "mnemonic", "method", "expected"),
    [
        (-32700, "parse_error", WRITE, RequestError),
        (-32600, "invalid_request", WRITE, RequestError),
        (-32601, "method_not_found", WRITE, MethodError),
        (-32603, "internal_error", WRITE, UnknownOutcome),
        (-32001, "access_token_invalid", WRITE, AccountError),
        (-32001, "access_token_expired", WRITE, AccountError),
        (-32001, "access_token_blocked", WRITE, AccountError),
        (-32001, "auth_error", "login.user", AccountError),
        (-32003, "ip_not_whitelisted", WRITE, AccountError),
        (-32003, "forbidden", WRITE, MethodError),
        (-32008, "method_component_disabled", WRITE, MethodError),
        (-32008, "parameter_component_disabled", WRITE, MethodError),
        (-32009, "account_inactive", WRITE, AccountError),
        (-32099, "batch_operations_not_supported", WRITE, RequestError),
        (-32099, "batch_opreations_not_supported", WRITE, RequestError),
        (-32099, "notifications_not_supported", WRITE, RequestError),
        (-32602, "data_type_error", WRITE, RequestError),
        (-32602, "required_parameter_missed", WRITE, RequestError),
        (-32602, "invalid_parameter_value", WRITE, RecordError),
        (-32602, "invalid_parameter_value", READ, RequestError),
        (-32602, "unexpected_parameters", WRITE, RequestError),
        (-32602, "invalid_parameters_combination", WRITE, RecordError),
        (-32602, "error", WRITE, RecordError),
        (-32602, "sort_prohibited", READ, RequestError),
        (-32602, "filter_prohibited", READ, RequestError),
        (-32602, "entity_not_found", WRITE, RecordError),
        (-32602, "dependency_error", "delete.deal_employees", RecordError),
        (-32602, "forbidden", "delete.deal_employees", RecordError),
        (-32602, "duplicate_entity", WRITE, RecordError),
        (-32602, "already_in_use", WRITE, RecordError),
        (-32602, "data_limit_exceeded", WRITE, RecordError),
        (-32602, "tariff_restrictions", WRITE, MethodError),
        (-32602, "a_new_mnemonic", WRITE, RecordError),
        (-32602, None, WRITE, RecordError),
        (-32004, "wrong_order", WRITE, RequestError),
        (-32007, "virtual_number", WRITE, RecordError),
        (-32008, "a_new_mnemonic", WRITE, MethodError),
        (-31999, "a_new_mnemonic", WRITE, AccountError),
    ],
)
def test_an_error_is_classified_by_code_and_mnemonic(
    code: int, mnemonic: str | None, method: str, expected: type[CallGearError]
) -> None:
    assert type(to_exception(method, refusal(code, mnemonic))) is expected


@pytest.mark.parametrize(
    ("mnemonic", "fault"),
    [
        ("dependency_error", RecordFault.DEPENDENCY_ERROR),
        ("entity_not_found", RecordFault.ENTITY_NOT_FOUND),
        ("duplicate_entity", RecordFault.DUPLICATE_ENTITY),
        ("already_in_use", RecordFault.ALREADY_IN_USE),
        ("forbidden", RecordFault.SYSTEM_ENTITY),
        ("a_new_mnemonic", RecordFault.OTHER),
    ],
)
def test_record_errors_are_told_apart(mnemonic: str, fault: RecordFault) -> None:
    error = to_exception(WRITE, refusal(-32602, mnemonic, field="ext_id"))

    assert isinstance(error, RecordError)
    assert (error.fault, error.mnemonic, error.field) == (fault, mnemonic, "ext_id")


@pytest.mark.parametrize(
    ("method", "data", "expected"),
    [
        ("update.employees", {"field": "employee.phone_numbers"}, RecordError),
        ("update.employees", {"field": None}, RecordError),
        ("update.employees", {}, RecordError),
        ("update.employees", {"field": "last_name"}, RequestError),
        ("update.employees", {"field": "phone_numbers.phone_number"}, RequestError),
        ("create.employees", {}, RequestError),
    ],
)
def test_a_missed_parameter_is_the_phones_where_it_can_be_nothing_else(
    method: str, data: dict[str, Any], expected: type[CallGearError]
) -> None:
    assert type(to_exception(method, refusal(-32602, "required_parameter_missed", **data))) is expected


def test_phone_numbers_demanded_by_an_update_are_the_record_s_matter() -> None:
    error = to_exception("update.employees", refusal(-32602, "required_parameter_missed", field="phone_numbers"))

    assert isinstance(error, RecordError)
    assert error.fault is RecordFault.REQUIRED_PARAMETER_MISSED


@pytest.mark.parametrize(
    ("data", "expected", "resets_in"),
    [
        ({"params": {"limit_type": "minute"}, "metadata": {"limits": {"minute_reset": 23}}}, MinuteLimit, 23),
        ({"params": {"limit_type": "day"}, "metadata": {"limits": {"day_reset": 31002}}}, DayLimit, 31002),
        ({"metadata": {"limits": {"day_remaining": 0, "day_reset": 9}}}, DayLimit, 9),
        ({"metadata": {"limits": {"minute_remaining": 0, "day_remaining": 5, "minute_reset": 9}}}, MinuteLimit, 9),
        ({"params": {"limit_type": "day"}}, DayLimit, None),
        ({}, MinuteLimit, 60),
        ({"params": [], "metadata": {"limits": {"minute_reset": "soon"}}}, MinuteLimit, 60),
    ],
)
def test_limit_exceeded_says_which_budget_and_until_when(
    data: dict[str, Any], expected: type[MinuteLimit | DayLimit], resets_in: float | None
) -> None:
    error = to_exception(WRITE, refusal(-32029, "limit_exceeded", **data))

    assert isinstance(error, expected)
    assert error.resets_in == resets_in


@pytest.mark.parametrize(
    ("error", "reported"),
    [
        (
            {
                "code": -32003,
                "message": "",
                "data": {"mnemonic": "ip_not_whitelisted", "params": {"ip": "203.0.113.24"}},
            },
            "203.0.113.24",
        ),
        (
            {"code": -32003, "message": "Your IP 203.0.113.24 is bad", "data": {"mnemonic": "ip_not_whitelisted"}},
            "203.0.113.24",
        ),
        (
            {"code": -32003, "message": "Your IP 2001:db8::7 is bad", "data": {"mnemonic": "ip_not_whitelisted"}},
            "2001:db8::7",
        ),
        ({"code": -32003, "message": "No", "data": {"mnemonic": "ip_not_whitelisted"}}, "of this machine"),
        (refusal(-32001, "access_token_blocked"), "blocked"),
        (refusal(-32001, "access_token_invalid"), "CALLGEAR_ACCESS_TOKEN"),
        (refusal(-32009, "account_inactive"), "account is blocked"),
        (refusal(-31999, None), "unknown code -31999"),
    ],
)
def test_an_account_error_says_what_to_do_in_one_line(error: dict[str, Any], reported: str) -> None:
    text = str(to_exception(READ, error))

    assert reported in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("mnemonic", "renewable"),
    [
        ("access_token_invalid", True),
        ("access_token_expired", True),
        ("access_token_blocked", False),
        ("auth_error", False),
    ],
)
def test_only_a_missing_or_expired_token_can_be_renewed(mnemonic: str, renewable: bool) -> None:
    error = to_exception(READ, refusal(-32001, mnemonic))

    assert isinstance(error, AccountError)
    assert error.renewable is renewable
    assert error.fault is AccountFault(mnemonic)


def test_no_value_of_a_record_is_in_the_text_of_its_error() -> None:
    value = "+971 50 555 01 42"
    message = f"Number {value} of ira@x.test is odd\nreally"
    error = {
        "code": -32602,
        "message": message,
        "data": {"mnemonic": "error", "field": "phone_numbers", "value": value},
    }

    text = str(to_exception(WRITE, error))

    assert text == (
        "create.employees: error, field phone_numbers, value of 17 characters, Number *** of *** is odd really"
    )


@pytest.mark.parametrize("secret", ["971505550142", "+971 (50) 555-01-42", "ira@x.test", "Ирина@почта.рф"])
def test_phones_and_addresses_are_masked_in_any_text(secret: str) -> None:
    assert secret not in redact(f"see {secret} there")


def test_a_mnemonic_is_only_repeated_when_it_is_one() -> None:
    error = to_exception(WRITE, refusal(-32602, "<b>971505550142</b>"))

    assert str(error) == "create.employees: code -32602"


@pytest.mark.parametrize("data", [None, [], "text", {"mnemonic": 7, "params": 7, "metadata": 7, "field": 7}])
def test_malformed_error_data_still_gives_an_error(data: Any) -> None:
    assert isinstance(to_exception(WRITE, {"code": -32602, "message": None, "data": data}), RecordError)


@pytest.mark.parametrize("method", ["get.employees", "getobj.account", "login.user"])
def test_reads_may_be_repeated(method: str) -> None:
    assert is_read(method)


@pytest.mark.parametrize("method", ["create.employees", "update.employees", "delete.deal_employees", "upload.x"])
def test_writes_may_not_be_repeated(method: str) -> None:
    assert not is_read(method)
