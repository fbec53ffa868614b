"""One HTTP request and its whole answer, within one time-out."""

import time
from collections.abc import Iterator
from contextlib import closing
from typing import cast

import httpx


def exchange(http: httpx.Client, request: httpx.Request) -> httpx.Response:
    """Send the request and read the answer to its end; redirects are not followed.

    The client's time-out for reading holds for all of that. To httpx it is one for each piece: an answer that keeps
    coming in small pieces would be waited for without end, and the run would outlive its interval (R17).

    Raises:
        httpx.ReadTimeout: a piece came after that time, or none for so long; the connection is closed.
        httpx.RequestError: anything else that httpx says.
    """
    longest = http.timeout.read
    until = None if longest is None else time.monotonic() + longest
    with closing(http.send(request, stream=True, follow_redirects=False)) as response:
        if until is not None:
            response.stream = _InTime(cast("httpx.SyncByteStream", response.stream), until=until)
        response.read()
    return response


class _InTime(httpx.SyncByteStream):
    """The pieces of an answer, as long as they come before `until` of the machine's clock, by which httpx waits too."""

    def __init__(self, pieces: httpx.SyncByteStream, *, until: float) -> None:
        self._pieces = pieces
        self._until = until

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            if time.monotonic() > self._until:
                raise httpx.ReadTimeout("the answer did not end in time")
            yield piece

    def close(self) -> None:
        self._pieces.close()
