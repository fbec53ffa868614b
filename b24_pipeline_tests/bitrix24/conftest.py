"""A sandbox portal over real HTTP, on a clock that only moves when somebody sleeps."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from b24_pipeline.bitrix24.client import Bitrix24
from b24_pipeline.bitrix24.rate_limit import LeakyBucket
from b24_pipeline.sandbox import Sandbox, Server
from b24_pipeline_tests.clock import Clock

START = 1_700_000_000.0
SHORT = httpx.Timeout(30.0, read=0.5)
"""For tests in which the portal falls silent."""


@pytest.fixture
def clock() -> Clock:
    return Clock(START)


TLS = httpx.create_ssl_context()
"""Made once: reading all authorities takes longer than a test."""


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=30, verify=TLS) as client:
        yield client


Connect = Callable[..., Bitrix24]


@pytest.fixture
def connect(server: Server, http: httpx.Client, clock: Clock) -> Connect:
    """Makes a client of the sandbox's portal; settings replace the usual ones."""

    def make(**settings: Any) -> Bitrix24:
        bucket = LeakyBucket(clock=clock, sleep=clock.sleep)
        usual = {"http": http, "clock": clock, "sleep": clock.sleep, "random": lambda: 0.0, "bucket": bucket}
        return Bitrix24(server.webhook_url, **{**usual, **settings})

    return make


@pytest.fixture
def client(connect: Connect) -> Bitrix24:
    return connect()


Twist = Callable[[dict[str, Any]], None]
Twister = Callable[[Twist], Bitrix24]


class Twisted(httpx.BaseTransport):
    """Passes requests on to the sandbox and changes what its batches answer."""

    def __init__(self, twist: Twist) -> None:
        self._twist = twist
        self._http = httpx.HTTPTransport(verify=TLS)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._http.handle_request(request)
        payload = json.loads(response.read())
        response.close()
        result = payload["result"]
        if isinstance(result, dict) and "result_error" in result:
            maps = {name: result[name] or {} for name in ("result", "result_total", "result_error")}
            self._twist(maps)
            payload["result"] = {**result, **maps}
        return httpx.Response(response.status_code, json=payload)

    def close(self) -> None:
        self._http.close()


@pytest.fixture
def twisted(connect: Connect) -> Iterator[Twister]:
    """Makes a client of a portal whose batches answer what the twist makes of them."""
    with ExitStack() as opened:
        yield lambda twist: connect(http=opened.enter_context(httpx.Client(transport=Twisted(twist))))


def hire(sandbox: Sandbox, ids: Iterable[int], **fields: Any) -> None:
    """Hire people with these ids."""
    for number in ids:
        sandbox.portal.hire(ID=number, **{"LAST_NAME": f"Ivanov {number}", "EMAIL": f"u{number}@x.test", **fields})


def commands_sent(sandbox: Sandbox) -> list[int]:
    """The number of commands in each request, in the order of their coming."""
    return [len(request.params.get("CMD", ())) for request in sandbox.requests]
