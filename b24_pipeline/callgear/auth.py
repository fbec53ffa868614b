"""Authentication: a permanent key, or a login whose session is renewed when it expires (contract 1.3)."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from b24_pipeline.callgear.exceptions import AccountError


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A permanent or temporary key of the client area."""

    value: str = field(repr=False)

    def token(self) -> str:
        return self.value

    def renewed(self, refused: str) -> None:
        """There is no other key."""


@dataclass(frozen=True, slots=True)
class Login:
    """Login and password; sessions last an hour."""

    login: str = field(repr=False)
    password: str = field(repr=False)


class LoginSession:
    """Logs in when a token is needed or was refused: one thread at a time, and never again after wrong credentials."""

    def __init__(self, log_in: Callable[[], str]) -> None:
        self._log_in = log_in
        self._lock = threading.Lock()
        self._token: str | None = None
        self._refusal: AccountError | None = None

    def token(self) -> str:
        """The token of the running session.

        Raises:
            AccountError: login or password are wrong.
        """
        with self._lock:
            return self._token or self._new_token()

    def renewed(self, refused: str) -> str:
        """The token of a session other than the `refused` one's.

        Raises:
            AccountError: login or password are wrong.
        """
        with self._lock:
            if self._token is not None and self._token != refused:
                return self._token
            return self._new_token()

    def _new_token(self) -> str:
        if self._refusal is not None:
            raise AccountError(str(self._refusal), fault=self._refusal.fault)
        try:
            self._token = self._log_in()
        except AccountError as refusal:
            self._refusal = refusal
            raise
        return self._token
