"""The JSON-RPC entrance: envelope, key or session, account, points (contract 1, 3 and the order of checks in 10)."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from b24_pipeline.sandbox.account import Account
from b24_pipeline.sandbox.callgear import params as parameters
from b24_pipeline.sandbox.callgear.behavior import Metadata
from b24_pipeline.sandbox.callgear.errors import WITH_NULL_ID, WITHOUT_LIMITS, CallGearError, Mnemonic
from b24_pipeline.sandbox.callgear.methods import METHODS, Method
from b24_pipeline.sandbox.callgear.params import NUMBER, REQUIRED_NUMBER, REQUIRED_STRING, STRING
from b24_pipeline.sandbox.responses import Answer, json_answer
from b24_pipeline.sandbox.types import Json

ACCESS_TOKEN = "sandbox-access-token-0123456789"  # noqa: S105 - it opens nothing but the sandbox
LOGIN = "sandbox"
PASSWORD = "sandbox-password"  # noqa: S105 - as above


@dataclass(frozen=True, slots=True)
class Call:
    """A JSON-RPC request, the token among its parameters; without a method where the envelope is broken."""

    method: str = ""
    params: dict[str, Json] = field(default_factory=dict)
    request_id: Json = None


def read_call(body: bytes) -> Call:
    try:
        request = json.loads(body)
        return Call(str(request["method"]), dict(request["params"]), request["id"])
    except (ValueError, KeyError, TypeError):
        return Call()


class CallGearApi:
    def __init__(self, account: Account, *, clock: Callable[[], float]) -> None:
        self._account = account
        self._clock = clock

    def answer(self, call: Call) -> Answer:
        try:
            result = self._result(call)
        except CallGearError as refusal:
            return self.refused(call, refusal)
        return json_answer({"jsonrpc": "2.0", "id": call.request_id, "result": result})

    def refused(self, call: Call, refusal: CallGearError) -> Answer:
        metadata = {} if refusal.mnemonic in WITHOUT_LIMITS else self._metadata(None)
        return self.refused_with(call, refusal.as_json(metadata), refusal.mnemonic)

    def refused_with(self, call: Call, error: dict[str, Json], mnemonic: Mnemonic | None = None) -> Answer:
        """The error answer to a call from its ``error`` member; None for a mnemonic unknown here."""
        behavior = self._account.behavior
        hides_id = not behavior.echoes_error_id or mnemonic in WITH_NULL_ID
        envelope = {"jsonrpc": "2.0", "id": None if hides_id else call.request_id, "error": error}
        return json_answer(envelope, status=behavior.error_http_status, acted=False)

    def limits(self) -> dict[str, int]:
        return self._account.points.limits(self._account.behavior)

    def _result(self, call: Call) -> Json:
        if not call.method:
            raise CallGearError(Mnemonic.INVALID_REQUEST)
        if call.method == "login.user":
            return self._log_in(call)
        method = METHODS.get(call.method)
        if method is None:
            raise CallGearError(Mnemonic.METHOD_NOT_FOUND)
        self._check_access(call.params.get("access_token"), method)
        limits = self.limits()
        for budget in ("day", "minute"):
            if limits[f"{budget}_remaining"] == 0:
                raise limit_exceeded(budget, limits[f"{budget}_limit"])
        user_id = REQUIRED_NUMBER if self._account.behavior.is_agent else NUMBER
        parameters.check(call.params, {**method.params, "access_token": STRING, "user_id": user_id})
        params = {name: value for name, value in call.params.items() if name not in ("access_token", "user_id")}
        result = method.run(self._account, params)
        self._account.points.charge()
        if result.is_bare:
            return result.data
        metadata = self._metadata(result.total_items)
        return {"metadata": metadata, "data": result.data} if metadata else {"data": result.data}

    def _log_in(self, call: Call) -> Json:
        self._check_ip()
        parameters.check(call.params, {"login": REQUIRED_STRING, "password": REQUIRED_STRING})
        if (call.params["login"], call.params["password"]) != (LOGIN, PASSWORD):
            raise CallGearError(Mnemonic.AUTH_ERROR)
        sessions, behavior = self._account.sessions, self._account.behavior
        token = f"sandbox-session-{len(sessions) + 1}"
        sessions[token] = self._clock() + behavior.session_seconds
        return {"data": {"access_token": token, "expire_at": int(sessions[token]), "app_id": behavior.app_id}}

    def _check_access(self, token: Json, method: Method) -> None:
        """Refuse a bad key or session (contract 1.3), a caller, an account, then a missing right or component."""
        behavior, sessions = self._account.behavior, self._account.sessions
        if behavior.checks_ip_first:
            self._check_ip()
        if token == ACCESS_TOKEN:
            refusal = behavior.token_refusal
        elif token not in sessions:
            refusal = Mnemonic.ACCESS_TOKEN_INVALID
        else:
            refusal = behavior.expired_session if sessions[token] <= self._clock() else None
        if refusal is not None:
            raise CallGearError(refusal, field="access_token")
        self._check_ip()
        if not behavior.account_active:
            raise CallGearError(Mnemonic.ACCOUNT_INACTIVE)
        if method.right is not None and method.right not in behavior.rights:
            raise CallGearError(Mnemonic.FORBIDDEN)
        if method.component is not None and method.component not in behavior.components:
            raise CallGearError(Mnemonic.METHOD_COMPONENT_DISABLED, params={"components": [str(method.component)]})

    def _check_ip(self) -> None:
        if not self._account.behavior.ip_whitelisted:
            raise ip_not_whitelisted()

    def _metadata(self, total_items: int | None) -> dict[str, Json]:
        behavior = self._account.behavior
        if behavior.metadata is Metadata.MISSING:
            return {}
        shown = behavior.metadata is Metadata.PRESENT
        metadata: dict[str, Json] = {"limits": self.limits() if shown else {}}
        if total_items is not None:
            metadata["total_items"] = total_items
        return metadata


def ip_not_whitelisted() -> CallGearError:
    return CallGearError(Mnemonic.IP_NOT_WHITELISTED, params={"ip": "127.0.0.1"})


def limit_exceeded(limit_type: str, most: int) -> CallGearError:
    return CallGearError(Mnemonic.LIMIT_EXCEEDED, params={"limit_type": limit_type, "limit_max_value": most})
