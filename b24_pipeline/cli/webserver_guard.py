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
JSON = "application/json"
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
        """Return why the request is refused, if so."""
        if scope["type"] == "lifespan":
            return None
        return refusal(scope, known_hosts=self.known_hosts) or wrong_form(scope)


def wrong_form(scope: Scope) -> str | None:
    """Return why a request of this form is refused: browsers let any page send it."""
    if scope["type"] == "websocket":
        return None
    if scope["method"] not in READING:
        return None if is_json(Headers(scope=scope)) else "The content type must be application/json."
    return "A mutation must be sent by POST." if names_mutation(scope) else None


def is_json(headers: Headers) -> bool:
    """Return whether the content type is JSON; a page may send one that only mentions it in a parameter."""
    types = headers.getlist("content-type")
    return len(types) == 1 and types[0].partition(";")[0].strip().lower() == JSON


def names_mutation(scope: Scope) -> bool:
    """Return whether a query by GET may contain a mutation: GraphQL has no other spelling of this word."""
    parameters = QueryParams(scope["query_string"])
    return scope["path"].endswith("/graphql") and any("mutation" in value for _, value in parameters.multi_items())


def guard_webserver(*, host: str, port: int, allowed_hosts: Iterable[str]) -> None:
    """Put Dagster's web server in this process behind the guard."""
    from dagster_webserver.webserver import DagsterWebserver  # noqa: PLC0415 - loads all of Dagster

    guard = Middleware(RequestGuard, known_hosts=known_hosts(host=host, port=port, allowed=allowed_hosts))
    others = DagsterWebserver.build_middleware
    DagsterWebserver.build_middleware = lambda self: [guard, *others(self)]  # type: ignore[method-assign]


def known_hosts(*, host: str, port: int, allowed: Iterable[str]) -> frozenset[str]:
    """Return the names of this server: loopback, the address that it listens on, and the given ones."""
    names = {name.lower() for name in allowed}
    if host not in EVERY_ADDRESS:
        names.add(f"[{host}]:{port}".lower() if ":" in host else f"{host}:{port}".lower())
    return loopback_hosts(port) | names
