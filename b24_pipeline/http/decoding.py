"""Bodies of responses: of bounded size, compressed at most once."""

import zlib
from collections.abc import Iterable
from typing import Final

import httpx

from b24_pipeline.http.exceptions import ResponseRefused

ACCEPT_ENCODING: Final = "gzip"
"""Sent with every request; nothing else is decoded."""

_GZIP: Final = frozenset({"gzip", "x-gzip"})


def decoded_body(pieces: Iterable[bytes], *, encoding: str, max_bytes: int) -> bytes:
    """The whole body, decoded piece by piece, so that it never takes much more memory than `max_bytes`.

    Raises:
        ResponseRefused: it is larger, before or after decoding, or encoded otherwise than once with gzip.
        httpx.DecodingError: it is no gzip, or ends too early.
    """
    gzip = zlib.decompressobj(16 + zlib.MAX_WBITS) if _is_compressed(encoding) else None
    parts: list[bytes] = []
    received = decoded = 0
    for piece in pieces:
        try:
            part = gzip.decompress(piece, max_bytes - decoded + 1) if gzip else piece
        except zlib.error:
            raise httpx.DecodingError("the compressed answer is damaged") from None
        received, decoded = received + len(piece), decoded + len(part)
        if max(received, decoded) > max_bytes:
            raise ResponseRefused(f"the answer is larger than {max_bytes / 2**20:g} MiB")
        parts.append(part)
    if gzip and received and not gzip.eof:
        raise httpx.DecodingError("the compressed answer ends too early")
    return b"".join(parts)


def _is_compressed(encoding: str) -> bool:
    names = [name for part in encoding.split(",") if (name := part.strip().casefold()) not in {"", "identity"}]
    if len(names) > 1:
        raise ResponseRefused("the answer is compressed more than once")
    if names and names[0] not in _GZIP:
        raise ResponseRefused("the answer is compressed in a way that was not asked for")
    return bool(names)
