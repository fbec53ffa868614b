"""Turns a fault into what the client gets."""

import gzip
import zlib
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote

from b24_pipeline.sandbox.bitrix24 import errors
from b24_pipeline.sandbox.bitrix24.api import SECRET, Bitrix24Api
from b24_pipeline.sandbox.bitrix24.errors import Refusal
from b24_pipeline.sandbox.callgear.api import (
    ACCESS_TOKEN,
    PASSWORD,
    Call,
    CallGearApi,
    ip_not_whitelisted,
    limit_exceeded,
)
from b24_pipeline.sandbox.callgear.errors import CallGearError, Mnemonic
from b24_pipeline.sandbox.faults import Fault, FaultKind
from b24_pipeline.sandbox.responses import Answer, Delivery, json_answer
from b24_pipeline.sandbox.types import Json

DELIVERIES = {
    FaultKind.CONNECTION_REFUSED: Delivery.CLOSED,
    FaultKind.RESET_BEFORE: Delivery.RESET,
    FaultKind.RESET_AFTER: Delivery.RESET,
    FaultKind.TIMEOUT_BEFORE: Delivery.SILENT,
    FaultKind.TIMEOUT_AFTER: Delivery.SILENT,
    FaultKind.TRUNCATED_BODY: Delivery.CUT,
    FaultKind.HEADERS_DRIP: Delivery.HEADERS_DRIP,
    FaultKind.ENDLESS_PROCESSING: Delivery.ENDLESS_PROCESSING,
    FaultKind.BODY_DRIPS: Delivery.BODY_DRIPS,
    FaultKind.BODY_FALLS_SILENT: Delivery.FALLS_SILENT,
    FaultKind.ENDLESS_BODY: Delivery.ENDLESS,
}
EVERY_SECRET = " ".join((SECRET, ACCESS_TOKEN, PASSWORD, quote(f"/rest/1/{SECRET}/", safe="")))
WARNING = b"<br />\n<b>Warning</b>:  Undefined array key in {closure}() in <b>/x/init.php</b> on line <b>12</b><br />\n"
PAGE = b'\n<!-- 0.12 s --><script>BX.message({"LANGUAGE_ID":"en"})</script></body></html>'
BITRIX24_ERRORS = {
    FaultKind.QUERY_LIMIT_EXCEEDED: errors.TOO_MANY_REQUESTS,
    FaultKind.OVERLOAD_LIMIT: Refusal(503, "OVERLOAD_LIMIT", "REST API is blocked due to overload."),
    FaultKind.OPERATION_TIME_LIMIT: errors.OPERATING_TIME_USED_UP,
    FaultKind.WEBHOOK_REVOKED_401: errors.WRONG_WEBHOOK,
    FaultKind.WEBHOOK_REVOKED_403: Refusal(403, "INVALID_CREDENTIALS", "Invalid request credentials"),
    FaultKind.INTERNAL_ERROR_BEFORE: errors.INTERNAL_ERROR,
    FaultKind.INTERNAL_ERROR_AFTER: errors.INTERNAL_ERROR,
    FaultKind.ECHOED_ERROR: Refusal(400, f"ERROR_{SECRET}", EVERY_SECRET),
    FaultKind.WEBHOOK_MISTYPED: Refusal(401, "INVALID_CREDENTIALS", "Invalid request credentials"),
    FaultKind.PAYMENT_REQUIRED: Refusal(402, "PAYMENT_REQUIRED", "Payment required"),
    FaultKind.PORTAL_DELETED: Refusal(403, "PORTAL_DELETED", "Portal was deleted"),
    FaultKind.PORTAL_CLOSED: Refusal(500, "PORTAL_DELETED", "Portal was deleted"),
    FaultKind.OWNER_IN_EXTRANET: Refusal(403, "allowed_only_intranet_user"),
    FaultKind.PLAN_WITHOUT_REST: Refusal(403, "ACCESS_DENIED", "REST API is available only on commercial plans"),
    FaultKind.WRONG_ENCODING: Refusal(200, "WRONG_ENCODING", "Wrong request encoding"),
    FaultKind.EMPTY_CODE: Refusal(403, "", "Access to REST is closed"),
}
CALLGEAR_ERRORS: dict[FaultKind, Mnemonic] = {
    FaultKind.TOKEN_INVALID: Mnemonic.ACCESS_TOKEN_INVALID,
    FaultKind.TOKEN_EXPIRED: Mnemonic.ACCESS_TOKEN_EXPIRED,
    FaultKind.TOKEN_BLOCKED: Mnemonic.ACCESS_TOKEN_BLOCKED,
    FaultKind.ACCOUNT_INACTIVE: Mnemonic.ACCOUNT_INACTIVE,
    FaultKind.INTERNAL_ERROR_BEFORE: Mnemonic.INTERNAL_ERROR,
    FaultKind.INTERNAL_ERROR_AFTER: Mnemonic.INTERNAL_ERROR,
}
BUDGETS = {FaultKind.LIMIT_MINUTE: "minute", FaultKind.LIMIT_DAY: "day"}
NOTHING = Answer(status=200, body=b"", content_type="application/json; charset=utf-8")


def _page(status: int, title: str, *, more: str = "", headers: dict[str, str] | None = None) -> Answer:
    body = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>{more}".encode()
    return Answer(status=status, body=body, content_type="text/html", headers=headers or {})


FOREIGN = {
    FaultKind.HTTP_500: _page(500, "Internal Server Error"),
    FaultKind.HTTP_502_HTML: _page(502, "Bad Gateway"),
    FaultKind.HTTP_502_AFTER: _page(502, "Bad Gateway"),
    FaultKind.HTTP_504_LATER: _page(504, "Gateway Timeout"),
    FaultKind.OK_HTML: _page(200, "Welcome"),
    FaultKind.LOGIN_REQUIRED: _page(
        401, "401 Authorization Required", headers={"www-authenticate": 'Basic realm="intranet"'}
    ),
    FaultKind.FORBIDDEN_PAGE: _page(403, "403 Forbidden"),
    FaultKind.NOT_FOUND_PAGE: _page(404, "404 Not Found"),
    FaultKind.LOGIN_PAGE: _page(
        200, "Company portal", more='<form method="post"><input name="USER_PASSWORD" type="password"></form>'
    ),
    FaultKind.ECHOED_PAGE: _page(
        403, EVERY_SECRET, headers={"www-authenticate": f'Basic realm="{EVERY_SECRET}"', "x-echo": EVERY_SECRET}
    ),
    FaultKind.OTHER_JSON: json_answer({"message": "Forbidden", "request_id": "5f2c"}, status=403),
}
"""The answers of a web server in front of the real thing."""
BOMB_MIB = 1024


def gzip_bomb() -> bytes:
    """So many MiB of blanks in gzip, which are a thousandth of it; the checksum at the end is missing."""
    packer = zlib.compressobj(level=9, wbits=16 + zlib.MAX_WBITS)
    begin = packer.compress(b" " * 2**20) + packer.flush(zlib.Z_FULL_FLUSH)
    following = packer.compress(b" " * 2**20) + packer.flush(zlib.Z_FULL_FLUSH)
    return begin + following * (BOMB_MIB - 1)


ENCODED: dict[FaultKind, tuple[str, Callable[[], bytes]]] = {
    FaultKind.GZIP_BOMB: ("gzip", gzip_bomb),
    FaultKind.GZIP_IN_GZIP: ("gzip, gzip", lambda: gzip.compress(gzip_bomb())),
    FaultKind.UNKNOWN_ENCODING: ("br", lambda: b"\x0b\x00\x80{}\x03"),
}
SPOILED: dict[FaultKind, Callable[[bytes], bytes]] = {
    FaultKind.EMPTY_BODY: lambda _: b"",
    FaultKind.TRUNCATED_JSON: lambda body: body[: len(body) // 2],
    FaultKind.WARNING_BEFORE: lambda body: WARNING + body,
    FaultKind.PAGE_AFTER: lambda body: body + PAGE,
    FaultKind.ANSWER_TWICE: lambda body: body * 2,
}


def failed(fault: Fault, answer: Answer | None, *, refused: Callable[[Fault], Answer | None], moved_to: str) -> Answer:
    """What the client gets in place of the answer of a server that acted, None where it did not.

    `refused` is the system's own error answer for a fault, if it has one; a redirect that names no other address leads
    to `moved_to`.
    """
    kind, sent = fault.kind, answer or NOTHING
    if kind in DELIVERIES:
        return replace(sent, delivery=DELIVERIES[kind])
    if kind in SPOILED:
        return replace(sent, body=SPOILED[kind](sent.body))
    if kind in ENCODED:
        encoding, encoded = ENCODED[kind]
        return replace(sent, body=encoded(), headers={"content-encoding": encoding})
    if kind is FaultKind.REDIRECT_302:
        return replace(NOTHING, status=302, headers={"location": fault.location or moved_to})
    return FOREIGN.get(kind) or refused(fault) or FOREIGN[FaultKind.HTTP_500]


def bitrix24_refusal(fault: Fault, api: Bitrix24Api, method: str) -> Answer | None:
    """The portal's own error answer for a fault."""
    refusal = BITRIX24_ERRORS.get(fault.kind)
    return None if refusal is None else api.refused(refusal, method)


def callgear_refusal(fault: Fault, api: CallGearApi, call: Call) -> Answer | None:
    """The account's own error answer for a fault."""
    kind = fault.kind
    if kind is FaultKind.MNEMONIC:
        data: dict[str, Json] = {"mnemonic": fault.mnemonic, **({"field": fault.field} if fault.field else {})}
        error = {"code": fault.code, "message": fault.mnemonic.replace("_", " "), "data": data}
        return api.refused_with(call, error)
    if kind is FaultKind.ECHOED_ERROR:
        data = {"mnemonic": "error", "field": EVERY_SECRET, "value": "x", "params": {"object": EVERY_SECRET}}
        return api.refused_with(call, {"code": -32602, "message": EVERY_SECRET, "data": data})
    if kind is FaultKind.IP_NOT_WHITELISTED:
        return api.refused(call, ip_not_whitelisted())
    if kind in BUDGETS:
        budget, limits = BUDGETS[kind], api.limits()
        refusal = limit_exceeded(budget, limits[f"{budget}_limit"])
        spent = {"limits": {**limits, f"{budget}_remaining": 0}}
        return api.refused_with(call, refusal.as_json(spent), refusal.mnemonic)
    return api.refused(call, CallGearError(CALLGEAR_ERRORS[kind])) if kind in CALLGEAR_ERRORS else None
