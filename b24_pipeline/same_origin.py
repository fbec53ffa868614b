"""Same-origin guard of a local web server: accepts requests to a known host, from no foreign web page.

Any page that is open in a browser can send requests to this machine: by an image, a form, a script or a WebSocket, also
under a host name of its own that it lets point here (DNS rebinding). A browser tells where a request comes from.
"""

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.types import Scope

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
DEFAULT_PORTS = {"http": ":80", "https": ":443"}
OWN_SITES = ("same-origin", "none")
"""`Sec-Fetch-Site` of our own pages, and of an address that a person has typed; only browsers send it."""
NAVIGATION = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
"""Somebody follows a link to us, for example from an alert; a frame within another page is none."""


def loopback_hosts(port: int) -> frozenset[str]:
    """Return the values of `Host` that a browser on this machine sends."""
    return frozenset(LOOPBACK_NAMES if port == 80 else (f"{name}:{port}" for name in LOOPBACK_NAMES))


def refusal(scope: Scope, *, known_hosts: Collection[str]) -> str | None:
    """Return the reason to refuse a request or a WebSocket; None to accept it.

    The known hosts are in lower case, `name:port`, or `name` for that name with any port.
    """
    headers = Headers(scope=scope)
    host = headers.get("host", "").lower()
    name, _, port = host.rpartition(":")
    is_known = host in known_hosts or (port.isdecimal() and name in known_hosts)
    if not is_known or len(headers.getlist("host")) > 1:
        return "This server has another host name. If this is one of the Dagster UI, allow it with --allowed-host."
    if not all(is_same_origin(origin, host) for origin in headers.getlist("origin")):
        return "Another web page (Origin) may not do this."
    is_from_own_site = all(site in OWN_SITES for site in headers.getlist("sec-fetch-site"))
    is_navigation = all(headers.get(name) == value for name, value in NAVIGATION.items())
    if not (is_from_own_site or (is_navigation and scope.get("method") == "GET")):
        return "Another web page (Sec-Fetch-Site) may not do this."
    return None


def is_same_origin(origin: str, host: str) -> bool:
    """Return whether `Origin` is the server itself, which knows only its `Host`: TLS may end at a proxy before it."""
    scheme, _, origin_host = origin.lower().partition("://")
    port = DEFAULT_PORTS.get(scheme)
    return port is not None and origin_host.removesuffix(port) == host.removesuffix(port)
