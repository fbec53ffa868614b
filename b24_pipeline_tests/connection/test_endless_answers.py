"""Answers without end: one deadline holds for a whole exchange, and no answer fills the memory."""

import gzip
import resource
import threading
import time
import zlib
from collections.abc import Iterator

import httpx
import pytest

from b24_pipeline.connection import MIB
from b24_pipeline.http import ResponseRefused
from b24_pipeline.http.decoding import decoded_body
from b24_pipeline.sandbox import Fault, FaultKind
from b24_pipeline_tests.harness import World

NEVER_END = (
    FaultKind.HEADERS_DRIP,
    FaultKind.ENDLESS_PROCESSING,
    FaultKind.BODY_DRIPS,
    FaultKind.BODY_FALLS_SILENT,
)
REFUSED = (FaultKind.GZIP_BOMB, FaultKind.GZIP_IN_GZIP, FaultKind.UNKNOWN_ENCODING, FaultKind.ENDLESS_BODY)
IN_ANY_CASE = 30.0
"""Seconds after which something that ends in time would not have ended."""
MOST_MEMORY = 400 * MIB


@pytest.fixture
def impatient(world: World) -> Iterator[World]:
    """A world with somebody to import, in which an exchange may take 0.3 s."""
    world.set(B24_PIPELINE_HTTP_TIMEOUT_SECONDS="0.3", B24_PIPELINE_CALLGEAR_IN_FLIGHT="1")
    world.hire("Lebedeva", EMAIL="ira@x.test")
    threads = set(threading.enumerate())
    began = time.monotonic()
    yield world
    assert time.monotonic() - began < IN_ANY_CASE
    assert not {thread for thread in threading.enumerate() if thread not in threads and not thread.daemon}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("kind", NEVER_END, ids=lambda kind: kind.name)
def test_r17_a_portal_that_never_ends_its_answer_fails_the_run_in_time(impatient: World, kind: FaultKind) -> None:
    impatient.sandbox.faults.add(Fault(kind, "bitrix24", times=None))

    ended = impatient.import_people()

    assert (ended.row["status"], impatient.writes()) == ("failed", [])
    assert "did not answer within" in ended.row["reason"]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("kind", NEVER_END, ids=lambda kind: kind.name)
def test_r18_one_create_that_is_never_answered_to_the_end_doubles_nobody(impatient: World, kind: FaultKind) -> None:
    impatient.sandbox.faults.add(Fault(kind, "callgear", "create.employees", nth=1))

    ended = impatient.import_people()

    assert (ended.row["status"], impatient.employees()) == ("done", {"(bitrix24) Lebedeva": []})


@pytest.mark.parametrize("kind", REFUSED, ids=lambda kind: kind.name)
def test_r16a_an_answer_too_large_or_packed_otherwise_is_not_trusted_and_not_repeated(
    impatient: World, kind: FaultKind
) -> None:
    impatient.set(B24_PIPELINE_HTTP_TIMEOUT_SECONDS="20", B24_PIPELINE_MAX_RESPONSE_MIB="2")
    impatient.sandbox.faults.add(Fault(kind, "bitrix24", times=None))

    ended = impatient.import_people()

    assert (ended.row["status"], impatient.writes()) == ("untrusted", [])
    assert "the answer is " in ended.row["reason"]
    assert "check what answers at BITRIX24_WEBHOOK_URL" in ended.row["reason"]
    assert len(impatient.sandbox.requests) <= 2


def test_r16a_a_bomb_of_callgear_is_not_trusted_and_memory_stays_small(impatient: World) -> None:
    impatient.set(B24_PIPELINE_HTTP_TIMEOUT_SECONDS="20")
    impatient.sandbox.faults.add(Fault(FaultKind.GZIP_BOMB, "callgear", times=None))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    ended = impatient.import_people()

    assert (ended.row["status"], impatient.writes()) == ("untrusted", [])
    assert "get.employees: the answer is larger than 64 MiB: check what answers at CALLGEAR_API_URL" in str(
        ended.row["reason"]
    )
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < MOST_MEMORY


def test_r18_a_bomb_in_answer_to_a_create_is_an_unknown_outcome(impatient: World) -> None:
    impatient.set(B24_PIPELINE_HTTP_TIMEOUT_SECONDS="20")
    impatient.sandbox.faults.add(Fault(FaultKind.GZIP_IN_GZIP, "callgear", "create.employees", nth=1))

    ended = impatient.import_people()

    assert (ended.row["status"], impatient.employees()) == ("done", {"(bitrix24) Lebedeva": []})


def test_a_compressed_answer_is_read_as_it_was_written() -> None:
    text = b'{"result": []}' * 1000
    packed = gzip.compress(text)
    pieces = [packed[at : at + 7] for at in range(0, len(packed), 7)]

    assert decoded_body(pieces, encoding="GZIP, identity", max_bytes=len(text)) == text
    with pytest.raises(ResponseRefused):
        decoded_body(pieces, encoding="gzip", max_bytes=len(text) - 1)


@pytest.mark.parametrize(
    ("body", "says"), [(gzip.compress(b"x" * 99, mtime=0)[:-1], "too early"), (b"no gzip", "damaged")]
)
def test_a_damaged_compressed_answer_is_told_from_a_whole_one(body: bytes, says: str) -> None:
    with pytest.raises(httpx.DecodingError, match=says):
        decoded_body([body], encoding="gzip", max_bytes=MIB)


def test_one_piece_of_a_bomb_takes_no_more_memory_than_the_limit() -> None:
    packer = zlib.compressobj(wbits=31)
    bomb = packer.compress(bytes(256 * MIB)) + packer.flush()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(ResponseRefused, match="larger than 1 MiB"):
        decoded_body([bomb], encoding="gzip", max_bytes=MIB)

    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 32 * MIB
