"""A sandbox portal over real HTTP, on a clock that only moves when somebody sleeps."""

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import httpx
import pytest

from b24_pipeline.bitrix24 import Bitrix24, LeakyBucket
from b24_pipeline.sandbox import Sandbox, Server, serve

START = 1_700_000_000.0
SHORT = httpx.Timeout(10.0, read=0.25)
"""For tests in which the portal falls silent."""


class FakeClock:
    """A clock whose sleepers move it on."""

    def __init__(self) -> None:
        self.now = START
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.now += seconds
            self.slept.append(seconds)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sandbox(clock: FakeClock) -> Sandbox:
    return Sandbox.empty(clock=clock)


@pytest.fixture
def server(sandbox: Sandbox) -> Iterator[Server]:
    with serve(sandbox) as running:
        yield running


TLS = httpx.create_ssl_context()
"""Made once: reading all authorities takes longer than a test."""


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=10, verify=TLS) as client:
        yield client


Connect = Callable[..., Bitrix24]


@pytest.fixture
def connect(server: Server, http: httpx.Client, clock: FakeClock) -> Connect:
    """Makes a client of the sandbox's portal; settings replace the usual ones."""

    def make(**settings: Any) -> Bitrix24:
        bucket = LeakyBucket(clock=clock, sleep=clock.sleep)
        usual = {"http": http, "clock": clock, "sleep": clock.sleep, "random": lambda: 0.0, "bucket": bucket}
        return Bitrix24(server.webhook_url, **{**usual, **settings})

    return make


@pytest.fixture
def client(connect: Connect) -> Bitrix24:
    return connect()


def hire(sandbox: Sandbox, ids: Iterable[int], **fields: Any) -> None:
    """Hire people with these ids."""
    for number in ids:
        sandbox.portal.hire(ID=number, **{"LAST_NAME": f"Ivanov {number}", "EMAIL": f"u{number}@x.test", **fields})


def commands_sent(sandbox: Sandbox) -> list[int]:
    """The number of commands in each request, in the order of their coming."""
    return [len(request.params.get("CMD", ())) for request in sandbox.requests]
