"""What the sandbox sends back, or does in place of an answer."""

import json
from dataclasses import dataclass, field
from enum import Enum

from b24_pipeline.sandbox.types import Json


class Delivery(Enum):
    """What becomes of the connection."""

    ANSWERED = "the whole answer is sent"
    CUT = "half of the body is sent, then the connection is closed"
    CLOSED = "the connection is closed without an answer"
    RESET = "the connection is reset without an answer"
    SILENT = "nothing is sent and the connection stays open"
    HEADERS_DRIP = "headers are sent byte by byte, without end"
    ENDLESS_PROCESSING = "102 Processing is sent without end"
    BODY_DRIPS = "the headers are sent, then blanks one by one, without end"
    FALLS_SILENT = "half of the body is sent and the connection stays open"
    ENDLESS = "the headers are sent, then a body without end"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer and its fate; `acted` is False for an error answer, whose request was not carried out."""

    status: int
    body: bytes
    content_type: str
    headers: dict[str, str] = field(default_factory=dict)
    delivery: Delivery = Delivery.ANSWERED
    acted: bool = True


def json_answer(value: Json, *, status: int = 200, acted: bool = True) -> Answer:
    """A JSON answer with the content type both systems send."""
    body = json.dumps(value, separators=(",", ":")).encode()
    return Answer(status=status, body=body, content_type="application/json; charset=utf-8", acted=acted)
