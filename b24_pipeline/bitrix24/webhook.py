"""The webhook's address: where requests go, what of it may be said, which redirects are followed (contract 1.6)."""

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, urljoin, urlsplit

from b24_pipeline.bitrix24.exceptions import AccountError
from b24_pipeline.http import has_usable_host

_CLOUD: Final = re.compile(r"[^.]+\.(bitrix24\.[a-z]{2,}(\.[a-z]{2,})?)")


@dataclass(frozen=True, slots=True)
class WebhookAddress:
    """An inbound webhook. Only `host` and `port` may be shown: the rest of the address is the credential."""

    scheme: str
    host: str
    port: int
    root: str = field(repr=False)

    @classmethod
    def of(cls, webhook_url: str) -> "WebhookAddress":
        """Read the address a person gave.

        Raises:
            AccountError: it is not a webhook's address; the text does not repeat it.
        """
        parts = _split(webhook_url.strip())
        if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
            raise AccountError(
                "BITRIX24_WEBHOOK_URL is not a webhook URL, such as https://name.bitrix24.com/rest/1/code/"
            )
        return _address(parts, f"{parts.path.rstrip('/')}/")

    def url(self, method: str) -> str:
        return self.root + method

    def follow_redirect(self, method: str, location: str) -> "WebhookAddress":
        """The webhook's new address, from where a call of `method` was redirected to.

        Raises:
            AccountError: the redirect leads to another scheme, outside the portal's domain, or not to the method.
        """
        parts = _split(location, base=self.url(method))
        if parts is None or not parts.hostname or not parts.path.rstrip("/").endswith(f"/{method}"):
            raise AccountError(
                f"{method}: the portal redirects to a URL that is not a webhook: check BITRIX24_WEBHOOK_URL"
            )
        if parts.scheme != self.scheme or "@" in parts.netloc:
            raise AccountError(
                f"{method}: the portal redirects from {self.scheme} to another kind of address, which is not followed:"
                " put the portal's present address into BITRIX24_WEBHOOK_URL"
            )
        if not _same_portal(self.host, parts.hostname):
            raise AccountError(
                f"{method}: the portal redirects to the host {parts.hostname}, outside its own domain, which is not"
                " followed: if that is right, put the new address into BITRIX24_WEBHOOK_URL"
            )
        return _address(parts, parts.path.rstrip("/").removesuffix(method))

    def changed_host(self, earlier: "WebhookAddress") -> str | None:
        """Return the new host, with its port if that has changed; None if nothing has."""
        if self.port != earlier.port:
            return f"{self.host}:{self.port}"
        return self.host if self.host != earlier.host else None


def _address(parts: SplitResult, path: str) -> WebhookAddress:
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    return WebhookAddress(parts.scheme, parts.hostname or "", port, f"{parts.scheme}://{parts.netloc}{path}")


def _split(url: str, *, base: str = "") -> SplitResult | None:
    try:
        parts = urlsplit(urljoin(base, url))
        _ = parts.port
    except ValueError:
        return None
    return parts if has_usable_host(parts.geturl()) else None


def _same_portal(host: str, new_host: str) -> bool:
    """Renames happen in the cloud, below one of Bitrix24's domains; elsewhere only the host itself is trusted."""
    here, there = _CLOUD.fullmatch(host.casefold()), _CLOUD.fullmatch(new_host.casefold())
    if here and there:
        return here[1] == there[1]
    return host == new_host or {host, new_host} <= {"localhost", "127.0.0.1", "::1"}
