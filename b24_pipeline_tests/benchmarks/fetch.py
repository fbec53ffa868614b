"""Reading all users: ours against fast_bitrix24 and a plain loop over the pages."""

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

import httpx

from b24_pipeline.bitrix24.client import Bitrix24
from b24_pipeline.bitrix24.parsing import FIELDS
from b24_pipeline.bitrix24.rate_limit import LeakyBucket
from b24_pipeline.bitrix24.users import fetch_users
from b24_pipeline.sandbox import Sandbox
from b24_pipeline.sandbox.company.generator import person
from b24_pipeline_tests.benchmarks.processes import LATENCY, Seen, in_fresh_process, seen, serving
from b24_pipeline_tests.benchmarks.report_rows import Line

PAGE = 50
SPARSE = 20
"""One id in so many is a user's."""

ROUNDS = 3
LOOP_UP_TO = 10_000
"""The plain loop takes 75 s for so many: the bucket lets two requests a second through."""

TIMEOUT = httpx.Timeout(70)


@dataclass(frozen=True, slots=True)
class Got:
    """What a contender brought: whom, and in how many seconds."""

    ids: frozenset[int]
    seconds: float


@dataclass(frozen=True, slots=True)
class Fetched:
    """One measurement: the contender's part and the server's."""

    got: Got
    seen: Seen
    lost: int


Contender = Callable[[str, Sequence[int]], Got]


def ours(webhook_url: str, known_ids: Sequence[int]) -> Got:
    """The import's own fetch, a checked frame in the end; `known_ids` are those of the last one."""
    with httpx.Client(timeout=TIMEOUT) as http:
        client = Bitrix24(webhook_url, http=http)
        began = time.perf_counter()
        users = fetch_users(client, known_ids=known_ids or None).users
        seconds = time.perf_counter() - began
    return Got(frozenset(users["bitrix24_id"].tolist()), seconds)


def peer(webhook_url: str, _: Sequence[int]) -> Got:
    """fast_bitrix24 as its users use it, with its own defaults; the same fields as ours, rows as received."""
    from fast_bitrix24 import Bitrix  # noqa: PLC0415 - only the peer's own process pays for it

    warnings.simplefilter("ignore")
    bitrix = Bitrix(webhook_url, verbose=False)
    began = time.perf_counter()
    rows = bitrix.get_all("user.get", {"select": list(FIELDS)})
    seconds = time.perf_counter() - began
    return Got(frozenset(int(row["ID"]) for row in rows), seconds)


def plain_loop(webhook_url: str, _: Sequence[int]) -> Got:
    """One page after another, waiting only as long as the bucket demands."""
    bucket = LeakyBucket(reserved=1)  # without one to spare a late clock tick of the server refuses a request
    with httpx.Client(timeout=TIMEOUT) as http:
        began = time.perf_counter()
        rows = list(_pages(http, f"{webhook_url}user.get", bucket))
        seconds = time.perf_counter() - began
    return Got(frozenset(int(row["ID"]) for row in rows), seconds)


def _pages(http: httpx.Client, url: str, bucket: LeakyBucket) -> Iterator[dict[str, Any]]:
    start: int | None = 0
    while start is not None:
        bucket.acquire()
        envelope = http.post(url, json={"start": start, "select": FIELDS}).raise_for_status().json()
        yield from envelope["result"]
        start = envelope.get("next")


def portal(count: int, *, step: int = 1) -> Sandbox:
    """A portal of so many users, whose ids are so far apart."""
    sandbox = Sandbox(latency=LATENCY)
    for number in range(count):
        sandbox.portal.hire(ID=step * (number + 1), **person(number), ACTIVE=number % 100 != 99)
    return sandbox


def restless(sandbox: Sandbox, every: int) -> None:
    """From now on, at every so many pages, one of the first users is dismissed, one deleted, and one is hired."""
    leavers = iter(sandbox.portal.ids[: len(sandbox.portal.ids) // 2])

    def change(page: int) -> None:
        if page % every == 0:
            sandbox.portal.dismiss(next(leavers))
            sandbox.portal.delete(next(leavers))
            sandbox.portal.hire(**person(sandbox.portal.last_id))

    sandbox.portal.on_page = change


def ids_there(sandbox: Sandbox) -> frozenset[int]:
    """Who is there now."""
    return frozenset(sandbox.portal.ids)


def fetched(contender: Contender, sandbox: Sandbox, known_ids: Sequence[int] = (), *, change_every: int = 0) -> Fetched:
    """Let a contender read a portal that has never been asked before; `lost` are those who were there all the time."""
    with serving(sandbox) as server:
        before = server.ask(ids_there)
        if change_every:
            server.ask(restless, change_every)
        got, _ = in_fresh_process(contender, server.webhook_url, known_ids)
        there = before & server.ask(ids_there)
        return Fetched(got, server.ask(seen), lost=len(there - got.ids))


def compared(count: int, *, step: int, rounds: int) -> Iterator[Line]:
    """One size and density: a first fetch, a later one, the peer and the loop by turns."""
    sandbox = portal(count, step=step)
    known = sorted(sandbox.portal.ids)
    contenders: dict[str, Callable[[], Fetched]] = {
        "first": partial(fetched, ours, sandbox),
        "later": partial(fetched, ours, sandbox, known),
        "peer": partial(fetched, peer, sandbox),
    }
    runs: dict[str, list[Fetched]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            runs[name].append(contender())
    for fetch in ("first", "later"):
        yield versus(
            f"{count:,} users, {density(step)}, {fetch} fetch", runs[fetch], runs["peer"], name="fast_bitrix24"
        )
    if count <= LOOP_UP_TO and step == 1:
        loop = [fetched(plain_loop, sandbox)]
        yield versus(f"{count:,} users, {density(step)}, first fetch", runs["first"], loop, name="plain loop")


def versus(what: str, our: Sequence[Fetched], other: Sequence[Fetched], *, name: str) -> Line:
    """Ours against another: seconds, requests, refused, lost."""
    ratio = seconds(our) / seconds(other)
    return Line(
        what,
        in_words(our),
        against=f"{name}: {in_words(other)}",
        ratio=ratio,
        target="ratio ≤ 1.00, none refused",
        reached=ratio <= 1.0 and not any(run.seen.bitrix24_refused or run.lost for run in our),
    )


def seconds(runs: Sequence[Fetched]) -> float:
    """The median."""
    return median(run.got.seconds for run in runs)


def in_words(runs: Sequence[Fetched]) -> str:
    """Seconds, requests, and what went wrong."""
    most = max(runs, key=lambda run: run.seen.bitrix24_requests).seen
    lost = max(run.lost for run in runs)
    wrong = [f"{most.bitrix24_refused} refused"] * (most.bitrix24_refused > 0) + [f"{lost} users lost"] * (lost > 0)
    return ", ".join([f"{seconds(runs):.2f} s", f"{most.bitrix24_requests} requests", *wrong])


def density(step: int) -> str:
    """In words."""
    return "dense ids" if step == 1 else f"one id in {step}"


def while_people_come_and_go(count: int) -> Iterator[Line]:
    """A portal that changes at every tenth page that is read from it."""
    sandbox = portal(count)
    known = sorted(sandbox.portal.ids)
    our, other = (
        fetched(ours, sandbox, known, change_every=10),
        fetched(peer, sandbox, change_every=10),
    )
    yield Line(
        f"{count:,} users, some dismissed, deleted and hired meanwhile",
        in_words([our]),
        against=f"fast_bitrix24: {in_words([other])}",
        target="nobody lost",
        reached=our.lost == 0 and our.seen.bitrix24_refused == 0,
    )


def measure(sizes: Sequence[int] = (2_500, 10_000, 100_000)) -> Iterator[Line]:
    """All sizes, dense and sparse, at rest and in motion."""
    for count in sizes:
        for step in (1, SPARSE):
            yield from compared(count, step=step, rounds=ROUNDS)
    for count in sizes:
        yield from while_people_come_and_go(count)
