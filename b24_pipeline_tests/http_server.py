"""Small web servers of the tests, on 127.0.0.1."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class PostHandler(BaseHTTPRequestHandler, ABC):
    """Answers what is posted, and prints nothing about it."""

    @abstractmethod
    def answer(self, body: bytes) -> None:
        """Answer what was posted."""

    def do_POST(self) -> None:
        self.answer(self.rfile.read(int(self.headers["Content-Length"])))

    def log_message(self, *arguments: Any) -> None:
        """Quiet."""


@contextmanager
def serving(handler: type[PostHandler]) -> Iterator[str]:
    """A server with this handler; gives its address, which ends with a slash."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()
