"""The border where an error object of the API becomes an exception: once, by code and mnemonic together (T14)."""

import re
from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

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
from b24_pipeline.callgear.rate_limit import MINUTE, Limits
from b24_pipeline.callgear.rows import mapping


class ErrorCategory(Enum):
    """The reaction key of contract 4.2."""

    RETRY = auto()
    LIMIT = auto()
    FATAL = auto()
    METHOD = auto()
    RECORD = auto()
    CLIENT = auto()


BY_MNEMONIC: Mapping[tuple[int, str], ErrorCategory] = {
    (-32003, "ip_not_whitelisted"): ErrorCategory.FATAL,
    (-32602, "data_type_error"): ErrorCategory.CLIENT,
    (-32602, "required_parameter_missed"): ErrorCategory.CLIENT,
    (-32602, "unexpected_parameters"): ErrorCategory.CLIENT,
    (-32602, "sort_prohibited"): ErrorCategory.CLIENT,
    (-32602, "filter_prohibited"): ErrorCategory.CLIENT,
    (-32602, "tariff_restrictions"): ErrorCategory.METHOD,
}

BY_CODE: Mapping[int, ErrorCategory] = {
    -32700: ErrorCategory.CLIENT,
    -32600: ErrorCategory.CLIENT,
    -32601: ErrorCategory.METHOD,
    -32602: ErrorCategory.RECORD,
    -32603: ErrorCategory.RETRY,
    -32001: ErrorCategory.FATAL,
    -32003: ErrorCategory.METHOD,
    -32004: ErrorCategory.CLIENT,
    -32007: ErrorCategory.RECORD,
    -32008: ErrorCategory.METHOD,
    -32009: ErrorCategory.FATAL,
    -32029: ErrorCategory.LIMIT,
    -32099: ErrorCategory.CLIENT,
}

ADVICE: Mapping[AccountFault, str] = {
    AccountFault.TOKEN_INVALID: "CallGear does not recognize the access token: set a valid CALLGEAR_ACCESS_TOKEN",
    AccountFault.TOKEN_EXPIRED: "the CallGear access token has expired: create a new key and set CALLGEAR_ACCESS_TOKEN",
    AccountFault.TOKEN_BLOCKED: "the CallGear access token is blocked: unblock it or create a new key",
    AccountFault.WRONG_LOGIN: "wrong login or password: correct CALLGEAR_LOGIN and CALLGEAR_PASSWORD",
    AccountFault.IP_NOT_WHITELISTED: (
        "the IP address {ip} is not whitelisted in CallGear: add it under Account, Rules and security settings, API"
    ),
    AccountFault.INACTIVE: "the CallGear account is blocked: ask CallGear's support or pay the invoice",
}

EMAIL = re.compile(r"(?<!\S)\S+@\S+")
NUMBER = re.compile(r"\+?\d[\d\s().-]{2,}\d")
IP_ADDRESS = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b|\b[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}")
MNEMONIC = re.compile(r"[a-z][a-z0-9_]{0,59}")
MAX_TEXT_LENGTH = 200


def is_read(method: str) -> bool:
    """Return whether a call of `method` changes nothing, so that it can be repeated."""
    return method.startswith(("get.", "getobj.", "login."))


def to_exception(method: str, error: Mapping[str, Any]) -> CallGearError:
    """The exception for one `error` object with a numeric code (contract 4.1, 4.2)."""
    code = error["code"]
    data = mapping(error.get("data"))
    reported = data.get("mnemonic")
    mnemonic = reported if isinstance(reported, str) and MNEMONIC.fullmatch(reported) else ""
    match _category(method, code, mnemonic, data.get("field")):
        case ErrorCategory.RETRY:
            return UnknownOutcome(f"{method}: {mnemonic or 'internal_error'}")
        case ErrorCategory.LIMIT:
            return _limit(method, data)
        case ErrorCategory.FATAL:
            return _account(method, code, mnemonic, error)
        case ErrorCategory.METHOD:
            return MethodError(_text(method, mnemonic, error), method=method, mnemonic=mnemonic)
        case ErrorCategory.CLIENT:
            return RequestError(_text(method, mnemonic, error), method=method, mnemonic=mnemonic)
        case ErrorCategory.RECORD:
            field = data.get("field")
            return RecordError(
                _text(method, mnemonic, error),
                fault=next((fault for fault in RecordFault if fault == mnemonic), RecordFault.OTHER),
                mnemonic=mnemonic,
                field=field if isinstance(field, str) else None,
            )


def redact(text: str) -> str:
    """`text` without anything that looks like an e-mail address or a phone number, as one short printable line."""
    visible = "".join(letter if letter.isprintable() else " " for letter in text)
    return NUMBER.sub("***", EMAIL.sub("***", visible))[:MAX_TEXT_LENGTH]


def _category(method: str, code: int, mnemonic: str, field: object) -> ErrorCategory:
    if (code, mnemonic) == (-32602, "invalid_parameter_value") and is_read(method):
        return ErrorCategory.CLIENT
    if (code, mnemonic) == (-32602, "required_parameter_missed"):
        # Phones may be named as a nested part, or not at all (contract 4.1, 5.5): all else that is required was sent.
        named = isinstance(field, str) and field.rpartition(".")[2] == "phone_numbers"
        if named or (field is None and method == "update.employees"):
            return ErrorCategory.RECORD
    return BY_MNEMONIC.get((code, mnemonic)) or BY_CODE.get(code, ErrorCategory.FATAL)


def _limit(method: str, data: Mapping[str, Any]) -> CallGearError:
    limits = Limits.of(mapping(data.get("metadata")))
    kind = str(mapping(data.get("params")).get("limit_type", "")).casefold()
    if "day" in kind or ("minute" not in kind and limits.day_remaining == 0):
        return DayLimit(f"{method}: the day's points are used up", resets_in=limits.day_reset)
    resets_in = limits.minute_reset if limits.minute_reset is not None else MINUTE
    return MinuteLimit(f"{method}: the minute's points are used up", resets_in=resets_in)


def _account(method: str, code: int, mnemonic: str, error: Mapping[str, Any]) -> AccountError:
    by_code = {-32001: AccountFault.TOKEN_INVALID, -32009: AccountFault.INACTIVE}.get(code, AccountFault.UNKNOWN)
    fault = next((fault for fault in AccountFault if fault == mnemonic), by_code)
    reported_ip = mapping(mapping(error.get("data")).get("params")).get("ip")
    found = IP_ADDRESS.search(f"{reported_ip} {error.get('message')}")
    advice = ADVICE.get(fault, f"CallGear returned the unknown code {code}: ask CallGear's support")
    return AccountError(f"{method}: {advice.format(ip=found.group() if found else 'of this machine')}", fault=fault)


def _text(method: str, mnemonic: str, error: Mapping[str, Any]) -> str:
    data = mapping(error.get("data"))
    parts = [f"{method}: {mnemonic or 'code ' + str(error['code'])}"]
    if isinstance(field := data.get("field"), str):
        parts.append(f"field {redact(field)}")
    if isinstance(value := data.get("value"), str):
        parts.append(f"value of {len(value)} characters")
    if mnemonic == "error":
        message = str(error.get("message"))
        parts.append(redact(message.replace(value, "***") if isinstance(value, str) and value else message))
    return ", ".join(parts)
