"""Clients that speak both wire formats."""

from collections.abc import Callable
from typing import Any, TypeAlias

import httpx

from b24_pipeline.sandbox import Server

NOON = 1_768_471_200.0  # 2026-01-15T13:00:00+03:00


Turn: TypeAlias = Callable[..., None]
"""Turns switches of a running sandbox."""


class Portal:
    """Calls the webhook and returns the answer or its JSON."""

    def __init__(self, server: Server, http: httpx.Client) -> None:
        self.url = server.webhook_url
        self.http = http

    def raw(self, method: str, params: Any = None) -> httpx.Response:
        return self.http.post(self.url + method, json=params or {})

    def json(self, method: str, params: Any = None) -> Any:
        return self.raw(method, params).json()

    def ids(self, **params: Any) -> list[int]:
        return [int(row["ID"]) for row in self.json("user.get", params)["result"]]

    def batch(self, cmd: Any, **params: Any) -> Any:
        return self.json("batch", {"cmd": cmd, **params})["result"]


class Account:
    """Calls the Data API and returns the whole answer, its result or its error."""

    def __init__(self, server: Server, http: httpx.Client) -> None:
        self.url = server.callgear_url
        self.token = server.access_token
        self.http = http

    def raw(self, method: str, **params: Any) -> httpx.Response:
        params = {"access_token": self.token, **params}
        return self.http.post(self.url, json={"jsonrpc": "2.0", "id": "r1", "method": method, "params": params})

    def result(self, method: str, **params: Any) -> Any:
        answer = self.raw(method, **params).json()
        assert "error" not in answer, answer
        return answer["result"]

    def error(self, method: str, **params: Any) -> Any:
        return self.raw(method, **params).json()["error"]

    def refusal(self, method: str, **params: Any) -> tuple[int, str, str | None]:
        """Code, mnemonic and field."""
        error = self.error(method, **params)
        return error["code"], error["data"]["mnemonic"], error["data"].get("field")
