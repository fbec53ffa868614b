"""Credentials: a permanent key, or a login whose session is renewed when it expires (contract 1.3)."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A permanent or temporary key of the client area."""

    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Login:
    """Login and password; sessions last an hour."""

    login: str = field(repr=False)
    password: str = field(repr=False)
