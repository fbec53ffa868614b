"""What the sandbox sends back, or does in place of an answer."""

import json
from dataclasses import dataclass, field, replace
from enum import Enum

from b24_pipeline.sandbox.values import Json


class Delivery(Enum):
    """What becomes of the connection."""

    ANSWERED = "the whole answer is sent"
    CUT = "half of the body is sent, then the connection is closed"
    CLOSED = "the connection is closed without an answer"
    RESET = "the connection is reset without an answer"
    SILENT = "nothing is sent and the connection stays open"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer and its fate.

    Attributes:
        acted: the request was carried out; False for an error answer.
    """

    status: int
    body: bytes
    content_type: str
    headers: dict[str, str] = field(default_factory=dict)
    delivery: Delivery = Delivery.ANSWERED
    acted: bool = True


def json_answer(value: Json, *, status: int = 200) -> Answer:
    """A JSON answer with the content type both systems send."""
    body = json.dumps(value, separators=(",", ":")).encode()
    return Answer(status=status, body=body, content_type="application/json; charset=utf-8")


def refusal_answer(value: Json, *, status: int) -> Answer:
    """The JSON answer to a request that was not carried out."""
    return replace(json_answer(value, status=status), acted=False)


def html_answer(status: int, title: str) -> Answer:
    """The page of a web server in front of the real thing."""
    body = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>".encode()
    return Answer(status=status, body=body, content_type="text/html")
