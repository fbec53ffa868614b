"""Exceptions of an HTTP exchange, and their description for people, without any URL or secret."""

from typing import Final

import httpx


class ResponseRefused(httpx.RequestError):
    """The answer is too large, or encoded in a way that is not decoded: repeating does not help. The text says what."""


class ProxyRefused(httpx.ProxyError):
    """The proxy does not let the request through: repeating does not help. The text names the variable of the proxy."""


class ProxyFailed(httpx.ProxyError):
    """The proxy cannot be reached, or could not reach the host. The text names the variable of the proxy."""


HOST_NOT_FOUND: Final = "the host name was not found"
"""Start of the message of a failed DNS lookup."""


def describe_error(error: Exception, *, system: str, timeout: httpx.Timeout) -> str:
    """Say what went wrong between us and another system; `system` is how people call it, for example `CallGear`."""
    match error:
        case ProxyRefused() | ProxyFailed() | ResponseRefused():
            return str(error)
        case httpx.TimeoutException():
            return _describe_timeout(error, system, timeout)
        case httpx.ConnectError():
            return f"no connection to {system}: {_describe_refusal(str(error))}"
        case httpx.NetworkError():
            return f"the connection to {system} {'was reset' if 'reset' in str(error).lower() else 'broke off'}"
        case httpx.RemoteProtocolError():
            return f"{system} {_describe_end(str(error))}"
    damaged = isinstance(error, httpx.DecodingError)
    return f"the compressed answer of {system} is damaged" if damaged else f"the connection to {system} failed"


def _describe_timeout(error: httpx.TimeoutException, system: str, timeout: httpx.Timeout) -> str:
    connecting = isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout)
    seconds = timeout.connect if connecting else timeout.read
    within = "in time" if seconds is None else f"within {round(seconds, 1):g} s"
    return f"no connection to {system} came about {within}" if connecting else f"{system} did not answer {within}"


def _describe_refusal(text: str) -> str:
    if "refused" in text.lower():
        return "it was refused"
    return HOST_NOT_FOUND if text.startswith(HOST_NOT_FOUND) else "the host cannot be reached"


def _describe_end(text: str) -> str:
    if text.startswith("Server disconnected"):
        return "closed the connection without an answer"
    if text.startswith("peer closed connection"):
        return "closed the connection in the middle of the answer"
    return "sent something that is not HTTP"
