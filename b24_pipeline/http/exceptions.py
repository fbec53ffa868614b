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
    said = str(error)
    match error:
        case ProxyRefused() | ProxyFailed() | ResponseRefused():
            return said
        case httpx.TimeoutException():
            connecting = isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout)
            seconds = timeout.connect if connecting else timeout.read
            within = "in time" if seconds is None else f"within {round(seconds, 1):g} s"
            what = f"no connection to {system} came about" if connecting else f"{system} did not answer"
            return f"{what} {within}"
        case httpx.ConnectError():
            why = HOST_NOT_FOUND if said.startswith(HOST_NOT_FOUND) else "the host cannot be reached"
            return f"no connection to {system}: {'it was refused' if 'refused' in said.lower() else why}"
        case httpx.NetworkError():
            return f"the connection to {system} {'was reset' if 'reset' in said.lower() else 'broke off'}"
        case httpx.RemoteProtocolError():
            return f"{system} {_describe_end(said)}"
    damaged = isinstance(error, httpx.DecodingError)
    return f"the compressed answer of {system} is damaged" if damaged else f"the connection to {system} failed"


def _describe_end(text: str) -> str:
    if text.startswith("Server disconnected"):
        return "closed the connection without an answer"
    if text.startswith("peer closed connection"):
        return "closed the connection in the middle of the answer"
    return "sent something that is not HTTP"
