"""One Bitrix24 portal paired with one CallGear account: settings, clients, database."""

import os
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from b24_pipeline import __version__
from b24_pipeline.audit import Paths
from b24_pipeline.bitrix24.client import Bitrix24
from b24_pipeline.bitrix24.rate_limit import LeakyBucket, portal_bucket
from b24_pipeline.callgear.auth import AccessToken, Login
from b24_pipeline.callgear.client import CallGear
from b24_pipeline.callgear.rate_limit import PointsBudget
from b24_pipeline.http import InvalidProxyError, Proxies, Secrets, SendGuard, Transport
from b24_pipeline.settings import AlertSettings, Settings, SettingsError

CONNECT_TIMEOUT_SECONDS = 10.0
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Timing:
    unix: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    bucket_of: Callable[[str], LeakyBucket] = portal_bucket

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.unix(), UTC)


SYSTEM_CLOCK = Timing()


@dataclass(frozen=True, slots=True)
class Connection:
    """Everything that belongs to one portal-account pair; its key, where there are several."""

    key: str | None
    settings: Settings
    bitrix24: Bitrix24
    callgear: CallGear
    paths: Paths
    now: Callable[[], datetime]
    guard: SendGuard
    """Asked before anything is sent to the account."""

    @property
    def portal_host(self) -> str:
        return urlsplit(self.settings.bitrix24_webhook_url.get_secret_value()).hostname or ""

    @property
    def callgear_host(self) -> str:
        return urlsplit(self.settings.callgear_api_url).hostname or ""

    @property
    def export_address(self) -> str | None:
        """Where the audit is exported to, if anywhere; each connection below its key."""
        address = self.settings.export
        return f"{address.rstrip('/')}/{self.key}" if address and self.key else address


def utc_now() -> datetime:
    return SYSTEM_CLOCK.now()


@contextmanager
def open_connection(
    settings: Settings, timing: Timing = SYSTEM_CLOCK, *, key: str | None = None
) -> Iterator[Connection]:
    """The clients of one connection, for as long as this lasts; together they may take the time of a run.

    Raises:
        SettingsError: the CA bundle cannot be read, or the environment names a proxy that is none.
    """
    seconds = settings.run_minutes * 60
    guard = SendGuard()
    with ExitStack() as stack:
        portal_http = stack.enter_context(service_http(settings))
        account_http = stack.enter_context(service_http(settings, guard=guard))
        yield Connection(
            key=key,
            settings=settings,
            bitrix24=portal_client(settings, timing, http=portal_http, seconds=seconds),
            callgear=CallGear(
                settings.callgear_api_url,
                credentials=credentials(settings),
                http=account_http,
                budget=PointsBudget(
                    clock=timing.monotonic,
                    sleep=timing.sleep,
                    day_reserve=settings.day_reserve,
                    deadline=timing.monotonic() + seconds,
                    unix=timing.unix,
                ),
                user_id=settings.callgear_user_id,
            ),
            paths=settings.paths,
            now=timing.now,
            guard=guard,
        )


def portal_client(settings: Settings, timing: Timing, *, http: httpx.Client, seconds: float) -> Bitrix24:
    """Return a client of the portal that may take so many seconds."""
    webhook_url = settings.bitrix24_webhook_url.get_secret_value()
    return Bitrix24(
        webhook_url,
        http=http,
        clock=timing.unix,
        sleep=timing.sleep,
        bucket=timing.bucket_of(urlsplit(webhook_url).netloc),
        deadline=timing.unix() + seconds,
    )


def service_http(settings: Settings, *, guard: SendGuard | None = None) -> httpx.Client:
    """Return the HTTP client for one of the two services.

    Raises:
        SettingsError: the CA bundle cannot be read, or the environment names a proxy that is none.
    """
    seconds = settings.http_timeout_seconds
    return http_client(
        settings,
        timeout=httpx.Timeout(seconds, connect=min(CONNECT_TIMEOUT_SECONDS, seconds)),
        max_bytes=settings.max_response_mib * MIB,
        secrets=secrets_of(settings),
        guard=guard,
    )


def http_client(
    settings: AlertSettings, *, timeout: httpx.Timeout, max_bytes: int, secrets: Secrets, guard: SendGuard | None = None
) -> httpx.Client:
    """Connections are kept, TLS is always verified, redirects are left to the caller.

    The time-out for reading is that of a whole exchange. The settings say whom TLS trusts; the environment, which
    proxies there are.

    Raises:
        SettingsError: the environment names a proxy or certificates that cannot be used.
    """
    return httpx.Client(
        transport=Transport(
            authorities=ssl_context(settings),
            proxies=proxies_of_environment(),
            max_bytes=max_bytes,
            secrets=secrets,
            guard=guard,
        ),
        timeout=timeout,
        headers={"User-Agent": f"b24-pipeline/{__version__}", "Accept": "application/json"},
        follow_redirects=False,
        trust_env=False,
    )


def proxies_of_environment() -> Proxies:
    """The proxies that the environment names.

    Raises:
        SettingsError: one of them cannot be used.
    """
    try:
        return Proxies.of(os.environ)
    except InvalidProxyError as error:
        raise SettingsError(str(error)) from None


def secrets_of(settings: Settings) -> Secrets:
    webhook = urlsplit(settings.bitrix24_webhook_url.get_secret_value())
    alerts = urlsplit(settings.alert_webhook_url.get_secret_value() if settings.alert_webhook_url else "")
    token, password, smtp = settings.callgear_access_token, settings.callgear_password, settings.alert_smtp_password
    return Secrets.of(
        keys=[
            webhook.path.rstrip("/").rpartition("/")[2],
            token.get_secret_value() if token else None,
            alerts._replace(scheme="", netloc="").geturl().lstrip("/"),
        ],
        passwords=[secret.get_secret_value() for secret in (password, smtp) if secret]
        + [proxy.login[1] for proxy in proxies_of_environment().all() if proxy.login],
    )


def ssl_context(settings: AlertSettings) -> ssl.SSLContext:
    """The usual certificate authorities, and the private one of the settings.

    Raises:
        SettingsError: what names them, a setting or a variable, names none.
    """
    named = os.environ.get("SSL_CERT_FILE", ""), os.environ.get("SSL_CERT_DIR", "")
    if settings.ca_bundle is None:
        return default_ssl_context(*named)
    context = load_ssl_context(*named)
    try:
        context.load_verify_locations(cafile=str(settings.ca_bundle))
    except (OSError, ssl.SSLError):
        raise SettingsError(
            f"B24_PIPELINE_CA_BUNDLE: {settings.ca_bundle} is not a readable file of certificates (PEM). "
            "Example: B24_PIPELINE_CA_BUNDLE=/etc/ssl/private-ca.pem"
        ) from None
    return context


def load_ssl_context(file: str = "", folder: str = "") -> ssl.SSLContext:
    """The authorities of `SSL_CERT_FILE`, else of `SSL_CERT_DIR`, else those that come with this program.

    Raises:
        SettingsError: there are none.
    """
    try:
        if folder and not file:
            next(Path(folder).iterdir())  # TLS itself does not say when there is nothing in the folder
        return httpx.create_ssl_context(trust_env=True)
    except (OSError, StopIteration, ssl.SSLError):
        variable, named, kind = ("SSL_CERT_FILE", file, "file") if file else ("SSL_CERT_DIR", folder, "folder")
        raise SettingsError(
            f"{variable}: {named} is not a readable {kind} of certificates (PEM). Leave it out, or give the right one. "
            f"Example: {variable}=/etc/ssl/certs{'/ca-certificates.crt' if file else ''}"
        ) from None


default_ssl_context = cache(load_ssl_context)
"""Kept, for reading takes 25 ms, and the sensor would do so twice a minute."""


def credentials(settings: Settings) -> AccessToken | Login:
    """A key, or login and password (the settings have checked that one of both is there)."""
    if settings.callgear_access_token is not None:
        return AccessToken(settings.callgear_access_token.get_secret_value())
    password = settings.callgear_password
    return Login(settings.callgear_login or "", password.get_secret_value() if password else "")
