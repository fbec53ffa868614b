"""A sandbox account over real HTTP, on a clock that only moves when somebody sleeps."""

import json
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from b24_pipeline.callgear.auth import AccessToken, Login
from b24_pipeline.callgear.client import CallGear
from b24_pipeline.callgear.rate_limit import PointsBudget
from b24_pipeline.sandbox import FaultKind, Server
from b24_pipeline_tests.clock import Clock

START = 1_000_040.0
"""Twenty seconds into a minute of the sandbox's fixed windows."""
TLS = ssl.create_default_context()
"""Made once: it takes longer than most tests."""
PATIENT = httpx.Timeout(30.0)
IMPATIENT = httpx.Timeout(30.0, read=0.3)


@pytest.fixture
def clock() -> Clock:
    return Clock(START)


@pytest.fixture
def http(request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    """Waits for an answer as long as it takes; only where the test's fault is silence it gives up soon."""
    faults = getattr(request.node, "callspec", None)
    silent = faults is not None and {FaultKind.TIMEOUT_BEFORE, FaultKind.TIMEOUT_AFTER} & {*_kinds(faults.params)}
    with httpx.Client(timeout=IMPATIENT if silent else PATIENT, verify=TLS) as client:
        yield client


def _kinds(params: dict[str, Any]) -> list[FaultKind]:
    return [value for value in params.values() if isinstance(value, FaultKind)]


Connect = Callable[..., CallGear]


@pytest.fixture
def budget(clock: Clock) -> PointsBudget:
    return PointsBudget(clock=clock, sleep=clock.sleep)


@pytest.fixture
def connect(server: Server, http: httpx.Client, budget: PointsBudget) -> Connect:
    """Makes a client of the sandbox's account; settings replace the usual ones."""

    def make(**settings: Any) -> CallGear:
        usual = {"credentials": AccessToken(server.access_token), "http": http, "budget": budget, "random": lambda: 0.5}
        return CallGear(server.callgear_url, **{**usual, **settings})

    return make


@pytest.fixture
def login(server: Server) -> Login:
    return Login(server.login, server.password)


@pytest.fixture
def client(connect: Connect) -> CallGear:
    return connect()


KEY = AccessToken("secret-key")


def answering(
    handler: Callable[[dict[str, Any]], Any],
    clock: Clock | None = None,
    credentials: AccessToken | Login = KEY,
) -> CallGear:
    """A client whose requests `handler` answers: it gets the envelope and returns an answer's members or a response."""

    def respond(request: httpx.Request) -> httpx.Response:
        envelope = json.loads(request.content)
        response = handler(envelope)
        if isinstance(response, httpx.Response):
            return response
        whole = {"jsonrpc": "2.0", "id": envelope["id"], **response}
        return httpx.Response(200, content=json.dumps(whole).encode())

    clock = clock or Clock()
    return CallGear(
        "https://callgear.test/v2.0",
        credentials=credentials,
        http=httpx.Client(transport=httpx.MockTransport(respond), verify=TLS),
        budget=PointsBudget(clock=clock, sleep=clock.sleep),
        random=lambda: 0.5,
    )
