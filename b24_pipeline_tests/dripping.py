"""A server that answers with a blank now and then: httpx's time-outs are for each piece, and none of them ends it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PACE_SECONDS = 0.05
MOST_BLANKS = 100
"""After so many it ends its answer: a client that waits for that is not stuck for ever."""
IN_ANY_CASE = 30.0
"""Seconds after which something that happens at once has not happened."""


@dataclass
class Drip:
    """Where the server is, and whether it saw the client hang up."""

    url: str = ""
    hung_up: threading.Event = field(default_factory=threading.Event)


@contextmanager
def dripping() -> Iterator[Drip]:
    """Runs the server."""
    drip, stopped = Drip(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            try:
                for _ in range(MOST_BLANKS):
                    self.wfile.write(b" ")
                    if stopped.wait(PACE_SECONDS):
                        return
            except ConnectionError:
                drip.hung_up.set()

        def log_message(self, *arguments: Any) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        drip.url = f"http://127.0.0.1:{server.server_port}/"
        try:
            yield drip
        finally:
            stopped.set()
            server.shutdown()
            thread.join()
