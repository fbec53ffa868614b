"""The JSON-RPC entrance: envelope, account checks, points (contract 1, 3 and the order of checks in 10)."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from b24_pipeline.sandbox.account import Account
from b24_pipeline.sandbox.callgear import params as parameters
from b24_pipeline.sandbox.callgear import sessions
from b24_pipeline.sandbox.callgear.behaviour import CheckOrder, ErrorId, Metadata
from b24_pipeline.sandbox.callgear.errors import WITH_NULL_ID, WITHOUT_LIMITS, CallGearError, Mnemonic
from b24_pipeline.sandbox.callgear.methods import METHODS, Method, Result, with_metadata
from b24_pipeline.sandbox.callgear.params import NUMBER, REQUIRED_NUMBER, STRING
from b24_pipeline.sandbox.callgear.points import limit
from b24_pipeline.sandbox.responses import Answer, json_answer, refusal_answer
from b24_pipeline.sandbox.types import Json

CALLER_IP = "127.0.0.1"
SESSION_METHODS = ("login.user", "logout.user")


@dataclass(frozen=True, slots=True)
class Call:
    """A request as far as it could be read.

    Attributes:
        method: its method; empty where the request has none.
        params: its parameters, the token among them.
        request_id: its id.
        refusal: what is wrong with the envelope.
    """

    method: str
    params: dict[str, Json]
    request_id: Json = None
    refusal: Mnemonic | None = None


def read_call(body: bytes) -> Call:
    """Read a request body; a fault of the envelope is kept in the call."""
    try:
        request = json.loads(body)
    except ValueError:
        return Call("", {}, refusal=Mnemonic.PARSE_ERROR)
    if isinstance(request, list):
        return Call("", {}, refusal=Mnemonic.BATCH_OPERATIONS_NOT_SUPPORTED)
    if not isinstance(request, dict):
        return Call("", {}, refusal=Mnemonic.INVALID_REQUEST)
    method, sent = request.get("method"), request.get("params")
    call = Call(
        method if isinstance(method, str) else "",
        sent if isinstance(sent, dict) else {},
        request.get("id"),
    )
    return Call(call.method, call.params, call.request_id, _envelope_fault(request))


def _envelope_fault(request: dict[str, Json]) -> Mnemonic | None:
    if "id" not in request:
        return Mnemonic.NOTIFICATIONS_NOT_SUPPORTED
    is_whole = (
        request.get("jsonrpc") == "2.0"
        and isinstance(request["id"], str | int | float)
        and isinstance(request.get("method"), str)
        and isinstance(request.get("params"), dict)
    )
    return None if is_whole else Mnemonic.INVALID_REQUEST


class CallGearApi:
    """Answers JSON-RPC calls."""

    def __init__(self, account: Account, *, clock: Callable[[], float]) -> None:
        self._account = account
        self._clock = clock

    def answer(self, call: Call) -> Answer:
        """Check and carry out one call."""
        try:
            result = self._result(call)
        except CallGearError as refusal:
            return self.refused(call, refusal)
        return json_answer({"jsonrpc": "2.0", "id": call.request_id, "result": result})

    def refused(self, call: Call, refusal: CallGearError) -> Answer:
        """The error answer to a call."""
        return self.refused_with(call, refusal.as_json(self._error_metadata(refusal.mnemonic)), refusal.mnemonic)

    def refused_with(self, call: Call, error: dict[str, Json], mnemonic: Mnemonic | None = None) -> Answer:
        """The error answer to a call from its ``error`` member; None for a mnemonic unknown here."""
        behaviour = self._account.behaviour
        hides_id = behaviour.error_id is ErrorId.ALWAYS_NULL or mnemonic in WITH_NULL_ID
        envelope = {"jsonrpc": "2.0", "id": None if hides_id else call.request_id, "error": error}
        return refusal_answer(envelope, status=behaviour.error_http_status)

    def limits(self) -> dict[str, int]:
        """The ``metadata.limits`` of now."""
        return self._account.points.limits(self._account.behaviour)

    def _error_metadata(self, mnemonic: Mnemonic) -> dict[str, Json]:
        return {} if mnemonic in WITHOUT_LIMITS else self._metadata(None)

    def _result(self, call: Call) -> Json:
        if call.refusal is not None:
            raise CallGearError(call.refusal)
        if call.method in SESSION_METHODS:
            return self._session_result(call)
        method = METHODS.get(call.method)
        if method is None:
            raise CallGearError(Mnemonic.METHOD_NOT_FOUND)
        self._check_account(call)
        self._check_allowed(method)
        self._check_points()
        result = method.run(self._account, self._checked_params(call, method))
        self._account.points.charge()
        return self._shaped(result)

    def _session_result(self, call: Call) -> Json:
        self._check_ip()
        if call.method == "logout.user":
            token = call.params.get("access_token")
            sessions.check_token(self._account, token, now=self._clock())
            sessions.log_out(self._account, token)
            return with_metadata({})(None)
        parameters.check(call.params, sessions.LOGIN_USER)
        return with_metadata(sessions.log_in(self._account, call.params, now=self._clock()))(None)

    def _check_account(self, call: Call) -> None:
        checks = [lambda: self._check_token(call), self._check_ip]
        if self._account.behaviour.check_order is CheckOrder.IP_FIRST:
            checks.reverse()
        for check in checks:
            check()
        if not self._account.behaviour.account_active:
            raise CallGearError(Mnemonic.ACCOUNT_INACTIVE)

    def _check_token(self, call: Call) -> None:
        sessions.check_token(self._account, call.params.get("access_token"), now=self._clock())

    def _check_ip(self) -> None:
        if not self._account.behaviour.ip_whitelisted:
            raise ip_not_whitelisted()

    def _check_allowed(self, method: Method) -> None:
        behaviour = self._account.behaviour
        if method.right is not None and method.right not in behaviour.rights:
            raise CallGearError(Mnemonic.FORBIDDEN)
        if method.component is not None and method.component not in behaviour.components:
            raise CallGearError(Mnemonic.METHOD_COMPONENT_DISABLED, params={"components": [str(method.component)]})

    def _check_points(self) -> None:
        behaviour = self._account.behaviour
        budget = self._account.points.exceeded(behaviour)
        if budget is not None:
            raise limit_exceeded(str(budget), limit(budget, behaviour))

    def _checked_params(self, call: Call, method: Method) -> dict[str, Json]:
        user_id = REQUIRED_NUMBER if self._account.behaviour.is_agent else NUMBER
        parameters.check(call.params, {**method.params, "access_token": STRING, "user_id": user_id})
        return {name: value for name, value in call.params.items() if name not in ("access_token", "user_id")}

    def _shaped(self, result: Result) -> Json:
        if self._account.behaviour.metadata is Metadata.MISSING:
            return result.shaped(None)
        return result.shaped(self._metadata(result.total_items))

    def _metadata(self, total_items: int | None) -> dict[str, Json]:
        behaviour = self._account.behaviour
        if behaviour.metadata is Metadata.MISSING:
            return {}
        shown = behaviour.metadata is Metadata.PRESENT
        metadata: dict[str, Json] = {"limits": self.limits() if shown else {}}
        if total_items is not None:
            metadata["total_items"] = total_items
        return metadata


def ip_not_whitelisted() -> CallGearError:
    """The caller's address is not in the list."""
    return CallGearError(Mnemonic.IP_NOT_WHITELISTED, params={"ip": CALLER_IP})


def limit_exceeded(limit_type: str, most: int) -> CallGearError:
    """A budget has no point left."""
    return CallGearError(Mnemonic.LIMIT_EXCEEDED, params={"limit_type": limit_type, "limit_max_value": most})
