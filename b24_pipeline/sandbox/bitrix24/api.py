"""The REST entrance: webhook, envelope (contract 1), requests a second (4.1), and operating time (4.2)."""

from collections import deque
from collections.abc import Callable

from b24_pipeline.sandbox.bitrix24 import dates, errors, methods
from b24_pipeline.sandbox.bitrix24.batch import run_batch
from b24_pipeline.sandbox.bitrix24.behavior import Bitrix24Behavior, Tariff
from b24_pipeline.sandbox.bitrix24.errors import Bitrix24Error, Refusal
from b24_pipeline.sandbox.bitrix24.users import Listed, UserLists
from b24_pipeline.sandbox.bitrix24.wire import Params
from b24_pipeline.sandbox.portal import Portal
from b24_pipeline.sandbox.responses import Answer, json_answer, refusal_answer
from b24_pipeline.sandbox.types import Json

SECRET = "sandboxsecret16"  # noqa: S105 - it opens nothing but the sandbox
BUCKET_SECONDS = 60
WINDOW_SECONDS = 600


class Bitrix24Api:
    def __init__(self, portal: Portal, *, clock: Callable[[], float]) -> None:
        self._portal = portal
        self._users = UserLists(portal)
        self._clock = clock
        self._bucket = LeakyBucket(clock=clock)
        self._operating = OperatingTime(clock=clock)

    def answer(self, *, user_id: str, secret: str, method: str, params: Params) -> Answer:
        started = self._clock()
        if secret != SECRET or user_id != str(self._portal.owner):
            return self.refused(errors.WRONG_WEBHOOK, method)
        try:
            self._bucket.hit(self._portal.behavior.tariff)
            envelope = self._batch(params) if method == "batch" else self._single(method, params)
        except Bitrix24Error as error:
            return self.refused(error.refusal, method)
        envelope["time"] = {**self._time(started, envelope.pop("booked")), **envelope.pop("operating")}
        return json_answer(envelope)

    def refused(self, refusal: Refusal, method: str) -> Answer:
        return refusal_answer(self._refused(refusal, method), status=refusal.status)

    def _single(self, method: str, params: Params) -> dict[str, Json]:
        payload = self._call(method, params, in_batch=False)
        booked = self._portal.behavior.call_seconds
        envelope: dict[str, Json] = {"booked": booked, "operating": self._operating_time(method)}
        if not isinstance(payload, Listed):
            return {"result": payload, **envelope}
        envelope["result"] = payload.rows
        if payload.total is not None:
            envelope["total"] = payload.total
        if payload.following is not None:
            envelope["next"] = payload.following
        return envelope

    def _batch(self, params: Params) -> dict[str, Json]:
        booked = 0.0

        def call(method: str, inner: Params) -> tuple[Json, dict[str, Json]]:
            nonlocal booked
            started = self._clock()
            payload = self._call(method, inner, in_batch=True)
            booked += self._portal.behavior.call_seconds
            if booked > self._portal.behavior.request_seconds_limit:
                raise _CutOff
            time = self._time(started, self._portal.behavior.call_seconds)
            return payload, {**time, **self._operating_time(method)}

        try:
            result = run_batch(params, self._portal.behavior, call, self._refused)
        except _CutOff:
            raise Bitrix24Error(errors.INTERNAL_ERROR) from None
        return {"result": result, "booked": booked, "operating": {}}

    def _call(self, method: str, params: Params, *, in_batch: bool) -> Json:
        self._operating.check(method, self._portal.behavior)
        payload = methods.call(method, params, self._portal, self._users, in_batch=in_batch)
        self._operating.book(method, self._portal.behavior.call_seconds)
        return payload

    def _refused(self, refusal: Refusal, method: str) -> dict[str, Json]:
        envelope: dict[str, Json] = dict(refusal.as_json())
        if refusal.status == 429 and self._portal.behavior.operating_error_has_time:
            envelope["time"] = {**self._time(self._clock(), 0.0), **self._operating_time(method)}
        return envelope

    def _time(self, started: float, booked: float) -> dict[str, Json]:
        finished = self._clock()
        return {
            "start": started,
            "finish": finished,
            "duration": finished - started + booked,
            "processing": booked,
            "date_start": dates.iso(started),
            "date_finish": dates.iso(finished),
        }

    def _operating_time(self, method: str) -> dict[str, Json]:
        if not self._portal.behavior.operating:
            return {}
        return {
            "operating_reset_at": self._operating.reset_at(method),
            "operating": self._operating.used(method),
        }


class _CutOff(Exception):  # noqa: N818 - never leaves this file
    """The batch took longer than a request may."""


class LeakyBucket:
    """One hit a request, leaking all the time."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._level = 0.0
        self._seen = clock()

    def hit(self, tariff: Tariff | None) -> None:
        """Count one request; it is refused, and not counted, where the bucket is full."""
        if tariff is None:
            return
        now = self._clock()
        self._level = max(0.0, self._level - tariff.leak * (now - self._seen))
        self._seen = now
        if self._level + 1 > tariff.burst:
            raise Bitrix24Error(errors.TOO_MANY_REQUESTS)
        self._level += 1


class OperatingTime:
    """Seconds of execution by method over ten one-minute buckets."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._buckets: dict[str, deque[tuple[float, float]]] = {}

    def check(self, method: str, behavior: Bitrix24Behavior) -> None:
        """Refuse a method whose time is used up; the call that crosses the limit still finishes."""
        if behavior.operating and self.used(method) >= behavior.operating_limit:
            raise Bitrix24Error(errors.OPERATING_TIME_USED_UP)

    def book(self, method: str, seconds: float) -> None:
        now = self._clock()
        buckets = self._buckets.setdefault(method, deque())
        if buckets and now - buckets[-1][0] < BUCKET_SECONDS:
            started, booked = buckets.pop()
            buckets.append((started, booked + seconds))
        else:
            buckets.append((now, seconds))

    def used(self, method: str) -> float:
        """Seconds that count now."""
        return sum(seconds for _, seconds in self._live(method))

    def reset_at(self, method: str) -> int:
        """When the oldest bucket drops out, Unix seconds."""
        buckets = self._live(method)
        return int((buckets[0][0] if buckets else self._clock()) + WINDOW_SECONDS)

    def _live(self, method: str) -> deque[tuple[float, float]]:
        buckets = self._buckets.setdefault(method, deque())
        while buckets and self._clock() - buckets[0][0] >= WINDOW_SECONDS:
            buckets.popleft()
        return buckets
