"""The errors the portal answers with (contract 4.4)."""


class Bitrix24Error(Exception):
    """A call is refused.

    Attributes:
        status: HTTP status.
        code: the ``error`` of the envelope.
        description: its ``error_description``.
    """

    def __init__(self, status: int, code: str, description: str = "") -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.description = description

    def as_json(self) -> dict[str, str]:
        """The error envelope."""
        return {"error": self.code, "error_description": self.description}


def wrong_webhook() -> Bitrix24Error:
    """The secret or the user id of the URL is wrong."""
    return Bitrix24Error(401, "NO_AUTH_FOUND", "Wrong authorization data")


def insufficient_scope() -> Bitrix24Error:
    """The webhook lacks the scope of the method."""
    return Bitrix24Error(
        403,
        "insufficient_scope",
        "The request requires higher privileges than provided by the webhook token",
    )


def unknown_method() -> Bitrix24Error:
    """There is no such method."""
    return Bitrix24Error(404, "ERROR_METHOD_NOT_FOUND", "Method not found!")


def too_many_requests() -> Bitrix24Error:
    """The leaky bucket is full."""
    return Bitrix24Error(503, "QUERY_LIMIT_EXCEEDED", "Too many requests")


def operating_time_used_up() -> Bitrix24Error:
    """The method used its operating time."""
    return Bitrix24Error(429, "OPERATION_TIME_LIMIT", "Method is blocked due to operation time limit.")


def internal_error() -> Bitrix24Error:
    """The server broke or cut the request off."""
    return Bitrix24Error(500, "INTERNAL_SERVER_ERROR", "Internal server error")


def batch_too_long() -> Bitrix24Error:
    """More than 50 commands."""
    return Bitrix24Error(400, "ERROR_BATCH_LENGTH_EXCEEDED", "Max batch length exceeded")


def not_in_batch() -> Bitrix24Error:
    """A batch within a batch."""
    return Bitrix24Error(405, "ERROR_BATCH_METHOD_NOT_ALLOWED", "Method is not allowed for batch usage")


def bad_argument(text: str) -> Bitrix24Error:
    """A parameter cannot be read."""
    return Bitrix24Error(400, "ERROR_ARGUMENT", text)


def administrators_only() -> Bitrix24Error:
    """The webhook's owner is no administrator."""
    return Bitrix24Error(403, "ACCESS_DENIED", "Access denied: administrators only")
