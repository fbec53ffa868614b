"""Exceptions of the Bitrix24 client, by what a caller does about them.

    Bitrix24Error
    ├── RetryableError          it may work later; harmless to repeat, because everything here only reads
    │   ├── RateLimited         refused before execution: too many requests a second
    │   ├── OperationLimit      refused before execution: the method has used up its ten minutes' time
    │   ├── ServerError         the portal failed, or a gateway in front of it
    │   └── TransportError      no answer, or an answer that broke on its way
    ├── AccountError            nothing works until a person has acted; the text says what to do
    ├── RequestError            the request itself is wrong: a fault of this program
    └── IncompleteFetchError    R16a: the portal answered, but what it answered cannot be all its users

No text here holds an address or a secret: they name the method and what happened.
"""


class Bitrix24Error(Exception):
    """Anything that keeps Bitrix24 from being read."""


class RetryableError(Bitrix24Error):
    """It may work later, and is harmless to repeat, because everything here only reads.

    `first_pause` is what to wait before the first repetition, in seconds.
    """

    def __init__(self, text: str, *, first_pause: float = 1.0) -> None:
        super().__init__(text)
        self.first_pause = first_pause


class RateLimited(RetryableError):  # noqa: N818 - a state, not a fault
    """Too many requests a second (contract 4.1); refused before execution."""


class OperationLimit(RetryableError):  # noqa: N818 - a state, not a fault
    """The method's execution time is used up (contract 4.2); `resets_at` is a Unix second, None when not told.

    `first_pause` is the length of a bucket: what is waited when the reset is not told, or has not helped.
    """

    resets_at: float | None = None

    def __init__(self, text: str) -> None:
        super().__init__(text, first_pause=60.0)


class ServerError(RetryableError):
    """The portal or a gateway failed."""


class TransportError(RetryableError):
    """No answer in time, a broken connection, or a body that is not what was announced."""


class AccountError(Bitrix24Error):
    """The webhook, its owner, its scope or the portal's plan: nothing works until a person has done what is said."""


class RequestError(Bitrix24Error):
    """The request is malformed or the portal does not know it: a fault of this program."""


class IncompleteFetchError(Bitrix24Error):
    """R16a: what was read cannot be trusted to be everybody; the text is the reason in words."""
