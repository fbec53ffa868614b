"""The way to a server and back: one deadline over a whole exchange, the proxies of the environment, no secret echoed.

httpx has a time-out for each piece that is read or written, which headers that drip, `102 Processing` without end and a
slow body never reach. Here the time-out for reading is that of the exchange: connecting, sending and every byte of the
answer have to be done by then. Only the look-up of a host's name has the system's own time-out.
"""

import logging
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

import httpcore
import httpx

from b24_pipeline.http.decoding import ACCEPT_ENCODING, decoded_body
from b24_pipeline.http.exceptions import HOST_NOT_FOUND, ProxyFailed, ProxyRefused
from b24_pipeline.http.proxies import Proxies, Proxy
from b24_pipeline.http.redaction import Secrets

MAX_CONNECTIONS: Final = 64
KEEPALIVE_SECONDS: Final = 5.0
"""httpx's own value."""

_FAULTS: Final = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)
_LOGIN_WANTED: Final = 407
_REFUSALS: Final = frozenset({400, 401, 403, 404, 405, 451})
"""Permanent refusals of a proxy; any other status is temporary."""

_LOGGERS_WITH_URLS: Final = (
    "httpx",
    *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy", "socks")),
)
"""Loggers that write whole URLs at INFO, and redirect targets in headers at DEBUG."""


def _not_an_address(record: logging.LogRecord) -> bool:
    """Drop the record: a webhook's URL is its secret. Child loggers do not inherit filters, so each has it."""
    return record.levelno > logging.INFO


for _name in _LOGGERS_WITH_URLS:
    logging.getLogger(_name).addFilter(_not_an_address)


class SendGuard:
    """Asked before each piece is sent: `check` raises where nothing more may be, as by a process that was frozen."""

    def __init__(self) -> None:
        self.check: Callable[[], None] = lambda: None


class Transport(httpx.BaseTransport):
    """Carries requests; every answer is there as a whole when it is returned, decoded and without our secrets."""

    def __init__(
        self,
        *,
        authorities: ssl.SSLContext,
        proxies: Proxies,
        max_bytes: int,
        secrets: Secrets,
        guard: SendGuard | None = None,
    ) -> None:
        network = _Backend(guard or SendGuard())
        self._proxies = proxies
        self._most_bytes = max_bytes
        self._secrets = secrets
        self._pools = {
            proxy: httpcore.ConnectionPool(
                ssl_context=authorities,
                proxy=None if proxy is None else httpcore.Proxy(proxy.url, auth=proxy.login, ssl_context=authorities),
                max_connections=MAX_CONNECTIONS,
                max_keepalive_connections=MAX_CONNECTIONS,
                keepalive_expiry=KEEPALIVE_SECONDS,
                network_backend=network,
            )
            for proxy in (None, *proxies.all())
        }

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Carry out one exchange.

        Raises:
            ResponseRefused: the answer is too large, or encoded in a way that is not decoded.
            ProxyRefused: the proxy does not let the request through.
            httpx.RequestError: anything else that httpx says; a time-out also where pieces came until the deadline.
        """
        proxy = self._proxies.for_url(request.url)
        try:
            response = self._pools[proxy].handle_request(_as_sent(request))
            try:
                return self._whole(response, proxy)
            finally:
                response.close()
        except _FAULTS as error:
            raise _error_of(error, proxy) from error

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()

    def _whole(self, response: httpcore.Response, proxy: Proxy | None) -> httpx.Response:
        headers = httpx.Headers(response.headers)
        if proxy is not None and response.status == _LOGIN_WANTED:
            raise _refused_by(proxy, response.status)
        body = decoded_body(
            response.iter_stream(), encoding=headers.pop("Content-Encoding", ""), max_bytes=self._most_bytes
        )
        return httpx.Response(
            response.status,
            headers=self._secrets.blank_headers(headers),
            content=self._secrets.blank_body(body, status=response.status),
        )


class _Seconds(float):
    """A time-out for one piece that ends with the exchange it belongs to."""

    ends: float

    @classmethod
    def until(cls, ends: float, seconds: float) -> "_Seconds":
        self = cls(seconds)
        self.ends = ends
        return self


def _as_sent(request: httpx.Request) -> httpcore.Request:
    """The request as httpcore takes it, with the time-out for reading as the deadline of all."""
    request.headers["Accept-Encoding"] = ACCEPT_ENCODING
    url, timeouts = request.url, request.extensions.get("timeout", {})
    longest = timeouts.get("read")
    if longest is not None:
        ends = time.monotonic() + longest
        timeouts = {
            name: _Seconds.until(ends, longest if timeouts.get(name) is None else min(longest, timeouts[name]))
            for name in ("connect", "read", "write", "pool")
        }
    return httpcore.Request(
        method=request.method,
        url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=request.headers.raw,
        content=request.stream,
        extensions={**request.extensions, "timeout": timeouts},
    )


def _left(timeout: float | None, over: type[Exception]) -> float | None:
    if not isinstance(timeout, _Seconds):
        return timeout
    left = min(timeout, timeout.ends - time.monotonic())
    if left <= 0:
        raise over("the exchange did not end in time")
    return left


class _Stream(httpcore.NetworkStream):
    """A connection; httpcore passes on the time-out of the exchange that uses it at the moment."""

    def __init__(self, stream: httpcore.NetworkStream, guard: SendGuard) -> None:
        self._stream = stream
        self._guard = guard

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        left = _left(timeout, httpcore.WriteTimeout)
        self._guard.check()
        self._stream.write(buffer, left)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._guard)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - as httpcore has it
        return self._stream.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    """Connects; a host of several addresses gets no more time than one of a single address that answers."""

    def __init__(self, guard: SendGuard) -> None:
        self._sockets = httpcore.SyncBackend()
        self._guard = guard

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{HOST_NOT_FOUND}: {error}") from error
        failure: Exception = httpcore.ConnectError("the host has no address")
        for address in dict.fromkeys(str(address[0]) for *_, address in found):
            left = _left(timeout, httpcore.ConnectTimeout)
            try:
                stream = self._sockets.connect_tcp(address, port, left, local_address, socket_options)
                return _Stream(stream, self._guard)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


def _error_of(error: Exception, proxy: Proxy | None) -> httpx.RequestError:
    """The error of httpcore as httpx has it; one of a proxy names its variable."""
    if proxy is not None and isinstance(error, httpcore.ProxyError):
        status = str(error)[:3]
        return _refused_by(proxy, int(status) if status.isascii() and status.isdigit() else 0)
    unreachable = isinstance(error, httpcore.ConnectError | httpcore.ConnectTimeout)
    if proxy is not None and unreachable and "CERTIFICATE_VERIFY_FAILED" not in str(error):
        return ProxyFailed(f"no connection through the proxy that {proxy.variable} names")
    kind: type[httpx.RequestError] = getattr(httpx, type(error).__name__, httpx.TransportError)
    return kind(str(error))


def _refused_by(proxy: Proxy, status: int) -> httpx.ProxyError:
    if status == _LOGIN_WANTED:
        return ProxyRefused(
            f"the proxy that {proxy.variable} names asks for a login (407): give it one, "
            f"such as {proxy.variable}=http://user:password@proxy.company.com:3128"
        )
    said = f"the proxy that {proxy.variable} names answered with status {status}"
    if status in _REFUSALS:
        return ProxyRefused(f"{said}: let it allow this host, or name the host in NO_PROXY")
    return ProxyFailed(said)
