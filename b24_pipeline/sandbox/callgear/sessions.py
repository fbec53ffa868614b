"""The permanent key and sessions (contract 1.3)."""

from b24_pipeline.sandbox.account import Account
from b24_pipeline.sandbox.callgear.errors import CallGearError, Mnemonic
from b24_pipeline.sandbox.callgear.params import REQUIRED_STRING
from b24_pipeline.sandbox.types import Json

ACCESS_TOKEN = "sandbox-access-token-0123456789"  # noqa: S105 - it opens nothing but the sandbox
LOGIN = "sandbox"
PASSWORD = "sandbox-password"  # noqa: S105 - as above
LOGIN_USER = {"login": REQUIRED_STRING, "password": REQUIRED_STRING}


def check_token(account: Account, token: Json, *, now: float) -> None:
    """Check a key or a session.

    Raises:
        CallGearError: it is missing, unknown, blocked or past its time.
    """
    if token == ACCESS_TOKEN:
        refusal = account.behavior.token_refusal
    elif token not in account.sessions:
        refusal = Mnemonic.ACCESS_TOKEN_INVALID
    else:
        refusal = account.behavior.expired_session if account.sessions[token] <= now else None
    if refusal is not None:
        raise CallGearError(refusal, field="access_token")


def log_in(account: Account, params: dict[str, Json], *, now: float) -> dict[str, Json]:
    """Open a session and return the ``data`` of the answer.

    Raises:
        CallGearError: a wrong login or password.
    """
    if (params["login"], params["password"]) != (LOGIN, PASSWORD):
        raise CallGearError(Mnemonic.AUTH_ERROR)
    token = f"sandbox-session-{len(account.sessions) + 1}"
    expires = now + account.behavior.session_seconds
    account.sessions[token] = expires
    return {"access_token": token, "expire_at": int(expires), "app_id": account.behavior.app_id}
