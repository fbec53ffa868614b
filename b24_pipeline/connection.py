"""One Bitrix24 portal paired with one CallGear account: settings, clients, database. A later version serves many."""

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpx

from b24_pipeline import __version__
from b24_pipeline.bitrix24.bucket import LeakyBucket, portal_bucket
from b24_pipeline.bitrix24.client import Bitrix24
from b24_pipeline.callgear.budget import PointsBudget
from b24_pipeline.callgear.client import CallGear
from b24_pipeline.callgear.session import AccessToken, Login
from b24_pipeline.hosts import has_usable_host
from b24_pipeline.settings import AlertSettings, Settings, SettingsError
from b24_pipeline.store import Paths

CONNECT_TIMEOUT_SECONDS = 10.0
BAD_PROXY = (
    "HTTPS_PROXY (or HTTP_PROXY, ALL_PROXY, NO_PROXY): is no address of a proxy. "
    "Example: HTTPS_PROXY=http://proxy.company.com:3128"
)


@dataclass(frozen=True, slots=True)
class Timing:
    """How a connection tells the time, waits, and spaces its requests to a portal."""

    unix: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    bucket_of: Callable[[str], LeakyBucket] = portal_bucket

    def now(self) -> datetime:
        """The time in UTC."""
        return datetime.fromtimestamp(self.unix(), UTC)


MACHINE_TIME = Timing()


@dataclass(frozen=True, slots=True)
class Connection:
    """Everything that belongs to one portal-account pair."""

    settings: Settings
    bitrix24: Bitrix24
    callgear: CallGear
    paths: Paths
    now: Callable[[], datetime]

    @property
    def portal_host(self) -> str:
        """The portal's host name."""
        return urlsplit(self.settings.bitrix24_webhook_url.get_secret_value()).hostname or ""

    @property
    def callgear_host(self) -> str:
        """The account's API host name."""
        return urlsplit(self.settings.callgear_api_url).hostname or ""


def utc_now() -> datetime:
    """The time."""
    return MACHINE_TIME.now()


@contextmanager
def open_connection(settings: Settings, timing: Timing = MACHINE_TIME) -> Iterator[Connection]:
    """The clients of one connection, for as long as this lasts.

    Raises:
        SettingsError: the CA bundle cannot be read, or the environment names a proxy that is none.
    """
    webhook_url = settings.bitrix24_webhook_url.get_secret_value()
    authorities = trusted_authorities(settings)
    with ExitStack() as stack:
        portal_http, account_http = (stack.enter_context(http_client(settings, authorities)) for _ in range(2))
        yield Connection(
            settings=settings,
            bitrix24=Bitrix24(
                webhook_url,
                http=portal_http,
                clock=timing.unix,
                sleep=timing.sleep,
                bucket=timing.bucket_of(urlsplit(webhook_url).netloc),
                deadline=timing.unix() + settings.run_minutes * 60,
            ),
            callgear=CallGear(
                settings.callgear_api_url,
                credentials=credentials(settings),
                http=account_http,
                budget=PointsBudget(
                    clock=timing.monotonic,
                    sleep=timing.sleep,
                    day_reserve=settings.day_reserve,
                    deadline=timing.monotonic() + settings.run_minutes * 60,
                ),
                user_id=settings.callgear_user_id,
            ),
            paths=Paths(settings.database),
            now=timing.now,
        )


def http_client(settings: Settings, authorities: ssl.SSLContext) -> httpx.Client:
    """Connections are kept, time-outs are set, TLS is always verified, redirects are left to the clients.

    Raises:
        SettingsError: the environment names a proxy that is none.
    """
    refuse_unusable_proxies()
    try:
        return httpx.Client(
            timeout=httpx.Timeout(
                settings.http_timeout_seconds, connect=min(CONNECT_TIMEOUT_SECONDS, settings.http_timeout_seconds)
            ),
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=64),
            verify=authorities,
            headers={"User-Agent": f"b24-pipeline/{__version__}", "Accept": "application/json"},
            follow_redirects=False,
            trust_env=True,
        )
    except (ValueError, ImportError, httpx.InvalidURL):
        raise SettingsError(BAD_PROXY) from None


def refuse_unusable_proxies() -> None:
    """A client takes any host, and fails with the first request.

    Raises:
        SettingsError: the environment names a proxy whose host cannot be looked up.
    """
    named = getproxies()
    for proxy in filter(None, map(named.get, ("http", "https", "all"))):
        if not has_usable_host(proxy if "://" in proxy else f"http://{proxy}"):
            raise SettingsError(BAD_PROXY)


def trusted_authorities(settings: AlertSettings) -> ssl.SSLContext:
    """The usual certificate authorities, and the private one of the settings."""
    if settings.ca_bundle is None:
        return usual_authorities()
    context = httpx.create_ssl_context()
    try:
        context.load_verify_locations(cafile=str(settings.ca_bundle))
    except (OSError, ssl.SSLError):
        raise SettingsError(
            f"B24_PIPELINE_CA_BUNDLE: {settings.ca_bundle} is not a readable file of certificates (PEM). "
            "Example: B24_PIPELINE_CA_BUNDLE=/etc/ssl/private-ca.pem"
        ) from None
    return context


@cache
def usual_authorities() -> ssl.SSLContext:
    """The usual certificate authorities; reading them takes 25 ms, and the sensor would do so twice a minute."""
    return httpx.create_ssl_context()


def credentials(settings: Settings) -> AccessToken | Login:
    """A key, or login and password (the settings have checked that one of both is there)."""
    if settings.callgear_access_token is not None:
        return AccessToken(settings.callgear_access_token.get_secret_value())
    password = settings.callgear_password
    return Login(settings.callgear_login or "", password.get_secret_value() if password else "")
