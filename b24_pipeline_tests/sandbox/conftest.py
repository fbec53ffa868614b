"""A served sandbox with a clock that stands still."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from b24_pipeline.sandbox import Sandbox, Server
from b24_pipeline_tests.clock import Clock
from b24_pipeline_tests.sandbox.clients import NOON, Account, Portal, Turn


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON)


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=5) as client:
        yield client


@pytest.fixture
def portal(server: Server, http: httpx.Client) -> Portal:
    return Portal(server, http)


@pytest.fixture
def account(server: Server, http: httpx.Client) -> Account:
    return Account(server, http)


@pytest.fixture
def set_portal(sandbox: Sandbox) -> Turn:
    """Turn switches of the portal."""

    def turn(**switches: Any) -> None:
        sandbox.bitrix24 = replace(sandbox.bitrix24, **switches)

    return turn


@pytest.fixture
def set_account(sandbox: Sandbox) -> Turn:
    """Turn switches of the account."""

    def turn(**switches: Any) -> None:
        sandbox.callgear = replace(sandbox.callgear, **switches)

    return turn
