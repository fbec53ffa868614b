"""The REST entrance: webhook, envelope (contract 1), batch (3), requests a second (4.1), and operating time (4.2)."""

from collections import defaultdict, deque
from collections.abc import Callable

from b24_pipeline.sandbox.bitrix24 import errors
from b24_pipeline.sandbox.bitrix24.behavior import Bitrix24Behavior, DepartmentTree, Scope, ScopeStyle, Tariff
from b24_pipeline.sandbox.bitrix24.errors import Bitrix24Error, Refusal
from b24_pipeline.sandbox.bitrix24.fields import iso
from b24_pipeline.sandbox.bitrix24.users import PAGE, Payload, UserLists
from b24_pipeline.sandbox.bitrix24.wire import Params, command, resolved
from b24_pipeline.sandbox.portal import Portal
from b24_pipeline.sandbox.responses import Answer, json_answer
from b24_pipeline.sandbox.types import Json

SECRET = "sandboxsecret16"  # noqa: S105 - it opens nothing but the sandbox
BUCKET_SECONDS = 60
WINDOW_SECONDS = 600
MAX_COMMANDS = 50
MAPS = ("result", "result_error", "result_total", "result_next", "result_time")
TRUE_VALUES = (True, 1, "1", "Y", "true")


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
            if method == "batch":
                return json_answer(self._batch(params, started))
            payload = self._call(method, params, in_batch=False)
        except Bitrix24Error as error:
            return self.refused(error.refusal, method)
        time = self._time(started, self._portal.behavior.call_seconds, method)
        envelope = {"result": payload.result, "total": payload.total, "next": payload.following, "time": time}
        return json_answer({name: value for name, value in envelope.items() if value is not None})

    def refused(self, refusal: Refusal, method: str) -> Answer:
        return json_answer(self._refused(refusal, method), status=refusal.status, acted=False)

    def _batch(self, params: Params, started: float) -> dict[str, Json]:
        """Up to 50 commands, in order, with references to earlier results."""
        behavior = self._portal.behavior
        commands = params.get("CMD") or {}
        if len(commands) > MAX_COMMANDS and behavior.refuses_overlong_batch:
            raise Bitrix24Error(errors.BATCH_TOO_LONG)
        outcome: dict[str, dict[str, Json]] = defaultdict(dict)
        booked = 0.0
        for position, (name, text) in enumerate(commands.items()):
            called = self._clock()
            method, inner = command(str(text))
            try:
                if position >= MAX_COMMANDS:
                    raise Bitrix24Error(errors.BATCH_TOO_LONG)  # noqa: TRY301 - as any other refusal of a command
                inner = resolved(inner, outcome["result"], behavior.unresolved_reference)
                payload = self._call(method, inner, in_batch=True)
            except Bitrix24Error as error:
                outcome["result_error"][name] = self._refused(error.refusal, method)
                if params.get("HALT") in TRUE_VALUES:
                    break
                continue
            booked += behavior.call_seconds
            if booked > behavior.request_seconds_limit:
                raise Bitrix24Error(errors.INTERNAL_ERROR)
            outcome["result"][name] = payload.result
            if payload.total is not None and behavior.batch_totals:
                outcome["result_total"][name] = payload.total
            if payload.following is not None:
                outcome["result_next"][name] = payload.following
            outcome["result_time"][name] = self._time(called, behavior.call_seconds, method)
        result: dict[str, Json] = {name: outcome[name] or [] for name in MAPS}  # an empty map is a list in PHP
        return {"result": result, "time": self._time(started, booked)}

    def _call(self, method: str, params: Params, *, in_batch: bool) -> Payload:
        behavior, operating = self._portal.behavior, self._operating
        if behavior.operating and operating.used(method) >= behavior.operating_limit:
            raise Bitrix24Error(errors.OPERATING_TIME_USED_UP)  # the call that crosses the limit still finishes
        match method:
            case "user.get" if behavior.user_module:
                payload = self._users.page(params, in_batch=in_batch)
            case "department.get":
                payload = _department_page(params, self._portal)
            case "profile":
                payload = Payload(_profile(self._portal))
            case "scope":
                payload = Payload(_scopes(behavior))
            case _:
                raise Bitrix24Error(errors.UNKNOWN_METHOD)
        operating.book(method, behavior.call_seconds)
        return payload

    def _refused(self, refusal: Refusal, method: str) -> dict[str, Json]:
        envelope: dict[str, Json] = {"error": refusal.code, "error_description": refusal.description}
        if refusal.status == 429 and self._portal.behavior.operating_error_has_time:
            envelope["time"] = self._time(self._clock(), 0.0, method)
        return envelope

    def _time(self, started: float, booked: float, method: str = "") -> dict[str, Json]:
        """The ``time`` block; with the operating time of a method where one is named, and it is counted."""
        finished = self._clock()
        time: dict[str, Json] = {
            "start": started,
            "finish": finished,
            "duration": finished - started + booked,
            "processing": booked,
            "date_start": iso(started),
            "date_finish": iso(finished),
        }
        if method and self._portal.behavior.operating:
            time["operating_reset_at"] = self._operating.reset_at(method)
            time["operating"] = self._operating.used(method)
        return time


def _profile(portal: Portal) -> dict[str, Json]:
    if not portal.behavior.owner_active:
        return {}
    owner = portal.users.get(portal.owner, {"NAME": "Sandbox", "LAST_NAME": "Owner"})
    return {
        "ID": str(portal.owner),
        "ADMIN": portal.behavior.owner_is_admin,
        "NAME": owner.get("NAME") or "",
        "LAST_NAME": owner.get("LAST_NAME") or "",
        "PERSONAL_GENDER": "",
        "TIME_ZONE": "",
    }


def _scopes(behavior: Bitrix24Behavior) -> Json:
    names = list(behavior.other_scopes)
    if behavior.scope is not Scope.MISSING:
        names.append(behavior.scope.value if behavior.scope_lists_variant else Scope.FULL.value)
    if behavior.scope_style is ScopeStyle.NUMBERED:
        return {str(number): name for number, name in enumerate(names)}
    return dict.fromkeys(names, True) if behavior.scope_style is ScopeStyle.FLAGS else names


def _department_page(params: Params, portal: Portal) -> Payload:
    if "department" not in portal.behavior.other_scopes:
        raise Bitrix24Error(errors.INSUFFICIENT_SCOPE)
    tree, rows = portal.behavior.department_tree, list(portal.departments.values())
    if tree is not DepartmentTree.SOUND:
        top, *rows = rows
        if tree is DepartmentTree.CYCLE and rows:
            rows.insert(0, {**top, "PARENT": rows[-1]["ID"]})
    start = int(params.get("START") or 0)
    following = start + PAGE if start + PAGE < len(rows) else None
    return Payload(rows[start : start + PAGE], len(rows) + portal.behavior.total_error, following)


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
        self._buckets: dict[str, deque[list[float]]] = defaultdict(deque)  # of a method: when each began, its seconds

    def book(self, method: str, seconds: float) -> None:
        buckets = self._live(method)
        if not buckets or self._clock() - buckets[-1][0] >= BUCKET_SECONDS:
            buckets.append([self._clock(), 0.0])
        buckets[-1][1] += seconds

    def used(self, method: str) -> float:
        """Seconds that count now."""
        return sum(seconds for _, seconds in self._live(method))

    def reset_at(self, method: str) -> int:
        """When the oldest bucket drops out, Unix seconds."""
        buckets = self._live(method)
        return int((buckets[0][0] if buckets else self._clock()) + WINDOW_SECONDS)

    def _live(self, method: str) -> deque[list[float]]:
        buckets = self._buckets[method]
        while buckets and self._clock() - buckets[0][0] >= WINDOW_SECONDS:
            buckets.popleft()
        return buckets
