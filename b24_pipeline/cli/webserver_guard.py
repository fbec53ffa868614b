"""A guard before Dagster's web server, which accepts requests of any web page a person has open.

Its `/graphql` also carries out mutations by GET, and takes JSON for any content type that mentions it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from starlette.datastructures import Headers, QueryParams
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from b24_pipeline.same_origin import loopback_hosts, refusal

READING = ("GET", "HEAD", "OPTIONS")
EVERY_ADDRESS = ("0.0.0.0", "::", "")  # noqa: S104 - nobody listens here: no browser is to name the server like this


@dataclass(frozen=True, slots=True)
class RequestGuard:
    """Dagster's application, restricted to its own pages and to programs on this machine."""

    app: ASGIApp
    known_hosts: frozenset[str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or respond with 403 and the reason; a WebSocket is refused before it opens."""
        reason = self.refusal(scope)
        if reason is None:
            await self.app(scope, receive, send)
        else:
            await PlainTextResponse(f"{reason}\n", status_code=403)(scope, receive, send)

    def refusal(self, scope: Scope) -> str | None:
        """Return why a request is refused: where it comes from, or its form, which browsers let any page send."""
        if scope["type"] == "lifespan":
            return None
        wrong_origin = refusal(scope, known_hosts=self.known_hosts)
        if wrong_origin is not None or scope["type"] == "websocket":
            return wrong_origin
        if scope["method"] not in READING:
            types = Headers(scope=scope).getlist("content-type")  # a page may send one with JSON in a parameter only
            is_json = len(types) == 1 and types[0].partition(";")[0].strip().lower() == "application/json"
            return None if is_json else "The content type must be application/json."
        values = (value for _, value in QueryParams(scope["query_string"]).multi_items())
        may_change = scope["path"].endswith("/graphql") and any("mutation" in value for value in values)
        return "A mutation must be sent by POST." if may_change else None  # GraphQL has no other spelling of this word


def guard_webserver(*, host: str, port: int, allowed_hosts: Iterable[str]) -> None:
    """Put Dagster's web server in this process behind the guard, which knows the given names and its own address."""
    from dagster_webserver.webserver import DagsterWebserver  # noqa: PLC0415 - loads all of Dagster

    names = {*loopback_hosts(port), *map(str.lower, allowed_hosts)}
    if host not in EVERY_ADDRESS:
        names.add(f"[{host}]:{port}".lower() if ":" in host else f"{host}:{port}".lower())
    guard = Middleware(RequestGuard, known_hosts=frozenset(names))
    others = DagsterWebserver.build_middleware
    DagsterWebserver.build_middleware = lambda self: [guard, *others(self)]  # type: ignore[method-assign]
