"""The HTTP side: routes requests to the sandbox and delivers what it decides, a reset connection included."""

import asyncio
import socket
import struct

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from b24_pipeline.sandbox.bitrix24.wire import parameters
from b24_pipeline.sandbox.callgear.api import read_call
from b24_pipeline.sandbox.page import page_routes
from b24_pipeline.sandbox.recording import Api
from b24_pipeline.sandbox.responses import Answer, Delivery
from b24_pipeline.sandbox.sandbox import Sandbox

TRANSPORT = "b24_pipeline.sandbox.transport"
NO_LINGER = struct.pack("ii", 1, 0)
PACE_SECONDS = 0.02
JSON_BEGINS = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
MUCH = b" " * 2**20
WITHOUT_END = {
    Delivery.HEADERS_DRIP: (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x", PACE_SECONDS),
    Delivery.ENDLESS_PROCESSING: (b"", b"HTTP/1.1 102 Processing\r\n\r\n", PACE_SECONDS),
    Delivery.BODY_DRIPS: (JSON_BEGINS, b"1\r\n \r\n", PACE_SECONDS),
    Delivery.ENDLESS: (JSON_BEGINS, b"%x\r\n%s\r\n" % (len(MUCH), MUCH), 0.0),
}
"""What is written first, what again and again, and how many seconds lie between."""


class SandboxProtocol(HttpToolsProtocol):
    """Uvicorn's protocol, letting the application reach the connection to break it."""

    def on_message_begin(self) -> None:
        """Put the transport into the scope of each request."""
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: {"transport": self.transport}}


class Delivered(Response):
    """A response that is sent, cut, withheld or replaced by a broken connection."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body, status_code=answer.status, headers=answer.headers, media_type=answer.content_type)
        self._delivery = answer.delivery

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._delivery is Delivery.ANSWERED:
            await super().__call__(scope, receive, send)
            return
        transport: asyncio.Transport = scope["extensions"][TRANSPORT]["transport"]
        if self._delivery in WITHOUT_END:
            await _send_for_ever(transport, *WITHOUT_END[self._delivery], receive)
        elif self._delivery in (Delivery.CUT, Delivery.FALLS_SILENT):
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            half = bytes(self.body)[: len(self.body) // 2]
            await send({"type": "http.response.body", "body": half, "more_body": True})
            if self._delivery is Delivery.CUT:
                transport.close()
        elif self._delivery is Delivery.RESET:
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            transport.abort()
        elif self._delivery is Delivery.CLOSED:
            transport.close()
        await _disconnected(receive)


async def _send_for_ever(
    transport: asyncio.Transport, first: bytes, again: bytes, pause: float, receive: Receive
) -> None:
    """Write until the client hangs up; no more than it takes."""
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        transport.write(first)
        while not gone.done():
            if transport.get_write_buffer_size() == 0:
                transport.write(again)
            await asyncio.wait({gone}, timeout=pause)
    finally:
        gone.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def application(sandbox: Sandbox) -> Starlette:
    """The ASGI application over one sandbox."""

    async def bitrix24(request: Request) -> Response:
        path, params = request.path_params, parameters(await request.body())
        seen = sandbox.note(Api.BITRIX24, path["method"], params)
        await _take_time(sandbox.latency.request + len(params.get("CMD", ())) * sandbox.latency.command)
        answer = sandbox.answer_bitrix24(
            seen, user_id=path["user_id"], secret=path["secret"], params=params, moved_to=_elsewhere(request)
        )
        return Delivered(answer)

    async def callgear(request: Request) -> Response:
        call = read_call(await request.body())
        seen = sandbox.note(Api.CALLGEAR, call.method, call.params)
        await _take_time(sandbox.latency.request + sandbox.practice.seconds(Api.CALLGEAR))
        return Delivered(sandbox.answer_callgear(seen, call, moved_to=_elsewhere(request)))

    return Starlette(
        routes=[
            Route("/rest/{user_id}/{secret}/{method:path}", bitrix24, methods=["POST"]),
            Route("/v2.0", callgear, methods=["POST"]),
            *page_routes(sandbox),
        ]
    )


async def _take_time(seconds: float) -> None:
    if seconds > 0:  # else nothing may come between what is noted and what is done
        await asyncio.sleep(seconds)


def _elsewhere(request: Request) -> str:
    """The same address under another host name, as after a portal was renamed."""
    return str(request.url.replace(hostname="localhost"))
