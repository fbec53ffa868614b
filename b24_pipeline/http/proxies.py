"""The proxies that the environment names, and which hosts are reached without one."""

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

import httpx

EXAMPLE: Final = "http://proxy.company.com:3128"
_ANY_SCHEME: Final = "all"
_SCHEMES: Final = ("http", "https")


class InvalidProxyError(ValueError):
    """The environment names a proxy that cannot be used; the text is one line, without its password."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy, and the variable that names it."""

    variable: str
    url: str = field(repr=False)
    login: tuple[str, str] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, variable: str, address: str) -> "Proxy":
        """Read the variable's value; without a scheme it is `http`.

        Raises:
            InvalidProxyError: it is none, or one of a kind that is not supported.
        """
        address = address if "://" in address else f"http://{address}"
        if not has_usable_host(address) or not (url := httpx.URL(address)).host or (url.port or 0) > 65_535:
            raise _bad(variable, "is not a valid proxy URL")
        if url.scheme.startswith("socks"):
            raise _bad(variable, "names a SOCKS proxy, which is not supported: give the address of an HTTP proxy")
        if url.scheme not in _SCHEMES:
            raise _bad(variable, "is not a valid proxy URL")
        login = (unquote(url.username), unquote(url.password)) if url.userinfo else None
        return cls(variable, str(url.copy_with(username=None, password=None, path="/", query=None)), login)


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxies by scheme, and the entries of `NO_PROXY`."""

    by_scheme: Mapping[str, Proxy] = field(default_factory=dict)
    exceptions: tuple[str, ...] = ()

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Proxies":
        """The proxies that the environment names; of a name in lower and upper case the lower one counts, as usual.

        Raises:
            InvalidProxyError: one of them cannot be used.
        """
        named: dict[str, Proxy] = {}
        for scheme in (*_SCHEMES, _ANY_SCHEME):
            lower, upper = f"{scheme}_proxy", f"{scheme.upper()}_PROXY"
            variable = lower if lower in environment else upper
            if address := environment.get(variable, "").strip():
                named[scheme] = Proxy.of(variable, address)
        whole = {scheme: named.get(scheme) or named.get(_ANY_SCHEME) for scheme in _SCHEMES}
        without = environment.get("no_proxy", environment.get("NO_PROXY", ""))
        return cls(
            {scheme: proxy for scheme, proxy in whole.items() if proxy is not None},
            tuple(without.casefold().replace(",", " ").split()),
        )

    def all(self) -> Iterator[Proxy]:
        yield from dict.fromkeys(self.by_scheme.values())

    def for_url(self, url: httpx.URL) -> Proxy | None:
        """The proxy to reach an address by; None for this machine and for what `NO_PROXY` names."""
        proxy = self.by_scheme.get(url.scheme)
        if proxy is None or is_loopback(url.host):
            return None
        port = url.port or {"http": 80, "https": 443}.get(url.scheme, 0)
        return None if any(covers(entry, url.host, port) for entry in self.exceptions) else proxy


def is_loopback(host: str) -> bool:
    name = host.casefold().rstrip(".")
    number = _ip(name)
    return number.is_loopback if number is not None else name == "localhost" or name.endswith(".localhost")


def covers(entry: str, host: str, port: int) -> bool:
    """Return whether an entry of `NO_PROXY` names the host; one that cannot be read names nothing.

    An entry is `*`, a domain (and all below it), an address or a network; the first three may have a port.
    """
    name = host.casefold().rstrip(".").strip("[]")
    if entry == "*":
        return True
    number = _ip(name)
    if number is not None and (network := _network(entry)) is not None:
        return number in network
    before, colon, last = entry.rpartition(":")
    has_port = bool(colon) and last.isascii() and last.isdigit() and (":" not in before or before.endswith("]"))
    if has_port and int(last) != port:
        return False
    wanted = (before if has_port else entry).strip("[]").removeprefix("*").strip(".")
    return bool(wanted) and (name == wanted or (number is None and name.endswith(f".{wanted}")))


def _bad(variable: str, what: str) -> InvalidProxyError:
    return InvalidProxyError(f"{variable}: {what}. Example: {variable}={EXAMPLE}")


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text.strip("[]"), strict=False)
    except ValueError:
        return None


def has_usable_host(address: str) -> bool:
    """Return whether the address's host can be looked up; that it exists is not asked.

    A mistyped host fails only on the way out, in each library with an error of its own.
    """
    try:
        url = httpx.URL(address)
        _ = url.host  # decodes IDNA, as every request does
        url.raw_host.decode("ascii").encode("idna")  # as the socket does: no label may be empty or too long
    except (httpx.InvalidURL, UnicodeError):
        return False
    return True
