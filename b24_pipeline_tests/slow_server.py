"""A server that answers with a blank now and then: httpx's time-outs are for each piece, and none of them ends it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ssl import SSLContext

import httpx

from b24_pipeline.connection import MIB
from b24_pipeline.http import Proxies, Secrets, Transport
from b24_pipeline_tests.http_server import PostHandler, serving

PACE_SECONDS = 0.05
MOST_BLANKS = 100
"""After so many it ends its answer: a client that waits for that is not stuck for ever."""
IN_ANY_CASE = 30.0
"""Seconds after which something that happens at once has not happened."""


def in_time(*, timeout: httpx.Timeout, authorities: SSLContext) -> httpx.Client:
    """A client with the project's own transport, as a connection has it."""
    transport = Transport(authorities=authorities, proxies=Proxies(), max_bytes=MIB, secrets=Secrets())
    return httpx.Client(transport=transport, timeout=timeout)


@dataclass
class Drip:
    """Where the server is, and whether it saw the client hang up."""

    url: str = ""
    hung_up: threading.Event = field(default_factory=threading.Event)


@contextmanager
def dripping() -> Iterator[Drip]:
    """Runs the server."""
    drip, stopped = Drip(), threading.Event()

    class Handler(PostHandler):
        def answer(self, body: bytes) -> None:  # noqa: ARG002 - whatever was posted
            self.send_response(200)
            self.end_headers()
            try:
                for _ in range(MOST_BLANKS):
                    self.wfile.write(b" ")
                    if stopped.wait(PACE_SECONDS):
                        return
            except ConnectionError:
                drip.hung_up.set()

    with serving(Handler) as drip.url:
        try:
            yield drip
        finally:
            stopped.set()
