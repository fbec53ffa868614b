"""The error that an answer means which is not from Bitrix24's REST."""

from collections.abc import Mapping
from typing import Final

from b24_pipeline.bitrix24.error_codes import error_of_status
from b24_pipeline.bitrix24.exceptions import AccountError, Bitrix24Error, ServerError, TransportError
from b24_pipeline.http import asks_for_login, describe_sender

_ADVICE: Final = "check the address in BITRIX24_WEBHOOK_URL, the proxy and the firewall"
_PROXY_ADVICE: Final = "put a user and a password that the proxy takes into HTTPS_PROXY"
_TOO_LARGE, _TOO_EARLY, _TIMEOUT, _TOO_MANY, _PROXY_LOGIN = 413, 425, 408, 429, 407


def foreign_error(method: str, status: int, body: bytes, *, headers: Mapping[str, str]) -> Bitrix24Error:
    """Return the error that an answer means which is not Bitrix24's. Only what may pass by itself is retryable."""
    what = describe_sender(status, body, headers)
    if status in {_TOO_LARGE, _TOO_MANY} or (what is None and status >= 500):
        return error_of_status(method, status)
    if what is None:
        return TransportError(f"{method}: HTTP {status} with a body that is not a complete JSON answer")
    advice = _PROXY_ADVICE if status == _PROXY_LOGIN else _ADVICE
    text = f"{method}: HTTP {status}: something other than Bitrix24's REST answered, {what}: {advice}"
    if status >= 500 or status in {_TIMEOUT, _TOO_EARLY}:
        return ServerError(text)
    if status < 300 and not asks_for_login(body, headers):
        return TransportError(text)
    return AccountError(text)
