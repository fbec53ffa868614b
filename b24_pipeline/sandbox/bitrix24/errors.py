"""The errors the portal answers with (contract 4.4)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error answer: its HTTP status, the ``error`` of the envelope and its ``error_description``."""

    status: int
    code: str
    description: str = ""


class Bitrix24Error(Exception):
    """A call is refused: raised by what carries it out, and answered by the entrance or in the batch."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


WRONG_WEBHOOK = Refusal(401, "NO_AUTH_FOUND", "Wrong authorization data")
INSUFFICIENT_SCOPE = Refusal(
    403, "insufficient_scope", "The request requires higher privileges than provided by the webhook token"
)
UNKNOWN_METHOD = Refusal(404, "ERROR_METHOD_NOT_FOUND", "Method not found!")
TOO_MANY_REQUESTS = Refusal(503, "QUERY_LIMIT_EXCEEDED", "Too many requests")
OPERATING_TIME_USED_UP = Refusal(429, "OPERATION_TIME_LIMIT", "Method is blocked due to operation time limit.")
INTERNAL_ERROR = Refusal(500, "INTERNAL_SERVER_ERROR", "Internal server error")
BATCH_TOO_LONG = Refusal(400, "ERROR_BATCH_LENGTH_EXCEEDED", "Max batch length exceeded")
ADMINISTRATORS_ONLY = Refusal(403, "ACCESS_DENIED", "Access denied: administrators only")


def bad_argument(text: str) -> Bitrix24Error:
    return Bitrix24Error(Refusal(400, "ERROR_ARGUMENT", text))
